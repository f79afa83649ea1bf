// Batches of mirror flows by RODAS5P: nu' = (Zx - y)/d, x = a_t sinh(theta_0 - 2 Z'nu), a_t = a_0 e^(-4A(t)).
// Formulas and decisions are those of the CPU twin, host/, in double precision; sums run in another
// order. A block of threads integrates one run after the other; every decision is taken from numbers that all
// threads see, so that all take the same way.

#include "block.cuh"

using namespace mirror;

#define STAGES 8

// Endings, as device.rs numbers them.
#define COMPLETE 0
#define DIVERGED 1
#define STEP_TOO_SMALL 2
#define TOO_MANY_STEPS 3
#define NOT_FINITE_AT_START 4

// Coefficients of RODAS5P: numerics/rodas5p.rs.
#define GAMMA 0.21193756319429014
__device__ static const double A[6][5] = {
    {0.0, 0.0, 0.0, 0.0, 0.0},
    {3.0, 0.0, 0.0, 0.0, 0.0},
    {2.849394379747939, 0.45842242204463923, 0.0, 0.0, 0.0},
    {-6.954028509809101, 2.489845061869568, -10.358996098473584, 0.0, 0.0},
    {2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641, 0.0},
    {-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946},
};
__device__ static const double C[8][7] = {
    {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0},
    {-14.155112264123755, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0},
    {-17.97296035885952, -2.859693295451294, 0.0, 0.0, 0.0, 0.0, 0.0},
    {147.12150275711716, -1.41221402718213, 71.68940251302358, 0.0, 0.0, 0.0, 0.0},
    {165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306, 0.0, 0.0, 0.0},
    {24.854864614690072, -3.0009227002832186, 47.4931110020768, 5.5814197821558125, -0.6610691825249471, 0.0, 0.0},
    {30.91273214028599, -3.1208243349937974, 77.79954646070892, 34.28646028294783, -19.097331116725623,
     -28.087943162872662, 0.0},
    {37.80277123390563, -3.2571969029072276, 112.26918849496327, 66.9347231244047, -40.06618937091002,
     -54.66780262877968, -9.48861652309627},
};
__device__ static const double NODES[STAGES] = {
    0.0, 0.6358126895828704, 0.4095798393397535, 0.9769306725060716, 0.4288403609558664, 1.0, 1.0, 1.0};
__device__ static const double TIME[STAGES] = {
    0.21193756319429014, -0.42387512638858027, -0.3384627126235924, 1.8046452872882734, 2.325825639765069,
    0.0, 0.0, 0.0};

struct Flow {
    int d, n;
    const double *z, *zt, *y, *theta, *log_a;   // d×n, n×d, d, n, n
    const double *schedule, *pieces;
    double rtol, atol;
    double *nu, *f, *x, *s;                     // the start of a step: d, d, n, n
    double *nu_new, *f_new, *x_new, *s_new;     // its end
    double *stage, *slope_t, *u;                // d, d, 8×d
    double *zv, *change;                        // Z'nu of the last argument, Z'delta: n, n
    double *gram;                               // d×d: I/(gamma h) - J, then its factor
    double *sums;                               // one for each thread
};

// 1 - e^(-v) for v >= 0.
FN double lost(double v) {
    if (v > 0.3) return 1.0 - exponential(-v);
    // The series of e^r - 1 to r^15 leaves 1e-21.
    double sum = 1.0;
    for (int k = 15; k >= 2; k--) sum = fma(-v / (double)k, sum, 1.0);
    return v * sum;
}

// 4A(t) of a schedule, coded as for alpha_at.
FN double four_total(const double* schedule, const double* pieces, double t) {
    const double c = schedule[1], second = schedule[2];
    double total = 0.0;
    switch ((int)schedule[0]) {
    case 1: total = c * t; break;
    case 2: total = c * log_1p(t); break;
    case 3: total = c * (t / (1.0 + t)); break;
    case 4: total = c / second * lost(second * t); break;
    case 5: total = c * (t < second ? t : second); break;
    case 6: {
        const double* own = pieces + 2 * (long long)second;
        const int count = (int)schedule[3];
        for (int k = 0; k < count && own[2 * k] < t; k++) {
            const double end = k + 1 < count && own[2 * k + 2] < t ? own[2 * k + 2] : t;
            total = fma(own[2 * k + 1], end - own[2 * k], total);
        }
        break;
    }
    default: break;
    }
    return 4.0 * total;
}

