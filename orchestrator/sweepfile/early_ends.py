"""Reads whether a sweep ends trials of which no more can be hoped for: `stop_early`. Cautions of early ends."""

from __future__ import annotations

from collections.abc import Sequence

from gan_core.verdict.early_end import LOST_RULES
from orchestrator.errors import short_repr
from orchestrator.sweepfile import yaml_source
from orchestrator.sweepfile.model import Trial
from orchestrator.sweepfile.settings import SettingsReader
from orchestrator.sweepfile.yaml_source import LocatedValue

KEY = "stop_early"


def read_stop_early(reader: SettingsReader, top: dict[str, LocatedValue]) -> bool:
    """False without the key. A mistake is reported to `reader`."""
    if KEY not in top or top[KEY].value is None:
        return False
    value = yaml_source.plain(top[KEY].value)
    if not isinstance(value, bool):
        reader.report(top[KEY].source, KEY, f"{short_repr(value)} is not allowed; write true or false")
        return False
    return value


def cautions(trials: Sequence[Trial]) -> list[str]:
    """A caution if no trial is long enough for an early end. `trials`: those of one seed."""
    images = max((trial.config.steps * trial.config.batch_size for trial in trials), default=0)
    least = min(rule.images for rule in LOST_RULES)
    if images > least:
        return []
    return [
        f"stop_early ends no trial here: none is ended before G was trained on {least:,} images, and the longest trial "
        f"has {images:,} (steps times batch_size)"
    ]


def schedule_cautions(trials: Sequence[Trial]) -> list[str]:
    """A caution if a schedule has no evaluation before the last step to stop a trial at."""
    configs = [trial.config for trial in trials]
    if not configs or any(config.evaluation.every < config.steps for config in configs):
        return []
    return [
        f"schedule: asha stops no trial here: the first evaluation, after {configs[0].evaluation.every:,} steps "
        "(evaluation.every), is not before the last step"
    ]
