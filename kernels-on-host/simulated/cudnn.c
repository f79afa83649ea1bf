// Convolutions as the cuDNN API (9) defines them: names, types, meaning and the checks of arguments. Images are NHWC, filters
// KRSC. What it offers first cannot be taken: ways that are not deterministic, not in full precision, or want too much room;
// and it refuses some shapes, at once or when asked to run, as the real library may.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 0, NOT_INITIALIZED = 1001, BAD_PARAM = 2000, NOT_SUPPORTED = 3000 };
enum { FLOAT = 0, DOUBLE = 1, NHWC = 1, CROSS_CORRELATION = 1, DEFAULT_MATH = 0, TENSOR_OP_MATH = 1, FMA_MATH = 3 };

extern int cuCtxGetCurrent(void**);
extern void simulated_close(const void* stream);

struct handle { void* stream; };
struct tensor { int type, n, c, h, w; };
struct filter { int type, k, c, h, w; };
struct sizes { int type, pad, stride, mode, math; };
struct answer { int algo, status; float time; size_t memory; int determinism, math, reserved[3]; };

#define ROOM 4096
#define GOOD 1

// How many convolutions were carried out, and refused when asked to run.
int simulated_convolutions, simulated_refusals;

size_t cudnnGetVersion(void) { return 90201; }
int cudnnCreate(struct handle** to) {
    void* context = 0;
    cuCtxGetCurrent(&context);
    if (!context) return NOT_INITIALIZED;
    *to = calloc(1, sizeof **to);
    return OK;
}
int cudnnDestroy(struct handle* it) { simulated_close(it->stream); free(it); return OK; }
int cudnnSetStream(struct handle* it, void* stream) { it->stream = stream; return OK; }

int cudnnCreateTensorDescriptor(struct tensor** to) { *to = calloc(1, sizeof **to); return OK; }
int cudnnDestroyTensorDescriptor(struct tensor* it) { free(it); return OK; }
int cudnnSetTensor4dDescriptor(struct tensor* it, int format, int type, int n, int c, int h, int w) {
    if (format != NHWC || (type != FLOAT && type != DOUBLE) || n < 1 || c < 1 || h < 1 || w < 1) return BAD_PARAM;
    *it = (struct tensor){type, n, c, h, w};
    return OK;
}
int cudnnCreateFilterDescriptor(struct filter** to) { *to = calloc(1, sizeof **to); return OK; }
int cudnnDestroyFilterDescriptor(struct filter* it) { free(it); return OK; }
int cudnnSetFilter4dDescriptor(struct filter* it, int type, int format, int k, int c, int h, int w) {
    if (format != NHWC || k < 1 || c < 1 || h < 1 || w < 1) return BAD_PARAM;
    *it = (struct filter){type, k, c, h, w};
    return OK;
}
int cudnnCreateConvolutionDescriptor(struct sizes** to) { *to = calloc(1, sizeof **to); return OK; }
int cudnnDestroyConvolutionDescriptor(struct sizes* it) { free(it); return OK; }
int cudnnSetConvolution2dDescriptor(struct sizes* it, int pad_h, int pad_w, int u, int v, int dilation_h, int dilation_w,
                                    int mode, int type) {
    if (pad_h != pad_w || u != v || u < 1 || dilation_h != 1 || dilation_w != 1 || pad_h < 0) return BAD_PARAM;
    *it = (struct sizes){type, pad_h, u, mode, DEFAULT_MATH};
    return OK;
}
int cudnnSetConvolutionMathType(struct sizes* it, int math) { it->math = math; return OK; }

static int fits(const struct tensor* x, const struct filter* w, const struct sizes* s, const struct tensor* y) {
    return x->type == w->type && x->type == y->type && x->type == s->type && x->n == y->n && x->c == w->c && y->c == w->k &&
           y->h == (x->h + 2 * s->pad - w->h) / s->stride + 1 && y->w == (x->w + 2 * s->pad - w->w) / s->stride + 1;
}
// Shapes that it does not take, and that it takes until it is asked to run.
static int refused(const struct filter* w, const struct sizes* s) { return s->stride == 2 && w->h == 3; }
static int broken(const struct filter* w, const struct sizes* s) { return s->stride == 4 || w->h == 7; }

