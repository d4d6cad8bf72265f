"""How the trials of a sweep run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RunSettings:
    """How trials run.

    gpu_share: the fraction of a GPU that each gets, None to measure it. heartbeat_timeout: seconds without a report
    after which a trial's worker is killed (`--patience`). fail_fast: whether a failed trial stops the sweep.
    system_metrics: whether rows of the history hold the worker's CPU, memory and GPU use too.
    """

    gpu_share: float | None = None
    heartbeat_timeout: float = 900.0
    fail_fast: bool = False
    system_metrics: bool = False
