"""One epoch of each network by PyTorch, step by step: python make_torch_epochs.py writes torch_epochs.npz, and with NAME... makes
these runs anew and leaves the others as they are. Needs torch and torchvision.

Weights, images and labels are not stored: both sides make them from splitmix64 (uniform.py), so only the losses are.
For every run NAME, in float64: NAME::losses (one a step, the last one that of the first batch in evaluation after the epoch),
NAME::growth64 and NAME::growth32, how much rounding is amplified: in every step all parameters that forward and backward
see are multiplied by 1 + p*xi, xi uniform in [-1, 1] and drawn anew, which is what rounding in the sums does to them; growth is the
largest change of this loss and of those before it over three draws, divided by p, for p = 1e-12 and p = 4e-6 (there
units of ReLU change sides)."""
import os, sys
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
from torchvision.models import VisionTransformer
from uniform import initial, uniform
torch.set_num_threads(2)

class Mlp(nn.Module):
    def __init__(s):
        super().__init__(); s.fc1, s.fc2, s.fc3 = nn.Linear(784, 300), nn.Linear(300, 100), nn.Linear(100, 10)
    def forward(s, x): return s.fc3(F.relu(s.fc2(F.relu(s.fc1(x.flatten(1))))))

class LeNet(nn.Module):
    def __init__(s):
        super().__init__(); s.conv1, s.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        s.fc1, s.fc2, s.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)
    def forward(s, x):
        x = F.max_pool2d(F.relu(s.conv2(F.max_pool2d(F.relu(s.conv1(x)), 2))), 2).flatten(1)
        return s.fc3(F.relu(s.fc2(F.relu(s.fc1(x)))))

class Block(nn.Module):
    def __init__(s, i, o, stride):
        super().__init__()
        s.conv1 = nn.Conv2d(i, o, 3, stride, 1, bias=False); s.bn1 = nn.BatchNorm2d(o)
        s.conv2 = nn.Conv2d(o, o, 3, 1, 1, bias=False); s.bn2 = nn.BatchNorm2d(o)
        s.downsample = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o)) if stride != 1 or i != o else nn.Identity()
    def forward(s, x): return F.relu(s.bn2(s.conv2(F.relu(s.bn1(s.conv1(x))))) + s.downsample(x))

class ResNet(nn.Module):
    def __init__(s, width, blocks):
        super().__init__(); s.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False); s.bn1 = nn.BatchNorm2d(width); i = width; s.groups = len(blocks)
        for g, count in enumerate(blocks):
            o = width << g; group = []
            for b in range(count): group.append(Block(i, o, 2 if g and not b else 1)); i = o
            setattr(s, f"layer{g + 1}", nn.Sequential(*group))
        s.fc = nn.Linear(i, 10)
    def forward(s, x):
        x = F.relu(s.bn1(s.conv1(x)))
        for g in range(s.groups): x = getattr(s, f"layer{g + 1}")(x)
        return s.fc(x.mean((2, 3)))

def images(count, shape):
    """The pattern of the image's class (its number modulo 10), and half as much noise."""
    pattern, noise = uniform("pattern", 10 * int(np.prod(shape)), (10, *shape)), uniform("noise", count * int(np.prod(shape)), (count, *shape))
    t = torch.arange(count) % 10
    return pattern[t] + 0.5 * noise, t

