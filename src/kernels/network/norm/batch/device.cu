// Batch norm on a device; formulas are those of the CPU twin host.rs. f32 or f64, the type that the name of a kernel
// ends in. How sums over pixels go: chunks.cuh.

#include "chunks.cuh"

using namespace real;

// Mean and sum of squares about it of each channel of each chunk: parts is chunks×2×channels.
template <class T> FN void batch_moments(PIXELS, const T* x, double* parts) {
    const long long items = chunks_of(pixels, chunk) * channels;
    for (long long i = first_of_grid(); i < items; i += stride_of_grid()) {
        const long long from = i / channels * chunk, to = from + chunk < pixels ? from + chunk : pixels;
        const int c = (int)(i % channels);
        double sum = 0.0, squares = 0.0;
        for (long long p = from; p < to; p++) sum += (double)x[p * channels + c];
        const double mean = sum / (double)(to - from);
        for (long long p = from; p < to; p++) {
            const double apart = (double)x[p * channels + c] - mean;
            squares = fma(apart, apart, squares);
        }
        parts[i / channels * 2 * channels + c] = mean;
        parts[(i / channels * 2 + 1) * channels + c] = squares;
    }
}

// The moments of the batch, the running statistics, and y = scale·x + shift.
template <class T>
FN void batch_statistics(PIXELS, const double* parts, double epsilon, double momentum, const T* weight,
                         const T* bias, T* mean, T* inverse, T* running_mean, T* running_variance, T* scale,
                         T* shift) {
    for (long long c = first_of_grid(); c < channels; c += stride_of_grid()) {
        double count = 0.0, middle = 0.0, squares = 0.0;
        const long long chunks = chunks_of(pixels, chunk);
        for (long long k = 0; k < chunks; k++) {
            const double n = (double)(k + 1 < chunks ? chunk : pixels - k * chunk);
            const double delta = parts[k * 2 * channels + c] - middle;
            const double before = count;
            count += n;
            middle += delta * (n / count);
            squares += parts[(k * 2 + 1) * channels + c] + delta * delta * (before * n / count);
        }
        const double root = 1.0 / sqrt(squares / count + epsilon);
        // One pixel has no unbiased variance: the biased one stays.
        const double unbiased = squares / (double)((pixels > 2 ? pixels : 2) - 1);
        const double old_mean = (double)running_mean[c], old_variance = (double)running_variance[c];
        mean[c] = (T)middle;
        inverse[c] = (T)root;
        running_mean[c] = (T)(old_mean + momentum * (middle - old_mean));
        running_variance[c] = (T)(old_variance + momentum * (unbiased - old_variance));
        const double slope = (double)weight[c] * root;
        scale[c] = (T)slope;
        shift[c] = (T)((double)bias[c] - slope * middle);
    }
}
// The same of the running statistics.
template <class T>
FN void batch_scales(int channels, double epsilon, const T* weight, const T* bias, const T* mean,
                     const T* variance, T* scale, T* shift) {
    for (long long c = first_of_grid(); c < channels; c += stride_of_grid()) {
        const double slope = (double)weight[c] / sqrt((double)variance[c] + epsilon);
        scale[c] = (T)slope;
        shift[c] = (T)((double)bias[c] - slope * (double)mean[c]);
    }
}
// y = relu?(scale·x + shift + r?); r is null where nothing is added.
template <class T>
FN void batch_apply(long long n, int channels, const T* x, const T* scale, const T* shift, const T* r, int relu,
                    T* y) {
    for (long long i = first_of_grid(); i < n; i += stride_of_grid()) {
        const int c = (int)(i % channels);
        T value = fma(x[i], scale[c], shift[c]);
        if (r) value += r[i];
        y[i] = relu && value < (T)0 ? (T)0 : value;
    }
}

