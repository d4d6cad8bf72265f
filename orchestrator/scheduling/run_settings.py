"""How the trials of a sweep run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class RunSettings:
    """How trials run. `gpu_share`: the part of a GPU that each gets, None to measure it.

    `patience`: seconds of silence after which a trial's worker is killed. `fail_fast`: whether a failed trial stops the
    sweep. `system_metrics`: whether rows tell of the worker too.
    """

    gpu_share: float | None = None
    patience: float = 900.0
    fail_fast: bool = False
    system_metrics: bool = False
