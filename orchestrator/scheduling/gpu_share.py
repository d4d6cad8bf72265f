"""Which part of a GPU a trial gets: measured on one of the cluster's GPUs before the first trial."""

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

SPARE = 0.1
"""Of the GPU's memory, for what a trial takes later than in the pilot."""
MAX_TOGETHER = 16
"""More processes than that on one GPU only take turns."""
SECONDS_BETWEEN_READINGS = 0.2


@dataclass(frozen=True)
class Need:
    """`peak`: bytes that the process took, CUDA's own included. `busy`: share of the time in which a kernel ran."""

    peak: int
    total: int
    busy: float


def share(need: Need) -> float:
    """The part of a GPU: as many trials as its memory holds, and one more than would keep it busy.

    One more, because one trial's kernels fill the gaps that another's leave.
    """
    by_memory = int((1 - SPARE) * need.total / need.peak)
    by_time = int(1 / max(need.busy, 1 / MAX_TOGETHER)) + 1
    return 1 / max(1, min(by_memory, by_time, MAX_TOGETHER))


def measure(config: TrialConfig, images: ImageSet, evaluator: Evaluator) -> Need:
    """Trains a few steps and evaluates once, in this process, on its GPU."""
    device = torch.device("cuda")
    free, total = torch.cuda.mem_get_info(device)
    torch.cuda.reset_peak_memory_stats(device)
    utilization = _UtilizationMeter(device)
    with utilization:
        pilot.time_steps(Trainer(config, images, device, evaluator))
    held = free - torch.cuda.mem_get_info(device)[0]
    peak = max(held, held - torch.cuda.memory_reserved(device) + torch.cuda.max_memory_reserved(device))
    return Need(max(peak, 1), total, utilization.mean())


def measure_on(cluster: Any, config: TrialConfig, images: ImageSet, evaluator: Evaluator) -> Need:
    """`measure` on one of the cluster's GPUs, alone. `cluster`: a `Cluster`."""
    task = cluster.ray.remote(num_cpus=1, num_gpus=1, max_calls=1)(measure)  # so that the worker ends, and frees it
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
