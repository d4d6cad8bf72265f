"""The colours of verdicts and statuses in a terminal, and the metrics in its tables."""

from __future__ import annotations

from gan_core import metric_names
from orchestrator.store.trial_status import TrialStatus

COLOURS = {
    "stable": "green",
    "diverged": "red",
    "collapsed": "magenta",
    "saturated": "yellow",
    "oscillating": "cyan",
    "unfinished": "blue",
    TrialStatus.FAILED: "red",
    TrialStatus.DAMAGED: "red",
}


METRIC_TITLES = {
    metric_names.LOSS_GENERATOR: "G loss",
    metric_names.LOSS_DISCRIMINATOR: "D loss",
    metric_names.ACCURACY_DISCRIMINATOR: "D accuracy",
    metric_names.DIVERSITY_RATIO: "diversity",
    metric_names.FRECHET: "Frechet",
}
"""The metrics that a table in a terminal has room for, with the titles of their columns."""


def format_metrics(metrics: dict[str, float], missing: str = "") -> list[str]:
    """The values of METRIC_TITLES as text; `missing` for those that were not measured.

    The Frechet distance is found under the name of every evaluator.
    """
    values = dict(metrics)
    for name in filter(metric_names.is_frechet, metrics):
        values[metric_names.FRECHET] = metrics[name]
    return [f"{values[name]:#.3g}" if name in values else missing for name in METRIC_TITLES]
