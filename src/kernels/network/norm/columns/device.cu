// Sums of columns on a device; the CPU twin is host.rs. f32 or f64, the type that the name of a kernel ends in. How
// sums go: chunks.cuh.

#include "chunks.cuh"

using namespace real;

// Σ over each chunk of the rows of a column.
template <class T> FN void column_parts(PIXELS, const T* a, double* parts) {
    const long long items = chunks_of(pixels, chunk) * channels;
    for (long long i = first_of_grid(); i < items; i += stride_of_grid()) {
        const long long from = i / channels * chunk, to = from + chunk < pixels ? from + chunk : pixels;
        double sum = 0.0;
        for (long long p = from; p < to; p++) sum += (double)a[p * channels + i % channels];
        parts[i] = sum;
    }
}
// Over the chunks, which lie `stride` apart.
template <class T> FN void column_fold(int columns, int chunks, int stride, const double* parts, T* sums) {
    for (long long c = first_of_grid(); c < columns; c += stride_of_grid()) {
        double sum = 0.0;
        for (int k = 0; k < chunks; k++) sum += parts[(long long)k * stride + c];
        sums[c] = (T)sum;
    }
}

// As kernels.
#define P(T) (PIXELS, const T* a, double* parts)
BOTH(column_parts, P, (PIXEL_NAMES, a, parts))
#undef P
#define P(T) (int columns, int chunks, int stride, const double* parts, T* sums)
BOTH(column_fold, P, (columns, chunks, stride, parts, sums))
#undef P
