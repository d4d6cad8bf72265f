"""The options of `orchestrate sweep`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestrator.cluster.ray_runtime import Device
from orchestrator.scheduling.run_settings import RunSettings


@dataclass(frozen=True)
class SweepOptions:
    """How to run. `address`: a Ray cluster's, None for a local Ray. `device`: what trials train on.

    `gpu_share`: the part of a GPU a trial gets, None to measure it.

    `confirm`: how many of the best configurations run again on fresh seeds. `register`: the registered model that the
    best generator becomes a version of. `system_metrics`: rows tell of the worker and its machine too. `quiet`: nothing
    is said before the summary. `fail_fast`: a failed trial stops the sweep. `patience`: seconds without a word of a
    trial after which its worker is killed. `storage`: the object store that trials live in, None for the home.
    """

    home: Path
    tracking_uri: str
    address: str | None = None
    workers: int | None = None
    gpu_share: float | None = None
    device: Device = "auto"
    confirm: int = 0
    register: str | None = None
    system_metrics: bool = False
    quiet: bool = False
    fail_fast: bool = False
    patience: float = 900.0
    storage: str | None = None

    @property
    def settings(self) -> RunSettings:
        return RunSettings(self.gpu_share, self.patience, self.fail_fast, self.system_metrics)
