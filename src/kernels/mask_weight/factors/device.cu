// Products m⊙w and the starts of factors on a device; formulas and arguments are those of the CPU twins
// host/{product,start}.rs. A layer is n numbers, f32 or f64.
//
// No product is fused with an addition (compile with --fmad=false, or -ffp-contract=off on a host), divisions
// and square roots are correctly rounded: the bits are those of the twins. Every loop strides over the
// grid, so any launch shape is right; there are no barriers and no atomics.

#include "real.cuh"

using namespace real;

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

// As kernels.
#define P(T) (long long n, const T* m, const T* w, T* x)
BOTH(product, P, (n, m, w, x))
#undef P
#define P(T) (long long n, const T* m, const T* w, const T* g, T* g_m, T* g_w)
BOTH(product_backward, P, (n, m, w, g, g_m, g_w))
#undef P
#define P(T) (long long n, const u8* keep, T* x)
BOTH(apply_mask, P, (n, keep, x))
#undef P
#define P(T) (long long n, double beta, const T* x, T* m, T* w)
BOTH(factor_start, P, (n, beta, x, m, w))
#undef P
#define P(T) (long long n, double beta, T* m, T* w)
BOTH(rescale, P, (n, beta, m, w))
#undef P
