"""Ensembles of flows (d = 40, n = 100, T = 300, alpha = exp(-t)/2): this project's batch kernel against its peers, interleaved in one run.

  cargo build --release -p mirrorflow --example ensemble_bench
  (cd benches/peers/diffsol && cargo build --release)
  OPENBLAS_NUM_THREADS=1 python benches/peers/ensemble.py [same|diff [ROUNDS]]

`same`: one Z, different y. `diff`: a Z for each flow. The peers run 200 flows a round (their time grows in proportion), the kernel 10,000
(same) or 1,000 (diff), all on every core. Errors are against SciPy's Radau at rtol 1e-11 on the first 20 flows.
"""
import json, os, statistics, subprocess, sys, tempfile
import numpy as np
from scipy.integrate import solve_ivp

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KIND = sys.argv[1] if len(sys.argv) > 1 else "same"
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
OURS = os.path.join(ROOT, "target/release/examples/ensemble_bench")
DIFFSOL = os.environ.get("DIFFSOL_ENSEMBLE", os.path.join(ROOT, "benches/peers/diffsol/target/release/ensemble"))
D, N, T, PEER_FLOWS, CHECKED = 40, 100, 300.0, 200, 20
CORES = os.cpu_count()
FLOWS = 10_000 if KIND == "same" else 1_000


def problem(seed):
    rng = np.random.default_rng(seed)
    Z, x = rng.standard_normal((D, N)), np.zeros(N)
    x[rng.choice(N, 5, replace=False)] = rng.standard_normal(5)
    return Z, Z @ x


def truth(seed):
    rng, x = np.random.default_rng(seed), np.zeros(N)
    x[rng.choice(N, 5, replace=False)] = rng.standard_normal(5)
    return x


if KIND == "same":
    Z = problem(0)[0]
    Y = np.array([Z @ truth(1000 + i) for i in range(FLOWS)])
    matrix = lambda i: Z
else:
    pairs = [problem(1000 + i) for i in range(FLOWS)]
    Z, Y = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
    matrix = lambda i: Z[i]


def reference(i):
    z, y = matrix(i), Y[i]
    a = lambda t: 0.5 * np.exp(2 * np.expm1(-t))
    field = lambda t, nu: (z @ (a(t) * np.sinh(-2 * (nu @ z))) - y) / D
    slope = lambda t, nu: -(2 / D) * (z * (a(t) * np.cosh(-2 * (nu @ z)))) @ z.T
    end = solve_ivp(field, (0, T), np.zeros(D), method="Radau", jac=slope, rtol=1e-11, atol=1e-14).y[:, -1]
    return a(T) * np.sinh(-2 * (end @ z))


REFERENCE = np.array([reference(i) for i in range(CHECKED)])
rates, errors = {}, {}


def note(name, flows, seconds, x):
    rates.setdefault(name, []).append(flows / seconds)
    errors[name] = np.abs(x[:CHECKED] - REFERENCE).max()


with tempfile.TemporaryDirectory() as folder:
    np.savez(f"{folder}/in.npz", Z=Z, Y=Y)
    np.ascontiguousarray(Z if KIND == "same" else Z[:PEER_FLOWS]).tofile(f"{folder}/z.f64")
    np.ascontiguousarray(Y[:PEER_FLOWS]).tofile(f"{folder}/y.f64")
    for _ in range(ROUNDS):
        for rtol, precision in (("1e-2", ""), ("1e-3", ""), ("1e-3", "f32")):
            out = subprocess.run([OURS, f"{folder}/in.npz", f"{folder}/out.npz", "1", rtol] + [precision] * bool(precision),
                                 capture_output=True, text=True, check=True).stdout
            note(f"ours, rtol {rtol} {precision}", FLOWS, json.loads(out)["seconds"][0], np.load(f"{folder}/out.npz")["X"])
        for method in ("tsit45-mw", "bdf-nu"):
            out = subprocess.run([DIFFSOL, folder, str(PEER_FLOWS), "1", str(CORES), method], capture_output=True, text=True, check=True).stdout
            note(f"diffsol {method}", PEER_FLOWS, float(out), np.fromfile(f"{folder}/x.f64").reshape(-1, N))
median = {name: statistics.median(v) for name, v in rates.items()}
for name in sorted(median, key=median.get, reverse=True):
    print(f"{name:24s} {median[name]:9.0f} flows/s   error {errors[name]:.1e}")
best = max((n for n in median if n.startswith("diffsol")), key=median.get)
for name in (n for n in median if n.startswith("ours")):
    ratios = [p / q for p, q in zip(rates[name], rates[best])]
    print(f"{name}: {statistics.median(ratios):.1f}x {best} (median over rounds; {min(ratios):.1f} to {max(ratios):.1f})")
