"""The software and the machine that a result is made with: packages, commit, CPU, GPUs."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypedDict

from orchestrator.errors import UserError

SOURCES = Path(__file__).resolve().parents[1]
"""The folder that holds the packages `orchestrator` and `gan_core`."""
PACKAGES = ("gan-orchestrator", "torch", "torchvision", "numpy", "ray", "mlflow")


class Environment(TypedDict, total=False):
    """What a result was made with. Earlier versions wrote fewer fields.

    `packages`: name -> version of each package in PACKAGES. `processor`: model of the CPU. `git_commit`: of this code;
    None outside a checkout. `gpu`: model of the GPU, if a trial trains on one.
    """

    python: str
    packages: dict[str, str]
    host: str
    processor: str
    system: str
    git_commit: str | None
    gpu: str


@cache
def describe() -> Environment:
    """The environment of this process, without a GPU."""
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
        "processor": cpu_model(),
        "system": f"{platform.system()} {platform.machine()}",
        "git_commit": git_commit(),
    }


def git_commit() -> str | None:
    """The commit of this code's checkout, with `-dirty` if files differ from it; None outside a checkout."""
    if not (SOURCES / ".git").exists():
        return None

    def git(*words: str) -> str:
        command = ["git", "-C", str(SOURCES), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()

    try:
        commit = git("rev-parse", "HEAD")
        return f"{commit}-dirty" if git("status", "--porcelain", "--untracked-files=no") else commit
    except (OSError, subprocess.SubprocessError):
        return None


def cpu_model() -> str:
    """The name of the CPU's model; the kind of machine if the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def has_gpu_driver() -> bool:
    """Whether the system has a driver that torch could use a GPU with."""
    return any(Path(driver).exists() for driver in ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd"))


def gpu_count() -> int:
    """Number of GPUs that torch can use in this process. torch is not imported if the system has no GPU driver."""
    if not has_gpu_driver():
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def require_gpu() -> None:
    """Raises UserError if torch can use no GPU in this process."""
    import torch

    if not torch.cuda.is_available():
        raise UserError(
            "--device gpu: torch finds no GPU on this machine (see `nvidia-smi`); leave the option out to train on CPUs"
        )


def available_cpus() -> int:
    """Number of CPUs that this process may use: its affinity, limited by Slurm's job and its container's quota."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    given = os.environ.get("SLURM_CPUS_ON_NODE", "")  # not every site binds a job to what it was given
    count = min(count, int(given)) if given.isdecimal() and int(given) else count
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        return count
    return count if quota == "max" else max(1, min(count, int(quota) // int(period)))
