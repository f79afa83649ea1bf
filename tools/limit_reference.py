"""Checks limits against Newton's method with 80 to 200 digits (mpmath not needed: python-flint).

    MIRRORFLOW_LIMIT_DUMP=DIR cargo test --test limit_families
    python3 tools/limit_reference.py DIR [--golden FILE]

For each problem of DIR: Newton on max_mu y'mu - 1/2 sum a cosh(2 Z'mu + theta), started at the mu at hand, until the
steps vanish to 40 digits; then x = a sinh(2 Z'mu + theta) is compared with the x at hand, entry by entry above 1e-12
of the largest. The minimiser is unique, so that where the iteration starts does not matter. Prints the worst
relative error of each family, and every problem worse than 1e-9 or whose reference was not reached.
"""

import pathlib
import struct
import sys

from flint import arb, arb_mat, ctx


def read(path):
    out = {}
    for line in path.read_text().splitlines():
        name, *words = line.split(" ")
        out[name] = [struct.unpack(">d", bytes.fromhex(w))[0] for w in words]
    return out


def mid(v):
    return v.mid()


def reference(case):
    """x to some 40 digits, or None."""
    d, n = len(case["y"]), len(case["x"])
    z = [[arb(case["z"][j * n + i]) for i in range(n)] for j in range(d)]
    y = [arb(v) for v in case["y"]]
    log_a = [arb(v) for v in case["log_a"]]
    theta = [arb(v) for v in case["theta"]]
    mu = [arb(v) for v in case["mu"]]
    # Directions that no entry of x above 1e-60 sees are kept where they are by a ridge.
    for step in range(60):
        x, root = [], []
        for i in range(n):
            s = theta[i]
            for j in range(d):
                s += 2 * z[j][i] * mu[j]
            up, down = (s + log_a[i]).exp() / 2, (log_a[i] - s).exp() / 2
            x.append(mid(up - down))
            root.append(mid(up + down))
        res = [mid(y[j] - sum((z[j][i] * x[i] for i in range(n)), arb(0))) for j in range(d)]
        heavy = [i for i in range(n) if root[i] > 0]
        h = arb_mat(d, d)
        for j in range(d):
            for k in range(j, d):
                v = mid(sum((z[j][i] * root[i] * z[k][i] for i in heavy), arb(0)))
                h[j, k] = v
                h[k, j] = v
        top = max(float(abs(h[j, j]).log()) if h[j, j] != 0 else -1e9 for j in range(d))
        ridge = (arb(top)).exp() * arb(10) ** (-70)
        for j in range(d):
            h[j, j] += ridge
        try:
            delta = h.solve(arb_mat(d, 1, res))
        except ZeroDivisionError:
            return None, None
        delta = [mid(delta[j, 0]) / 2 for j in range(d)]
        largest = max(abs(float(v)) for v in x) or 1.0
        worst = 0.0
        slopes = []
        for i in range(n):
            ds = arb(0)
            for j in range(d):
                ds += 2 * z[j][i] * delta[j]
            slopes.append(float(abs(ds)))
            change = float(abs(root[i] * ds))
            if change > 0:
                worst = max(worst, change / max(abs(float(x[i])), 1e-14 * largest))
        if worst < 1e-25:
            return x, step
        tau = arb(1)
        m = max(slopes)
        if worst > 1 and m > 1.79:
            tau = arb(m + 1).log() / m
        mu = [mid(mu[j] + tau * delta[j]) for j in range(d)]
    return None, None


def main():
    ctx.dps = 120
    worst = {}
    bad = 0
    files = sorted(pathlib.Path(sys.argv[1]).glob("*.txt"))
    part = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    parts = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    for path in files[part::parts]:
        case = read(path)
        family = path.stem.split("-")[1]
        if case["rank"][1] == 0.0:
            continue
        x, _ = reference(case)
        if x is None:
            print("no reference:", path.stem, "log a", case["log_a"][0], flush=True)
            bad += 1
            continue
        largest = max(abs(float(v)) for v in x)
        error = 0.0
        for got, want in zip(case["x"], x):
            if abs(float(want)) > 1e-12 * largest:
                error = max(error, float(abs((arb(got) - want) / want)))
        worst[family] = max(worst.get(family, 0.0), error)
        if error > 1e-9:
            bad += 1
            print("wrong:", path.stem, "log a", case["log_a"][0], f"{error:.1e}", flush=True)
    for family, error in sorted(worst.items()):
        print(f"{family:24s} {error:.1e}")
    print(len(files[part::parts]), "problems,", bad, "bad")


main()
