"""The verdicts, as `record.json`, MLflow's tags and the report spell them. What they mean: `gan_core.verdict.rules`."""

from __future__ import annotations

from enum import StrEnum


class VerdictName(StrEnum):
    STABLE = "stable"
    DIVERGED = "diverged"
    COLLAPSED = "collapsed"
    SATURATED = "saturated"
    OSCILLATING = "oscillating"
    UNFINISHED = "unfinished"
    """The steps ended too early to say more."""


DRAWING = (VerdictName.STABLE, VerdictName.OSCILLATING)
"""Verdicts of runs whose images at the end can be compared by their quality."""
