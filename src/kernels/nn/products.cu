// Matrix products and convolutions of networks on a device; the CPU twins are linear.rs, attention.rs (its
// products) and conv.rs. f32 or f64, the type that the name of a kernel ends in.
//
//   C[r, c] (+)= Σ_k A[r, k] B[k, c] (+ bias[c])
//
// A convolution of NHWC images is such a product whose A is gathered from an image: an entry of a row and an
// entry of the sum each give a *spot* (an offset, a row and a column of the image); the sum of the two spots is where the
// number stands, or is outside, where it is 0. No gathered matrix is ever written to memory.
//
// A tile of C is 64×64, or 256×16 where C is narrow; A and B pass through shared memory 16 entries of the
// sum at a time; a thread has 4×4 numbers of the tile. With fewer than 256 threads a block goes over its tile
// several times: any block size is right. Each number of C is one sum in order, so nothing depends on the
// launch. Weight gradients, whose sums are long, are cut into parts at places that the shape alone decides; the
// parts are added in order.

#include "real.cuh"

#define DEPTH 16
// Columns of the padding of a tile of shared memory: rows start on different banks.
#define PAD 4

// Where a number stands: an offset, and a place in an image.
struct Spot {
    long long base;
    int y, x;
};
FN Spot nowhere() { return {0, -(1 << 29), 0}; }

// Loads of a tile go along the sum (where numbers of one row are neighbours), else along the rows.
template <class T, int ROWS, int COLS, class Of>
FN void tile_of(const Of& of, T* a, T* b, Spot* spots, Spot* inner, long long* columns, long long* below,
                int row0, int col0, int from, int to) {
    const int items = ROWS * COLS / 16, threads = (int)blockDim.x, me = (int)threadIdx.x;
    const int wide = ROWS + PAD, narrow = COLS + PAD;
    __syncthreads();
    for (int i = me; i < ROWS; i += threads) spots[i] = row0 + i < of.rows ? of.row(row0 + i) : nowhere();
    for (int i = me; i < COLS; i += threads) columns[i] = col0 + i < of.cols ? of.column(col0 + i) : -1;
    for (int first = 0; first < items; first += threads) {
        const int item = first + me;
        const int r = item / (COLS / 4) * 4, c = item % (COLS / 4) * 4;
        T sum[4][4];
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++) sum[i][j] = (T)0;
        for (int k0 = from; k0 < to; k0 += DEPTH) {
            __syncthreads();
            for (int i = me; i < DEPTH; i += threads) {
                inner[i] = k0 + i < to ? of.inner(k0 + i) : nowhere();
                below[i] = k0 + i < to ? of.below(k0 + i) : -1;
            }
            __syncthreads();
            for (int i = me; i < DEPTH * ROWS; i += threads) {
                const int k = of.a_along ? i % DEPTH : i / ROWS, row = of.a_along ? i / DEPTH : i % ROWS;
                const Spot p = spots[row], q = inner[k];
                a[k * wide + row] = of.a({p.base + q.base, p.y + q.y, p.x + q.x});
            }
            for (int i = me; i < DEPTH * COLS; i += threads) {
                const int k = of.b_along ? i % DEPTH : i / COLS, col = of.b_along ? i / DEPTH : i % COLS;
                b[k * narrow + col] = columns[col] < 0 || below[k] < 0 ? (T)0 : of.b[columns[col] + below[k]];
            }
            __syncthreads();
            if (item >= items) continue;
            for (int k = 0; k < DEPTH; k++) {
                T left[4], right[4];
                for (int i = 0; i < 4; i++) left[i] = a[k * wide + r + i];
                for (int j = 0; j < 4; j++) right[j] = b[k * narrow + c + j];
                for (int i = 0; i < 4; i++)
                    for (int j = 0; j < 4; j++) sum[i][j] = fma(left[i], right[j], sum[i][j]);
            }
        }
        if (item >= items) continue;
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++)
                if (row0 + r + i < of.rows && col0 + c + j < of.cols) of.store(row0 + r + i, col0 + c + j, sum[i][j]);
    }
}

