"""Derives the coefficients of the stabilized fourth-order Runge-Kutta family in
`src/integrate/stabilized_table.rs` and prints that file.

    python tools/stabilized_coefficients.py > src/integrate/stabilized_table.rs && cargo fmt

Needs numpy, scipy, mpmath; takes about a minute. Nothing is taken from existing tables: this is the
construction of A. Abdulle, "Fourth order Chebyshev methods with recurrence relation", SIAM J. Sci.
Comput. 23 (2002), done anew.

1. Stability polynomial. R(z) = w(z) P(z), deg w = 4 with two complex pairs of zeros, P of degree
   m = s-4 orthogonal for the weight w(x)^2/sqrt(1-x^2) on [-1, 1], where z = kappa (x - a), a > 1.
   Order four, R(z) = e^z + O(z^5), says (log R)'' = (log R)''' = (log R)'''' = 0 at x = a; then
   kappa = (log R)'(a). Two more equations, R(1) = |R(-1)| = eta (R = 1 at x = a), fix the five
   unknowns (the zeros of w, and a). eta is chosen so that max |R| = 0.95 on [-1, 1]. The interval
   of stability is [-ell, 0] with ell = kappa (1 + a), about 0.35 s^2.
2. P as an internal method: its three-term recurrence, normalised to 1 at z = 0,
   P_j = (mu_j z + 1 + kappa_j) P_{j-1} - kappa_j P_{j-2}, read as stages.
3. Four finishing stages with ten coefficients a_21 .. b_4, such that the whole method satisfies the
   eight conditions of order four; the two free parameters (a_21 and a_43, rounded) minimise the
   principal error sqrt(sum over the nine trees of order five of (error weight / symmetry)^2).
4. Error estimate h (e_1 k_1 + .. + e_4 k_4 + e_5 F(y_new)): weights that vanish on the four trees of
   order <= 3 form a line. Its scale makes the norm of the order-four weights equal to the principal
   error of step 3, so estimate : error is about 1 : (h lambda).
"""
import sys

import mpmath as mp
import numpy as np
from scipy.optimize import least_squares

STAGES = [5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20, 23, 26, 30, 35, 41, 48, 56]
AMPLITUDE = 0.95
SYMMETRY_4 = [6, 1, 2, 1]
SYMMETRY_5 = [24, 2, 2, 2, 1, 6, 1, 2, 1]
mp.mp.dps = 50


def recurrence(zeros, m, nodes, F):
    """Monic orthogonal polynomials for w^2/sqrt(1-x^2) by the Stieltjes procedure on
    Gauss-Chebyshev nodes (exact for degree <= 2 nodes - 1). F: the arithmetic."""
    a1, b1, a2, b2 = zeros
    x = [F.cos((2 * k - 1) * F.pi / (2 * nodes)) for k in range(1, nodes + 1)]
    if F is np:
        x = np.array(x)
    else:
        x = np.array(x, dtype=object)
    w = (((x - a1) ** 2 + b1**2) * ((x - a2) ** 2 + b2**2)) ** 2
    previous, current, old = 0 * x, 0 * x + 1, 1
    alpha, beta = [], []
    for j in range(m):
        square = w * current * current
        norm = square.sum()
        alpha.append((x * square).sum() / norm)
        beta.append(norm / old if j else 0 * norm)
        old = norm
        previous, current = current, (x - alpha[j]) * current - beta[j] * previous
    return alpha, beta


def taylor(zeros, alpha, beta, x, order):
    """Taylor coefficients of w and of the last monic P at x."""
    def times(p, q):
        return [sum(p[i] * q[k - i] for i in range(k + 1)) for k in range(order + 1)]

    def pad(p):
        return (p + [0 * x] * (order + 1))[: order + 1]

    a1, b1, a2, b2 = zeros
    w = times(pad([(x - a1) ** 2 + b1**2, 2 * (x - a1), 1 + 0 * x]),
              pad([(x - a2) ** 2 + b2**2, 2 * (x - a2), 1 + 0 * x]))
    p0, p1 = pad([0 * x]), pad([1 + 0 * x])
    for al, be in zip(alpha, beta):
        p0, p1 = p1, [u - be * v for u, v in zip(times(pad([x - al, 1 + 0 * x]), p1), p0)]
    return times(w, p1)


