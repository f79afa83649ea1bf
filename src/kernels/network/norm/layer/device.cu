// Layer norm on a device; formulas are those of the CPU twin host.rs. f32 or f64, the type that the name of a kernel
// ends in. How sums over rows go: chunks.cuh.

#include "block.cuh"
#include "chunks.cuh"

using namespace real;

// Mean and 1/√(σ² + ε) of each row; a block for a row.
template <class T> FN void layer_moments(int rows, int columns, double epsilon, const T* x, T* moments) {
    __shared__ double shared[THREADS];
    for (int row = (int)blockIdx.x; row < rows; row += (int)gridDim.x) {
        const T* of = x + (long long)row * columns;
        double sum = 0.0, squares = 0.0;
        for (int i = (int)threadIdx.x; i < columns; i += (int)blockDim.x) sum += (double)of[i];
        const double mean = mirror::over_block(shared, sum, false) / columns;
        for (int i = (int)threadIdx.x; i < columns; i += (int)blockDim.x) {
            const double apart = (double)of[i] - mean;
            squares += apart * apart;
        }
        const double variance = mirror::over_block(shared, squares, false) / columns;
        if (threadIdx.x == 0) {
            moments[2 * row] = (T)mean;
            moments[2 * row + 1] = (T)(1.0 / sqrt(variance + epsilon));
        }
    }
}
template <class T>
FN void layer_forward(long long n, int columns, const T* x, const T* moments, const T* weight, const T* bias,
                      T* y) {
    for (long long i = first_of_grid(); i < n; i += stride_of_grid()) {
        const T* of = moments + 2 * (i / columns);
        const int c = (int)(i % columns);
        y[i] = weight[c] * ((x[i] - of[0]) * of[1]) + bias[c];
    }
}
// Σ dy⊙x̂ and Σ dy of each chunk of rows: parts is chunks×2×columns.
template <class T> FN void layer_sums(PIXELS, const T* x, const T* moments, const T* dy, double* parts) {
    const long long items = chunks_of(pixels, chunk) * channels;
    for (long long i = first_of_grid(); i < items; i += stride_of_grid()) {
        const long long from = i / channels * chunk, to = from + chunk < pixels ? from + chunk : pixels;
        const int c = (int)(i % channels);
        double slope = 0.0, sum = 0.0;
        for (long long p = from; p < to; p++) {
            const long long at = p * channels + c;
            slope += (double)(dy[at] * ((x[at] - moments[2 * p]) * moments[2 * p + 1]));
            sum += (double)dy[at];
        }
        parts[i / channels * 2 * channels + c] = slope;
        parts[(i / channels * 2 + 1) * channels + c] = sum;
    }
}
// dx, or dx += with `accumulate`; a block for a row.
template <class T>
FN void layer_input(int rows, int columns, const T* x, const T* moments, const T* weight, const T* dy, T* dx,
                    int accumulate) {
    __shared__ double shared[THREADS];
    for (int row = (int)blockIdx.x; row < rows; row += (int)gridDim.x) {
        const long long at = (long long)row * columns;
        const T mean = moments[2 * row], inverse = moments[2 * row + 1];
        double sum = 0.0, slope = 0.0;
        for (int i = (int)threadIdx.x; i < columns; i += (int)blockDim.x) {
            const double g = (double)(weight[i] * dy[at + i]);
            sum += g;
            slope += g * (double)((x[at + i] - mean) * inverse);
        }
        const T all = (T)(mirror::over_block(shared, sum, false) / columns), along = (T)(mirror::over_block(shared, slope, false) / columns);
        for (int i = (int)threadIdx.x; i < columns; i += (int)blockDim.x) {
            const T normal = (x[at + i] - mean) * inverse;
            const T value = (weight[i] * dy[at + i] - all - normal * along) * inverse;
            dx[at + i] = accumulate ? dx[at + i] + value : value;
        }
    }
}

// As kernels.
#define P(T) (int rows, int columns, double epsilon, const T* x, T* moments)
BOTH(layer_moments, P, (rows, columns, epsilon, x, moments))
#undef P
#define P(T) (long long n, int columns, const T* x, const T* moments, const T* weight, const T* bias, T* y)
BOTH(layer_forward, P, (n, columns, x, moments, weight, bias, y))
#undef P
#define P(T) (PIXELS, const T* x, const T* moments, const T* dy, double* parts)
BOTH(layer_sums, P, (PIXEL_NAMES, x, moments, dy, parts))
#undef P
#define P(T) \
    (int rows, int columns, const T* x, const T* moments, const T* weight, const T* dy, T* dx, int accumulate)
BOTH(layer_input, P, (rows, columns, x, moments, weight, dy, dx, accumulate))
#undef P
