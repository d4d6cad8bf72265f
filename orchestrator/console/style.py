"""How verdicts and metrics look in a terminal: colours and column names."""

from __future__ import annotations

from gan_core import metric_names
from orchestrator.store.trial_status import TrialStatus

COLOURS = {
    "stable": "green",
    "diverged": "red",
    "collapsed": "magenta",
    "saturated": "yellow",
    "oscillating": "cyan",
    TrialStatus.FAILED: "red",
    TrialStatus.DAMAGED: "red",
}


SHOWN = {
    metric_names.LOSS_GENERATOR: "G loss",
    metric_names.LOSS_DISCRIMINATOR: "D loss",
    metric_names.ACCURACY_DISCRIMINATOR: "D accuracy",
    metric_names.DIVERSITY_RATIO: "diversity",
    metric_names.FRECHET: "Frechet",
}
"""The metrics that a table in the terminal has room for, and what they are called there."""


def shown_metrics(metrics: dict[str, float], missing: str = "") -> list[str]:
    """The metrics of SHOWN as text, whatever evaluator measured them."""
    values = dict(metrics)
    for name in filter(metric_names.is_frechet, metrics):
        values[metric_names.FRECHET] = metrics[name]
    return [f"{values[name]:#.3g}" if name in values else missing for name in SHOWN]
