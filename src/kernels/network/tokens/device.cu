// The class token and the positions of a transformer on a device; formulas are those of the CPU twin host.rs. f32 or f64,
// the type that the name of a kernel ends in. Every number is written by one thread; loops stride over the grid.

#include "real.cuh"

using namespace real;

// y = the class token before the pixels, plus positions; `image` numbers of y for an image.
template <class T>
FN void tokens(long long n, int image, int channels, const T* x, const T* first, const T* position, T* y) {
    OVER_GRID(i, n) {
        const long long b = i / image, at = i % image;
        y[i] = (at < channels ? first[at] : x[b * (image - channels) + at - channels]) + position[at];
    }
}
// The gradients of the class token and of the positions.
template <class T>
FN void tokens_sums(int images, int image, int channels, const T* dy, T* first, T* position) {
    OVER_GRID(i, image) {
        T sum = (T)0;
        for (int b = 0; b < images; b++) sum += dy[(long long)b * image + i];
        position[i] = sum;
        if (i < channels) first[i] = sum;
    }
}
// n numbers of dx.
template <class T>
FN void tokens_backward(long long n, int image, int channels, const T* dy, T* dx, int accumulate) {
    OVER_GRID(i, n) {
        const long long less = image - channels;
        const T slope = dy[i / less * image + channels + i % less];
        dx[i] = accumulate ? dx[i] + slope : slope;
    }
}
// The first token of each image, and back.
template <class T> FN void first_token(long long n, int image, int channels, const T* x, T* y) {
    OVER_GRID(i, n) y[i] = x[i / channels * image + i % channels];
}
template <class T>
FN void first_token_backward(long long n, int image, int channels, const T* dy, T* dx, int accumulate) {
    OVER_GRID(i, n) {
        const long long at = i % image;
        const T slope = at < channels ? dy[i / image * channels + at] : (T)0;
        dx[i] = accumulate ? dx[i] + slope : slope;
    }
}

// As kernels.
#define P(T) (long long n, int image, int channels, const T* x, T* y)
BOTH(first_token, P, (n, image, channels, x, y))
#undef P
#define P(T) (long long n, int image, int channels, const T* dy, T* dx, int accumulate)
BOTH(tokens_backward, P, (n, image, channels, dy, dx, accumulate))
BOTH(first_token_backward, P, (n, image, channels, dy, dx, accumulate))
#undef P
#define P(T) (long long n, int image, int channels, const T* x, const T* first, const T* position, T* y)
BOTH(tokens, P, (n, image, channels, x, first, position, y))
#undef P
#define P(T) (int images, int image, int channels, const T* dy, T* first, T* position)
BOTH(tokens_sums, P, (images, image, channels, dy, first, position))
#undef P
