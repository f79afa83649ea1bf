"""Numbers that need not be stored: the tests in Rust make the same ones."""
import numpy as np, torch

def uniform(name, count, shape=None):
    """splitmix64 from the FNV-1a hash of the name, the top 53 bits of each number as one in [-1, 1)."""
    seed = 0xcbf29ce484222325
    for byte in name.encode(): seed = ((seed ^ byte) * 0x100000001b3) % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    u = (z >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0
    return torch.from_numpy(u if shape is None else u.reshape(shape))

def initial(name, p):
    """Weights Kaiming's uniform, scales about 1, biases and shifts about 0, embeddings small."""
    u = uniform(name, p.numel(), p.shape)
    if name in ("class_token", "encoder.pos_embedding"): return 0.05 * u
    if p.dim() > 1: return u * np.sqrt(6.0 / np.prod(p.shape[1:]))
    return 1.0 + 0.2 * u if name.endswith("weight") else 0.1 * u
