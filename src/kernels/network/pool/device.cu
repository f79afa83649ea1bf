// Pooling on a device; formulas are those of the CPU twin host.rs. f32 or f64,
// the type that the name of a kernel ends in. Every number is written by one thread; loops stride over the grid.

#include "real.cuh"

using namespace real;

// Pooling: kind 0 takes the largest, 1 the mean.
struct Pool {
    int kind, height, width, channels, window, stride, padding;
    __device__ int out_height() const { return (height + 2 * padding - window) / stride + 1; }
    __device__ int out_width() const { return (width + 2 * padding - window) / stride + 1; }
};
#define POOL int kind, int height, int width, int channels, int window, int stride, int padding
#define POOL_NAMES kind, height, width, channels, window, stride, padding
#define POOL_OF {kind, height, width, channels, window, stride, padding}
FN int larger(int a, int b) { return a > b ? a : b; }
FN int smaller(int a, int b) { return a < b ? a : b; }

// n numbers of y.
template <class T> FN void pool(long long n, POOL, const T* x, T* y) {
    const Pool p = POOL_OF;
    const T share = (T)(1.0 / (double)(window * window));
    OVER_GRID(i, n) {
        const long long place = i / channels;
        const int c = (int)(i % channels), ox = (int)(place % p.out_width());
        const int oy = (int)(place / p.out_width() % p.out_height());
        const T* image = x + place / ((long long)p.out_width() * p.out_height()) * height * width * channels + c;
        const int top = oy * stride - padding, left = ox * stride - padding;
        T value = kind == 0 ? (T)__longlong_as_double((long long)0xFFF0000000000000ull) : (T)0;
        for (int iy = larger(top, 0); iy < smaller(top + window, height); iy++)
            for (int ix = larger(left, 0); ix < smaller(left + window, width); ix++) {
                const T v = image[((long long)iy * width + ix) * channels];
                // A NaN is larger than everything and stays.
                if (kind == 0) value = v <= value || value != value ? value : v;
                else value += v;
            }
        y[i] = kind == 0 ? value : value * share;
    }
}
// n numbers of dx: each takes from the windows that cover it, in order. The gradient of a maximum goes to the first entry
// that attains it.
template <class T>
FN void pool_backward(long long n, POOL, const T* x, const T* y, const T* dy, T* dx, int accumulate) {
    const Pool p = POOL_OF;
    const int down = p.out_height(), across = p.out_width();
    const T share = (T)(1.0 / (double)(window * window));
    OVER_GRID(i, n) {
        const long long place = i / channels;
        const int c = (int)(i % channels), at_x = (int)(place % width), at_y = (int)(place / width % height);
        const long long b = place / ((long long)width * height);
        const T* image = x + b * height * width * channels + c;
        T sum = accumulate ? dx[i] : (T)0;
        const int low_y = larger(at_y + padding - window + stride, 0) / stride;
        const int low_x = larger(at_x + padding - window + stride, 0) / stride;
        for (int oy = low_y; oy <= smaller((at_y + padding) / stride, down - 1); oy++)
            for (int ox = low_x; ox <= smaller((at_x + padding) / stride, across - 1); ox++) {
                const long long o = ((b * down + oy) * across + ox) * channels + c;
                if (kind == 1) {
                    sum += dy[o] * share;
                    continue;
                }
                const int top = oy * stride - padding, left = ox * stride - padding;
                bool found = false, mine = false;
                for (int iy = larger(top, 0); iy < smaller(top + window, height) && !found; iy++)
                    for (int ix = larger(left, 0); ix < smaller(left + window, width) && !found; ix++)
                        if (image[((long long)iy * width + ix) * channels] == y[o]) {
                            found = true;
                            mine = iy == at_y && ix == at_x;
                        }
                if (mine) sum += dy[o];
            }
        dx[i] = sum;
    }
}

// As kernels.
#define P(T) (long long n, POOL, const T* x, T* y)
BOTH(pool, P, (n, POOL_NAMES, x, y))
#undef P
#define P(T) (long long n, POOL, const T* x, const T* y, const T* dy, T* dx, int accumulate)
BOTH(pool_backward, P, (n, POOL_NAMES, x, y, dy, dx, accumulate))
#undef P
