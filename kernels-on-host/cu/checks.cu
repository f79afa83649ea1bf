// The functions of prelude.cuh over arrays, for the checks.

#include "prelude.cuh"

using namespace mirror;

// which: 0 e^x, 1 log x, 2 asinh(x/a), 3 a sinh x, 4 a cosh x; log a in `second`.
extern "C" __global__ void check_map(int which, int count, const double* first, const double* second,
                                     double* out) {
    const int threads = (int)(blockDim.x * gridDim.x);
    for (int i = (int)(blockIdx.x * blockDim.x + threadIdx.x); i < count; i += threads) {
        const double x = first[i], log_a = second[i];
        double sinh_part, cosh_part;
        a_sinh_cosh(x, log_a, &sinh_part, &cosh_part);
        out[i] = which == 0   ? exponential(x)
                 : which == 1 ? logarithm(x)
                 : which == 2 ? asinh_ratio(x, log_a)
                 : which == 3 ? sinh_part
                              : cosh_part;
    }
}

// out[4i..4i+4] = philox(key, (i, 2, 3, 4)).
extern "C" __global__ void check_philox(int count, u64 key, u32* out) {
    const int threads = (int)(blockDim.x * gridDim.x);
    for (int i = (int)(blockIdx.x * blockDim.x + threadIdx.x); i < count; i += threads) {
        u32 words[4] = {(u32)i, 2, 3, 4};
        philox((u32)key, (u32)(key >> 32), words);
        for (int k = 0; k < 4; k++) out[4 * i + k] = words[k];
    }
}

// Wrong on purpose: thread 0 leaves before the barrier.
extern "C" __global__ void check_divergence(int* out) {
    if (threadIdx.x == 0) return;
    __syncthreads();
    out[threadIdx.x] = 1;
}

// Wrong on purpose: the barrier between the write and the read is missing.
extern "C" __global__ void check_missing_barrier(int* out) {
    __shared__ int shared[256];
    shared[threadIdx.x] = (int)threadIdx.x;
    out[threadIdx.x] = shared[(threadIdx.x + 1) % blockDim.x];
}

// Wrong on purpose: one number beyond the end.
extern "C" __global__ void check_overrun(int count, double* out) { out[count] = 1.0; }
