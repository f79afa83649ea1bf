"""The steps of step.rs in PyTorch (CPU): python step.py [THREADS], 2 by default. Needs torch. On a busy machine compare the CPU times of
one thread on both sides: waiting threads spin."""
import resource, sys, time
import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(0); torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)

class Block(nn.Module):
    def __init__(s, i, o, st):
        super().__init__()
        s.conv1 = nn.Conv2d(i, o, 3, st, 1, bias=False); s.bn1 = nn.BatchNorm2d(o)
        s.conv2 = nn.Conv2d(o, o, 3, 1, 1, bias=False); s.bn2 = nn.BatchNorm2d(o)
        s.down = nn.Sequential(nn.Conv2d(i, o, 1, st, bias=False), nn.BatchNorm2d(o)) if st != 1 or i != o else nn.Identity()
    def forward(s, x): return F.relu(s.bn2(s.conv2(F.relu(s.bn1(s.conv1(x))))) + s.down(x))

class ResNet20(nn.Module):
    def __init__(s):
        super().__init__()
        s.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False); s.bn1 = nn.BatchNorm2d(16); blocks = []; i = 16
        for g, o in enumerate((16, 32, 64)):
            for b in range(3): blocks.append(Block(i, o, 2 if g and b == 0 else 1)); i = o
        s.blocks = nn.Sequential(*blocks); s.fc = nn.Linear(64, 10)
    def forward(s, x): return s.fc(s.blocks(F.relu(s.bn1(s.conv1(x)))).mean((2, 3)))

mlp = lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10))
lenet = lambda: nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
    nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))

ROUNDS = 9
def bench(name, net, shape, last, masked):
    if last: net = net.to(memory_format=torch.channels_last)
    x = torch.randn(128, *shape); t = torch.arange(128) % 10
    if last: x = x.contiguous(memory_format=torch.channels_last)
    # x = m*w for every weight, started at m = w = sqrt|x| but for the sign; alpha = 1e-4 on both.
    pairs = {k: (p.detach().abs().sqrt().requires_grad_(), (p.sign() * p.abs().sqrt()).detach().requires_grad_()) for k, p in net.named_parameters() if p.dim() > 1} if masked else {}
    rest = [p for k, p in net.named_parameters() if k not in pairs]; factors = [f for pair in pairs.values() for f in pair]
    opt = torch.optim.SGD([{"params": rest}] + ([{"params": factors, "weight_decay": 2e-4}] if masked else []), 0.01, 0.9, weight_decay=1e-4)
    def step():
        opt.zero_grad()
        y = torch.func.functional_call(net, {k: m * w for k, (m, w) in pairs.items()}, (x,)) if masked else net(x)
        F.cross_entropy(y, t).backward(); opt.step()
    wall, cpu = [], []
    for _ in range(3): step()
    for _ in range(ROUNDS):
        a, b = time.perf_counter(), time.process_time(); step()
        wall.append(time.perf_counter() - a); cpu.append(time.process_time() - b)
    wall.sort(); cpu.sort()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name}{' m*w' if masked else ''}: {1e3*wall[0]:.2f} ms best, {1e3*wall[len(wall)//2]:.2f} median, cpu {1e3*cpu[0]:.2f}; peak so far {peak:.0f} MB", flush=True)

for masked in (False, True):
    bench("mlp", mlp(), (1, 28, 28), False, masked)
    bench("lenet5", lenet(), (1, 28, 28), False, masked)
    bench("resnet20 NCHW", ResNet20(), (3, 32, 32), False, masked)
    bench("resnet20 channels_last", ResNet20(), (3, 32, 32), True, masked)