// The first jump of alpha after t; infinity where there is none.
FN double next_jump(const double* schedule, const double* pieces, double t) {
    if ((int)schedule[0] == 5 && schedule[2] > t) return schedule[2];
    if ((int)schedule[0] == 6) {
        const double* own = pieces + 2 * (long long)schedule[2];
        for (int k = 0; k < (int)schedule[3]; k++) {
            if (own[2 * k] > t) return own[2 * k];
        }
    }
    return __longlong_as_double(0x7FF0000000000000ll);
}

// out = Z'v (n).
FN void transposed(const Flow& c, const double* v, double* out) {
    transposed_product(c.z, c.d, c.n, v, 1.0, out);
}

// x, s and F at time t, from zv.
CALLED void evaluate(const Flow& c, double t) {
    const double shift = four_total(c.schedule, c.pieces, t);
    EACH(i, c.n) {
        a_sinh_cosh(fma(-2.0, c.zv[i], c.theta[i]), c.log_a[i] - shift, c.x_new + i, c.s_new + i);
    }
    __syncthreads();
    product(c.zt, c.d, c.n, c.x_new, c.y, 1.0 / c.d, c.f_new);
}

// F_t = -4 alpha (F + y/d).
FN void time_slope(const Flow& c, double t, const double* f) {
    const double decay = 4.0 * alpha_at(c.schedule, c.pieces, t);
    const double per_d = 1.0 / c.d;
    EACH(j, c.d) c.slope_t[j] = -decay * fma(per_d, c.y[j], f[j]);
    __syncthreads();
}

// The norm of an error with change = Z'delta, 1 where it is as large as allowed; NaN unless x, s and F are
// finite.
CALLED double measure(const Flow& c) {
    double largest = 0.0, moved = 0.0, exponent = 0.0, size = 0.0, poison = 0.0;
    EACH(i, c.n) {
        const double change = absolute(c.change[i]), step = c.s_new[i] * change;
        const double z = absolute(fma(-2.0, c.zv[i], c.theta[i])), x = absolute(c.x_new[i]);
        largest = change > largest ? change : largest;
        moved = step > moved ? step : moved;
        exponent = z > exponent ? z : exponent;
        size = x > size ? x : size;
        if (!is_finite(c.s_new[i] + change)) poison = 1.0;
    }
    EACH(j, c.d) {
        if (!is_finite(c.f_new[j])) poison = 1.0;
    }
    largest = over_block(c.sums, largest, true);
    moved = over_block(c.sums, moved, true);
    exponent = over_block(c.sums, exponent, true);
    size = over_block(c.sums, size, true);
    if (over_block(c.sums, poison, true) != 0.0) return __longlong_as_double(0x7FF8000000000000ll);
    const double along = 2.0 * largest / (c.rtol * (exponent > 1.0 ? exponent : 1.0));
    const double point = 2.0 * moved / (c.atol + c.rtol * size);
    return along > point ? along : point;
}

// gram = LL', the factor of sigma I + (2/d) Z diag(s) Z'; false where it is not positive definite.
FN bool factor(const Flow& c, double sigma) {
    const double weight = 2.0 / c.d;
    EACH(i, c.n) c.change[i] = weight * c.s[i];
    __syncthreads();
    weighted_gram(c.zt, c.d, c.n, c.change, c.gram);
    EACH(j, c.d) c.gram[j * c.d + j] += sigma;
    __syncthreads();
    return cholesky(c.gram, c.d);
}

