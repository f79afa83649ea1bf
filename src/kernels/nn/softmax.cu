// Softmax cross-entropy and the softmax of attention on a device; formulas are those of the CPU twins softmax.rs
// and attention.rs. f32 or f64, the type that the name of a kernel ends in; sums are of doubles, in order.

#include "block.cuh"
#include "real.cuh"

using namespace real;

// Loss and hit of each row of logits, and with `gradient` (else null) ∂f/∂z; a thread for a row.
template <class T>
FN void cross_entropy(int batch, int classes, const T* logits, const u32* labels, T* gradient, double* losses,
                      int* hits) {
    for (long long b = first_of_grid(); b < batch; b += stride_of_grid()) {
        const T* row = logits + b * classes;
        const int label = (int)labels[b];
        int best = 0;
        for (int c = 0; c < classes; c++) best = row[c] > row[best] ? c : best;
        const double top = (double)row[best];
        double sum = 0.0;
        for (int c = 0; c < classes; c++) sum += mirror::exponential((double)row[c] - top);
        losses[b] = mirror::logarithm(sum) + top - (double)row[label];
        hits[b] = best == label ? 1 : 0;
        if (!gradient) continue;
        for (int c = 0; c < classes; c++) {
            const double share = mirror::exponential((double)row[c] - top) / sum;
            gradient[b * classes + c] = (T)((share - (c == label ? 1.0 : 0.0)) / batch);
        }
    }
}
// Adds losses, hits and rows to what `totals` (3) has.
extern "C" __global__ void tally(int batch, const double* losses, const int* hits, double* totals) {
    if (first_of_grid() != 0) return;
    double loss = 0.0;
    int correct = 0;
    for (int b = 0; b < batch; b++) {
        loss += losses[b];
        correct += hits[b];
    }
    totals[0] += loss;
    totals[1] += correct;
    totals[2] += batch;
}

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
#define P(T) (int batch, int classes, const T* logits, const u32* labels, T* gradient, double* losses, int* hits)
BOTH(cross_entropy, P, (batch, classes, logits, labels, gradient, losses, hits))
#undef P
#define P(T) (int rows, int columns, T scale, T* p)
BOTH(softmax_rows, P, (rows, columns, scale, p))
#undef P
#define P(T) (int rows, int columns, T scale, const T* p, T* ds)
BOTH(softmax_slopes, P, (rows, columns, scale, p, ds))
#undef P
