"""Registers, spills and shared memory of every kernel, as the table of docs/kernels.md.

Needs pip and cargo, no GPU: NVRTC compiles the kernels to PTX (.ci/nvrtc fetches it), and `ptxas -v` of
the PyPI wheel nvidia-cuda-nvcc-cu12 says what they take.

    python3 tools/kernel_resources.py
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
WHEEL = "nvidia-cuda-nvcc-cu12==12.9.86"


def ptxas() -> pathlib.Path:
    kept = ROOT / "target" / "nvcc"
    binary = kept / "nvidia" / "cuda_nvcc" / "bin" / "ptxas"
    if not binary.exists():
        kept.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(kept), WHEEL]
        subprocess.run(pip, check=True)
        for wheel in kept.glob("*.whl"):
            subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(kept)], check=True)
            wheel.unlink()
        binary.chmod(0o755)
    return binary


def main() -> None:
    environment = dict(os.environ)
    if "MIRRORFLOW_NVRTC" not in environment:
        found = subprocess.run(["bash", ROOT / ".ci" / "nvrtc"], check=True, capture_output=True, text=True)
        environment["MIRRORFLOW_NVRTC"] = found.stdout.strip()
    assembler = ptxas()
    print("| kernel | architecture | registers | spills (bytes) | shared, static (bytes) |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        cargo = ["cargo", "run", "--quiet", "-p", "mirrorflow-kernels-on-host", "--example", "ptx"]
        subprocess.run([*cargo, "--", folder], check=True, cwd=ROOT, env=environment)
        rows = []
        for path in sorted(pathlib.Path(folder).glob("*.ptx")):
            architecture = re.search(r"sm_\d+", path.name).group()
            command = [assembler, "-v", f"-arch={architecture}", path, "-o", os.devnull]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
            for part in said.split("Compiling entry function")[1:]:
                kernel = re.search(r"'(\w+)'", part).group(1)
                registers = re.search(r"Used (\d+) registers", part).group(1)
                spills = re.findall(r"(\d+) bytes spill stores, (\d+) bytes spill loads", part)
                stores, loads = (sum(int(pair[k]) for pair in spills) for k in (0, 1))
                shared = re.search(r"(\d+) bytes smem", part)
                rows.append((kernel, architecture, registers, f"{stores} + {loads}", shared.group(1) if shared else 0))
        for row in sorted(rows):
            print("| `{}` | {} | {} | {} | {} |".format(*row))


if __name__ == "__main__":
    main()