BETA, ALPHA = 1.0, 1e-3
def epoch(net, factors, shape, batch, steps, optimizer, schedule, p=0.0, draw=0):
    net = net().double(); x, t = images(batch * steps, shape); generator = torch.Generator().manual_seed(draw)
    start = {k: initial(k, q) for k, q in net.named_parameters()}; trained, kind = {}, {}
    for k, q in start.items():
        if factors and q.dim() > 1 and k not in ("class_token", "encoder.pos_embedding"):
            m = ((BETA + (BETA * BETA + 4 * q * q).sqrt()) / 2).sqrt(); trained["m::" + k], trained["w::" + k], kind[k] = m, q / m, True
        else: trained[k], kind[k] = q.clone(), False
    for q in trained.values(): q.requires_grad_()
    decayed = [q for k, q in trained.items() if "::" in k]; rest = [q for k, q in trained.items() if "::" not in k]
    optimizer = optimizer([{"params": decayed, "weight_decay": 2 * ALPHA}, {"params": rest}] if decayed else rest); rate = schedule(optimizer, steps)
    buffers = dict(net.named_buffers())
    def parameters(p):
        y = {k: trained["m::" + k] * trained["w::" + k] if kind[k] else trained[k] for k in start}
        return y if p == 0.0 else {k: v * (1 + p * (2 * torch.rand(v.shape, generator=generator, dtype=v.dtype) - 1)) for k, v in y.items()}
    losses = []
    for step in range(steps):
        xs, ts = x[step * batch:(step + 1) * batch], t[step * batch:(step + 1) * batch]
        optimizer.zero_grad(); loss = F.cross_entropy(torch.func.functional_call(net.train(), (parameters(p), buffers), (xs,)), ts)
        loss.backward(); optimizer.step(); rate.step(); losses.append(loss.item())
    with torch.no_grad(): losses.append(F.cross_entropy(torch.func.functional_call(net.eval(), (parameters(p), buffers), (x[:batch],)), t[:batch]).item())
    return np.array(losses)

L = torch.optim.lr_scheduler
cosine = lambda o, steps: L.CosineAnnealingLR(o, steps)
halfway = lambda o, steps: L.MultiStepLR(o, [steps // 2], 0.1)
# Half of the epoch up from 0 in a line, then down along half a cosine. LinearLR cannot start at 0.
warm = lambda o, steps: L.SequentialLR(o, [L.LambdaLR(o, lambda k: k / (steps // 2)), L.CosineAnnealingLR(o, steps - steps // 2)], [steps // 2])
sgd = lambda **more: lambda p: torch.optim.SGD(p, momentum=0.9, **more)
adam = lambda **more: lambda p: torch.optim.Adam(p, **more)
adamw = lambda **more: lambda p: torch.optim.AdamW(p, **more)
grey, colour = (1, 28, 28), (3, 32, 32)
vit = lambda: VisionTransformer(image_size=32, patch_size=8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=64, num_classes=10)
runs = {
    "mlp": (Mlp, False, grey, 128, 8, sgd(lr=0.02, weight_decay=1e-4), cosine),
    "mlp_mw": (Mlp, True, grey, 128, 8, sgd(lr=0.02, weight_decay=1e-4), cosine),
    "mlp_warm": (Mlp, False, grey, 128, 8, sgd(lr=0.02, weight_decay=1e-4), warm),
    "lenet5": (LeNet, False, grey, 64, 8, adam(lr=1e-3, weight_decay=1e-4), halfway),
    "lenet5_mw": (LeNet, True, grey, 64, 8, adamw(lr=1e-3, weight_decay=1e-2), halfway),
    "resnet20": (lambda: ResNet(16, (3, 3, 3)), False, colour, 32, 8, sgd(lr=0.02, weight_decay=5e-4, nesterov=True), cosine),
    "resnet18": (lambda: ResNet(16, (2, 2, 2, 2)), False, colour, 32, 8, sgd(lr=0.02, weight_decay=5e-4), halfway),
    "vit": (vit, False, colour, 64, 8, adamw(lr=1e-3, weight_decay=0.05), cosine),
}
names = sys.argv[1:] or list(runs)
out = dict(np.load("torch_epochs.npz")) if len(sys.argv) > 1 and os.path.exists("torch_epochs.npz") else {}
for name in names:
    run = runs[name]
    out[name + "::losses"] = losses = epoch(*run)
    for bits, p in ((64, 1e-12), (32, 4e-6)):
        apart = np.max([np.abs(epoch(*run, p=p, draw=draw) - losses) for draw in range(3)], axis=0)
        out[f"{name}::growth{bits}"] = np.maximum.accumulate(apart) / p
    print(name, losses, out[name + "::growth64"], out[name + "::growth32"], sep="\n  ", flush=True)
np.savez_compressed("torch_epochs.npz", **out)
