"""Basis pursuit side by side in one run: scikit-learn's lars_path, HiGHS simplex, and this project.

    python benches/peers/l1.py [--highs] [--repeat R] [CASE...]     CASE: 40x100sp 40x100rn 200x1000sp ... 500x5000rn

Needs numpy, scikit-learn and, with --highs, highspy; cargo for our side. One BLAS thread: more make NumPy's small
products slower, not faster. Runs alternate (peer, ours, peer, ...), so that load from elsewhere hits both; the ratio is that of
the medians. Instances: Z and the planted d/8-sparse truth from default_rng(1), y = Zx* (sp) or
default_rng(99).standard_normal(d) (rn). Every answer is checked: |x|_1 against the proved enclosure of ours.
"""
import os
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[name] = "1"
os.environ.pop("OPENBLAS_CORETYPE", None)
import argparse, json, pathlib, subprocess, tempfile, time, warnings
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = ["40x100sp", "40x100rn", "200x1000sp", "200x1000rn", "500x5000sp", "500x5000rn"]


def instance(case):
    kind = case[-2:]
    d, n = map(int, case[:-2].split("x"))
    rng = np.random.default_rng(1)
    Z = rng.standard_normal((d, n))
    x = np.zeros(n)
    x[rng.choice(n, d // 8, replace=False)] = rng.standard_normal(d // 8)
    return Z, (Z @ x if kind == "sp" else np.random.default_rng(99).standard_normal(d))


def lars(Z, y):
    from sklearn.linear_model import lars_path
    start = time.perf_counter()
    _, _, coefs = lars_path(Z, y, method="lasso", alpha_min=0, max_iter=20 * len(y), eps=np.finfo(float).eps)
    return time.perf_counter() - start, coefs[:, -1]


def highs(Z, y):
    import highspy
    d, n = Z.shape
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = 2 * n, d
    lp.col_cost_ = np.ones(2 * n)
    lp.col_lower_, lp.col_upper_ = np.zeros(2 * n), np.full(2 * n, highspy.kHighsInf)
    lp.row_lower_ = lp.row_upper_ = y
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.arange(0, 2 * n * d + 1, d)
    lp.a_matrix_.index_ = np.tile(np.arange(d), 2 * n)
    lp.a_matrix_.value_ = np.hstack([Z, -Z]).T.ravel()
    solver = highspy.Highs()
    solver.silent()
    solver.setOptionValue("solver", "simplex")
    solver.passModel(lp)
    start = time.perf_counter()
    solver.run()
    seconds = time.perf_counter() - start
    value = np.array(solver.getSolution().col_value)
    return seconds, value[:n] - value[n:]


def main():
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", default=CASES)
    parser.add_argument("--highs", action="store_true", help="also HiGHS simplex, once a case (10-20 s at 500x5000)")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    subprocess.run(["cargo", "build", "--release", "--quiet", "-p", "mirrorflow", "--example", "l1_bench"], cwd=ROOT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    print(f"{'case':12s} {'lars_path':>10s} {'ours':>10s} {'ratio':>7s} {'HiGHS':>9s} {'ratio':>7s}  gap      width    |x|_1 peer inside")
    with tempfile.TemporaryDirectory() as folder:
        for case in options.cases or CASES:
            Z, y = instance(case)
            path = pathlib.Path(folder) / f"{case}.npz"
            np.savez(path, Z=Z, y=y)
            peer, ours = [], []
            for _ in range(options.repeat):
                seconds, x = lars(Z, y)
                peer.append(seconds)
                out = subprocess.run([target / "release/examples/l1_bench", "--repeat", "3", path], capture_output=True, text=True, check=True)
                report = json.loads(out.stdout)
                ours.append(report["l1_minimum"]["median_s"])
            proof, certificate = report["enclosure"], report["certificate"]
            assert report["l1_minimum"]["status"] == "converged" and certificate["relative_gap"] <= 1e-9, report
            slack = 1e-9 * proof["upper"]  # the peers' x solve Zx = y to rounding only
            inside = proof["lower"] - slack <= np.abs(x).sum() <= proof["upper"] + slack
            a, b = np.median(peer), np.median(ours)
            text = f"{case:12s} {a:10.5f} {b:10.6f} {a / b:7.1f}"
            if options.highs:
                seconds, x = highs(Z, y)
                inside &= proof["lower"] - slack <= np.abs(x).sum() <= proof["upper"] + slack
                text += f" {seconds:9.3f} {seconds / b:7.0f}"
            else:
                text += " " * 18
            print(f"{text}  {certificate['relative_gap']:.1e}  {proof['relative_width']:.1e}  {bool(inside)}", flush=True)


if __name__ == "__main__":
    main()
