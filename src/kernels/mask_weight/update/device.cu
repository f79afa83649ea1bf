// The fused step of m⊙w and its relatives on a device; formulas and arguments are those of the CPU twins host.rs
// and ham.rs. A layer is n numbers, f32 or f64.
//
// No product is fused with an addition (compile with --fmad=false, or -ffp-contract=off on a host), divisions
// and square roots are correctly rounded: the bits are those of the twins. Every loop strides over the
// grid, so any launch shape is right; there are no barriers and no atomics.

#include "real.cuh"

using namespace real;

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
#define RULE int kind, double rate, double a, double b, double c, double d, double e, double shrink, double coupled
#define RULE_NAMES kind, rate, a, b, c, d, e, shrink, coupled
#define RULE_OF(T) Rule<T>{kind, (T)rate, (T)a, (T)b, (T)c, (T)d, (T)e, (T)shrink, (T)coupled}

// g + the gradient of c|v|; at 0 the subgradient of least norm.
template <class T> FN T with_l1(T g, T v, T c) {
    if (v != (T)0 || v != v) return g + copy_sign(c, v);
    const T low = g < -c ? -c : g;
    return g - (low > c ? c : low);
}

// The fused step. States that the rule has not, and `keep` for no mask, are null; `bad` becomes 1 where a
// number written is not finite.
template <class T>
FN void update_factors(long long n, RULE, double mask_l1, double l1, T* m,
                       T* w, T* m1, T* m2, T* w1, T* w2, const T* g, const u8* keep, T* x, int* bad) {
    const Rule<T> rule = RULE_OF(T);
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
        over |= !is_finite(to_m) | !is_finite(to_w) | !is_finite(to_x);
        over |= !is_finite(am) | !is_finite(aw) | !is_finite(bm) | !is_finite(bw);
    }
    if (over) *bad = 1;
}

template <class T>
FN void update_plain(long long n, RULE, double l1, T* x, T* x1, T* x2,
                     const T* g, const u8* keep, int* bad) {
    const Rule<T> rule = RULE_OF(T);
    bool over = false;
    for (long long i = first_of_grid(); i < n; i += stride_of_grid()) {
        const bool kept = !keep || keep[i];
        const T v = x[i];
        const T slope = with_l1(g[i] + rule.coupled * v, v, (T)l1);
        T first = x1 ? x1[i] : (T)0, second = x2 ? x2[i] : (T)0;
        T to = rule.step(rule.shrink * v, slope, &first, &second);
        to = kept ? to : (T)0;
        first = kept ? first : (T)0;
        second = kept ? second : (T)0;
        x[i] = to;
        if (x1) x1[i] = first;
        if (x2) x2[i] = second;
        over |= !is_finite(to) | !is_finite(first) | !is_finite(second);
    }
    if (over) *bad = 1;
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

// As kernels.
#define P(T) (long long n, RULE, double mask_l1, double l1, T* m, T* w, T* m1, T* m2, T* w1, T* w2, \
              const T* g, const u8* keep, T* x, int* bad)
BOTH(update_factors, P, (n, RULE_NAMES, mask_l1, l1, m, w, m1, m2, w1, w2, g, keep, x, bad))
#undef P
#define P(T) (long long n, RULE, double l1, T* x, T* x1, T* x2, const T* g, const u8* keep, int* bad)
BOTH(update_plain, P, (n, RULE_NAMES, l1, x, x1, x2, g, keep, bad))
#undef P
#define P(T) (long long n, double pull, double decay, const T* g, T* x)
BOTH(ham_step, P, (n, pull, decay, g, x))
#undef P
