"""The checks of `orchestrate doctor`: pure functions from what was measured on a machine to ok, warning or wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from orchestrator.formatting import format_bytes

State = Literal["ok", "warning", "wrong"]
PYTHONS = ((3, 11), (3, 13))
GB = 1000**3
MIN_DISK, RECOMMENDED_DISK = 1 * GB, 5 * GB
MIN_OPEN_FILES, RECOMMENDED_OPEN_FILES = 1024, 4096
"""Ray warns below 4096 open files; a local Ray with a few workers opens several hundred."""
FULL_DISK_SHARE = 0.95
"""Ray's `local_fs_capacity_threshold`: on a fuller disk it stores no objects."""


@dataclass(frozen=True)
class Check:
    """`found`: what there is. `to_do`: how to correct it; empty if it is ok. The field names are keys of `--json`."""

    name: str
    state: State
    found: str
    to_do: str = ""


def python(version: tuple[int, int], full: str) -> Check:
    low, high = (".".join(map(str, bound)) for bound in PYTHONS)
    if PYTHONS[0] <= version <= PYTHONS[1]:
        return Check("Python", "ok", full)
    return Check("Python", "wrong", full, f"install into a Python from {low} to {high}: make PYTHON=python{high}")


def torch(version: str | None, threads: int, bfloat16: bool, error: str = "") -> Check:
    """`version`: None if the import failed with `error`. `bfloat16`: whether the CPU has units for it."""
    if version is None:
        to_do = "install torch and torchvision from the same index: pip install -c constraints.txt -e ."
        return Check("torch", "wrong", f"cannot be imported ({error})", to_do)
    kind = "with bfloat16 units" if bfloat16 else "no bfloat16 units: trials compute in float32"
    return Check("torch", "ok", f"{version}, {threads} processors, {kind}")


def gpu(names: list[str], memory: int, built_for_gpu: bool, driver: bool) -> Check:
    """`names`: the GPUs that torch sees. `memory`: bytes of the first. `driver`: whether there is a GPU driver."""
    if names:
        return Check("GPU", "ok", f"{len(names)} ({names[0]}, {format_bytes(memory)}); see --gpu-share")
    if driver:
        reason = "torch does not see it" if built_for_gpu else "this torch was built without GPU support"
        return Check(
            "GPU", "warning", f"there is one, but {reason}", "install a torch that fits its driver (nvidia-smi)"
        )
    return Check("GPU", "ok", "none; trials run on the CPU")


def cuda_mps(folder: str, runs: bool, other_user: str) -> Check:
    """`folder`: where CUDA programs look for the daemon. `other_user`: who it serves alone, if not this user."""
    start = "nvidia-cuda-mps-control -d"
    if other_user:
        to_do = f"before a sweep: export CUDA_MPS_PIPE_DIRECTORY=FOLDER, one of your own, and {start}"
        return Check("CUDA MPS", "warning", f"serves {other_user} alone (in {folder})", to_do)
    if runs:
        return Check("CUDA MPS", "ok", f"runs (in {folder}), so trials that share a GPU compute at the same time")
    return Check("CUDA MPS", "ok", f"does not run, so trials that share a GPU take turns on it; {start} starts it")


def ray(version: str | None, address: str | None, error: str) -> Check:
    """`version`: None if Ray is not installed. `error`: why the cluster at `address` does not answer."""
    if version is None:
        return Check("Ray", "wrong", "not installed", "pip install -c constraints.txt -e .")
    if error:
        return Check("Ray", "wrong", f"{version}; {error}", "start that cluster, or unset RAY_ADDRESS")
    return Check("Ray", "ok", f"{version}, " + (f"cluster at {address}" if address else "a local one for each sweep"))


def disk(name: str, folder: str, free: int, total: int) -> Check:
    measured = f"{format_bytes(free)} of {format_bytes(total)} free in {folder}"
    if free < MIN_DISK:
        return Check(name, "wrong", measured, "free some: orchestrate clean --all; or choose another --home")
    if free < RECOMMENDED_DISK or free < total * (1 - FULL_DISK_SHARE):
        to_do = "a trial takes 10 to 100 MB, and Ray stores nothing on a disk that is 95% full: orchestrate clean --all"
        return Check(name, "warning", measured, to_do)
    return Check(name, "ok", measured)


def shared_memory(free: int | None, needed: int) -> Check:
    """`free`: bytes in /dev/shm; None if it does not exist. `needed`: bytes that Ray's object store will take."""
    if free is None:
        return Check("shared memory", "ok", "no /dev/shm here; Ray uses its temporary folder")
    measured = f"{format_bytes(free)} free in /dev/shm, Ray will take {format_bytes(needed)}"
    if free >= needed:
        return Check("shared memory", "ok", measured)
    to_do = f"Ray will use the disk, which is slower; in a container: --shm-size={-(-needed // GB)}g"
    return Check("shared memory", "warning", measured, to_do)


def tracking(address: str, error: str = "", caution: tuple[str, str] = ("", "")) -> Check:
    """`address`: MLflow's, without secrets; empty with an `error`, which says why it cannot be used.

    `caution`: what is wrong with a store that can be used, and what corrects it.
    """
    if error:
        to_do = "start the server or correct MLFLOW_TRACKING_URI; unset, runs go into the home folder"
        return Check("tracking", "wrong", error, to_do)
    trouble, to_do = caution
    if trouble:
        return Check("tracking", "warning", f"{address}; {trouble}", to_do)
    return Check("tracking", "ok", f"{address} answers" if address.startswith("http") else address)


def data(complete: list[str], incomplete: list[str]) -> Check:
    """The names of the data sets whose files are all there, and of those that lack some."""
    measured = f"here: {', '.join(complete)}"
    if incomplete:
        to_do = "; ".join(f"orchestrate datasets prepare {name}" for name in incomplete)
        return Check("data", "warning", f"{measured}; incomplete: {', '.join(incomplete)}", to_do)
    return Check("data", "ok", f"{measured}; `orchestrate datasets` lists what can be had")


def permissions(name: str, folder: str, error: str) -> Check:
    """`error`: the system's message when a file was made in `folder`."""
    if error:
        return Check(name, "wrong", f"no file can be made in {folder} ({error})", "choose another --home or TMPDIR")
    return Check(name, "ok", f"{folder} can be written")


def open_files(soft: int, hard: int) -> Check:
    """The limits on open files; Ray raises its own soft limit to the hard one."""
    measured = f"{soft} now, at most {hard}"
    if hard < MIN_OPEN_FILES:
        return Check(
            "open files", "wrong", measured, f"have the hard limit raised to {RECOMMENDED_OPEN_FILES} (limits.conf)"
        )
    if hard < RECOMMENDED_OPEN_FILES:
        return Check(
            "open files", "warning", measured, f"few for many workers; have it raised to {RECOMMENDED_OPEN_FILES}"
        )
    return Check("open files", "ok", measured)