// One step of length h from t; the norm of its error, NaN where it is not finite.
CALLED double attempt(const Flow& c, double t, double h) {
    const double nan = __longlong_as_double(0x7FF8000000000000ll);
    const int d = c.d;
    if (!factor(c, 1.0 / (GAMMA * h))) {
        __syncthreads();
        return nan;
    }
    time_slope(c, t, c.f);
    const double per_h = 1.0 / h;
    for (int i = 0; i < STAGES; i++) {
        if (i > 0) {
            EACH(j, d) {
                double v = c.nu[j];
                if (i < 6) {
                    for (int k = 0; k < i; k++) v = fma(A[i][k], c.u[k * d + j], v);
                } else {
                    v = c.stage[j] + c.u[(i - 1) * d + j];
                }
                c.stage[j] = v;
            }
            __syncthreads();
            transposed(c, c.stage, c.zv);
            evaluate(c, fma(NODES[i], h, t));
        }
        const double* f = i == 0 ? c.f : c.f_new;
        EACH(j, d) {
            double v = 0.0;
            for (int k = 0; k < i; k++) v = fma(C[i][k], c.u[k * d + j], v);
            c.u[i * d + j] = fma(TIME[i] * h, c.slope_t[j], fma(v, per_h, f[j]));
        }
        __syncthreads();
        cholesky_solve(c.gram, d, c.u + i * d);
    }
    const double* last = c.u + (STAGES - 1) * d;
    EACH(j, d) c.nu_new[j] = c.stage[j] + last[j];
    transposed(c, last, c.change);
    EACH(i, c.n) c.zv[i] += c.change[i];
    __syncthreads();
    evaluate(c, t + h);
    return measure(c);
}

// The end of a step becomes the start of the next.
FN void accept(const Flow& c) {
    EACH(j, c.d) {
        c.nu[j] = c.nu_new[j];
        c.f[j] = c.f_new[j];
    }
    EACH(i, c.n) {
        c.x[i] = c.x_new[i];
        c.s[i] = c.s_new[i];
    }
    __syncthreads();
}

// F, x and s at time t, and a first step; NaN where they are not finite.
CALLED double begin(const Flow& c, double t) {
    EACH(j, c.d) c.nu_new[j] = c.nu[j];
    transposed(c, c.nu, c.zv);
    evaluate(c, t);
    time_slope(c, t, c.f_new);
    transposed(c, c.f_new, c.change);
    const double field = measure(c);
    EACH(i, c.n) c.s[i] = c.s_new[i] * c.change[i];
    __syncthreads();
    product(c.zt, c.d, c.n, c.s, 0, -2.0 / c.d, c.u);
    EACH(j, c.d) c.u[j] += c.slope_t[j];
    __syncthreads();
    transposed(c, c.u, c.change);
    const double slope = measure(c);
    accept(c);
    if (!is_finite(field)) return field;
    if (field == 0.0) return sqrt(0.01 / slope);
    const double tau = field / slope;
    return tau * exponential(0.2 * logarithm(0.01 / (field * tau)));
}

// x and its observables, as record r of run b.
CALLED void observe(
    const Flow& c, u64 r, u64 b, u64 runs, double* x, double* loss, double* l1, double* kkt
) {
    double size = 0.0, square = 0.0, most = 0.0;
    EACH(i, c.n) {
        size += absolute(c.x[i]);
        if (x) x[(r * runs + b) * c.n + i] = c.x[i];
    }
    EACH(j, c.d) {
        const double f = absolute(c.f[j]);
        square = fma(f, f, square);
        most = f > most ? f : most;
    }
    size = over_block(c.sums, size, false);
    square = over_block(c.sums, square, false);
    most = over_block(c.sums, most, true);
    if (threadIdx.x == 0) {
        l1[r * runs + b] = size;
        loss[r * runs + b] = 0.5 * c.d * square;
        kkt[r * runs + b] = c.d * most;
    }
}