static int answers(const struct tensor* x, const struct filter* w, const struct sizes* s, const struct tensor* y, int most,
                   int* count, struct answer* to) {
    if (!fits(x, w, s, y)) return BAD_PARAM;
    const struct answer all[5] = {
        {3, NOT_SUPPORTED, -1.0f, 0, 1, FMA_MATH, {0}}, {2, OK, 1.0f, 0, 0, FMA_MATH, {0}},
        {4, OK, 2.0f, 0, 1, TENSOR_OP_MATH, {0}},       {0, OK, 3.0f, (size_t)1 << 40, 1, FMA_MATH, {0}},
        {GOOD, OK, 4.0f, ROOM, 1, FMA_MATH, {0}},
    };
    *count = most < 5 ? most : 5;
    memcpy(to, all, (size_t)*count * sizeof *to);
    if (refused(w, s))
        for (int i = 0; i < *count; i++) to[i].status = NOT_SUPPORTED;
    return OK;
}
static int room(int algo, size_t* bytes) {
    *bytes = algo == GOOD ? ROOM : (size_t)1 << 40;
    return OK;
}

int cudnnGetConvolutionForwardAlgorithm_v7(struct handle* h, struct tensor* x, struct filter* w, struct sizes* s,
                                           struct tensor* y, int most, int* count, struct answer* to) {
    return h ? answers(x, w, s, y, most, count, to) : NOT_INITIALIZED;
}
int cudnnGetConvolutionBackwardDataAlgorithm_v7(struct handle* h, struct filter* w, struct tensor* dy, struct sizes* s,
                                                struct tensor* dx, int most, int* count, struct answer* to) {
    return h ? answers(dx, w, s, dy, most, count, to) : NOT_INITIALIZED;
}
int cudnnGetConvolutionBackwardFilterAlgorithm_v7(struct handle* h, struct tensor* x, struct tensor* dy, struct sizes* s,
                                                  struct filter* dw, int most, int* count, struct answer* to) {
    return h ? answers(x, dw, s, dy, most, count, to) : NOT_INITIALIZED;
}
int cudnnGetConvolutionForwardWorkspaceSize(struct handle* h, struct tensor* x, struct filter* w, struct sizes* s,
                                            struct tensor* y, int algo, size_t* bytes) {
    return h && fits(x, w, s, y) ? room(algo, bytes) : BAD_PARAM;
}
int cudnnGetConvolutionBackwardDataWorkspaceSize(struct handle* h, struct filter* w, struct tensor* dy, struct sizes* s,
                                                 struct tensor* dx, int algo, size_t* bytes) {
    return h && fits(dx, w, s, dy) ? room(algo, bytes) : BAD_PARAM;
}
int cudnnGetConvolutionBackwardFilterWorkspaceSize(struct handle* h, struct tensor* x, struct tensor* dy, struct sizes* s,
                                                   struct filter* dw, int algo, size_t* bytes) {
    return h && fits(x, dw, s, dy) ? room(algo, bytes) : BAD_PARAM;
}

// What every part goes over: for each output pixel, output, tap and input inside the image, the places in x, w and y.
#define OVER(BODY)                                                                                                    \
    for (int n = 0; n < y->n; n++)                                                                                    \
        for (int oy = 0; oy < y->h; oy++)                                                                             \
            for (int ox = 0; ox < y->w; ox++)                                                                         \
                for (int o = 0; o < y->c; o++)                                                                        \
                    for (int ky = 0; ky < w->h; ky++)                                                                 \
                        for (int kx = 0; kx < w->w; kx++) {                                                           \
                            const int iy = oy * s->stride + ky - s->pad, ix = ox * s->stride + kx - s->pad;           \
                            if (iy < 0 || iy >= x->h || ix < 0 || ix >= x->w) continue;                               \
                            for (int i = 0; i < x->c; i++) {                                                          \
                                const int64_t at_x = (((int64_t)n * x->h + iy) * x->w + ix) * x->c + i;               \
                                const int64_t at_y = (((int64_t)n * y->h + oy) * y->w + ox) * y->c + o;               \
                                const int64_t at_w = (((int64_t)o * w->h + ky) * w->w + kx) * w->c + i;               \
                                BODY;                                                                                 \
                            }                                                                                         \
                        }

