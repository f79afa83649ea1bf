// Convolutions of networks on a device; the CPU twin is host.rs. f32 or f64, the type that the name of a kernel
// ends in.
//
// A convolution of NHWC images is a product of matrices (tiles.cuh) whose A is gathered from an image. No gathered
// matrix is ever written to memory. Weight gradients, whose sums are long, are cut into parts at places that the
// shape alone decides; the parts are added in order.

#include "tiles.cuh"

// Sizes of a convolution.
struct Shape {
    int batch, height, width, inputs, outputs, kernel, stride, padding;
    __device__ int out_height() const { return (height + 2 * padding - kernel) / stride + 1; }
    __device__ int out_width() const { return (width + 2 * padding - kernel) / stride + 1; }
};
#define SHAPE int batch, int height, int width, int inputs, int outputs, int kernel, int stride, int padding
#define SHAPE_NAMES batch, height, width, inputs, outputs, kernel, stride, padding
#define SHAPE_OF {batch, height, width, inputs, outputs, kernel, stride, padding}

// The input under an output pixel, and under an entry of the kernel.
FN Spot of_pixel(const Shape& s, int pixel) {
    const int across = s.out_width(), image = s.out_height() * across;
    const int b = pixel / image, place = pixel % image;
    return {(long long)b * s.height * s.width * s.inputs, place / across * s.stride - s.padding,
            place % across * s.stride - s.padding};
}
FN Spot of_entry(const Shape& s, int entry, int channels) {
    const int tap = entry / channels;
    return {entry % channels, tap / s.kernel, tap % s.kernel};
}
template <class T> FN T in_image(const Shape& s, const T* x, Spot at) {
    const bool inside = (unsigned)at.y < (unsigned)s.height && (unsigned)at.x < (unsigned)s.width;
    return inside ? x[at.base + ((long long)at.y * s.width + at.x) * s.inputs] : (T)0;
}

// y[pixel, o] = Σ_{tap, i} x[…] w[tap, i, o] + bias[o].
template <class T> struct Forward {
    Shape s;
    int rows, cols, parts;
    const T* x;
    const T* b;
    const T* bias;
    T* y;
    static constexpr bool a_along = true, b_along = false;
    __device__ Forward of(int) const { return *this; }
    __device__ int from(int) const { return 0; }
    __device__ int to(int) const { return s.kernel * s.kernel * s.inputs; }
    __device__ Spot row(int r) const { return of_pixel(s, r); }
    __device__ Spot inner(int k) const { return of_entry(s, k, s.inputs); }
    __device__ long long column(int c) const { return c; }
    __device__ long long below(int k) const { return (long long)k * s.outputs; }
    __device__ T a(Spot at) const { return in_image(s, x, at); }
    __device__ void store(int r, int c, T sum) const {
        y[(long long)r * s.outputs + c] = bias ? sum + bias[c] : sum;
    }
};
template <class T> FN void conv_forward(SHAPE, const T* x, const T* w, const T* bias, T* y) {
    const Shape s = SHAPE_OF;
    const Forward<T> all = {s, batch * s.out_height() * s.out_width(), outputs, 1, x, w, bias, y};
    tiles<T>(all);
}