def residual(u, s, eta, F):
    """The five equations; unknowns (Re, log Im) of the two zeros and log(a-1)."""
    zeros = (u[0], F.exp(u[1]), u[2], F.exp(u[3]))
    a = 1 + F.exp(u[4])
    alpha, beta = recurrence(zeros, s - 4, s + 4, F)
    r = taylor(zeros, alpha, beta, a, 4)
    c = [q / r[0] for q in r]
    # log(1 + c1 e + ...) = l1 e + l2 e^2 + ...
    l1 = c[1]
    l2 = c[2] - l1 * c[1] / 2
    l3 = c[3] - (l1 * c[2] + 2 * l2 * c[1]) / 3
    l4 = c[4] - (l1 * c[3] + 2 * l2 * c[2] + 3 * l3 * c[1]) / 4
    ends = [taylor(zeros, alpha, beta, q * (1 + 0 * a), 0)[0] / r[0] / eta for q in (1, -1)]
    return [l2 / l1**2, l3 / l1**3, l4 / l1**4, ends[0] - 1, (-1) ** s * ends[1] - 1]


def zeros_in_z(u, s):
    """(kappa, a) and the zeros on the z axis, where they hardly depend on s."""
    zeros = (u[0], np.exp(u[1]), u[2], np.exp(u[3]))
    a = 1 + np.exp(u[4])
    alpha, beta = recurrence(zeros, s - 4, s + 4, np)
    r = taylor(zeros, alpha, beta, a, 1)
    kappa = r[1] / r[0]
    return kappa, a


def polynomial(s, previous):
    """Step 1: Newton in double precision from the neighbour, eta adjusted, then 50 digits."""
    if previous is None:
        u = np.array([0.9427, -0.0455, 0.3444, -1.0126, -4.0647])
    else:
        v, old = previous
        kappa, a = zeros_in_z(v, old)
        ell = kappa * (1 + a) * (s / old) ** 2
        gap = kappa * (a - 1)
        knew = (ell - gap) / 2
        anew = 1 + gap / knew
        ratio = kappa / knew
        u = np.array([anew + (v[0] - a) * ratio, v[1] + np.log(ratio),
                      anew + (v[2] - a) * ratio, v[3] + np.log(ratio), np.log(anew - 1)])
    eta = 0.9
    for _ in range(8):
        fit = least_squares(lambda q: residual(q, s, eta, np), u, xtol=1e-15, ftol=1e-15, gtol=1e-15)
        assert fit.cost < 1e-20, (s, fit.cost)
        u = fit.x
        zeros = (u[0], np.exp(u[1]), u[2], np.exp(u[3]))
        alpha, beta = recurrence(zeros, s - 4, s + 4, np)
        grid = np.cos(np.linspace(0, np.pi, 4001))
        top = abs(taylor(zeros, alpha, beta, grid, 0)[0]).max()
        top /= abs(taylor(zeros, alpha, beta, 1 + np.exp(u[4]), 0)[0])
        if abs(top - AMPLITUDE) < 1e-5:
            break
        eta *= AMPLITUDE / top
    eta = mp.mpf(str(round(eta, 5)))
    exact = mp.matrix([mp.mpf(float(q)) for q in u])
    for _ in range(6):
        base = mp.matrix(residual(list(exact), s, eta, mp))
        jac = mp.matrix(5, 5)
        step = mp.mpf(10) ** -25
        for k in range(5):
            moved = exact.copy()
            moved[k] += step
            col = (mp.matrix(residual(list(moved), s, eta, mp)) - base) / step
            for i in range(5):
                jac[i, k] = col[i]
        exact -= mp.lu_solve(jac, base)
        if mp.norm(base) < mp.mpf(10) ** -38:
            break
    assert mp.norm(mp.matrix(residual(list(exact), s, eta, mp))) < mp.mpf(10) ** -35
    return u, exact


