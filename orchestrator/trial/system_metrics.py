"""Load and memory of the worker, its machine and its GPU while a trial trains, under MLflow's own names.

MLflow's monitor measures the process that opened the run. Here that is the command, which may run on another machine
than the worker. So the worker measures itself, once per history row, and the readings are part of the row. `cpu_`,
`system_` and `gpu_0_` mean the same as in MLflow: the whole machine, and the whole GPU that the trial has a share of.
"""

from __future__ import annotations

from contextlib import suppress

import psutil
import torch

from gan_core import metric_names

MEGABYTE = 1e6  # as MLflow counts


class SystemMeter:
    """Measures load since the last reading. `device`: the one that the trial trains on."""

    def __init__(self, device: torch.device):
        self.process = psutil.Process()
        self.gpu = _Gpu(device) if device.type == "cuda" else None
        self.read()  # starts the measurement of load

    def read(self) -> dict[str, float]:
        """Name of the metric -> percent or megabytes. A `worker_cpu_percentage` of 100 is one busy processor."""
        memory = psutil.virtual_memory()
        readings = {
            "cpu_utilization_percentage": psutil.cpu_percent(),
            "system_memory_usage_megabytes": memory.used / MEGABYTE,
            "system_memory_usage_percentage": 100 * memory.used / memory.total,
            "worker_cpu_percentage": self.process.cpu_percent(),
            "worker_memory_megabytes": self.process.memory_info().rss / MEGABYTE,
            **(self.gpu.read() if self.gpu else {}),
        }
        return {metric_names.system(name): round(value, 1) for name, value in readings.items()}


class _Gpu:
    """The GPU that torch calls `device`, read through NVIDIA's library. Readings that it lacks are left out."""

    def __init__(self, device: torch.device):
        import pynvml

        self.nvml, self.errors = pynvml, pynvml.NVMLError
        self.handle = None
        uuid = torch.cuda.get_device_properties(
            device
        ).uuid  # the number differs: a process may see only some of the GPUs
        with suppress(self.errors):
            pynvml.nvmlInit()
            self.handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")

    def read(self) -> dict[str, float]:
        readings: dict[str, float] = {}
        if self.handle is None:
            return readings
        with suppress(self.errors):
            memory = self.nvml.nvmlDeviceGetMemoryInfo(self.handle)
            readings["gpu_0_memory_usage_megabytes"] = memory.used / MEGABYTE
            readings["gpu_0_memory_usage_percentage"] = 100 * memory.used / memory.total
        with suppress(self.errors):
            readings["gpu_0_utilization_percentage"] = self.nvml.nvmlDeviceGetUtilizationRates(self.handle).gpu
        with suppress(self.errors):
            readings["gpu_0_power_usage_watts"] = self.nvml.nvmlDeviceGetPowerUsage(self.handle) / 1000
        return readings
