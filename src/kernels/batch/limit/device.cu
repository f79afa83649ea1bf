// argmin R_a(x) s.t. Zx = y for a batch of problems: Newton's method on the dual over a ladder of log a.
// Formulas and decisions are those of the CPU twin, host.rs, statement by statement; only sums run in
// another order. A block of threads solves one problem after the other; every decision is taken from sums
// that all threads see, so that all take the same way. Units are those of the host: rows of Z and x of size 1.

#include "block.cuh"

using namespace mirror;

// Endings, as device.rs numbers them.
#define CONVERGED 0
#define STALLED 1
#define MAX_ITERATIONS 2

#define SAFE_STEP 1.79
#define RIDGE 1e-15
#define BETWEEN 1e-4
#define RUNGS 400
#define FAILURES 3
#define EPSILON 2.220446049250313e-16
#define INFINITE __longlong_as_double(0x7FF0000000000000ll)

struct Core {
    int d, n;
    const double *z, *zt, *y, *theta; // d×n, n×d, d, n
    double log_a, t, row_size, largest, tolerance;
    int steps, max_steps;
    bool fresh;
    double *mu, *res, *delta, *saved;       // d
    double *s, *x, *root, *ds, *work;       // n
    double* gram;                           // d×d: H, then its factor L on and below the diagonal
    double* sums;                           // one for each thread
};

FN double dot(const Core& c, const double* a, const double* b, int count) {
    double sum = 0.0;
    EACH(i, count) sum = fma(a[i], b[i], sum);
    return over_block(c.sums, sum, false);
}

FN double norm(const Core& c, const double* v, int count) { return sqrt(dot(c, v, v, count)); }

// out = factor Zᵀv (n).
FN void mul_t(const Core& c, const double* v, double factor, double* out) {
    transposed_product(c.z, c.d, c.n, v, factor, out);
}

// res = y - Zv (d).
FN void residual(const Core& c, const double* v) { product(c.zt, c.d, c.n, v, c.y, -1.0, c.res); }

CALLED void evaluate(Core& c) {
    __syncthreads();
    mul_t(c, c.mu, 2.0, c.s);
    EACH(i, c.n) {
        c.s[i] += c.t * c.theta[i];
        a_sinh_cosh(c.s[i], c.t * c.log_a, c.x + i, c.root + i);
    }
    __syncthreads();
    residual(c, c.x);
    c.fresh = false;
}

FN double noise(const Core& c) {
    double sum = 0.0;
    EACH(i, c.n) {
        const double error = c.x[i] * (1.0 + absolute(c.s[i]));
        sum = fma(error, error, sum);
    }
    return 4.0 * EPSILON * c.row_size * sqrt(over_block(c.sums, sum, false));
}

// gram = Z diag(work) Zᵀ on and below the diagonal, plus ridge times its mean diagonal; false where that
// mean is not positive.
FN bool weigh(const Core& c, double ridge) {
    weighted_gram(c.zt, c.d, c.n, c.work, c.gram);
    double trace = 0.0;
    EACH(j, c.d) trace += c.gram[j * c.d + j];
    const double mean = over_block(c.sums, trace, false) / c.d;
    if (!(mean > 0.0 && is_finite(mean))) return false;
    EACH(j, c.d) c.gram[j * c.d + j] += ridge * mean;
    __syncthreads();
    return true;
}

// Factors H / max(a cosh s), once.
CALLED bool refactor(Core& c) {
    if (c.fresh) return true;
    double most = 0.0;
    EACH(i, c.n) {
        if (c.root[i] > most) most = c.root[i];
    }
    const double largest = over_block(c.sums, most, true);
    if (!(largest > 0.0 && is_finite(largest))) return false;
    EACH(i, c.n) c.work[i] = c.root[i] / largest;
    __syncthreads();
    double ridge = RIDGE;
    for (int attempt = 0; attempt < 15; attempt++) {
        if (!weigh(c, ridge)) return false;
        if (cholesky(c.gram, c.d)) {
            c.largest = largest;
            c.fresh = true;
            return true;
        }
        __syncthreads();
        ridge *= 10.0;
    }
    return false;
}

// delta = ½H⁻¹delta.
FN void half_solve(const Core& c) {
    cholesky_solve(c.gram, c.d, c.delta);
    EACH(j, c.d) c.delta[j] *= 0.5 / c.largest;
    __syncthreads();
}

