"""One trajectory (d = 40, n = 100, rtol 1e-8, atol 1e-12), end point only: this project against its peers, interleaved in one run.

  cargo build --release -p mirrorflow --example ode_bench
  (cd benches/peers/diffsol && cargo build --release)
  OPENBLAS_NUM_THREADS=1 python benches/peers/ode.py [SCHEDULE [ROUNDS]]

Needs numpy and scipy; diffrax (with jax) takes part where it is installed, diffsol where it is built (DIFFSOL_PEER may name the
program). Prints milliseconds (median over the rounds), the largest error over the 50 reference times, and the ratio of the best
peer to our best method whose error is no larger than that peer's.
"""
import json, os, statistics, subprocess, sys, tempfile, time
import numpy as np
from scipy.integrate import solve_ivp

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCHEDULE = sys.argv[1] if len(sys.argv) > 1 else "geometric"
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
OURS = os.path.join(ROOT, "target/release/examples/ode_bench")
DIFFSOL = os.environ.get("DIFFSOL_PEER", os.path.join(ROOT, "benches/peers/diffsol/target/release/diffsol-peer"))
RTOL, ATOL = 1e-8, 1e-12
# What counts is the error that is reached: where it is larger than a peer's at the same rtol, a smaller one has to do.
OUR_RTOL = (1e-8, 2e-9)
ref = np.load(os.path.join(ROOT, "tests/data/ode_ref.npz"))
Z, y = ref["Z"], ref["y"]
d, n = Z.shape
ZT = np.ascontiguousarray(Z.T)
ts, xs = ref[f"{SCHEDULE}_t"], ref[f"{SCHEDULE}_x"]
ALPHA = {
    "none": lambda t: 0.0 * t, "constant": lambda t: 0.01 + 0.0 * t, "harmonic": lambda t: 0.25 / (1 + t),
    "quadratic": lambda t: 0.5 / (1 + t) ** 2, "geometric": lambda t: 0.5 * np.exp(-t),
}[SCHEDULE]
ours, peers = {}, {}


def note(table, name, ms, error):
    table.setdefault(name, ([], error))[0].append(ms)


def run_ours():
    for rtol in OUR_RTOL:
        out = subprocess.run([OURS, str(rtol), "9", SCHEDULE], capture_output=True, text=True, check=True).stdout
        for line in map(json.loads, out.splitlines()):
            note(ours, f"{line['method']} ({line['form']}) {rtol:g}", line["ms"], line["error_max"])


def run_diffsol():
    with tempfile.TemporaryDirectory() as folder:
        ZT.tofile(f"{folder}/zt.f64")
        y.tofile(f"{folder}/y.f64")
        ts.tofile(f"{folder}/{SCHEDULE}_t.f64")
        np.ascontiguousarray(xs).tofile(f"{folder}/{SCHEDULE}_x.f64")
        out = subprocess.run([DIFFSOL, folder, "9", SCHEDULE], capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        part = line.split("\t")
        if len(part) >= 8 and part[0] == SCHEDULE:
            note(peers, f"diffsol {part[1]} ({part[2]})", 1e3 * float(part[3]), float(part[7]))


def run_scipy():
    def field(t, s):
        m, w = s[:n], s[n:]
        g = ZT @ ((Z @ (m * w) - y) / d)
        out = 2 * ALPHA(t) * s
        out[:n] += g * w
        out[n:] += g * m
        return -out

    start = np.concatenate([np.ones(n), np.zeros(n)])
    for method in ("RK45", "DOP853"):
        begin = time.perf_counter()
        solve_ivp(field, (0, ts[-1]), start, method=method, rtol=RTOL, atol=ATOL)
        ms = 1e3 * (time.perf_counter() - begin)
        s = solve_ivp(field, (0, ts[-1]), start, method=method, rtol=RTOL, atol=ATOL, t_eval=ts).y
        note(peers, f"scipy {method} (mw)", ms, np.abs((s[:n] * s[n:]).T - xs).max())


def diffrax_runner():
    import jax, jax.numpy as jnp, diffrax
    jax.config.update("jax_enable_x64", True)
    decay = {
        "none": lambda t: 0.0 * t, "constant": lambda t: 0.01 + 0.0 * t, "harmonic": lambda t: 0.25 / (1 + t),
        "quadratic": lambda t: 0.5 / (1 + t) ** 2, "geometric": lambda t: 0.5 * jnp.exp(-t),
    }[SCHEDULE]
    data, target = jnp.array(Z), jnp.array(y)

    def field(t, s, _):
        m, w = s
        g = data.T @ ((data @ (m * w) - target) / d)
        return -g * w - 2 * decay(t) * m, -g * m - 2 * decay(t) * w

    start = (jnp.ones(n), jnp.zeros(n))
    solvers = {}
    for name, solver in (("Tsit5", diffrax.Tsit5()), ("Dopri8", diffrax.Dopri8())):
        def solve(save, solver=solver):
            return diffrax.diffeqsolve(diffrax.ODETerm(field), solver, 0.0, float(ts[-1]), None, start, saveat=save, max_steps=10**6,
                                       stepsize_controller=diffrax.PIDController(rtol=RTOL, atol=ATOL)).ys
        end = jax.jit(lambda solve=solve: solve(diffrax.SaveAt(t1=True)))
        m, w = solve(diffrax.SaveAt(ts=jnp.array(ts)))
        jax.block_until_ready(end())
        solvers[name] = (end, float(np.abs(np.asarray(m * w) - xs).max()))

    def run():
        for name, (end, error) in solvers.items():
            begin = time.perf_counter()
            jax.block_until_ready(end())
            note(peers, f"diffrax {name} (mw)", 1e3 * (time.perf_counter() - begin), error)
    return run


runners = [run_ours, run_scipy]
if os.path.exists(DIFFSOL):
    runners.append(run_diffsol)
else:
    print(f"diffsol takes no part: {DIFFSOL} is not built")
try:
    runners.append(diffrax_runner())
except ImportError as missing:
    print(f"diffrax takes no part: {missing}")
for _ in range(ROUNDS):
    for run in runners:
        run()
median = {name: (statistics.median(ms), error) for table in (ours, peers) for name, (ms, error) in table.items()}
for title, table in (("ours", ours), ("peers", peers)):
    print(title)
    for name in sorted(table, key=lambda name: median[name][0]):
        print(f"  {name:32s} {median[name][0]:9.3f} ms   error {median[name][1]:.1e}")
best = min(peers, key=lambda name: median[name][0])
fit = [name for name in ours if median[name][1] <= median[best][1]]
for label, names in (("no less accurate than it", fit), ("any accuracy", list(ours))):
    if names:
        mine = min(names, key=lambda name: median[name][0])
        print(f"{SCHEDULE}: {median[best][0] / median[mine][0]:.2f}x faster than the best peer ({best}), {label}: {mine}")