// g = dy where y > 0 (with ReLU), in place; Σ g and Σ g(x − μ) of each chunk.
template <class T>
FN void batch_sums(PIXELS, const T* x, const T* y, T* dy, int relu, const T* mean, double* parts) {
    const long long items = chunks_of(pixels, chunk) * channels;
    for (long long i = first_of_grid(); i < items; i += stride_of_grid()) {
        const long long from = i / channels * chunk, to = from + chunk < pixels ? from + chunk : pixels;
        const int c = (int)(i % channels);
        double sum = 0.0, slope = 0.0;
        for (long long p = from; p < to; p++) {
            const long long at = p * channels + c;
            if (relu && !(y[at] > (T)0)) dy[at] = (T)0;
            const double g = (double)dy[at];
            sum += g;
            slope = fma(g, (double)(x[at] - mean[c]), slope);
        }
        parts[i / channels * 2 * channels + c] = sum;
        parts[(i / channels * 2 + 1) * channels + c] = slope;
    }
}
template <class T>
FN void batch_slopes(PIXELS, const double* parts, const T* inverse, T* dweight, T* dbias) {
    for (long long c = first_of_grid(); c < channels; c += stride_of_grid()) {
        double sum = 0.0, slope = 0.0;
        for (long long k = 0; k < chunks_of(pixels, chunk); k++) {
            sum += parts[k * 2 * channels + c];
            slope += parts[(k * 2 + 1) * channels + c];
        }
        dbias[c] = (T)sum;
        dweight[c] = (T)(slope * (double)inverse[c]);
    }
}
// g becomes dx where it stands.
template <class T>
FN void batch_gradient(long long n, int channels, const T* x, T* g, const T* weight, const T* mean,
                       const T* inverse, const T* dweight, const T* dbias) {
    const double share = (double)channels / (double)n;
    for (long long i = first_of_grid(); i < n; i += stride_of_grid()) {
        const int c = (int)(i % channels);
        const double root = (double)inverse[c], scale = (double)weight[c] * root;
        const T slope = (T)(-scale * root * (double)dweight[c] * share);
        const T shift = (T)(-scale * (double)dbias[c] * share);
        g[i] = fma((T)scale, g[i], fma(slope, x[i] - mean[c], shift));
    }
}

// As kernels.
#define P(T) (PIXELS, const T* x, double* parts)
BOTH(batch_moments, P, (PIXEL_NAMES, x, parts))
#undef P
#define P(T) \
    (PIXELS, const double* parts, double epsilon, double momentum, const T* weight, const T* bias, T* mean, \
     T* inverse, T* running_mean, T* running_variance, T* scale, T* shift)
BOTH(batch_statistics, P, (PIXEL_NAMES, parts, epsilon, momentum, weight, bias, mean, inverse, running_mean,
    running_variance, scale, shift))
#undef P
#define P(T) \
    (int channels, double epsilon, const T* weight, const T* bias, const T* mean, const T* variance, T* scale, T* shift)
BOTH(batch_scales, P, (channels, epsilon, weight, bias, mean, variance, scale, shift))
#undef P
#define P(T) (long long n, int channels, const T* x, const T* scale, const T* shift, const T* r, int relu, T* y)
BOTH(batch_apply, P, (n, channels, x, scale, shift, r, relu, y))
#undef P
#define P(T) (PIXELS, const T* x, const T* y, T* dy, int relu, const T* mean, double* parts)
BOTH(batch_sums, P, (PIXEL_NAMES, x, y, dy, relu, mean, parts))
#undef P
#define P(T) (PIXELS, const double* parts, const T* inverse, T* dweight, T* dbias)
BOTH(batch_slopes, P, (PIXEL_NAMES, parts, inverse, dweight, dbias))
#undef P
#define P(T) \
    (long long n, int channels, const T* x, T* g, const T* weight, const T* mean, const T* inverse, const T* dweight, \
     const T* dbias)
BOTH(batch_gradient, P, (n, channels, x, g, weight, mean, inverse, dweight, dbias))
#undef P
