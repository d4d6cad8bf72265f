"""Which fraction of a GPU a trial gets: measured on one of the cluster's GPUs before the first trial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from gan_core import metric_names
from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.evaluation.evaluator import Evaluator
from gan_core.training.trainer import Trainer
from orchestrator.periodic import PeriodicThread
from orchestrator.planning import pilot
from orchestrator.trial.system_metrics import SystemMeter

SPARE_MEMORY = 0.1
"""Fraction of the GPU's memory that is left for what a trial takes only after the pilot."""
MAX_TRIALS_PER_GPU = 16
"""More processes than that on one GPU only take turns."""
SECONDS_BETWEEN_READINGS = 0.2


@dataclass(frozen=True)
class GpuDemand:
    """What one trial takes of a GPU.

    peak_bytes: memory of its process, CUDA's own included; total_bytes: memory of the GPU. utilization: fraction of the
    time in which a kernel ran.
    """

    peak_bytes: int
    total_bytes: int
    utilization: float


def share(demand: GpuDemand) -> float:
    """The fraction of a GPU for a trial: as many trials as its memory holds, and one more than would keep it busy.

    One more, because one trial's kernels fill the gaps that another's leave.
    """
    by_memory = int((1 - SPARE_MEMORY) * demand.total_bytes / demand.peak_bytes)
    by_time = int(1 / max(demand.utilization, 1 / MAX_TRIALS_PER_GPU)) + 1
    return 1 / max(1, min(by_memory, by_time, MAX_TRIALS_PER_GPU))


def measure(config: TrialConfig, images: ImageSet, evaluator: Evaluator) -> GpuDemand:
    """Train a few steps and evaluate once, in this process, on its GPU."""
    device = torch.device("cuda")
    free, total = torch.cuda.mem_get_info(device)
    torch.cuda.reset_peak_memory_stats(device)
    utilization = _UtilizationMeter(device)
    with utilization:
        pilot.time_steps(Trainer(config, images, device, evaluator))
    held = free - torch.cuda.mem_get_info(device)[0]
    peak = max(held, held - torch.cuda.memory_reserved(device) + torch.cuda.max_memory_reserved(device))
    return GpuDemand(max(peak, 1), total, utilization.mean())


def measure_on(cluster: Any, config: TrialConfig, images: ImageSet, evaluator: Evaluator) -> GpuDemand:
    """`measure` on one of the cluster's GPUs, alone. `cluster`: a `Cluster`."""
    # max_calls=1: the worker ends after the call, which frees the GPU
    task = cluster.ray.remote(num_cpus=1, num_gpus=1, max_calls=1)(measure)
    return cluster.ray.get(task.remote(config, images, evaluator))


class _UtilizationMeter(PeriodicThread):
    """Reads the utilization of the GPU in this context."""

    def __init__(self, device: torch.device):
        super().__init__("gpu-utilization", SECONDS_BETWEEN_READINGS, self._read)
        self.meter, self.readings = SystemMeter(device), list[float]()

    def _read(self) -> None:
        percent = self.meter.read().get(metric_names.SYSTEM_GPU_UTILIZATION)
        if percent is not None:
            self.readings.append(percent / 100)

    def mean(self) -> float:
        """Mean utilization between 0 and 1; 1.0 if the driver reports none."""
        return sum(self.readings) / len(self.readings) if self.readings else 1.0
