// What the threads of a block do together, on vectors and small matrices that all of them see: sums, products
// with Z, the weighted Gram matrix, its Cholesky factor, its solves.
//
// Z is read as d×n and as its transpose zt, n×d, such that neighbouring threads read neighbouring numbers. A
// function leaves only when its result stands for all threads; what it reads must stand before it is called.

#pragma once

#include "prelude.cuh"

// Threads of a block at most: sums needs a place for each.
#define THREADS 1024

// A function that is called, not copied: the kernels call each from many places.
#define CALLED __device__ __noinline__ static

// For every i below count, shared out to the threads.
#define EACH(i, count) for (int i = (int)threadIdx.x; i < (count); i += (int)blockDim.x)

namespace mirror {

// The largest of a number of each thread, or their sum, seen by all.
CALLED double over_block(double* sums, double value, bool maximum) {
    const int thread = (int)threadIdx.x;
    sums[thread] = value;
    __syncthreads();
    for (int count = (int)blockDim.x; count > 1;) {
        const int half = (count + 1) / 2;
        if (thread + half < count) {
            const double other = sums[thread + half], own = sums[thread];
            sums[thread] = !maximum ? own + other : other > own ? other : own;
        }
        __syncthreads();
        count = half;
    }
    const double all = sums[0];
    __syncthreads();
    return all;
}

// out = factor Zᵀv (n).
CALLED void transposed_product(const double* z, int d, int n, const double* v, double factor, double* out) {
    EACH(i, n) {
        double sum = 0.0;
        for (int j = 0; j < d; j++) sum = fma(z[(u64)j * n + i], v[j], sum);
        out[i] = factor * sum;
    }
    __syncthreads();
}

// out = factor (Zv - y) (d); y may be null, for 0.
CALLED void product(
    const double* zt, int d, int n, const double* v, const double* y, double factor, double* out
) {
    EACH(j, d) {
        double sum = 0.0;
        for (int i = 0; i < n; i++) sum = fma(zt[(u64)i * d + j], v[i], sum);
        out[j] = factor * (y ? sum - y[j] : sum);
    }
    __syncthreads();
}

// gram = Z diag(weights) Zᵀ (d×d), on and below the diagonal.
CALLED void weighted_gram(const double* zt, int d, int n, const double* weights, double* gram) {
    EACH(item, d * d) {
        const int i = item / d, j = item % d;
        if (j > i) continue;
        double sum = 0.0;
        for (int k = 0; k < n; k++) {
            sum = fma(weights[k] * zt[(u64)k * d + i], zt[(u64)k * d + j], sum);
        }
        gram[item] = sum;
    }
    __syncthreads();
}

// gram = LLᵀ in place (d×d), column by column; false where it is not positive definite.
CALLED bool cholesky(double* gram, int d) {
    for (int k = 0; k < d; k++) {
        const double pivot = gram[k * d + k];
        if (!(pivot > 0.0 && is_finite(pivot))) return false;
        const double inverse = 1.0 / sqrt(pivot);
        __syncthreads();
        EACH(step, d - k) gram[(k + step) * d + k] *= inverse;
        __syncthreads();
        const int left = d - k - 1;
        EACH(item, left * left) {
            const int i = k + 1 + item / left, j = k + 1 + item % left;
            if (j <= i) gram[i * d + j] = fma(-gram[i * d + k], gram[j * d + k], gram[i * d + j]);
        }
        __syncthreads();
    }
    return true;
}

// LLᵀv = v in place (d).
CALLED void cholesky_solve(const double* gram, int d, double* v) {
    for (int k = 0; k < d; k++) {
        const double value = v[k] / gram[k * d + k];
        __syncthreads();
        EACH(i, d) {
            if (i == k) v[i] = value;
            if (i > k) v[i] = fma(-gram[i * d + k], value, v[i]);
        }
        __syncthreads();
    }
    for (int k = d - 1; k >= 0; k--) {
        const double value = v[k] / gram[k * d + k];
        __syncthreads();
        EACH(i, d) {
            if (i == k) v[i] = value;
            if (i < k) v[i] = fma(-gram[k * d + i], value, v[i]);
        }
        __syncthreads();
    }
}

} // namespace mirror
