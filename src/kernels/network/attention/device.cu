// The softmax of attention and its gradient on a device; formulas are those of the CPU twin host.rs. f32 or f64, the
// type that the name of a kernel ends in; sums are of doubles, in order.

#include "block.cuh"
#include "real.cuh"

using namespace real;

// softmax(scale·row) in place; a block for a row.
template <class T> FN void softmax_rows(int rows, int columns, T scale, T* p) {
    __shared__ double shared[THREADS];
    for (int row = (int)blockIdx.x; row < rows; row += (int)gridDim.x) {
        T* of = p + (long long)row * columns;
        double top = __longlong_as_double((long long)0xFFF0000000000000ull), sum = 0.0;
        for (int i = (int)threadIdx.x; i < columns; i += (int)blockDim.x)
            top = (double)of[i] > top ? (double)of[i] : top;
        const T largest = (T)mirror::over_block(shared, top, true);
        for (int i = (int)threadIdx.x; i < columns; i += (int)blockDim.x) {
            of[i] = (T)mirror::exponential((double)((of[i] - largest) * scale));
            sum += (double)of[i];
        }
        const T share = (T)(1.0 / mirror::over_block(shared, sum, false));
        for (int i = (int)threadIdx.x; i < columns; i += (int)blockDim.x) of[i] = of[i] * share;
    }
}
// dS = P⊙(dP − rowsum(dP⊙P))·scale, in the place of dP; a block for a row.
template <class T> FN void softmax_slopes(int rows, int columns, T scale, const T* p, T* ds) {
    __shared__ double shared[THREADS];
    for (int row = (int)blockIdx.x; row < rows; row += (int)gridDim.x) {
        const long long at = (long long)row * columns;
        double sum = 0.0;
        for (int i = (int)threadIdx.x; i < columns; i += (int)blockDim.x) sum += (double)(ds[at + i] * p[at + i]);
        const T inner = (T)mirror::over_block(shared, sum, false);
        for (int i = (int)threadIdx.x; i < columns; i += (int)blockDim.x)
            ds[at + i] = p[at + i] * (ds[at + i] - inner) * scale;
    }
}

// As kernels.
#define P(T) (int rows, int columns, T scale, T* p)
BOTH(softmax_rows, P, (rows, columns, scale, p))
#undef P
#define P(T) (int rows, int columns, T scale, const T* p, T* ds)
BOTH(softmax_slopes, P, (rows, columns, scale, p, ds))
#undef P
