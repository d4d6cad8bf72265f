"""The settings of trials as MLflow has them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from orchestrator.report.data import RunData
from orchestrator.statistics.trial_settings import Settings, merge_players


def settings_of(runs: Sequence[RunData]) -> list[Settings]:
    """The settings of each run without its seed; those that it sweeps alone, if it has not started."""
    each = [_of_run(run) for run in runs]
    merge_players(each)
    return list(each)


def _of_run(run: RunData) -> dict[str, Any]:
    settings = {path: _value(text) for path, text in run.settings.items()} or dict(run.factors)
    settings.pop("seed", None)
    return settings


@cache
def _value(text: str) -> Any:
    """The value that MLflow has as a text: numbers, booleans and lists are JSON, names are not."""
    try:
        return json.loads(text)
    except ValueError:
        return text
