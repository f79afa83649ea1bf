"""torchvision's ResNet-18 by name. Needs torch and torchvision.
python torchvision_names.py list          writes torchvision_resnet18.csv: name, shape and type of every tensor of its state_dict()
python torchvision_names.py logits        writes torchvision_resnet18.npz: logits (float64) of one image with weights by `uniform`
python torchvision_names.py images DIR    writes a small data set of PNG files, 256x256, two classes, in ImageNet's layout
python torchvision_names.py check FILE    loads weights that `mirrorflow train` saved for resnet18-imagenet, by name, strictly;
                                          with DIR after it, says its loss and accuracy on the images of DIR/val"""
import json, struct, sys
from pathlib import Path
import numpy as np, torch
from torchvision.models import resnet18

def tensors(path):
    """A safetensors file: the length of the header, the header, the numbers."""
    with open(path, "rb") as f: data = f.read()
    length = struct.unpack("<Q", data[:8])[0]; header = json.loads(data[8:8 + length]); header.pop("__metadata__", None)
    kinds = {"F32": np.float32, "I64": np.int64}
    def one(t):
        a, b = t["data_offsets"]
        return torch.from_numpy(np.frombuffer(data[8 + length + a:8 + length + b], kinds[t["dtype"]]).reshape(t["shape"]).copy())
    return {name: one(t) for name, t in header.items()}

if sys.argv[1] == "list":
    with open("torchvision_resnet18.csv", "w") as f:
        for name, t in resnet18().state_dict().items():
            f.write(f"{name},{'x'.join(map(str, t.shape))},{str(t.dtype).removeprefix('torch.')}\n")
elif sys.argv[1] == "logits":
    from uniform import initial, uniform
    net = resnet18().double().eval()
    state = {}
    for name, t in net.state_dict().items():
        u = uniform(name, t.numel(), t.shape) if t.dim() else t
        if name.endswith("running_mean"): state[name] = 0.1 * u
        elif name.endswith("running_var"): state[name] = 1.0 + 0.5 * u
        elif name.endswith("tracked"): state[name] = t
        else: state[name] = initial(name, t)
    net.load_state_dict(state, strict=True)
    with torch.no_grad(): logits = net(uniform("image", 3 * 64 * 64, (1, 3, 64, 64)))
    np.savez_compressed("torchvision_resnet18.npz", logits=logits.numpy()[0])
elif sys.argv[1] == "images":
    from PIL import Image
    draw = np.random.default_rng(0)
    for part, count in (("train", 8), ("val", 6)):
        for name, colour in (("blue", 2), ("red", 0)):
            folder = Path(sys.argv[2]) / part / name; folder.mkdir(parents=True)
            for k in range(count):
                pixels = draw.integers(0, 128, (256, 256, 3)); pixels[..., colour] += draw.integers(0, 128, (256, 1))
                Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{k}.png")
else:
    found = tensors(sys.argv[2]); net = resnet18(num_classes=found["fc.bias"].numel())
    net.load_state_dict(found, strict=True)
    assert list(sorted(found)) == list(sorted(net.state_dict()))
    with torch.no_grad(): logits = net.eval()(torch.zeros(1, 3, 64, 64))
    assert torch.isfinite(logits).all()
    print(f"{len(found)} tensors loaded by name, {int(found['bn1.num_batches_tracked'])} batches tracked")
    if len(sys.argv) > 3:
        from PIL import Image
        mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        images, labels = [], []
        for label, folder in enumerate(sorted((Path(sys.argv[3]) / "val").iterdir())):
            for path in sorted(folder.iterdir()):
                # 256x256, as `images` makes them: nothing is resized, the middle 224x224 are seen.
                pixels = torch.from_numpy(np.array(Image.open(path).convert("RGB"))[16:240, 16:240]).float() / 255
                images.append(((pixels - mean) / deviation).permute(2, 0, 1)); labels.append(label)
        with torch.no_grad(): logits = net.double()(torch.stack(images).double())
        labels = torch.tensor(labels); right = (logits.argmax(1) == labels).double().mean()
        print(f"test loss {torch.nn.functional.cross_entropy(logits, labels):.9f}, accuracy {right:.6f}")