// All tiles of `parts` products; `of(part)` is the product, and which of its sum it takes.
template <class T, int ROWS, int COLS, class All> FN void tiles_of(const All& all, T* a, T* b, Spot* spots) {
    __shared__ Spot inner[DEPTH];
    __shared__ long long columns[64], below[DEPTH];
    const int down = (all.rows + ROWS - 1) / ROWS, across = (all.cols + COLS - 1) / COLS;
    const long long tiles = (long long)down * across * all.parts;
    for (long long t = blockIdx.x; t < tiles; t += gridDim.x) {
        const int part = (int)(t / ((long long)down * across)), tile = (int)(t % ((long long)down * across));
        const auto of = all.of(part);
        tile_of<T, ROWS, COLS>(of, a, b, spots, inner, columns, below, tile / across * ROWS,
                               tile % across * COLS, all.from(part), all.to(part));
    }
}
template <class T, class All> FN void tiles(const All& all) {
    __shared__ T a[DEPTH * (256 + PAD)];
    __shared__ T b[DEPTH * (64 + PAD)];
    __shared__ Spot spots[256];
    if (all.cols > 32) tiles_of<T, 64, 64>(all, a, b, spots);
    else tiles_of<T, 256, 16>(all, a, b, spots);
}

// Matrices by strides.
template <class T> struct Product {
    int rows, cols, depth, parts, heads;
    const T* left;
    long long a_image, a_head, a_row, a_col;
    const T* b;
    long long b_image, b_head, b_row, b_col;
    const T* bias;
    T* c;
    long long c_image, c_head, c_row;
    int accumulate;
    bool a_along, b_along;
    __device__ Product of(int part) const {
        Product p = *this;
        const long long image = part / heads, head = part % heads;
        p.left += image * a_image + head * a_head;
        p.b += image * b_image + head * b_head;
        p.c += image * c_image + head * c_head;
        return p;
    }
    __device__ int from(int) const { return 0; }
    __device__ int to(int) const { return depth; }
    __device__ Spot row(int r) const { return {r * a_row, 0, 0}; }
    __device__ Spot inner(int k) const { return {k * a_col, 0, 0}; }
    __device__ long long column(int c) const { return c * b_col; }
    __device__ long long below(int k) const { return k * b_row; }
    __device__ T a(Spot s) const { return s.y < 0 ? (T)0 : left[s.base]; }
    __device__ void store(int r, int col, T sum) const {
        T* to = c + r * c_row + col;
        if (bias) sum += bias[col];
        *to = accumulate ? *to + sum : sum;
    }
};
template <class T>
FN void matrix_product(int rows, int cols, int depth, int parts, int heads, const T* a, long long a_image, long long a_head,
                long long a_row, long long a_col, const T* b, long long b_image, long long b_head,
                long long b_row, long long b_col, const T* bias, T* c, long long c_image, long long c_head,
                long long c_row, int accumulate) {
    const Product<T> all = {rows,   cols,   depth, parts, heads, a,       a_image, a_head, a_row,      a_col,      b,
                            b_image, b_head, b_row, b_col, bias,  c,       c_image, c_head, c_row,      accumulate, a_col == 1,
                            b_col != 1};
    tiles<T>(all);
}

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

// c += bias, row by row.
template <class T> FN void add_rows(long long n, int cols, const T* bias, T* c) {
    for (long long i = real::first_of_grid(); i < n; i += real::stride_of_grid()) c[i] += bias[i % cols];
}

// y[c, r] = x[r, c]: from one order of weights to another.
template <class T> FN void turn(long long rows, long long cols, const T* x, T* y) {
    for (long long i = real::first_of_grid(); i < rows * cols; i += real::stride_of_grid())
        y[i] = x[i % rows * cols + i / rows];
}

// As kernels.
#define P(T) \
    (int rows, int cols, int depth, int parts, int heads, const T* a, long long a_image, long long a_head, \
     long long a_row, long long a_col, const T* b, long long b_image, long long b_head, long long b_row, \
     long long b_col, const T* bias, T* c, long long c_image, long long c_head, long long c_row, int accumulate)
BOTH(matrix_product, P, (rows, cols, depth, parts, heads, a, a_image, a_head, a_row, a_col, b, b_image, b_head, b_row,
    b_col, bias, c, c_image, c_head, c_row, accumulate))
#undef P
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
#define P(T) (long long n, int cols, const T* bias, T* c)
BOTH(add_rows, P, (n, cols, bias, c))
#undef P
#define P(T) (long long rows, long long cols, const T* x, T* y)
BOTH(turn, P, (rows, cols, x, y))
#undef P
