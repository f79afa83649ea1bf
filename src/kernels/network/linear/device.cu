// Matrix products of networks on a device; the CPU twins are host.rs and attention/host.rs (its products). f32 or
// f64, the type that the name of a kernel ends in. How: tiles.cuh.

#include "tiles.cuh"

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

// c += bias, row by row.
template <class T> FN void add_rows(long long n, int cols, const T* bias, T* c) {
    for (long long i = real::first_of_grid(); i < n; i += real::stride_of_grid()) c[i] += bias[i % cols];
}

// As kernels.
#define P(T) \
    (int rows, int cols, int depth, int parts, int heads, const T* a, long long a_image, long long a_head, \
     long long a_row, long long a_col, const T* b, long long b_image, long long b_head, long long b_row, \
     long long b_col, const T* bias, T* c, long long c_image, long long c_head, long long c_row, int accumulate)
BOTH(matrix_product, P, (rows, cols, depth, parts, heads, a, a_image, a_head, a_row, a_col, b, b_image, b_head, b_row,
    b_col, bias, c, c_image, c_head, c_row, accumulate))
#undef P
#define P(T) (long long n, int cols, const T* bias, T* c)
BOTH(add_rows, P, (n, cols, bias, c))
#undef P
