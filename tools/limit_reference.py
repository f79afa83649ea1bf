"""Checks limits against Newton's method with 250 digits (python-flint).

    MIRRORFLOW_LIMIT_DUMP=DIR cargo test --test limit_families
    python3 tools/limit_reference.py DIR [--part K/N] [--results FILE] [--golden FILE]
    python3 tools/limit_reference.py --table FILE...

For each problem of DIR: Newton on max_mu y'mu - 1/2 sum a cosh(2 Z'mu + theta), started at the mu at hand, until the
steps vanish to 25 digits; then x = a sinh(2 Z'mu + theta) is compared with the x at hand, entry by entry above 1e-12
of the largest. The minimiser is unique, so that where the iteration starts does not matter. Prints the worst
relative error of each family, and every problem worse than 1e-9 or without a reference; where Zx = y has exactly no
solution (ranks of Z and of Z beside y over the rationals: dependent rows whose targets were rounded), it says so.

--results appends a line of family, log a and error for each; --table makes the table of docs/limit.md of them;
--golden appends the references themselves, rounded to doubles, for tests/limit_families.rs.
"""

import argparse
import collections
import math
import pathlib
import struct

from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

# Directions whose weight is below this, relative to the largest, stay where they are: entries of x there are no part
# of any digit that is compared.
RIDGE = -40


def read(path):
    out = {}
    for line in path.read_text().splitlines():
        name, *words = line.split(" ")
        out[name] = [struct.unpack(">d", bytes.fromhex(w))[0] for w in words]
    return out


def middles(m):
    return arb_mat(m.nrows(), m.ncols(), [v.mid() for v in m.entries()])


def reference(case):
    """x to some 25 digits, or None."""
    d, n = len(case["y"]), len(case["x"])
    z = arb_mat(d, n, [arb(v) for v in case["z"]])
    zt = z.transpose()
    y = arb_mat(d, 1, [arb(v) for v in case["y"]])
    log_a = [arb(v) for v in case["log_a"]]
    theta = [arb(v) for v in case["theta"]]
    mu = arb_mat(d, 1, [arb(v) for v in case["mu"]])
    for _ in range(400):
        s = (zt * mu * 2).entries()
        s = [(v + t).mid() for v, t in zip(s, theta)]
        up = [((v + a).exp() / 2).mid() for v, a in zip(s, log_a)]
        down = [((a - v).exp() / 2).mid() for v, a in zip(s, log_a)]
        x = [u - v for u, v in zip(up, down)]
        root = [u + v for u, v in zip(up, down)]
        res = middles(y - z * arb_mat(n, 1, x))
        weighted = arb_mat(n, d, [root[i] * zt[i, j] for i in range(n) for j in range(d)])
        h = middles(z * weighted)
        ridge = max((h[j, j] for j in range(d)), key=float_log) * arb(10) ** RIDGE
        for j in range(d):
            h[j, j] += ridge.mid()
        try:
            delta = middles(h.solve(res)) / 2
        except ZeroDivisionError:
            return None
        slopes = (zt * delta * 2).entries()
        largest = max(abs(v) for v in x)
        floor = (largest * arb("1e-14")).mid()
        worst, steepest = arb(0), arb(0)
        for i in range(n):
            slope = abs(slopes[i])
            worst = max(worst, (root[i] * slope / max(abs(x[i]), floor)).mid())
            steepest = max(steepest, slope.mid())
        if worst < arb("1e-25"):
            return x
        tau = arb(1)
        if steepest > arb("0.5"):
            tau = line(y, delta, s, slopes, log_a)
        mu = middles(mu + delta * tau)
    return None


def line(y, delta, s, slopes, log_a):
    """Where the dual objective is largest along the step: its slope y'delta - (Z'delta)'x falls."""
    gain = sum((a * b for a, b in zip(y.entries(), delta.entries())), arb(0)).mid()

    def rises(tau):
        fall = arb(0)
        for v, slope, a in zip(s, slopes, log_a):
            at = v + tau * slope
            fall += slope / 2 * ((at + a).exp() - (a - at).exp()) / 2
        return gain > fall.mid()

    low, high = arb(0), arb(1)
    while rises(high):
        low, high = high, high * 4
    for _ in range(400):
        if low > 0 and high - low < low * arb("0.01"):
            break
        middle = (low * high).sqrt() if low > 0 else high / 1024
        if rises(middle):
            low = middle.mid()
        else:
            high = middle.mid()
    return low


