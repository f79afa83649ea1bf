// The kernels of m⊙w and its relatives on a device; formulas and arguments are those of the CPU twins in
// mask_weight/. A layer is n numbers, f32 or f64, of the type that the name ends in.
//
// No product is fused with an addition (compile with --fmad=false, or -ffp-contract=off on a host), divisions
// and square roots are correctly rounded: the bits are those of the twin. Every loop strides over the
// grid, so any launch shape is right; there are no barriers and no atomics.
//
// Sums go as in the twin: a thread has a lane of a chunk (chunks of 16384, 32 lanes), `fold_lanes` adds the
// lanes of each chunk in halves, and `add_neighbours` at distance 1, 2, 4, … the chunks.

namespace mask_weight {

#define FN __device__ static inline

typedef unsigned long long u64;
typedef unsigned int u32;
typedef unsigned char u8;

#define CHUNK 16384ll
#define SUM_LANES 32ll

FN u64 bits_of(double v) { return (u64)__double_as_longlong(v); }
FN u32 bits_of(float v) { return __float_as_uint(v); }
FN double absolute(double v) { return __longlong_as_double((long long)(bits_of(v) & ~(1ull << 63))); }
FN float absolute(float v) { return __uint_as_float(bits_of(v) & 0x7FFFFFFFu); }
FN double copy_sign(double size, double sign) {
    const u64 top = 1ull << 63;
    return __longlong_as_double((long long)((bits_of(size) & ~top) | (bits_of(sign) & top)));
}
FN float copy_sign(float size, float sign) {
    return __uint_as_float((bits_of(size) & 0x7FFFFFFFu) | (bits_of(sign) & 0x80000000u));
}
FN bool finite(double v) { return bits_of(absolute(v)) < 0x7FF0000000000000ull; }
FN bool finite(float v) { return bits_of(absolute(v)) < 0x7F800000u; }
FN u64 magnitude(double v) { return bits_of(absolute(v)); }
FN u64 magnitude(float v) { return bits_of(absolute(v)); }

// This thread, and all of them.
FN long long first_of_grid() { return (long long)blockIdx.x * blockDim.x + threadIdx.x; }
FN long long stride_of_grid() { return (long long)gridDim.x * blockDim.x; }

// e^v = 2^k e^r: elementary.rs.
FN float power_of_two(float k) { return __uint_as_float(bits_of(k + 8388735.0f) << 23); }
FN float exponential(float v) {
    v = v > 100.0f ? 100.0f : v;
    v = v < -110.0f ? -110.0f : v;
    const float k = (v * 1.44269504f + 12582912.0f) - 12582912.0f;
    const float h = v - k * 0.69314575f;
    const float low = k * 1.4286068e-6f;
    const float r = h - low;
    float p = 0.0001989103f;
    p = p * r + 0.0013933686f;
    p = p * r + 0.008333311f;
    p = p * r + 0.041666463f;
    p = p * r + 0.16666667f;
    p = p * r + 0.5f;
    const float e = 1.0f + (h + (r * r * p - low));
    float first = k > 126.0f ? 126.0f : k;
    first = first < -126.0f ? -126.0f : first;
    return e * power_of_two(first) * power_of_two(k - first);
}

// As vector.rs, not fused: e^(hi + lo).
FN double power_of_two(double k) {
    return __longlong_as_double((long long)(bits_of(k + 4503599627371519.0) << 52));
}
FN double exponential(double hi, double lo) {
    lo = absolute(hi) < 1400.0 ? lo : 0.0;
    hi = hi > 1400.0 ? 1400.0 : hi;
    hi = hi < -1400.0 ? -1400.0 : hi;
    const double k = (hi * 1.4426950408889634 + 6755399441055744.0) - 6755399441055744.0;
    const double r = (-k * 1.9082149292705877e-10 + (-k * 0.6931471803691238 + hi)) + lo;
    double p = 2.5110130323222028e-08;
    p = p * r + 2.762020157262752e-07;
    p = p * r + 2.7557242117466096e-06;
    p = p * r + 2.4801521057819133e-05;
    p = p * r + 0.00019841269886791807;
    p = p * r + 0.0013888888917367246;
    p = p * r + 0.008333333333322139;
    p = p * r + 0.04166666666662382;
    p = p * r + 0.16666666666666674;
    p = p * r + 0.5000000000000001;
    const double e = 1.0 + (r * r * p + r);
    double first = k > 1020.0 ? 1020.0 : k;
    first = first < -1020.0 ? -1020.0 : first;
    return e * power_of_two(first) * power_of_two(k - first);
}
FN double exponential(double v) { return exponential(v, 0.0); }

// σ(v), and σ(1 − σ) into `slope`.
template <class T> FN T sigmoid(T v, T* slope) {
    const T e = exponential(-absolute(v));
    const T top = (T)1 / ((T)1 + e);
    const T bottom = e * top;
    *slope = bottom * top;
    return v < (T)0 ? bottom : top;
}

// x = m⊙w.
template <class T> FN void product(long long n, const T* m, const T* w, T* x) {
    for (long long i = first_of_grid(); i < n; i += stride_of_grid()) x[i] = m[i] * w[i];
}
template <class T>
FN void product_backward(long long n, const T* m, const T* w, const T* g, T* g_m, T* g_w) {
    for (long long i = first_of_grid(); i < n; i += stride_of_grid()) {
        g_m[i] = g[i] * w[i];
        g_w[i] = g[i] * m[i];
    }
}
template <class T> FN void apply_mask(long long n, const u8* keep, T* x) {
    for (long long i = first_of_grid(); i < n; i += stride_of_grid()) x[i] = keep[i] ? x[i] : (T)0;
}

// An optimiser: what Momentum and Moments of optimizer.rs hold, as doubles, computed by the host.
//   0  p −= rate·g
//   1  b = momentum·b + g; p −= rate(own·g + kept·b)            momentum, own, kept = a, b, c
//   2  Adam: gain, keep_square, gain_square, correction, epsilon = a … e; rate is η/(1 − β₁ᵗ)
// `shrink` and `coupled` are the quadratic penalty.
template <class T> struct Rule {
    int kind;
    T rate, a, b, c, d, e, shrink, coupled;
    __device__ T step(T p, T g, T* first, T* second) const {
        if (kind == 0) return p - rate * g;
        if (kind == 1) {
            *first = a * *first + g;
            return p - rate * (b * g + c * *first);
        }
        *first = *first + a * (g - *first);
        *second = b * *second + c * g * g;
        return p - rate * *first / (sqrt(*second) * d + e);
    }
};
template <class T> FN Rule<T> rule_of(int kind, const double* numbers) {
    return {kind, (T)numbers[0], (T)numbers[1], (T)numbers[2], (T)numbers[3],
            (T)numbers[4], (T)numbers[5], (T)numbers[6], (T)numbers[7]};
}

// g + the gradient of c|v|; at 0 the subgradient of least norm.
template <class T> FN T with_l1(T g, T v, T c) {
    if (v != (T)0 || v != v) return g + copy_sign(c, v);
    const T low = g < -c ? -c : g;
    return g - (low > c ? c : low);
}

// The fused step. States that the rule has not, and `keep` for no mask, are null; `bad` becomes 1 where a
// number written is not finite.
template <class T>
FN void update_factors(long long n, int kind, const double* numbers, double mask_l1, double l1, T* m,
                       T* w, T* m1, T* m2, T* w1, T* w2, const T* g, const u8* keep, T* x, int* bad) {
    const Rule<T> rule = rule_of<T>(kind, numbers);
    bool over = false;
    for (long long i = first_of_grid(); i < n; i += stride_of_grid()) {
        const bool kept = !keep || keep[i];
        const T vm = m[i], vw = w[i];
        const T slope = kept ? with_l1(g[i], vm * vw, (T)l1) : (T)0;
        const T gm = with_l1(slope * vw + rule.coupled * vm, vm, (T)mask_l1);
        const T gw = slope * vm + rule.coupled * vw;
        T am = m1 ? m1[i] : (T)0, aw = w1 ? w1[i] : (T)0;
        T bm = m2 ? m2[i] : (T)0, bw = w2 ? w2[i] : (T)0;
        const T to_m = rule.step(rule.shrink * vm, gm, &am, &bm);
        const T to_w = rule.step(rule.shrink * vw, gw, &aw, &bw);
        const T to_x = kept ? to_m * to_w : (T)0;
        m[i] = to_m;
        w[i] = to_w;
        x[i] = to_x;
        if (m1) m1[i] = am;
        if (w1) w1[i] = aw;
        if (m2) m2[i] = bm;
        if (w2) w2[i] = bw;
        over |= !finite(to_m) | !finite(to_w) | !finite(to_x);
        over |= !finite(am) | !finite(aw) | !finite(bm) | !finite(bw);
    }
    if (over) *bad = 1;
}

template <class T>
FN void update_plain(long long n, int kind, const double* numbers, double l1, T* x, T* x1, T* x2,
                     const T* g, const u8* keep, int* bad) {
    const Rule<T> rule = rule_of<T>(kind, numbers);
    bool over = false;
    for (long long i = first_of_grid(); i < n; i += stride_of_grid()) {
        const bool kept = !keep || keep[i];
        const T v = x[i];
        const T slope = with_l1(g[i] + rule.coupled * v, v, (T)l1);
        T a = x1 ? x1[i] : (T)0, b = x2 ? x2[i] : (T)0;
        T to = rule.step(rule.shrink * v, slope, &a, &b);
        to = kept ? to : (T)0;
        a = kept ? a : (T)0;
        b = kept ? b : (T)0;
        x[i] = to;
        if (x1) x1[i] = a;
        if (x2) x2[i] = b;
        over |= !finite(to) | !finite(a) | !finite(b);
    }
    if (over) *bad = 1;
}

// √(|β|/2 + √(β²/4 + x²)), a power of 4 taken out.
FN double larger(double x, double beta) {
    double half = 0.5 * absolute(beta), size = absolute(x), scale = 1.0, back = 1.0;
    const double top = half > size ? half : size;
    if (top > 3.3519519824856493e+153) { // 2^510: times 2^-520, 2^260
        scale = 2.913414348125081e-157;
        back = 1.8526734277970591e78;
    }
    if (top < 5.0052077379577523e-147) { // 2^-486: times 2^600, 2^-300
        scale = 4.149515568880993e180;
        back = 4.909093465297727e-91;
    }
    half *= scale;
    size *= scale;
    return sqrt(half + sqrt(half * half + size * size)) * back;
}
template <class T> FN void factors(double x, double beta, T* m, T* w) {
    const T large = (T)larger(x, beta);
    const double divisor = (double)large;
    const T small = (T)(divisor == 0.0 ? 0.0 : absolute(x) / divisor);
    *m = beta < 0.0 ? small : large;
    *w = beta < 0.0 ? large : small;
}
template <class T> FN void factor_start(long long n, double beta, const T* x, T* m, T* w) {
    for (long long i = first_of_grid(); i < n; i += stride_of_grid()) {
        T to_m, to_w;
        factors((double)x[i], beta, &to_m, &to_w);
        m[i] = to_m;
        w[i] = copy_sign(to_w, x[i]);
    }
}
template <class T> FN void rescale(long long n, double beta, T* m, T* w) {
    for (long long i = first_of_grid(); i < n; i += stride_of_grid()) {
        T to_m, to_w;
        factors((double)m[i] * (double)w[i], beta, &to_m, &to_w);
        m[i] = copy_sign(to_m, m[i]);
        w[i] = copy_sign(to_w, w[i]);
    }
}

// STR; `cut` is σ(s), from the host.
template <class T> FN void soft_threshold(long long n, double cut, const T* theta, T* x) {
    for (long long i = first_of_grid(); i < n; i += stride_of_grid()) {
        const T over = absolute(theta[i]) - (T)cut;
        x[i] = copy_sign(over <= (T)0 ? (T)0 : over, theta[i]);
    }
}
// The lanes of Σ sign(θ) g over the support into `sums`, 32 for each chunk.
template <class T>
FN void soft_threshold_backward(long long n, double cut, const T* theta, const T* g, T* g_theta,
                                double* sums) {
    const long long places = (n + CHUNK - 1) / CHUNK * SUM_LANES;
    for (long long p = first_of_grid(); p < places; p += stride_of_grid()) {
        const long long start = p / SUM_LANES * CHUNK;
        const long long end = start + CHUNK < n ? start + CHUNK : n;
        double sum = 0.0;
        for (long long i = start + p % SUM_LANES; i < end; i += SUM_LANES) {
            const T slope = absolute(theta[i]) <= (T)cut ? (T)0 : g[i];
            g_theta[i] = slope;
            sum += theta[i] < (T)0 ? -(double)slope : (double)slope;
        }
        sums[p] = sum;
    }
}

// x ← x exp(−pull sign(x) g − decay), pull = ηα, decay = ηβ.
template <class T> FN void ham_step(long long n, double pull, double decay, const T* g, T* x) {
    for (long long i = first_of_grid(); i < n; i += stride_of_grid()) {
        const T v = x[i];
        const T along = v < (T)0 ? -g[i] : g[i];
        T exponent = -((T)pull * along) - (T)decay;
        exponent = exponent > (T)5 ? (T)5 : exponent;
        exponent = exponent < (T)-5 ? (T)-5 : exponent;
        x[i] = v * exponential(exponent);
    }
}

// a·b exactly (Dekker).
FN double two_product(double a, double b, double* error) {
    const double big_a = 134217729.0 * a, big_b = 134217729.0 * b;
    const double ah = big_a - (big_a - a), bh = big_b - (big_b - b);
    const double al = a - ah, bl = b - bh, product = a * b;
    *error = al * bl - (((product - ah * bh) - al * bh) - ah * bl);
    return product;
}
FN double two_sum(double a, double b, double* error) {
    const double s = a + b, t = s - a;
    *error = (a - (s - t)) + (b - t);
    return s;
}
// log v as a sum of two doubles: power.rs.
FN double logarithm(double v, double* low) {
    const bool small = v < 2.2250738585072014e-308;
    const u64 bits = bits_of(small ? v * 18014398509481984.0 : v);
    const long long whole = (long long)(bits - 0x3FE6A09E667F3BCDull) >> 52;
    const double z = __longlong_as_double((long long)(bits - ((u64)whole << 52)));
    const double k = (double)whole - (small ? 54.0 : 0.0);
    const double f = z - 1.0;
    double t_low, error, rest;
    const double t = two_sum(2.0, f, &t_low);
    const double s = f / t;
    const double product = two_product(s, t, &error);
    const double s_low = (((f - product) - error) - s * t_low) / t;
    const double square = s * s;
    double p = 2.0 / 25.0;
    for (int odd = 23; odd >= 3; odd -= 2) p = p * square + 2.0 / odd;
    const double tail = s * square * p;
    const double high = two_sum(k * 0.6931471803691238, 2.0 * s, &rest);
    rest = rest + ((k * 1.9082149292705877e-10 + 2.0 * s_low) + tail);
    return two_sum(high, rest, low);
}
// log v of a normal v, enough for f32.
FN double short_logarithm(double v) {
    const u64 bits = bits_of(v);
    const long long whole = (long long)(bits - 0x3FE6A09E667F3BCDull) >> 52;
    const double f = __longlong_as_double((long long)(bits - ((u64)whole << 52))) - 1.0;
    const double s = f / (2.0 + f);
    const double square = s * s;
    double p = 2.0 / 13.0;
    for (int odd = 11; odd >= 3; odd -= 2) p = p * square + 2.0 / odd;
    return (double)whole * 0.6931471805599453 + (2.0 * s + s * square * p);
}
// v^q, v >= 0, to the accuracy of T.
template <class T> FN double positive_power(double v, double q) {
    const bool inside = v > 0.0 && v < __longlong_as_double(0x7FF0000000000000ll);
    const double base = inside ? v : 1.0;
    double product, rest = 0.0;
    if (sizeof(T) < sizeof(double)) {
        product = q * short_logarithm(base);
    } else {
        double low, error;
        const double high = logarithm(base, &low);
        product = two_product(q, high, &error);
        rest = error + q * low;
    }
    const double found = exponential(product, rest);
    return inside || q == 0.0 ? found : v;
}
// x = θ|θ|^{p−1}.
template <class T> FN void power(long long n, double p, const T* theta, T* x) {
    for (long long i = first_of_grid(); i < n; i += stride_of_grid()) {
        const T v = theta[i];
        if (p == 1.0) x[i] = v;
        else if (p == 2.0) x[i] = v * absolute(v);
        else if (p == 3.0) x[i] = v * (v * v);
        else x[i] = (T)copy_sign(positive_power<T>((double)absolute(v), p), (double)v);
    }
}
template <class T>
FN void power_backward(long long n, double p, const T* theta, const T* g, T* g_theta) {
    for (long long i = first_of_grid(); i < n; i += stride_of_grid()) {
        const T v = theta[i];
        T slope;
        if (p == 1.0) slope = (T)1;
        else if (p == 2.0) slope = (T)2 * absolute(v);
        else if (p == 3.0) slope = (T)3 * (v * v);
        else slope = (T)(p * positive_power<T>((double)absolute(v), p - 1.0));
        g_theta[i] = g[i] * slope;
    }
}

// x = σ(βs)⊙w.
template <class T>
FN void sigmoid_mask(long long n, double beta, const T* s, const T* w, T* x) {
    for (long long i = first_of_grid(); i < n; i += stride_of_grid()) {
        T slope;
        x[i] = sigmoid((T)beta * s[i], &slope) * w[i];
    }
}
template <class T>
FN void sigmoid_mask_backward(long long n, double beta, double lambda, const T* s, const T* w,
                              const T* g, T* g_s, T* g_w) {
    for (long long i = first_of_grid(); i < n; i += stride_of_grid()) {
        T slope;
        const T value = sigmoid((T)beta * s[i], &slope);
        g_w[i] = g[i] * value;
        g_s[i] = (T)beta * slope * (g[i] * w[i] + (T)lambda);
    }
}
template <class T> FN void hard_mask(long long n, const T* s, u8* keep) {
    for (long long i = first_of_grid(); i < n; i += stride_of_grid()) keep[i] = s[i] > (T)0 ? 1 : 0;
}

// How many of those whose magnitude agrees with `prefix` above bit `high` have each of the 16 digits in
// bits low..high (at most 4); counts is 16 for each lane of each chunk. The host adds and chooses.
template <class T>
FN void digit_counts(long long n, int low, int high, u64 prefix, const T* x, u32* counts) {
    const long long places = (n + CHUNK - 1) / CHUNK * SUM_LANES;
    const u64 digit = (1ull << (high - low)) - 1;
    for (long long p = first_of_grid(); p < places; p += stride_of_grid()) {
        const long long start = p / SUM_LANES * CHUNK;
        const long long end = start + CHUNK < n ? start + CHUNK : n;
        u32 of_digit[16] = {0};
        for (long long i = start + p % SUM_LANES; i < end; i += SUM_LANES) {
            const u64 bits = magnitude(x[i]);
            if (bits >> high == prefix) of_digit[(bits >> low) & digit]++;
        }
        for (int k = 0; k < 16; k++) counts[p * 16 + k] = of_digit[k];
    }
}
// The mask of a cut: magnitudes of at least `bits` up to index `end`, above `bits` from there on.
template <class T> FN void write_mask(long long n, u64 bits, long long end, const T* x, u8* keep) {
    for (long long i = first_of_grid(); i < n; i += stride_of_grid()) {
        keep[i] = magnitude(x[i]) >= bits + (i < end ? 0 : 1) ? 1 : 0;
    }
}

// The lanes of ‖x‖₁, ‖x‖², and zeros, 32 for each chunk.
template <class T>
FN void measure(long long n, const T* x, double* l1, double* l2, u32* zeros) {
    const long long places = (n + CHUNK - 1) / CHUNK * SUM_LANES;
    for (long long p = first_of_grid(); p < places; p += stride_of_grid()) {
        const long long start = p / SUM_LANES * CHUNK;
        const long long end = start + CHUNK < n ? start + CHUNK : n;
        double first = 0.0, second = 0.0;
        u32 none = 0;
        for (long long i = start + p % SUM_LANES; i < end; i += SUM_LANES) {
            const double v = (double)x[i];
            first += absolute(v);
            second += v * v;
            none += v == 0.0 ? 1 : 0;
        }
        l1[p] = first;
        l2[p] = second;
        zeros[p] = none;
    }
}
// Entries positive in one state and negative in the other, for each lane of each chunk.
template <class T> FN void sign_flips(long long n, const T* before, const T* after, u32* counts) {
    const long long places = (n + CHUNK - 1) / CHUNK * SUM_LANES;
    for (long long p = first_of_grid(); p < places; p += stride_of_grid()) {
        const long long start = p / SUM_LANES * CHUNK;
        const long long end = start + CHUNK < n ? start + CHUNK : n;
        u32 count = 0;
        for (long long i = start + p % SUM_LANES; i < end; i += SUM_LANES) {
            const T a = before[i], b = after[i];
            count += (a > (T)0 && b < (T)0) || (a < (T)0 && b > (T)0) ? 1 : 0;
        }
        counts[p] = count;
    }
}

} // namespace mask_weight

