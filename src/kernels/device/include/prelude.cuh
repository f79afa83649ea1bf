// What every kernel shares: exponentials in the log domain, Philox, schedules.
//
// One text for NVRTC and for the host's compiler (which sees `__device__`, `threadIdx` and the rest
// through a shim), without standard headers. A product and a sum are fused only by an explicit fma, so
// that both compilers give the same bits. The CPU twins are `numerics/vector.rs`, `kernels/batch/philox.rs` and
// `schedule/mod.rs`; constants are theirs.

#pragma once

typedef unsigned int u32;
typedef unsigned long long u64;

#ifdef __CUDACC_RTC__
// Dynamic shared memory of the launch.
#define DYNAMIC_SHARED(type, name) extern __shared__ type name[]
#endif

#define FN __device__ static inline

namespace mirror {

FN u64 bits_of(double x) { return (u64)__double_as_longlong(x); }
FN double of_bits(u64 x) { return __longlong_as_double((long long)x); }

FN bool is_finite(double x) { return x - x == 0.0; }

FN double copy_sign(double size, double sign) {
    const u64 top = 1ull << 63;
    return of_bits((bits_of(size) & ~top) | (bits_of(sign) & top));
}

FN double absolute(double x) { return of_bits(bits_of(x) & ~(1ull << 63)); }

// 1.5 · 2^52: adding and subtracting it rounds to an integer.
#define MIRROR_ROUND 6755399441055744.0
// 2^52 + 1023: adding it puts the biased exponent into the low bits.
#define MIRROR_BIAS 4503599627371519.0
#define MIRROR_LOG2_E 1.4426950408889634
// ln 2 with 21 trailing zero bits, and the rest.
#define MIRROR_LN2_HI 0.6931471803691238
#define MIRROR_LN2_LO 1.9082149292705877e-10

// 2^k for a whole |k| <= 1022.
FN double power_of_two(double k) { return of_bits(bits_of(k + MIRROR_BIAS) << 52); }

// e^(hi + lo) = p 2^k with |lo| <= ulp(hi); k is a whole number, |k| <= 2020.
FN double exp_reduced(double hi, double lo, double* exponent) {
    const double limit = 1400.0;
    lo = absolute(hi) < limit ? lo : 0.0;
    hi = hi > limit ? limit : hi;
    hi = hi < -limit ? -limit : hi;
    const double k = fma(hi, MIRROR_LOG2_E, MIRROR_ROUND) - MIRROR_ROUND;
    const double r = fma(-k, MIRROR_LN2_LO, fma(-k, MIRROR_LN2_HI, hi)) + lo;
    // (e^r - 1 - r)/r^2 on |r| <= ½ ln 2, minimax.
    double sum = 2.5110130323222028e-08;
    sum = fma(sum, r, 2.762020157262752e-07);
    sum = fma(sum, r, 2.7557242117466096e-06);
    sum = fma(sum, r, 2.4801521057819133e-05);
    sum = fma(sum, r, 0.00019841269886791807);
    sum = fma(sum, r, 0.0013888888917367246);
    sum = fma(sum, r, 0.008333333333322139);
    sum = fma(sum, r, 0.04166666666662382);
    sum = fma(sum, r, 0.16666666666666674);
    sum = fma(sum, r, 0.5000000000000001);
    *exponent = k;
    return 1.0 + fma(r * r, sum, r);
}

// 2^k as a product of two, for a whole |k| <= 2040; the second is 1 where one is enough.
FN void powers_of_two(double k, double* first, double* second) {
    double a = k > 1020.0 ? 1020.0 : k;
    a = a < -1020.0 ? -1020.0 : a;
    *first = power_of_two(a);
    *second = power_of_two(k - a);
}

// e^x within 1 ulp.
FN double exponential(double x) {
    double k, first, second;
    const double p = exp_reduced(x, 0.0, &k);
    powers_of_two(k, &first, &second);
    return p * first * second;
}

// x = a sinh z and root = a cosh z = √(x² + a²), within 3 ulp, for log a <= 1400.
FN void a_sinh_cosh(double z, double log_a, double* x, double* root) {
    const double size = absolute(z);
    const bool large = size >= 0.5;
    // b + log a exactly, as hi + lo (two-sum).
    const double base = large ? size : 0.0;
    const double hi = base + log_a;
    const double t = hi - base;
    const double lo = (base - (hi - t)) + (log_a - t);
    double k, first, second, k2;
    const double p = exp_reduced(hi, lo, &k);
    powers_of_two(k, &first, &second);
    // e^(-2|z|); beyond |z| = 50 it changes nothing.
    const double q = exp_reduced(size > 50.0 ? -100.0 : -2.0 * size, 0.0, &k2);
    const double decayed = q * power_of_two(k2);
    const double square = size * size;
    // (sinh z - z)/z^3 and (cosh z - 1)/z^2 in z^2 on |z| <= ½, minimax.
    double s = 1.6116521739729735e-10;
    s = fma(s, square, 2.5051946566423225e-08);
    s = fma(s, square, 2.755731943390228e-06);
    s = fma(s, square, 0.00019841269841146768);
    s = fma(s, square, 0.00833333333333336);
    s = fma(s, square, 0.16666666666666666);
    double c = 2.096299411210271e-09;
    c = fma(c, square, 2.755707641884163e-07);
    c = fma(c, square, 2.4801587616574694e-05);
    c = fma(c, square, 0.0013888888888704209);
    c = fma(c, square, 0.04166666666666706);
    c = fma(c, square, 0.5);
    const double g = large ? fma(-0.5, decayed, 0.5) : fma(size * square, s, size);
    const double h = large ? fma(0.5, decayed, 0.5) : fma(square, c, 1.0);
    *x = copy_sign(g * first * p * second, z);
    *root = h * first * p * second;
}

// log x for finite x > 0, as k ln 2 + log m with m in [√½, √2): hi + lo to about 1 ulp of hi.
FN void log_parts(double x, double* k, double* log_m) {
    double shift = 0.0;
    if (x < 2.2250738585072014e-308) {
        x *= 18014398509481984.0; // 2^54
        shift = -54.0;
    }
    u64 b = bits_of(x);
    long long e = (long long)(b >> 52) - 1023;
    double m = of_bits((b & 0x000FFFFFFFFFFFFFull) | 0x3FF0000000000000ull);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        e += 1;
    }
    // log m = 2 artanh s, s = (m - 1)/(m + 1), |s| < 0.1716: the series to s^21 leaves 1e-18.
    const double f = m - 1.0;
    const double s = f / (2.0 + f);
    const double z = s * s;
    double sum = 1.0 / 21.0;
    sum = fma(sum, z, 1.0 / 19.0);
    sum = fma(sum, z, 1.0 / 17.0);
    sum = fma(sum, z, 1.0 / 15.0);
    sum = fma(sum, z, 1.0 / 13.0);
    sum = fma(sum, z, 1.0 / 11.0);
    sum = fma(sum, z, 1.0 / 9.0);
    sum = fma(sum, z, 1.0 / 7.0);
    sum = fma(sum, z, 1.0 / 5.0);
    sum = fma(sum, z, 1.0 / 3.0);
    *k = (double)e + shift;
    // s (2 + 2 z sum) with f = s (2 + f): f - s (f - 2 z sum).
    *log_m = f - s * (f - 2.0 * z * sum);
}