def float_log(v):
    return float(v.log()) if v > 0 else -math.inf


def contradicts(case):
    """Whether Zx = y has no solution at all."""
    d, n = len(case["y"]), len(case["x"])
    exact = lambda v: fmpq(*v.as_integer_ratio())
    rows = [[exact(v) for v in case["z"][j * n : (j + 1) * n]] for j in range(d)]
    y = [exact(v) for v in case["y"]]
    rank = lambda rows: fmpq_mat(len(rows), len(rows[0]), [v for row in rows for v in row]).rank()
    return rank(rows) < rank([row + [v] for row, v in zip(rows, y)])


def check(folder, part, results, golden):
    ctx.dps = 250
    worst, bad, contradictory = {}, 0, 0
    k, of = (int(v) for v in part.split("/"))
    files = sorted(pathlib.Path(folder).glob("*.txt"))[k::of]
    for path in files:
        case = read(path)
        name, family = path.stem.split("-")
        if case["rank"][1] == 0.0:
            continue
        if case["rank"][0] < len(case["y"]) and contradicts(case):
            contradictory += 1
            continue
        x = reference(case)
        if x is None:
            print("no reference:", path.stem, "log a", case["log_a"][0], flush=True)
            bad += 1
            continue
        largest = max(abs(v) for v in x)
        error = 0.0
        for got, want in zip(case["x"], x):
            # Below 2^-1022 a double has not all its digits, or none.
            if abs(want) > arb("1e-12") * largest and abs(want) > arb(2) ** -1022:
                error = max(error, float(abs((arb(got) - want) / want)))
        worst[family] = max(worst.get(family, 0.0), error)
        if error > 1e-9:
            bad += 1
            print("wrong:", path.stem, "log a", case["log_a"][0], f"{error:.1e}", flush=True)
        if results:
            with open(results, "a") as out:
                print(family, case["log_a"][0], error, file=out)
        if golden:
            with open(golden, "a") as out:
                least = arb("1e-12") * largest
                values = " ".join(repr(float(v)) if abs(v) > least else "0" for v in x)
                print(family, name, values, file=out)
    for family, error in sorted(worst.items()):
        print(f"{family:24s} {error:.1e}")
    print(len(files), "problems,", bad, "bad,", contradictory, "have exactly no solution")


GROUPS = [50.0, -10.0, -100.0, -1e3, -1e4, -1e5, -1e6]
NAMES = ["50 to −3", "−10 to −40", "−100 to −500", "−10³", "−10⁴", "−10⁵", "−10⁶"]


def table(files):
    cells, count = collections.defaultdict(float), 0
    for name in files:
        for line in pathlib.Path(name).read_text().splitlines():
            family, log_a, error = line.split()
            group = max(k for k, top in enumerate(GROUPS) if float(log_a) <= top)
            cells[family, group] = max(cells[family, group], float(error))
            count += 1
    print(f"{count} problems.\n")
    print("| family | " + " | ".join(NAMES) + " |")
    print("| --- |" + " ---: |" * len(NAMES))
    for family in sorted({f for f, _ in cells}):
        row = [cells.get((family, k)) for k in range(len(GROUPS))]
        lost = ["" if e is None else f"{max(0.0, math.log10(max(e, 2**-53) / 2**-53)):.1f}" for e in row]
        print(f"| {family} | " + " | ".join(lost) + " |")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder", nargs="?")
    options.add_argument("--part", default="0/1")
    options.add_argument("--results")
    options.add_argument("--golden")
    options.add_argument("--table", nargs="+")
    given = options.parse_args()
    if given.table:
        table(given.table)
    elif given.folder:
        check(given.folder, given.part, given.results, given.golden)
    else:
        options.error("a folder, or --table")


main()