static int numbers(const struct tensor* t) { return t->n * t->c * t->h * t->w; }

// to = α Σ left·right + β to; which of x, w, y is which, the part says.
static int run(struct handle* h, int part, const void* alpha, const void* beta, const struct tensor* x, const struct filter* w,
               const struct tensor* y, const struct sizes* s, int algo, void* work, size_t bytes, const void* left,
               const void* right, void* to) {
    if (!h || !h->stream) return NOT_INITIALIZED;
    if (!fits(x, w, s, y) || algo != GOOD || s->math != FMA_MATH || s->mode != CROSS_CORRELATION) return BAD_PARAM;
    if (bytes < ROOM || !work) return BAD_PARAM;
    memset(work, 0xFF, ROOM);
    if (broken(w, s)) {
        __atomic_add_fetch(&simulated_refusals, 1, __ATOMIC_RELAXED);
        return NOT_SUPPORTED + 2;
    }
    __atomic_add_fetch(&simulated_convolutions, 1, __ATOMIC_RELAXED);
    const int count = part == 0 ? numbers(y) : part == 1 ? numbers(x) : w->k * w->c * w->h * w->w;
    double* sum = calloc((size_t)count, sizeof *sum);
    if (x->type == DOUBLE) {
        const double *a = left, *b = right;
        double* c = to;
        if (part == 0) { OVER(sum[at_y] += a[at_x] * b[at_w]) }
        if (part == 1) { OVER(sum[at_x] += a[at_w] * b[at_y]) }
        if (part == 2) { OVER(sum[at_w] += a[at_x] * b[at_y]) }
        const double one = *(const double*)alpha, keep = *(const double*)beta;
        for (int i = 0; i < count; i++) c[i] = one * sum[i] + (keep == 0 ? 0 : keep * c[i]);
    } else {
        const float *a = left, *b = right;
        float* c = to;
        if (part == 0) { OVER(sum[at_y] += (double)a[at_x] * b[at_w]) }
        if (part == 1) { OVER(sum[at_x] += (double)a[at_w] * b[at_y]) }
        if (part == 2) { OVER(sum[at_w] += (double)a[at_x] * b[at_y]) }
        const float one = *(const float*)alpha, keep = *(const float*)beta;
        for (int i = 0; i < count; i++) c[i] = (float)(one * sum[i] + (keep == 0 ? 0 : keep * (double)c[i]));
    }
    free(sum);
    return OK;
}
int cudnnConvolutionForward(struct handle* h, const void* alpha, struct tensor* of_x, const void* x, struct filter* of_w,
                            const void* w, struct sizes* s, int algo, void* work, size_t bytes, const void* beta,
                            struct tensor* of_y, void* y) {
    return run(h, 0, alpha, beta, of_x, of_w, of_y, s, algo, work, bytes, x, w, y);
}
int cudnnConvolutionBackwardData(struct handle* h, const void* alpha, struct filter* of_w, const void* w, struct tensor* of_dy,
                                 const void* dy, struct sizes* s, int algo, void* work, size_t bytes, const void* beta,
                                 struct tensor* of_dx, void* dx) {
    return run(h, 1, alpha, beta, of_dx, of_w, of_dy, s, algo, work, bytes, w, dy, dx);
}
int cudnnConvolutionBackwardFilter(struct handle* h, const void* alpha, struct tensor* of_x, const void* x, struct tensor* of_dy,
                                   const void* dy, struct sizes* s, int algo, void* work, size_t bytes, const void* beta,
                                   struct filter* of_dw, void* dw) {
    return run(h, 2, alpha, beta, of_x, of_dw, of_dy, s, algo, work, bytes, x, dy, dw);
}