def internal(exact, s):
    """Step 2: (mu_j, kappa_j) and ell."""
    zeros = (exact[0], mp.exp(exact[1]), exact[2], mp.exp(exact[3]))
    a = 1 + mp.exp(exact[4])
    alpha, beta = recurrence(zeros, s - 4, s + 4, mp)
    r = taylor(zeros, alpha, beta, a, 1)
    scale = r[1] / r[0]
    p, mu, kappa = [mp.mpf(0), mp.mpf(1)], [], []
    for j in range(s - 4):
        new = (a - alpha[j]) * p[-1] - beta[j] * p[-2]
        mu.append(p[-1] / (scale * new))
        kappa.append(beta[j] * p[-2] / new)
        p.append(new)
    return mu, kappa, scale * (1 + a)


def tableau(mu, kappa, v, zero):
    """Butcher tableau (A, b) of the whole method."""
    m = len(mu)
    s = m + 4
    rows = [np.full(s, zero)]
    for j in range(m):
        row = (1 + kappa[j]) * rows[j]
        row[j] = row[j] + mu[j]
        if j:
            row = row - kappa[j] * rows[j - 1]
        rows.append(row)
    A = np.array(rows + [rows[m]] * 3)
    a21, a31, a32, a41, a42, a43, b1, b2, b3, b4 = v
    for i, entries in enumerate([[a21], [a31, a32], [a41, a42, a43]]):
        for k, entry in enumerate(entries):
            A[m + 1 + i, m + k] += entry
    b = rows[m].copy()
    for k, entry in enumerate([b1, b2, b3, b4]):
        b[m + k] += entry
    return A, b


def weights(A, b):
    """Elementary weights minus 1/density of the trees of order 1..4 and 5."""
    c = A.sum(axis=1)
    Ac, c2, c3 = A @ c, c * c, c * c * c
    Ac2, AAc = A @ c2, A @ Ac
    four = [b.sum() - 1, 2 * (b @ c) - 1, 3 * (b @ c2) - 1, 6 * (b @ Ac) - 1, 4 * (b @ c3) - 1,
            8 * (b @ (c * Ac)) - 1, 12 * (b @ Ac2) - 1, 24 * (b @ AAc) - 1]
    density4 = [1, 2, 3, 6, 4, 8, 12, 24]
    five = [5 * (b @ (c * c3)) - 1, 10 * (b @ (c2 * Ac)) - 1, 20 * (b @ (Ac * Ac)) - 1,
            15 * (b @ (c * Ac2)) - 1, 30 * (b @ (c * AAc)) - 1, 20 * (b @ (A @ c3)) - 1,
            40 * (b @ (A @ (c * Ac))) - 1, 60 * (b @ (A @ Ac2)) - 1, 120 * (b @ (A @ AAc)) - 1]
    density5 = [5, 10, 20, 15, 30, 20, 40, 60, 120]
    return (np.array([q / g for q, g in zip(four, density4)]),
            np.array([q / g for q, g in zip(five, density5)]))


def finishing(mu, kappa, start):
    """Step 3."""
    mu_f, kappa_f = np.array(mu, dtype=float), np.array(kappa, dtype=float)

    def both(v):
        return np.concatenate(weights(*tableau(mu_f, kappa_f, v, 0.0)))

    v = start.copy()
    # Sequential quadratic programming: min ||five/sym||^2 + (1e-3 |v|)^2 subject to four = 0.
    for _ in range(200):
        value = both(v)
        J = np.array([(both(v + 1e-6 * e) - both(v - 1e-6 * e)) / 2e-6 for e in np.eye(10)]).T
        r = np.concatenate([value[8:] / SYMMETRY_5, 1e-3 * v])
        Jr = np.vstack([J[8:] / np.array(SYMMETRY_5)[:, None], 1e-3 * np.eye(10)])
        K = np.block([[Jr.T @ Jr, J[:8].T], [J[:8], np.zeros((8, 8))]])
        d = np.linalg.lstsq(K, np.concatenate([-Jr.T @ r, -value[:8]]), rcond=1e-15)[0][:10]
        v = v + d * (1 if abs(value[:8]).max() < 1e-6 else min(1, 0.3 / abs(d).max()))
        if abs(d).max() < 1e-8:
            break
    assert abs(both(v)[:8]).max() < 1e-10
    free = [0, 5]
    exact = np.array([mp.mpf(float(q)) for q in v], dtype=object)
    for k in free:
        exact[k] = mp.mpf(str(round(float(v[k]), 6)))
    solve_for = [k for k in range(10) if k not in free]
    step = mp.mpf(10) ** -25
    zero = mp.mpf(0)
    for _ in range(8):
        base = weights(*tableau(mu, kappa, exact, zero))[0]
        if max(abs(q) for q in base) < mp.mpf(10) ** -40:
            break
        jac = mp.matrix(8, 8)
        for col, k in enumerate(solve_for):
            moved = exact.copy()
            moved[k] += step
            diff = (weights(*tableau(mu, kappa, moved, zero))[0] - base) / step
            for i in range(8):
                jac[i, col] = diff[i]
        d = mp.lu_solve(jac, mp.matrix(list(base)))
        for col, k in enumerate(solve_for):
            exact[k] -= d[col]
    four, five = weights(*tableau(mu, kappa, exact, zero))
    assert max(abs(q) for q in four) < mp.mpf(10) ** -35
    principal = mp.sqrt(sum((q / g) ** 2 for q, g in zip(five, SYMMETRY_5)))
    return v, exact, principal


