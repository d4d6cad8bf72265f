"""What the worker and its machine were doing while a trial trained, under MLflow's own names.

MLflow's monitor samples the process that opened the run; here that is the command, which may be on another machine than
the worker. So the worker reads for itself, once a history row, and the readings travel with the row. `cpu_`, `system_`
and `gpu_0_` mean what they mean in MLflow: the whole machine, and the whole GPU that the trial has a part of.
"""

from __future__ import annotations

from contextlib import suppress

import psutil
import torch

from gan_core import metric_names

MEGABYTE = 1e6  # as MLflow counts


class SystemMeter:
    """Reads since the last reading. `device`: where the trial trains."""

    def __init__(self, device: torch.device):
        self.process = psutil.Process()
        self.gpu = _Gpu(device) if device.type == "cuda" else None
        self.read()  # shares of time count from here on

    def read(self) -> dict[str, float]:
        """Percent and megabytes, by the name of the metric. `worker_cpu_percentage`: 100 is one processor's worth."""
        memory = psutil.virtual_memory()
        found = {
            "cpu_utilization_percentage": psutil.cpu_percent(),
            "system_memory_usage_megabytes": memory.used / MEGABYTE,
            "system_memory_usage_percentage": 100 * memory.used / memory.total,
            "worker_cpu_percentage": self.process.cpu_percent(),
            "worker_memory_megabytes": self.process.memory_info().rss / MEGABYTE,
            **(self.gpu.read() if self.gpu else {}),
        }
        return {metric_names.system(name): round(value, 1) for name, value in found.items()}


class _Gpu:
    """The GPU that torch calls `device`, asked through NVIDIA's library; what it does not tell is left out."""

    def __init__(self, device: torch.device):
        import pynvml

        self.nvml, self.errors = pynvml, pynvml.NVMLError
        self.handle = None
        uuid = torch.cuda.get_device_properties(device).uuid  # the number of a device depends on who sees which
        with suppress(self.errors):
            pynvml.nvmlInit()
            self.handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")

    def read(self) -> dict[str, float]:
        found: dict[str, float] = {}
        if self.handle is None:
            return found
        with suppress(self.errors):
            memory = self.nvml.nvmlDeviceGetMemoryInfo(self.handle)
            found["gpu_0_memory_usage_megabytes"] = memory.used / MEGABYTE
            found["gpu_0_memory_usage_percentage"] = 100 * memory.used / memory.total
        with suppress(self.errors):
            found["gpu_0_utilization_percentage"] = self.nvml.nvmlDeviceGetUtilizationRates(self.handle).gpu
        with suppress(self.errors):
            found["gpu_0_power_usage_watts"] = self.nvml.nvmlDeviceGetPowerUsage(self.handle) / 1000
        return found
