"""How many trials fit on a cluster, and what each requests from Ray. Pure functions of numbers."""

from __future__ import annotations

from typing import Literal

Device = Literal["auto", "cpu", "gpu", "any"]
"""What trials train on. "auto": on GPUs if there are any; "any": on GPUs and CPUs side by side."""
ASSUMED_GPU_SHARE = 0.25
"""Fraction of a GPU that a trial gets, where none was measured."""
MIN_OBJECT_STORE_BYTES = 100 * 1024**2


def slots(cpus: int, gpus: float, gpu_share: float, factor: int = 1) -> int:
    """How many trials run at once: one per CPU, and no more than the GPUs have room for if there are any.

    `factor`: as of `resources`.
    """
    if gpus:
        return min(cpus, int(gpus * trials_per_gpu(min(1.0, gpu_share * factor))))
    return cpus // min(cpus, factor)


def trials_per_gpu(gpu_share: float) -> int:
    """How many trials share one GPU. No trial spans two."""
    return int(1 / gpu_share + 1e-9)


def resources(cpus: float, gpus: float, gpu_share: float, factor: int) -> dict[str, float]:
    """What a trial requests from Ray. `cpus`: of the largest node. `gpus`: that trials may use.

    `factor`: 2 doubles its share of the device, so that half as many trials run beside it.
    """
    if gpus:
        return {"CPU": 1.0, "GPU": min(1.0, gpu_share * factor)}
    return {"CPU": min(float(cpus), 1.0 * factor)}


def object_store_bytes(data_bytes: int) -> int:
    """The size of Ray's object store for data sets of this size."""
    return MIN_OBJECT_STORE_BYTES + int(1.1 * data_bytes)