// ψ'(τ) = yᵀδ - ½ Σ x_i(τ) Δs_i; -∞ where x overflows.
CALLED double slope(const Core& c, double y_delta, double tau) {
    double sum = 0.0;
    EACH(i, c.n) {
        if (c.ds[i] != 0.0) {
            double x, root;
            a_sinh_cosh(c.s[i] + tau * c.ds[i], c.t * c.log_a, &x, &root);
            sum = fma(x, c.ds[i], sum);
        }
    }
    const double value = y_delta - 0.5 * over_block(c.sums, sum, false);
    return value == value ? value : -INFINITE;
}

CALLED double step_length(const Core& c) {
    double most = 0.0;
    EACH(i, c.n) {
        const double size = absolute(c.ds[i]);
        if (size > most) most = size;
    }
    const double m = over_block(c.sums, most, true);
    if (m <= SAFE_STEP) return 1.0;
    const double y_delta = dot(c, c.y, c.delta, c.d);
    const double start = dot(c, c.res, c.delta, c.d);
    if (slope(c, y_delta, 1.0) >= -0.1 * start) return 1.0;
    double low = log_1p(m) / m, high = 1.0;
    for (int round = 0; round < 12; round++) {
        const double middle = sqrt(low * high);
        const double value = slope(c, y_delta, middle);
        if (value >= 0.0) {
            low = middle;
            if (value <= 0.2 * start) break;
        } else {
            high = middle;
        }
        if (high <= 1.05 * low) break;
    }
    return low;
}

CALLED int newton(Core& c, double tolerance, int max_steps) {
    const double goal = tolerance * norm(c, c.y, c.d);
    double best = INFINITE;
    int idle = 0;
    for (int round = 0; round <= max_steps; round++) {
        const double size = norm(c, c.res, c.d), floor = noise(c);
        if (size <= (goal > floor ? goal : floor)) return CONVERGED;
        if (size <= 0.5 * best) {
            best = size;
            idle = 0;
        } else {
            idle++;
            if (idle >= 4 && size <= 1e4 * floor) return STALLED;
        }
        if (!refactor(c)) return STALLED;
        EACH(j, c.d) c.delta[j] = c.res[j];
        __syncthreads();
        half_solve(c);
        mul_t(c, c.delta, 2.0, c.ds);
        const double tau = step_length(c);
        EACH(j, c.d) c.mu[j] = fma(tau, c.delta[j], c.mu[j]);
        evaluate(c);
        c.steps++;
    }
    return MAX_ITERATIONS;
}

// Moves to another t: the μ for which x stays where it is, to first order.
CALLED bool predict(Core& c, double t) {
    if (!refactor(c)) return false;
    const double ratio = t / c.t, at = t * c.log_a;
    EACH(i, c.n) {
        const double along = ratio * (c.s[i] - c.t * c.theta[i]) + t * c.theta[i];
        const double weight = c.root[i];
        c.work[i] = weight > 0.0 ? weight * (asinh_ratio(c.x[i], at) - along) : 0.0;
    }
    __syncthreads();
    product(c.zt, c.d, c.n, c.work, 0, 1.0, c.delta);
    EACH(j, c.d) c.delta[j] += c.res[j];
    __syncthreads();
    half_solve(c);
    EACH(j, c.d) c.mu[j] = fma(ratio, c.mu[j], c.delta[j]);
    c.t = t;
    evaluate(c);
    double bad = 0.0;
    EACH(i, c.n) {
        if (!is_finite(c.x[i])) bad = 1.0;
    }
    return over_block(c.sums, bad, true) == 0.0;
}

FN int climb(Core& c) {
    double most = absolute(c.log_a);
    EACH(i, c.n) {
        const double size = absolute(c.theta[i]);
        if (size > most) most = size;
    }
    const double size = over_block(c.sums, most, true);
    const double between = c.tolerance > BETWEEN ? c.tolerance : BETWEEN;
    c.t = size <= 2.0 ? 1.0 : 2.0 / size;
    evaluate(c);
    int last = newton(c, c.t < 1.0 ? between : c.tolerance, c.max_steps < 200 ? c.max_steps : 200);
    if (last != CONVERGED && c.t < 1.0) return last;
    double factor = 2.0;
    int failures = 0;
    for (int rung = 0; rung < RUNGS; rung++) {
        if (c.t >= 1.0) return last;
        const double next = factor * c.t >= 1.0 ? 1.0 : factor * c.t;
        EACH(j, c.d) c.saved[j] = c.mu[j];
        __syncthreads();
        const int before = c.steps;
        const double from = c.t;
        const bool moved = predict(c, next);
        int left = c.max_steps - c.steps;
        left = left < 0 ? 0 : left > 40 ? 40 : left;
        last = moved ? newton(c, next < 1.0 ? between : c.tolerance, left) : STALLED;
        const int used = c.steps - before;
        if (last == CONVERGED || (last == STALLED && moved && next >= 1.0)) {
            if (used <= 3) {
                factor = factor * 2.0 < 32.0 ? factor * 2.0 : 32.0;
            } else if (used > 6) {
                factor = sqrt(factor) > 1.2 ? sqrt(factor) : 1.2;
            }
        } else {
            c.t = from;
            EACH(j, c.d) c.mu[j] = c.saved[j];
            evaluate(c);
            factor = sqrt(factor);
            failures++;
            if (c.steps >= c.max_steps) return last;
            if (failures == FAILURES) return STALLED;
        }
    }
    return last;
}

