// Gradient descent and SGD for a batch of runs on one Z. Formulas, layout and order of the samples are
// those of the CPU twin, host.rs and steps.rs.
//
// A block of threads takes RUNS runs through all steps of the launch. Its state, feature-major and
// run-minor, stands in shared memory where it fits:
//     x (n×RUNS), first (n×RUNS), second (n×RUNS), r (rows×RUNS),  rows = d, or the batch of SGD.
// A number of Z that is read serves GROUP runs; the running sums stay in registers.

#include "prelude.cuh"

using namespace mirror;

// Runs of a block; the host packs them so.
#define RUNS 8
// Runs of a thread.
#define GROUP 4

// g + α sign(v), with the element of least norm at v = 0.
FN double with_l1(double g, double v, double alpha) {
    if (v != 0.0) return g + copy_sign(alpha, v);
    const double low = g > -alpha ? g : -alpha;
    return g - (low < alpha ? low : alpha);
}

// One entry of one run: the step of `objective` along g.
FN void take_step(int objective, double eta, double alpha, double g, double* first, double* second,
                  double* x) {
    const double m = *first;
    if (objective == 2) { // f(x) + α‖x‖₁
        *first = m - eta * with_l1(g, m, alpha);
        *x = *first;
        return;
    }
    const double w = *second;
    if (objective == 0) { // f(m⊙w) + α(‖m‖² + ‖w‖²)
        const double keep = 1.0 - 2.0 * eta * alpha;
        const double push = eta * g;
        *first = keep * m - push * w;
        *second = keep * w - push * m;
    } else { // f(m⊙w) + α‖m‖₁
        *first = m - eta * with_l1(g * w, m, alpha);
        *second = w - eta * g * m;
    }
    *x = *first * *second;
}

extern "C" __global__ void descent(
    int objective, int d, int n, int blocks, int runs, // the last block may have empty places
    int batch,                     // samples of a step of SGD; 0 for all
    u64 from, u64 to,              // steps from..to of this launch
    double eta, double clock,      // step size; α(k·clock)
    const double* z,               // d×n
    const double* zt,              // n×d
    const double* y,               // d
    const double* schedules,       // blocks·RUNS×4
    const double* pieces,          // pairs (start, c)
    const u64* seeds,              // blocks·RUNS
    const u64* recorded,           // records, increasing
    int records, int next,         // the first one of this launch
    double* first,                 // blocks×n×RUNS: m or x
    double* second,                // blocks×n×RUNS: w, or not used
    u32* orders,                   // blocks·RUNS×d, for SGD
    double* scratch,               // blocks×(3n + rows)×RUNS where it does not fit in shared memory
    int fits,
    u64* diverged,                 // blocks·RUNS: the first step with a number that is not finite, or 0
    double* out                    // records×runs×n
) {
    DYNAMIC_SHARED(double, shared);
    __shared__ double alpha[RUNS];
    __shared__ u64 over[RUNS];
    const int thread = (int)threadIdx.x, threads = (int)blockDim.x;
    const int rows = batch ? batch : d;
    for (int block = (int)blockIdx.x; block < blocks; block += (int)gridDim.x) {
        const u64 place = (u64)block * RUNS;
        double* x = fits ? shared : scratch + (u64)block * (u64)(3 * n + rows) * RUNS;
        double* m = x + n * RUNS;
        double* w = m + n * RUNS;
        double* r = w + n * RUNS;
        double* kept_m = first + place * (u64)n;
        double* kept_w = second + place * (u64)n;
        for (int e = thread; e < n * RUNS; e += threads) {
            m[e] = kept_m[e];
            w[e] = objective == 2 ? 0.0 : kept_w[e];
            x[e] = objective == 2 ? m[e] : m[e] * w[e];
        }
        for (int l = thread; l < RUNS; l += threads) over[l] = diverged[place + l];
        int record = next;
        const u64 passes = (u64)((d + rows - 1) / rows);
        for (u64 k = from; k < to; k++) {
            const u64 pass = k / passes;
            const int start = (int)(k % passes) * rows;
            const int size = start + rows < d ? rows : d - start;
            for (int l = thread; l < RUNS; l += threads) {
                alpha[l] = alpha_at(schedules + (place + l) * 4, pieces, (double)k * clock);
                if (batch && start == 0) shuffle(orders + (place + l) * (u64)d, d, seeds[place + l], pass);
            }
            __syncthreads();
            // r = Zx - y on the rows of this step.
            if (batch) {
                for (int item = thread; item < size * RUNS; item += threads) {
                    const int l = item % RUNS, s = item / RUNS;
                    const u32 j = orders[(place + l) * (u64)d + start + s];
                    const double* row = z + (u64)j * n;
                    double sum = 0.0;
                    for (int i = 0; i < n; i++) sum = fma(row[i], x[i * RUNS + l], sum);
                    r[s * RUNS + l] = (sum - y[j]) / size;
                }
            } else {
                for (int item = thread; item < d * (RUNS / GROUP); item += threads) {
                    const int j = item % d, group = item / d * GROUP;
                    double sums[GROUP] = {0.0, 0.0, 0.0, 0.0};
                    const double* at = x + group;
                    for (int i = 0; i < n; i++, at += RUNS) {
                        const double entry = zt[(u64)i * d + j];
                        for (int l = 0; l < GROUP; l++) sums[l] = fma(entry, at[l], sums[l]);
                    }
                    for (int l = 0; l < GROUP; l++) r[j * RUNS + group + l] = sums[l] - y[j];
                }
            }
            __syncthreads();
            // g = Zᵀr, and the step.
            const double scale = batch ? 1.0 : 1.0 / d;
            for (int item = thread; item < n * (RUNS / GROUP); item += threads) {
                const int i = item % n, group = item / n * GROUP;
                double sums[GROUP] = {0.0, 0.0, 0.0, 0.0};
                if (batch) {
                    for (int l = 0; l < GROUP; l++) {
                        const u32* order = orders + (place + group + l) * (u64)d + start;
                        for (int s = 0; s < size; s++) {
                            sums[l] = fma(r[s * RUNS + group + l], z[(u64)order[s] * n + i], sums[l]);
                        }
                    }
                } else {
                    const double* at = r + group;
                    for (int j = 0; j < d; j++, at += RUNS) {
                        const double entry = z[(u64)j * n + i];
                        for (int l = 0; l < GROUP; l++) sums[l] = fma(entry, at[l], sums[l]);
                    }
                }
                for (int l = 0; l < GROUP; l++) {
                    const int e = i * RUNS + group + l;
                    take_step(objective, eta, alpha[group + l], scale * sums[l], m + e, w + e, x + e);
                    // Every thread that writes here writes the same.
                    const double all = objective == 2 ? x[e] : x[e] + m[e] + w[e];
                    if (!is_finite(all) && over[group + l] == 0) over[group + l] = k + 1;
                }
            }
            __syncthreads();
            if (record < records && recorded[record] == k + 1) {
                for (int e = thread; e < n * RUNS; e += threads) {
                    const int i = e / RUNS, l = e % RUNS;
                    const u64 run = place + l;
                    if (run < (u64)runs) out[((u64)record * runs + run) * n + i] = x[e];
                }
                record++;
            }
        }
        __syncthreads();
        for (int e = thread; e < n * RUNS; e += threads) {
            kept_m[e] = m[e];
            if (objective != 2) kept_w[e] = w[e];
        }
        for (int l = thread; l < RUNS; l += threads) diverged[place + l] = over[l];
        __syncthreads();
    }
}
