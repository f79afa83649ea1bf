// Softmax cross-entropy on a device; formulas are those of the CPU twin host.rs. f32 or f64, the type that the name
// of a kernel ends in; sums are of doubles, in order.

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

// As kernels.
#define P(T) (int batch, int classes, const T* logits, const u32* labels, T* gradient, double* losses, int* hits)
BOTH(cross_entropy, P, (batch, classes, logits, labels, gradient, losses, hits))
#undef P