// dx[pixel, i] (+)= Σ_{tap, o} dy[(pixel + p − tap)/s, o] w[tap, i, o], where the stride divides.
template <class T> struct Input {
    Shape s;
    int rows, cols, parts;
    const T* dy;
    const T* b;
    T* dx;
    int accumulate;
    static constexpr bool a_along = true, b_along = true;
    __device__ Input of(int) const { return *this; }
    __device__ int from(int) const { return 0; }
    __device__ int to(int) const { return s.kernel * s.kernel * s.outputs; }
    __device__ Spot row(int r) const {
        const int image = s.height * s.width, b = r / image, place = r % image;
        return {(long long)b * s.out_height() * s.out_width() * s.outputs, place / s.width + s.padding,
                place % s.width + s.padding};
    }
    __device__ Spot inner(int k) const {
        const Spot e = of_entry(s, k, s.outputs);
        return {e.base, -e.y, -e.x};
    }
    __device__ long long column(int c) const { return (long long)c * s.outputs; }
    __device__ long long below(int k) const {
        const int tap = k / s.outputs;
        return (long long)tap * s.inputs * s.outputs + k % s.outputs;
    }
    __device__ T a(Spot at) const {
        if (at.y < 0 || at.x < 0 || at.y % s.stride || at.x % s.stride) return (T)0;
        const int y = at.y / s.stride, x = at.x / s.stride;
        if (y >= s.out_height() || x >= s.out_width()) return (T)0;
        return dy[at.base + ((long long)y * s.out_width() + x) * s.outputs];
    }
    __device__ void store(int r, int c, T sum) const {
        T* to = dx + (long long)r * s.inputs + c;
        *to = accumulate ? *to + sum : sum;
    }
};
template <class T> FN void conv_input(SHAPE, const T* dy, const T* w, T* dx, int accumulate) {
    const Shape s = SHAPE_OF;
    const Input<T> all = {s, batch * height * width, inputs, 1, dy, w, dx, accumulate};
    tiles<T>(all);
}

// parts[p][tap, i, o] = Σ over the p-th part of the output pixels of x[…] dy[pixel, o].
template <class T> struct Weights {
    Shape s;
    int rows, cols, parts;
    const T* x;
    const T* b;
    T* sums;
    int pixels;
    static constexpr bool a_along = false, b_along = false;
    __device__ Weights of(int part) const {
        Weights w = *this;
        w.sums += (long long)part * rows * cols;
        return w;
    }
    __device__ int from(int part) const { return (int)((long long)pixels * part / parts); }
    __device__ int to(int part) const { return (int)((long long)pixels * (part + 1) / parts); }
    __device__ Spot row(int r) const { return of_entry(s, r, s.inputs); }
    __device__ Spot inner(int k) const { return of_pixel(s, k); }
    __device__ long long column(int c) const { return c; }
    __device__ long long below(int k) const { return (long long)k * s.outputs; }
    __device__ T a(Spot at) const { return in_image(s, x, at); }
    __device__ void store(int r, int c, T sum) const { sums[(long long)r * cols + c] = sum; }
};
template <class T> FN void conv_weights(SHAPE, int parts, const T* x, const T* dy, T* sums) {
    const Shape s = SHAPE_OF;
    const int pixels = batch * s.out_height() * s.out_width();
    const Weights<T> all = {s, kernel * kernel * inputs, outputs, parts, x, dy, sums, pixels};
    tiles<T>(all);
}

// out = the sum of the parts, in order.
template <class T> FN void add_parts(long long n, int parts, const T* sums, T* out) {
    for (long long i = real::first_of_grid(); i < n; i += real::stride_of_grid()) {
        double sum = 0.0;
        for (int p = 0; p < parts; p++) sum += (double)sums[p * n + i];
        out[i] = (T)sum;
    }
}

// y[c, r] = x[r, c]: from one order of weights to another.
template <class T> FN void turn(long long rows, long long cols, const T* x, T* y) {
    for (long long i = real::first_of_grid(); i < rows * cols; i += real::stride_of_grid())
        y[i] = x[i % rows * cols + i / rows];
}

// As kernels.
#define P(T) (SHAPE, const T* x, const T* w, const T* bias, T* y)
BOTH(conv_forward, P, (SHAPE_NAMES, x, w, bias, y))
#undef P
#define P(T) (SHAPE, const T* dy, const T* w, T* dx, int accumulate)
BOTH(conv_input, P, (SHAPE_NAMES, dy, w, dx, accumulate))
#undef P
#define P(T) (SHAPE, int parts, const T* x, const T* dy, T* sums)
BOTH(conv_weights, P, (SHAPE_NAMES, parts, x, dy, sums))
#undef P
#define P(T) (long long n, int parts, const T* sums, T* out)
BOTH(add_parts, P, (n, parts, sums, out))
#undef P
#define P(T) (long long rows, long long cols, const T* x, T* y)
BOTH(turn, P, (rows, cols, x, y))
#undef P