// The sum of the 32 lanes of each chunk, in halves.
extern "C" __global__ void fold_lanes(long long chunks, const double* lanes, double* sums) {
    for (long long c = mask_weight::first_of_grid(); c < chunks; c += mask_weight::stride_of_grid()) {
        double of_lane[SUM_LANES];
        for (int l = 0; l < SUM_LANES; l++) of_lane[l] = lanes[c * SUM_LANES + l];
        for (int width = SUM_LANES / 2; width > 0; width /= 2)
            for (int l = 0; l < width; l++) of_lane[l] += of_lane[l + width];
        sums[c] = of_lane[0];
    }
}
// sums[i] += sums[i + distance] for every i that is a multiple of 2·distance; launched with distance 1, 2, 4, … below
// `chunks`, it leaves the whole in sums[0].
extern "C" __global__ void add_neighbours(long long chunks, long long distance, double* sums) {
    for (long long k = mask_weight::first_of_grid(); 2 * distance * k + distance < chunks;
         k += mask_weight::stride_of_grid())
        sums[2 * distance * k] += sums[2 * distance * k + distance];
}

extern "C" __global__ void product_f32(long long n, const float* m, const float* w, float* x) {
    mask_weight::product<float>(n, m, w, x);
}
extern "C" __global__ void product_f64(long long n, const double* m, const double* w, double* x) {
    mask_weight::product<double>(n, m, w, x);
}
extern "C" __global__ void product_backward_f32(long long n, const float* m, const float* w,
    const float* g, float* g_m, float* g_w) {
    mask_weight::product_backward<float>(n, m, w, g, g_m, g_w);
}
extern "C" __global__ void product_backward_f64(long long n, const double* m, const double* w,
    const double* g, double* g_m, double* g_w) {
    mask_weight::product_backward<double>(n, m, w, g, g_m, g_w);
}
extern "C" __global__ void apply_mask_f32(long long n, const unsigned char* keep, float* x) {
    mask_weight::apply_mask<float>(n, keep, x);
}
extern "C" __global__ void apply_mask_f64(long long n, const unsigned char* keep, double* x) {
    mask_weight::apply_mask<double>(n, keep, x);
}
extern "C" __global__ void update_factors_f32(long long n, int kind, const double* numbers,
    double mask_l1, double l1, float* m, float* w, float* m1, float* m2, float* w1, float* w2,
    const float* g, const unsigned char* keep, float* x, int* bad) {
    mask_weight::update_factors<float>(n, kind, numbers, mask_l1, l1, m, w, m1, m2, w1, w2, g, keep, x,
        bad);
}
extern "C" __global__ void update_factors_f64(long long n, int kind, const double* numbers,
    double mask_l1, double l1, double* m, double* w, double* m1, double* m2, double* w1, double* w2,
    const double* g, const unsigned char* keep, double* x, int* bad) {
    mask_weight::update_factors<double>(n, kind, numbers, mask_l1, l1, m, w, m1, m2, w1, w2, g, keep,
        x, bad);
}
extern "C" __global__ void update_plain_f32(long long n, int kind, const double* numbers, double l1,
    float* x, float* x1, float* x2, const float* g, const unsigned char* keep, int* bad) {
    mask_weight::update_plain<float>(n, kind, numbers, l1, x, x1, x2, g, keep, bad);
}
extern "C" __global__ void update_plain_f64(long long n, int kind, const double* numbers, double l1,
    double* x, double* x1, double* x2, const double* g, const unsigned char* keep, int* bad) {
    mask_weight::update_plain<double>(n, kind, numbers, l1, x, x1, x2, g, keep, bad);
}
extern "C" __global__ void factor_start_f32(long long n, double beta, const float* x, float* m,
    float* w) {
    mask_weight::factor_start<float>(n, beta, x, m, w);
}
extern "C" __global__ void factor_start_f64(long long n, double beta, const double* x, double* m,
    double* w) {
    mask_weight::factor_start<double>(n, beta, x, m, w);
}
extern "C" __global__ void rescale_f32(long long n, double beta, float* m, float* w) {
    mask_weight::rescale<float>(n, beta, m, w);
}
extern "C" __global__ void rescale_f64(long long n, double beta, double* m, double* w) {
    mask_weight::rescale<double>(n, beta, m, w);
}
extern "C" __global__ void soft_threshold_f32(long long n, double cut, const float* theta, float* x) {
    mask_weight::soft_threshold<float>(n, cut, theta, x);
}
extern "C" __global__ void soft_threshold_f64(long long n, double cut, const double* theta, double* x) {
    mask_weight::soft_threshold<double>(n, cut, theta, x);
}
extern "C" __global__ void soft_threshold_backward_f32(long long n, double cut, const float* theta,
    const float* g, float* g_theta, double* sums) {
    mask_weight::soft_threshold_backward<float>(n, cut, theta, g, g_theta, sums);
}
extern "C" __global__ void soft_threshold_backward_f64(long long n, double cut, const double* theta,
    const double* g, double* g_theta, double* sums) {
    mask_weight::soft_threshold_backward<double>(n, cut, theta, g, g_theta, sums);
}
extern "C" __global__ void ham_step_f32(long long n, double pull, double decay, const float* g,
    float* x) {
    mask_weight::ham_step<float>(n, pull, decay, g, x);
}
extern "C" __global__ void ham_step_f64(long long n, double pull, double decay, const double* g,
    double* x) {
    mask_weight::ham_step<double>(n, pull, decay, g, x);
}
extern "C" __global__ void power_f32(long long n, double p, const float* theta, float* x) {
    mask_weight::power<float>(n, p, theta, x);
}
extern "C" __global__ void power_f64(long long n, double p, const double* theta, double* x) {
    mask_weight::power<double>(n, p, theta, x);
}
extern "C" __global__ void power_backward_f32(long long n, double p, const float* theta, const float* g,
    float* g_theta) {
    mask_weight::power_backward<float>(n, p, theta, g, g_theta);
}
extern "C" __global__ void power_backward_f64(long long n, double p, const double* theta,
    const double* g, double* g_theta) {
    mask_weight::power_backward<double>(n, p, theta, g, g_theta);
}
extern "C" __global__ void sigmoid_mask_f32(long long n, double beta, const float* s, const float* w,
    float* x) {
    mask_weight::sigmoid_mask<float>(n, beta, s, w, x);
}
extern "C" __global__ void sigmoid_mask_f64(long long n, double beta, const double* s, const double* w,
    double* x) {
    mask_weight::sigmoid_mask<double>(n, beta, s, w, x);
}
extern "C" __global__ void sigmoid_mask_backward_f32(long long n, double beta, double lambda,
    const float* s, const float* w, const float* g, float* g_s, float* g_w) {
    mask_weight::sigmoid_mask_backward<float>(n, beta, lambda, s, w, g, g_s, g_w);
}
extern "C" __global__ void sigmoid_mask_backward_f64(long long n, double beta, double lambda,
    const double* s, const double* w, const double* g, double* g_s, double* g_w) {
    mask_weight::sigmoid_mask_backward<double>(n, beta, lambda, s, w, g, g_s, g_w);
}
extern "C" __global__ void hard_mask_f32(long long n, const float* s, unsigned char* keep) {
    mask_weight::hard_mask<float>(n, s, keep);
}
extern "C" __global__ void hard_mask_f64(long long n, const double* s, unsigned char* keep) {
    mask_weight::hard_mask<double>(n, s, keep);
}
extern "C" __global__ void digit_counts_f32(long long n, int low, int high, unsigned long long prefix,
    const float* x, unsigned int* counts) {
    mask_weight::digit_counts<float>(n, low, high, prefix, x, counts);
}
extern "C" __global__ void digit_counts_f64(long long n, int low, int high, unsigned long long prefix,
    const double* x, unsigned int* counts) {
    mask_weight::digit_counts<double>(n, low, high, prefix, x, counts);
}
extern "C" __global__ void write_mask_f32(long long n, unsigned long long bits, long long end,
    const float* x, unsigned char* keep) {
    mask_weight::write_mask<float>(n, bits, end, x, keep);
}
extern "C" __global__ void write_mask_f64(long long n, unsigned long long bits, long long end,
    const double* x, unsigned char* keep) {
    mask_weight::write_mask<double>(n, bits, end, x, keep);
}
extern "C" __global__ void measure_f32(long long n, const float* x, double* l1, double* l2,
    unsigned int* zeros) {
    mask_weight::measure<float>(n, x, l1, l2, zeros);
}
extern "C" __global__ void measure_f64(long long n, const double* x, double* l1, double* l2,
    unsigned int* zeros) {
    mask_weight::measure<double>(n, x, l1, l2, zeros);
}
extern "C" __global__ void sign_flips_f32(long long n, const float* before, const float* after,
    unsigned int* counts) {
    mask_weight::sign_flips<float>(n, before, after, counts);
}
extern "C" __global__ void sign_flips_f64(long long n, const double* before, const double* after,
    unsigned int* counts) {
    mask_weight::sign_flips<double>(n, before, after, counts);
}
