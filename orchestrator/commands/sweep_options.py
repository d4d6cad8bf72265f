"""The options of `orchestrate sweep`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.cluster.capacity import Device
from orchestrator.errors import UserError, short_repr
from orchestrator.scheduling.run_settings import RunSettings


@dataclass(frozen=True)
class Part:
    """Which of how many parts of a sweep a command trains; the first one also writes the report."""

    number: int
    count: int


def parse_part(text: str) -> Part:
    """The part that `--part` names. Raises UserError."""
    match = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text)
    part = Part(int(match[1]), int(match[2])) if match else None
    if part is None or not 1 <= part.number <= part.count:
        raise UserError(f"--part {short_repr(text)} is no part of a sweep; write 2/4 for the second of four")
    return part


@dataclass(frozen=True)
class SweepOptions:
    """The options of `orchestrate sweep`, with their defaults.

    `address`: of a Ray cluster; None starts a local Ray. `workers`: trials at once on a local Ray; None: one a
    processor. `gpu_share`: the part of a GPU that each trial gets; None measures it. `device`: what trials train on.
    `confirm`: number of best configurations that are trained again on fresh seeds; None: 1 of a search, else 0.
    `register`: the name under which MLflow registers the best generator. `system_metrics`: also record the
    processor, memory and GPU of each worker. `quiet`: print only the summary. `fail_fast`: stop the sweep when a
    trial fails. `patience`: seconds without a report from a trial after which its worker is killed. `storage`: URI
    of the trials' object store, if any. `notify`: addresses that hear of the sweep's end, as apprise writes them.
    `part`: of the sweep, if other commands train the rest.
    """

    home: Path
    tracking_uri: str
    address: str | None = None
    workers: int | None = None
    gpu_share: float | None = None
    device: Device = "auto"
    confirm: int | None = None
    register: str | None = None
    system_metrics: bool = False
    quiet: bool = False
    fail_fast: bool = False
    patience: float = 900.0
    storage: str | None = None
    notify: Sequence[str] = ()
    part: Part | None = None

    @property
    def settings(self) -> RunSettings:
        """The options that concern each trial."""
        return RunSettings(self.gpu_share, self.patience, self.fail_fast, self.system_metrics)
