// Maps of the parameters of sparse networks on a device: STR, Powerpropagation, sigmoid masks; formulas and
// arguments are those of the CPU twins host/{soft_threshold,power,sigmoid_mask}.rs. A layer is n numbers, f32 or f64.
//
// No product is fused with an addition (compile with --fmad=false, or -ffp-contract=off on a host), divisions
// and square roots are correctly rounded: the bits are those of the twins. Every loop strides over the
// grid, so any launch shape is right; there are no barriers and no atomics.

#include "real.cuh"

using namespace real;

// STR; s is one number, the threshold σ(s) is taken in f64 whatever T.
template <class T> FN T cut_of(const T* s) {
    double slope;
    return (T)sigmoid((double)*s, &slope);
}
template <class T> FN void soft_threshold(long long n, const T* s, const T* theta, T* x) {
    const T cut = cut_of(s);
    for (long long i = first_of_grid(); i < n; i += stride_of_grid()) {
        const T over = absolute(theta[i]) - cut;
        x[i] = copy_sign(over <= (T)0 ? (T)0 : over, theta[i]);
    }
}
// The lanes of Σ sign(θ) g over the support into `sums`, 32 for each chunk.
template <class T>
FN void soft_threshold_backward(long long n, const T* s, const T* theta, const T* g, T* g_theta,
                                double* sums) {
    const T cut = cut_of(s);
    const long long places = (n + CHUNK - 1) / CHUNK * SUM_LANES;
    for (long long p = first_of_grid(); p < places; p += stride_of_grid()) {
        const long long start = p / SUM_LANES * CHUNK;
        const long long end = start + CHUNK < n ? start + CHUNK : n;
        double sum = 0.0;
        for (long long i = start + p % SUM_LANES; i < end; i += SUM_LANES) {
            const T slope = absolute(theta[i]) <= cut ? (T)0 : g[i];
            g_theta[i] = slope;
            sum += theta[i] < (T)0 ? -(double)slope : (double)slope;
        }
        sums[p] = sum;
    }
}
// ∂f/∂s out of the sum.
template <class T> FN void soft_threshold_slope(const T* s, const double* sums, T* g_s) {
    if (first_of_grid() != 0) return;
    double slope;
    sigmoid((double)*s, &slope);
    *g_s = (T)(-slope * sums[0]);
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

// As kernels.
#define P(T) (long long n, const T* s, const T* theta, T* x)
BOTH(soft_threshold, P, (n, s, theta, x))
#undef P
#define P(T) (long long n, const T* s, const T* theta, const T* g, T* g_theta, double* sums)
BOTH(soft_threshold_backward, P, (n, s, theta, g, g_theta, sums))
#undef P
#define P(T) (const T* s, const double* sums, T* g_s)
BOTH(soft_threshold_slope, P, (s, sums, g_s))
#undef P
#define P(T) (long long n, double p, const T* theta, T* x)
BOTH(power, P, (n, p, theta, x))
#undef P
#define P(T) (long long n, double p, const T* theta, const T* g, T* g_theta)
BOTH(power_backward, P, (n, p, theta, g, g_theta))
#undef P
#define P(T) (long long n, double beta, const T* s, const T* w, T* x)
BOTH(sigmoid_mask, P, (n, beta, s, w, x))
#undef P
#define P(T) (long long n, double beta, double lambda, const T* s, const T* w, const T* g, T* g_s, \
              T* g_w)
BOTH(sigmoid_mask_backward, P, (n, beta, lambda, s, w, g, g_s, g_w))
#undef P
#define P(T) (long long n, const T* s, u8* keep)
BOTH(hard_mask, P, (n, s, keep))
#undef P
