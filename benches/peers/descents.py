"""105 gradient descents of 100,000 steps (d = 40, n = 100, step 1e-4; seven schedules, five starts, three objectives): this project's kernel
against NumPy with all runs of an objective in one matrix product, interleaved in one run.

  cargo build --release -p mirrorflow --example descent_bench
  python benches/peers/descents.py [ROUNDS]

PyTorch, where installed, runs one descent with autograd for 2,000 steps; its time for all is that times 105 * 50.
"""
import os, statistics, subprocess, sys, tempfile, time
import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 3
OURS = os.path.join(ROOT, "target/release/examples/descent_bench")
ETA, STEPS = 1e-4, 100_000
rng = np.random.default_rng(0)
Z = rng.standard_normal((40, 100))
d, n = Z.shape
x_true = np.zeros(n)
x_true[rng.choice(n, 5, replace=False)] = rng.standard_normal(5)
y, ZT = Z @ x_true, np.ascontiguousarray(Z.T)
k = np.arange(STEPS)
ALPHA = np.array([0.0 * k, 0.01 + 0.0 * k, 0.1 + 0.0 * k, 1.0 + 0.0 * k, np.exp(-1e-4 * k), np.exp(-4e-4 * k), 1.0 / (1 + k)])
starts = [np.random.default_rng(i).standard_normal(n) / np.sqrt(np.sqrt(n)) for i in range(5)]
# m² − w² = 1, m w = x.
M5 = np.array([np.sqrt((1 + np.sqrt(1 + 4 * x * x)) / 2) for x in starts])
M, W = np.tile(M5, (7, 1)), np.tile(np.array(starts) / M5, (7, 1))
AL = np.repeat(ALPHA, 5, axis=0).T.copy()[:, :, None]


def numpy_batched():
    out = []
    for objective in ("mask-weight", "mask-l1", "plain-l1"):
        m, w = M.copy(), W.copy()
        x = m * w
        for step in range(STEPS):
            R = x @ ZT
            R -= y
            g = R @ Z
            g *= 1 / d
            a = AL[step]
            if objective == "mask-weight":
                dm = g * w
                dm += 2 * a * m
                g *= m
                g += 2 * a * w
                m -= ETA * dm
                w -= ETA * g
                x = m * w
            elif objective == "mask-l1":
                dm = g * w
                dm += a * np.sign(m)
                g *= m
                m -= ETA * dm
                w -= ETA * g
                x = m * w
            else:
                g += a * np.sign(x)
                g *= ETA
                x = x - g
        out.append(x)
    return np.concatenate(out)


def torch_steps(steps):
    import torch
    torch.set_default_dtype(torch.float64)
    Zt, yt = torch.tensor(Z), torch.tensor(y)
    m, w = torch.tensor(M[0], requires_grad=True), torch.tensor(W[0], requires_grad=True)
    optimizer = torch.optim.SGD([m, w], lr=ETA, weight_decay=0.02)
    begin = time.perf_counter()
    for _ in range(steps):
        r = Zt @ (m * w) - yt
        optimizer.zero_grad()
        ((r @ r) / (2 * d)).backward()
        optimizer.step()
    return time.perf_counter() - begin


ours, numpy, torch = [], [], []
with tempfile.TemporaryDirectory() as folder:
    np.savez(f"{folder}/in.npz", Z=Z, y=y, M=M, W=W)
    for _ in range(ROUNDS):
        out = subprocess.run([OURS, f"{folder}/in.npz", f"{folder}/out.npz", "1"], capture_output=True, text=True, check=True).stdout
        ours.append(float(out.strip("[]\n")))
        begin = time.perf_counter()
        X = numpy_batched()
        numpy.append(time.perf_counter() - begin)
        try:
            torch.append(torch_steps(2000) * 105 * STEPS / 2000)
        except ImportError:
            pass
    difference = np.abs(np.load(f"{folder}/out.npz")["X"] - X).max()
print(f"ours           {statistics.median(ours):8.2f} s")
print(f"NumPy batched  {statistics.median(numpy):8.2f} s   {statistics.median(p / q for p, q in zip(numpy, ours)):.1f}x")
if torch:
    print(f"PyTorch        {statistics.median(torch):8.0f} s   {statistics.median(p / q for p, q in zip(torch, ours)):.0f}x (2,000 steps of one run, scaled)")
print(f"largest difference to NumPy {difference:.1e}")
