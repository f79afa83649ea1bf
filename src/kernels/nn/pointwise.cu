// ReLU, GELU, sums, copies, flattening, tokens and pooling on a device; formulas are those of the CPU twins
// pointwise.rs, tokens.rs and pool.rs. f32 or f64, the type that the name of a kernel ends in. Every number is written by one
// thread; loops stride over the grid.

#include "real.cuh"

using namespace real;

#define EACH(i, n) for (long long i = first_of_grid(); i < (n); i += stride_of_grid())

template <class T> FN void relu(long long n, const T* x, T* y) {
    EACH(i, n) y[i] = x[i] < (T)0 ? (T)0 : x[i];
}
template <class T> FN void relu_backward(long long n, const T* y, T* dy) {
    EACH(i, n) dy[i] = y[i] > (T)0 ? dy[i] : (T)0;
}

// Φ(x) and φ(x) of a standard normal.
FN double normal(double x, double* density) {
    *density = mirror::exponential(-0.5 * x * x) * 0.3989422804014327;
    return 0.5 * erfc(-0.7071067811865476 * x);
}
template <class T> FN void gelu(long long n, const T* x, T* y) {
    EACH(i, n) {
        double density;
        y[i] = (T)((double)x[i] * normal((double)x[i], &density));
    }
}
template <class T> FN void gelu_backward(long long n, const T* x, T* dy) {
    EACH(i, n) {
        double density;
        const double distribution = normal((double)x[i], &density);
        dy[i] = (T)((double)dy[i] * (distribution + (double)x[i] * density));
    }
}

template <class T> FN void add(long long n, const T* from, T* to) {
    EACH(i, n) to[i] += from[i];
}
template <class T> FN void copy(long long n, const T* from, T* to) {
    EACH(i, n) to[i] = from[i];
}

// Each image pixels×channels as channels×pixels, and back (with `accumulate` added).
template <class T> FN void flatten(long long n, int pixels, int channels, const T* x, T* y) {
    EACH(i, n) {
        const long long image = (long long)pixels * channels, at = i % image;
        y[i] = x[i - at + at % pixels * channels + at / pixels];
    }
}
template <class T>
FN void flatten_backward(long long n, int pixels, int channels, const T* dy, T* dx, int accumulate) {
    EACH(i, n) {
        const long long image = (long long)pixels * channels, at = i % image;
        const T slope = dy[i - at + at % channels * pixels + at / channels];
        dx[i] = accumulate ? dx[i] + slope : slope;
    }
}

// y = the class token before the pixels, plus positions; `image` numbers of y for an image.
template <class T>
FN void tokens(long long n, int image, int channels, const T* x, const T* first, const T* position, T* y) {
    EACH(i, n) {
        const long long b = i / image, at = i % image;
        y[i] = (at < channels ? first[at] : x[b * (image - channels) + at - channels]) + position[at];
    }
}
// The gradients of the class token and of the positions.
template <class T>
FN void tokens_sums(int images, int image, int channels, const T* dy, T* first, T* position) {
    EACH(i, image) {
        T sum = (T)0;
        for (int b = 0; b < images; b++) sum += dy[(long long)b * image + i];
        position[i] = sum;
        if (i < channels) first[i] = sum;
    }
}
// n numbers of dx.
template <class T>
FN void tokens_backward(long long n, int image, int channels, const T* dy, T* dx, int accumulate) {
    EACH(i, n) {
        const long long less = image - channels;
        const T slope = dy[i / less * image + channels + i % less];
        dx[i] = accumulate ? dx[i] + slope : slope;
    }
}
// The first token of each image, and back.
template <class T> FN void first_token(long long n, int image, int channels, const T* x, T* y) {
    EACH(i, n) y[i] = x[i / channels * image + i % channels];
}
template <class T>
FN void first_token_backward(long long n, int image, int channels, const T* dy, T* dx, int accumulate) {
    EACH(i, n) {
        const long long at = i % image;
        const T slope = at < channels ? dy[i / image * channels + at] : (T)0;
        dx[i] = accumulate ? dx[i] + slope : slope;
    }
}

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
    EACH(i, n) {
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
    EACH(i, n) {
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
BOTH(first_token, P, (n, pixels, channels, x, y))
#undef P
#define P(T) (long long n, int pixels, int channels, const T* dy, T* dx, int accumulate)
BOTH(flatten_backward, P, (n, pixels, channels, dy, dx, accumulate))
BOTH(tokens_backward, P, (n, pixels, channels, dy, dx, accumulate))
BOTH(first_token_backward, P, (n, pixels, channels, dy, dx, accumulate))
#undef P
#define P(T) (long long n, int image, int channels, const T* x, const T* first, const T* position, T* y)
BOTH(tokens, P, (n, image, channels, x, first, position, y))
#undef P
#define P(T) (int images, int image, int channels, const T* dy, T* first, T* position)
BOTH(tokens_sums, P, (images, image, channels, dy, first, position))
#undef P
#define P(T) (long long n, POOL, const T* x, T* y)
BOTH(pool, P, (n, POOL_NAMES, x, y))
#undef P
#define P(T) (long long n, POOL, const T* x, const T* y, const T* dy, T* dx, int accumulate)
BOTH(pool_backward, P, (n, POOL_NAMES, x, y, dy, dx, accumulate))
#undef P
