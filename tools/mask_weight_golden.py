"""Golden values for src/kernels/mask_weight by PyTorch on a CPU: tests/data/mask_weight_golden.npz.

    python tools/mask_weight_golden.py            # torch 2.15, numpy 2

Every array of an optimiser `O` in a type `T` (f64, f32) is steps x n, after each step:
`T_O_m`, `T_O_w` for x = m*w, `T_O_x` for a plain x; the gradients of the loss by x are `T_g`, the starts
`T_m0`, `T_w0`, `T_x0`. Penalties: `weight_decay` of the optimiser (2 alpha on m and w), L1 in the loss.
Reparameterizations: `T_str_x`, `T_str_gtheta`, `T_str_gs`, `T_power{p}_x`, `..._gtheta`, `T_sigmoid_x`, `..._gs`,
`..._gw`, `T_ham`, at theta = `T_x0`, g = `T_g[0]`, by autograd."""

import numpy as np
import torch

N, STEPS = 24, 6
RATE, ALPHA, L1 = 0.05, 0.03, 0.02
SGD, ADAM, ADAMW = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW
# name: class, arguments, weight decay, L1 on m, L1 on x
OPTIMIZERS = {
    "sgd": (SGD, {}, 0, 0, 0),
    "momentum": (SGD, {"momentum": 0.9}, 2 * ALPHA, 0, 0),
    "nesterov": (SGD, {"momentum": 0.9, "nesterov": True}, 2 * ALPHA, 0, 0),
    "mask_l1": (SGD, {"momentum": 0.9}, 0, L1, 0),
    "l1": (SGD, {"momentum": 0.9}, 0, 0, L1),
    "adam": (ADAM, {"betas": (0.9, 0.999)}, 2 * ALPHA, 0, 0),
    "adamw": (ADAMW, {"betas": (0.8, 0.99)}, 2 * ALPHA, 0, 0),
}


def main():
    rng = np.random.default_rng(20240819)
    base = {
        "x0": rng.standard_normal(N),
        "m0": 1 + 0.3 * rng.standard_normal(N),
        "w0": rng.standard_normal(N),
        "g": rng.standard_normal((STEPS, N)),
    }
    out = {}
    for name, dtype in (("f64", torch.float64), ("f32", torch.float32)):
        start = {k: torch.tensor(v, dtype=dtype) for k, v in base.items()}
        out |= {f"{name}_{k}": v.numpy().copy() for k, v in start.items()}
        g = start["g"]
        for o, (kind, arguments, decay, mask_l1, l1) in OPTIMIZERS.items():
            m, w = (start[k].clone().requires_grad_() for k in ("m0", "w0"))
            x = start["x0"].clone().requires_grad_()
            factors = kind([m, w], lr=RATE, weight_decay=decay, **arguments)
            plain = kind([x], lr=RATE, weight_decay=decay, **arguments)
            found = {"m": [], "w": [], "x": []}
            for k in range(STEPS):
                factors.zero_grad()
                plain.zero_grad()
                (
                    (g[k] * m * w).sum() + mask_l1 * m.abs().sum() + l1 * (m * w).abs().sum()
                ).backward()
                ((g[k] * x).sum() + l1 * x.abs().sum()).backward()
                factors.step()
                plain.step()
                for key, value in (("m", m), ("w", w), ("x", x)):
                    found[key].append(value.detach().numpy().copy())
            if mask_l1:
                del found["x"]
            out |= {f"{name}_{o}_{key}": np.stack(v) for key, v in found.items()}

        theta = start["x0"].clone().requires_grad_()
        s = torch.tensor(-0.5, dtype=dtype, requires_grad=True)
        x = torch.sign(theta) * torch.relu(theta.abs() - torch.sigmoid(s))
        gtheta, gs = torch.autograd.grad((g[0] * x).sum(), (theta, s))
        out[f"{name}_str_x"] = x.detach().numpy()
        out[f"{name}_str_gtheta"], out[f"{name}_str_gs"] = gtheta.numpy(), gs.numpy()
        for p in (1.375, 2.0, 3.0, 4.5):
            x = theta * theta.abs() ** (p - 1)
            (gtheta,) = torch.autograd.grad((g[0] * x).sum(), theta)
            out[f"{name}_power{p}_x"] = x.detach().numpy()
            out[f"{name}_power{p}_gtheta"] = gtheta.numpy()
        s, w = (start[k].clone().requires_grad_() for k in ("x0", "w0"))
        x = torch.sigmoid(3.0 * s) * w
        loss = (g[0] * x).sum() + 0.1 * torch.sigmoid(3.0 * s).sum()
        gs, gw = torch.autograd.grad(loss, (s, w))
        out[f"{name}_sigmoid_x"] = x.detach().numpy()
        out[f"{name}_sigmoid_gs"], out[f"{name}_sigmoid_gw"] = gs.numpy(), gw.numpy()
        x = start["x0"]
        exponent = (RATE * (-200 * torch.sign(x) * g[0] - 1e-3)).clamp(-5, 5)
        out[f"{name}_ham"] = (x * torch.exp(exponent)).numpy()
    np.savez_compressed("tests/data/mask_weight_golden.npz", **out)


main()