extern "C" __global__ void mirror_flow(
    int d, int n, int runs,
    double rtol, double atol, u64 max_steps, double fixed, // a fixed step, or 0
    const double* z, const double* zt,   // d×n and n×d, for all or for each
    u64 stride,                          // from one Z to the next; 0 for all
    const double* y,                     // runs×d
    const double* theta, const double* log_a, u64 start_stride, // n, for all (0) or for each (n)
    const double* schedules, const double* pieces, u64 schedule_stride, // 4, likewise
    const double* times, int records,
    double* scratch, int fits,           // grid×(d² + 14d + 6n) where it does not fit in shared memory
    double* x, int with_x,               // records×runs×n
    double* loss, double* l1, double* kkt, // records×runs
    double* reached, u64* steps, u64* rejections, u32* ending // runs
) {
    DYNAMIC_SHARED(double, shared);
    __shared__ double sums[THREADS];
    for (int b = (int)blockIdx.x; b < runs; b += (int)gridDim.x) {
        double* at = fits ? shared : scratch + (u64)blockIdx.x * (u64)(d * d + 14 * d + 6 * n);
        Flow c;
        c.d = d;
        c.n = n;
        c.z = z + stride * (u64)b;
        c.zt = zt + stride * (u64)b;
        c.y = y + (u64)b * d;
        c.theta = theta + start_stride * (u64)b;
        c.log_a = log_a + start_stride * (u64)b;
        c.schedule = schedules + schedule_stride * (u64)b;
        c.pieces = pieces;
        c.rtol = rtol;
        c.atol = atol;
        c.sums = sums;
        c.gram = at;
        c.nu = c.gram + d * d;
        c.f = c.nu + d;
        c.nu_new = c.f + d;
        c.f_new = c.nu_new + d;
        c.stage = c.f_new + d;
        c.slope_t = c.stage + d;
        c.u = c.slope_t + d;
        c.x = c.u + STAGES * d;
        c.s = c.x + n;
        c.x_new = c.s + n;
        c.s_new = c.x_new + n;
        c.zv = c.s_new + n;
        c.change = c.zv + n;
        EACH(j, d) c.nu[j] = 0.0;
        __syncthreads();
        double t = 0.0, h = 0.0, last_error = 1.0, growth = 5.0;
        u64 taken = 0, refused = 0;
        int record = 0;
        u32 end = COMPLETE;
        bool fresh = true;
        double jump = next_jump(c.schedule, pieces, 0.0);
        while (record < records) {
            if (fresh) {
                const double first = begin(c, t);
                // A field without change has no scale of its own: NaN and infinity are told apart.
                if (first != first) {
                    double bad = 0.0;
                    EACH(j, d) {
                        if (!is_finite(c.f[j])) bad = 1.0;
                    }
                    if (over_block(c.sums, bad, true) != 0.0) {
                        end = NOT_FINITE_AT_START;
                        break;
                    }
                }
                const double span = times[records - 1] - t;
                h = fixed > 0.0 ? fixed : taken == 0 || first < h ? first : h;
                // Also where nothing ever changes (0/0).
                if (!(h < span)) h = span;
                growth = 5.0;
                fresh = false;
            }
            // What is due at t.
            if (times[record] <= t) {
                observe(c, (u64)record, (u64)b, (u64)runs, with_x ? x : 0, loss, l1, kkt);
                record++;
                continue;
            }
            if (taken + refused >= max_steps) {
                end = TOO_MANY_STEPS;
                break;
            }
            const double tiny = 8.0 * 2.220446049250313e-16 * t;
            const double least = tiny > 1.0020841800044864e-292 ? tiny : 1.0020841800044864e-292;
            const double target = times[record] < jump ? times[record] : jump;
            const double left = target - t;
            double error = 0.0, length = left, at_end = target;
            if (left > least) {
                if (!(h >= least)) {
                    end = STEP_TOO_SMALL;
                    break;
                }
                if (h < left) {
                    // Two equal steps rather than a full one and a sliver.
                    length = fixed <= 0.0 && 2.0 * h > left ? 0.5 * left : h;
                    at_end = t + length;
                }
                error = attempt(c, t, length);
                if (fixed > 0.0) {
                    if (error != error) {
                        end = DIVERGED;
                        break;
                    }
                } else if (!(error <= 1.0)) {
                    refused++;
                    double shrink = 0.1;
                    if (is_finite(error)) shrink = 0.9 * exponential(-0.2 * logarithm(error));
                    shrink = shrink > 0.9 ? 0.9 : shrink < 0.1 ? 0.1 : shrink;
                    h = length * shrink;
                    growth = 1.0;
                    continue;
                } else {
                    if (error < 1e-4) error = 1e-4;
                    double factor = 0.9 * exponential(0.08 * logarithm(last_error) - 0.14 * logarithm(error));
                    factor = factor > growth ? growth : factor < 0.2 ? 0.2 : factor;
                    const double next = length * factor;
                    if (length < h) {
                        h = next > h ? next : h;
                    } else {
                        h = next;
                        last_error = error;
                    }
                    growth = 5.0;
                }
                taken++;
                accept(c);
            }
            t = at_end;
            if (jump <= t) {
                jump = next_jump(c.schedule, pieces, t);
                fresh = true;
            }
        }
        if (threadIdx.x == 0) {
            reached[b] = t;
            steps[b] = taken;
            rejections[b] = refused;
            ending[b] = end;
        }
        __syncthreads();
    }
}