def estimate(mu, kappa, v, principal):
    """Step 4."""
    zero = mp.mpf(0)
    A, b = tableau(mu, kappa, v, zero)
    s = len(b)
    m = s - 4
    full = np.full((s + 1, s + 1), zero)
    full[:s, :s] = A
    full[s, :s] = b
    c = full.sum(axis=1)
    Ac = full @ c
    rows = [c * 0 + 1, c, c * c, Ac]
    left = mp.matrix(4, 4)
    right = mp.matrix(4, 1)
    for i, row in enumerate(rows):
        for k in range(4):
            left[i, k] = row[m + k]
        right[i] = -row[s]
    e = list(mp.lu_solve(left, right)) + [mp.mpf(1)]
    long = np.array([zero] * m + e, dtype=object)
    order4 = [long @ (c * c * c), long @ (c * Ac), long @ (full @ (c * c)), long @ (full @ Ac)]
    norm = mp.sqrt(sum((q / g) ** 2 for q, g in zip(order4, SYMMETRY_4)))
    return [q * principal / norm for q in e]


def text(q):
    return repr(float(q))


def main():
    print("//! Coefficients of the stabilized family, derived and printed by")
    print("//! `tools/stabilized_coefficients.py`; their order conditions, stability intervals and error")
    print("//! weights are verified again by the tests of `stabilized`.")
    print("\nuse super::stabilized::Scheme;\n")
    print("/// Schemes by increasing number of stages.")
    print("#[rustfmt::skip]")
    print(f"pub(super) static SCHEMES: [Scheme; {len(STAGES)}] = [")
    previous, start = None, np.array([-0.12, 1.54, -1.08, 0.04, 0.09, 0.52, 0.64, -0.35, 0.19, 0.34])
    for s in STAGES:
        u, exact = polynomial(s, previous)
        previous = (u, s)
        mu, kappa, ell = internal(exact, s)
        start, v, principal = finishing(mu, kappa, start)
        e = estimate(mu, kappa, v, principal)
        print(f"    // {s} stages; principal error {float(principal):.2e}.")
        print(f"    Scheme {{ reach: {text(ell)},")
        print("        recurrence: &[")
        pairs = [f"[{text(q)}, {text(k)}]," for q, k in zip(mu, kappa)]
        for i in range(0, len(pairs), 2):
            print("            " + " ".join(pairs[i : i + 2]))
        print("        ],")
        a = [text(q) for q in v]
        print(f"        a: [{a[0]}, {a[1]}, {a[2]},")
        print(f"            {a[3]}, {a[4]}, {a[5]}],")
        print(f"        b: [{', '.join(a[6:8])},\n            {', '.join(a[8:])}],")
        w = [text(q) for q in e]
        print(f"        error: [{', '.join(w[:3])},\n            {', '.join(w[3:])}],")
        print("    },")
        print(f"s={s} ell={float(ell):.3f} ell/s^2={float(ell) / s**2:.4f}", file=sys.stderr)
    print("];")


if __name__ == "__main__":
    main()
