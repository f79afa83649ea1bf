// ReLU, GELU, sums, copies and flattening on a device; formulas are those of the CPU twin host.rs. f32 or f64,
// the type that the name of a kernel ends in. Every number is written by one thread; loops stride over the grid.

#include "real.cuh"

using namespace real;

template <class T> FN void relu(long long n, const T* x, T* y) {
    OVER_GRID(i, n) y[i] = x[i] < (T)0 ? (T)0 : x[i];
}
template <class T> FN void relu_backward(long long n, const T* y, T* dy) {
    OVER_GRID(i, n) dy[i] = y[i] > (T)0 ? dy[i] : (T)0;
}

// Φ(x) and φ(x) of a standard normal.
FN double normal(double x, double* density) {
    *density = mirror::exponential(-0.5 * x * x) * 0.3989422804014327;
    return 0.5 * erfc(-0.7071067811865476 * x);
}
template <class T> FN void gelu(long long n, const T* x, T* y) {
    OVER_GRID(i, n) {
        double density;
        y[i] = (T)((double)x[i] * normal((double)x[i], &density));
    }
}
template <class T> FN void gelu_backward(long long n, const T* x, T* dy) {
    OVER_GRID(i, n) {
        double density;
        const double distribution = normal((double)x[i], &density);
        dy[i] = (T)((double)dy[i] * (distribution + (double)x[i] * density));
    }
}

template <class T> FN void add(long long n, const T* from, T* to) {
    OVER_GRID(i, n) to[i] += from[i];
}
template <class T> FN void copy(long long n, const T* from, T* to) {
    OVER_GRID(i, n) to[i] = from[i];
}

// Each image pixels×channels as channels×pixels, and back (with `accumulate` added).
template <class T> FN void flatten(long long n, int pixels, int channels, const T* x, T* y) {
    OVER_GRID(i, n) {
        const long long image = (long long)pixels * channels, at = i % image;
        y[i] = x[i - at + at % pixels * channels + at / pixels];
    }
}
template <class T>
FN void flatten_backward(long long n, int pixels, int channels, const T* dy, T* dx, int accumulate) {
    OVER_GRID(i, n) {
        const long long image = (long long)pixels * channels, at = i % image;
        const T slope = dy[i - at + at % channels * pixels + at / channels];
        dx[i] = accumulate ? dx[i] + slope : slope;
    }
}

// As kernels.
#define P(T) (long long n, const T* x, T* y)
BOTH(relu, P, (n, x, y))
BOTH(relu_backward, P, (n, x, y))
BOTH(gelu, P, (n, x, y))
BOTH(gelu_backward, P, (n, x, y))
BOTH(add, P, (n, x, y))
BOTH(copy, P, (n, x, y))
#undef P
#define P(T) (long long n, int pixels, int channels, const T* x, T* y)
BOTH(flatten, P, (n, pixels, channels, x, y))
#undef P
#define P(T) (long long n, int pixels, int channels, const T* dy, T* dx, int accumulate)
BOTH(flatten_backward, P, (n, pixels, channels, dy, dx, accumulate))
#undef P
