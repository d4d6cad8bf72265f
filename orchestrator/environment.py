"""What a result was made with: packages, commit, machine."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from orchestrator.errors import UserError

SOURCES = Path(__file__).resolve().parents[1]
"""The folder that holds the packages `orchestrator` and `gan_core`."""
PACKAGES = ("gan-orchestrator", "torch", "torchvision", "numpy", "ray", "mlflow")


@cache
def describe() -> dict[str, Any]:
    """Versions of Python and the packages that matter, the processor, and the git commit where there is one."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return {
        "python": platform.python_version(),
        "packages": versions,
        "host": platform.node(),
        "processor": processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "git_commit": git_commit(),
    }


def this_process() -> dict[str, Any]:
    """Who holds a sweep."""
    return {"process": os.getpid(), "host": platform.node(), "since": time.strftime("%Y-%m-%d %H:%M:%S %Z")}


def git_commit() -> str | None:
    """The commit of this code's checkout, with `-dirty` if files differ from it; None outside a checkout."""
    root = SOURCES
    if not (root / ".git").exists():
        return None

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, timeout=10, check=True)
        return done.stdout.strip()

    try:
        commit = git("rev-parse", "HEAD")
        return f"{commit}-dirty" if git("status", "--porcelain", "--untracked-files=no") else commit
    except (OSError, subprocess.SubprocessError):
        return None


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    found = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return found[0] if found else platform.machine()


def gpus() -> int:
    """How many GPUs torch can use in this process. Where the system shows none, torch is not imported to say so."""
    if not any(Path(driver).exists() for driver in ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")):
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def check_gpu() -> None:
    """Raises UserError if torch can use no GPU in this process."""
    import torch

    if not torch.cuda.is_available():
        raise UserError("--device gpu: torch finds no GPU here (see `nvidia-smi`); leave it out to train on processors")


def available_cpus() -> int:
    """The processors that this process may use, by its affinity and its container's quota."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        return count
    return count if quota == "max" else max(1, min(count, int(quota) // int(period)))