FN double logarithm(double x) {
    double k, m;
    log_parts(x, &k, &m);
    return fma(k, MIRROR_LN2_HI, fma(k, MIRROR_LN2_LO, m));
}

// log(1 + u) for u >= 0.
FN double log_1p(double u) {
    const double one = 1.0 + u;
    if (!is_finite(one)) return one;
    // What the sum lost, over the sum.
    return logarithm(one) + (u - (one - 1.0)) / one;
}

// asinh(x/a), odd in x, right where a underflows.
FN double asinh_ratio(double x, double log_a) {
    if (x == 0.0 || !is_finite(x)) return x;
    const double size = absolute(x);
    double k, m;
    log_parts(size, &k, &m);
    // log(|x|/a): the large terms are added first.
    const double log_ratio = (fma(k, MIRROR_LN2_HI, -log_a)) + fma(k, MIRROR_LN2_LO, m);
    double value;
    if (log_ratio > 21.0) {
        // asinh s = log 2s + O(1/s²), 1/s² < e^(-42).
        value = log_ratio + 0.6931471805599453;
    } else {
        // s = |x| e^(-log a), not e^(log_ratio), which would lose |log_ratio| ulp.
        double power, first, second;
        const double p = exp_reduced(-log_a, 0.0, &power);
        powers_of_two(power, &first, &second);
        const double s = size * first * p * second;
        const double square = s * s;
        value = log_ratio < -21.0 ? s : log_1p(s + square / (1.0 + sqrt(1.0 + square)));
    }
    return copy_sign(value, x);
}

// Philox4x32-10: four random words for a key and a counter.
FN void philox(u32 k0, u32 k1, u32* c) {
    for (int round = 0; round < 10; round++) {
        if (round > 0) {
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        const u64 p0 = (u64)0xD2511F53u * c[0];
        const u64 p1 = (u64)0xCD9E8D57u * c[2];
        const u32 c0 = (u32)(p1 >> 32) ^ c[1] ^ k0;
        const u32 c2 = (u32)(p0 >> 32) ^ c[3] ^ k1;
        c[1] = (u32)p1;
        c[3] = (u32)p0;
        c[0] = c0;
        c[2] = c2;
    }
}

// The order of the samples in a pass: Fisher and Yates' shuffle of 0, 1, …, d - 1, draw i below i + 1.
FN void shuffle(u32* order, int d, u64 seed, u64 pass) {
    for (int j = 0; j < d; j++) order[j] = (u32)j;
    u32 words[4];
    u32 at = 0xFFFFFFFFu;
    for (int i = d - 1; i >= 1; i--) {
        if ((u32)i / 4 != at) {
            at = (u32)i / 4;
            words[0] = (u32)pass;
            words[1] = (u32)(pass >> 32);
            words[2] = at;
            words[3] = 0;
            philox((u32)seed, (u32)(seed >> 32), words);
        }
        const u32 j = (u32)(((u64)words[i & 3] * (u64)(i + 1)) >> 32);
        const u32 kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

// α(t) of a schedule given as [kind, c, r or T or first piece, pieces]; `pieces` holds pairs (start, c).
FN double alpha_at(const double* schedule, const double* pieces, double t) {
    const double c = schedule[1];
    const double second = schedule[2];
    switch ((int)schedule[0]) {
    case 1: return c;
    case 2: return c / (1.0 + t);
    case 3: return c / (1.0 + t) / (1.0 + t);
    case 4: return c * exponential(-second * t);
    case 5: return t < second ? c : 0.0;
    case 6: {
        const double* own = pieces + 2 * (long long)second;
        double value = 0.0;
        for (int k = 0; k < (int)schedule[3] && own[2 * k] <= t; k++) value = own[2 * k + 1];
        return value;
    }
    default: return 0.0;
    }
}

} // namespace mirror
