"""Which results a step brings, by the intervals of the configuration."""

from __future__ import annotations

from typing import NamedTuple

from gan_core.config.trial import TrialConfig


class ScheduledResults(NamedTuple):
    """window_row: a row of the history. evaluation: a row of quality metrics, and a sample grid.

    divergence_check: the caller is about to keep something of this step, so the step must be known to be finite.
    """

    window_row: bool
    evaluation: bool
    divergence_check: bool


def results_after(config: TrialConfig, step: int) -> ScheduledResults:
    """The results after `step` steps; all of them after the last one."""
    is_last = step == config.steps
    window_row = is_last or step % config.log_every == 0
    evaluation = is_last or step % config.evaluation.every == 0
    checkpoint = step % config.checkpoint_every == 0
    return ScheduledResults(window_row, evaluation, window_row or evaluation or checkpoint)