// One linear step in x alone, kept where it helps.
FN void correct(Core& c) {
    const double before = norm(c, c.res, c.d);
    if (!(before > 0.0 && is_finite(before)) || !refactor(c)) return;
    EACH(j, c.d) c.delta[j] = c.res[j];
    __syncthreads();
    half_solve(c);
    mul_t(c, c.delta, 2.0, c.ds);
    EACH(i, c.n) {
        c.work[i] = c.x[i];
        c.x[i] = fma(c.root[i], c.ds[i], c.x[i]);
    }
    __syncthreads();
    residual(c, c.x);
    const double after = norm(c, c.res, c.d);
    if (after >= before || !is_finite(after)) {
        EACH(i, c.n) c.x[i] = c.work[i];
        __syncthreads();
        residual(c, c.x);
    }
}

extern "C" __global__ void limit(
    int d, int n, int problems,
    double tolerance, int max_steps,
    const double* z, const double* zt,   // d×n and n×d, for all or for each
    u64 stride,                          // from one Z to the next; 0 for all
    const double* y,                     // problems×d
    const double* log_a,                 // problems
    const double* theta,                 // problems×n
    double* scratch, int fits,           // grid×(d² + 4d + 5n) where it does not fit in shared memory
    double* x, double* mu,               // problems×n, problems×d
    double* residual,                    // problems
    u32* steps, u32* ending              // problems
) {
    DYNAMIC_SHARED(double, shared);
    __shared__ double sums[THREADS];
    for (int b = (int)blockIdx.x; b < problems; b += (int)gridDim.x) {
        double* at = fits ? shared : scratch + (u64)blockIdx.x * (u64)(d * d + 4 * d + 5 * n);
        Core c;
        c.d = d;
        c.n = n;
        c.z = z + stride * (u64)b;
        c.zt = zt + stride * (u64)b;
        c.y = y + (u64)b * d;
        c.theta = theta + (u64)b * n;
        c.log_a = log_a[b];
        c.tolerance = tolerance;
        c.max_steps = max_steps;
        c.steps = 0;
        c.fresh = false;
        c.largest = 1.0;
        c.sums = sums;
        c.gram = at;
        c.mu = c.gram + d * d;
        c.res = c.mu + d;
        c.delta = c.res + d;
        c.saved = c.delta + d;
        c.s = c.saved + d;
        c.x = c.s + n;
        c.root = c.x + n;
        c.ds = c.root + n;
        c.work = c.ds + n;
        EACH(j, d) c.mu[j] = 0.0;
        double square = 0.0;
        EACH(e, d * n) square = fma(c.z[e], c.z[e], square);
        c.row_size = sqrt(over_block(c.sums, square, false)) / sqrt((double)d);
        const int inner = climb(c);
        correct(c);
        const double size = norm(c, c.y, d);
        const double off = norm(c, c.res, d) / (size > 0.0 ? size : 1.0);
        double bad = 0.0;
        EACH(i, n) {
            x[(u64)b * n + i] = c.x[i];
            if (!is_finite(c.x[i])) bad = 1.0;
        }
        EACH(j, d) {
            mu[(u64)b * d + j] = c.mu[j];
            if (!is_finite(c.mu[j])) bad = 1.0;
        }
        const bool finite = over_block(c.sums, bad, true) == 0.0;
        if (threadIdx.x == 0) {
            residual[b] = off;
            steps[b] = (u32)c.steps;
            ending[b] = finite ? (u32)inner : (u32)STALLED;
        }
        __syncthreads();
    }
}
