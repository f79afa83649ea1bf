// Products of matrices by columns, as the cuBLAS API defines them: names, types, meaning and the checks of arguments.

#include <stdint.h>
#include <stdlib.h>

enum { OK = 0, NOT_INITIALIZED = 1, INVALID_VALUE = 7 };

extern int cuCtxGetCurrent(void**);
extern void simulated_close(const void* stream);

struct handle { void* stream; };

// How many products were asked for.
int simulated_products;

int cublasCreate_v2(struct handle** to) {
    void* context = 0;
    cuCtxGetCurrent(&context);
    if (!context) return NOT_INITIALIZED;
    *to = calloc(1, sizeof **to);
    return OK;
}
int cublasDestroy_v2(struct handle* it) { simulated_close(it->stream); free(it); return OK; }
int cublasSetStream_v2(struct handle* it, void* stream) { it->stream = stream; return OK; }

// C = α op(A) op(B) + β C; op(A) is m×k, op(B) k×n; an array of leading dimension l has (r, c) at r + l c.
#define GEMM(name, T)                                                                                              \
    int name(struct handle* it, int of_a, int of_b, int m, int n, int k, const T* alpha, const T* a, int lda, const T* b, \
             int ldb, const T* beta, T* c, int ldc) {                                                              \
        const int rows_a = of_a ? k : m, rows_b = of_b ? n : k;                                                    \
        if (!it || !it->stream) return NOT_INITIALIZED;                                                            \
        if (m < 0 || n < 0 || k < 0 || lda < (rows_a > 1 ? rows_a : 1) || ldb < (rows_b > 1 ? rows_b : 1) ||       \
            ldc < (m > 1 ? m : 1) || of_a > 1 || of_b > 1)                                                         \
            return INVALID_VALUE;                                                                                  \
        __atomic_add_fetch(&simulated_products, 1, __ATOMIC_RELAXED);                                              \
        for (int col = 0; col < n; col++)                                                                          \
            for (int row = 0; row < m; row++) {                                                                    \
                double sum = 0.0;                                                                                  \
                for (int i = 0; i < k; i++)                                                                        \
                    sum += (double)(of_a ? a[i + (int64_t)lda * row] : a[row + (int64_t)lda * i]) *                \
                           (double)(of_b ? b[col + (int64_t)ldb * i] : b[i + (int64_t)ldb * col]);                 \
                T* to = c + row + (int64_t)ldc * col;                                                              \
                *to = (T)((double)*alpha * sum + (*beta == 0 ? 0.0 : (double)*beta * (double)*to));                \
            }                                                                                                      \
        return OK;                                                                                                 \
    }
GEMM(cublasSgemm_v2, float)
GEMM(cublasDgemm_v2, double)
