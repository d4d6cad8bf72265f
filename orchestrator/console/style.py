"""The colours of verdicts and statuses in a terminal, and the metrics in its tables."""

from __future__ import annotations

from gan_core import metric_names
from gan_core.verdict.names import VerdictName
from orchestrator.console.table import Column
from orchestrator.store.trial_status import TrialStatus

COLOURS: dict[str, str] = {
    VerdictName.STABLE: "green",
    VerdictName.DIVERGED: "red",
    VerdictName.COLLAPSED: "magenta",
    VerdictName.SATURATED: "yellow",
    VerdictName.OSCILLATING: "cyan",
    VerdictName.UNFINISHED: "blue",
    TrialStatus.FAILED: "red",
    TrialStatus.DAMAGED: "red",
}


STATE = Column("state", colours=COLOURS)
"""A trial's verdict, or its status as long as it has none."""
METRIC_COLUMNS = {
    metric_names.LOSS_GENERATOR: Column("G loss", right=True, optional=2),
    metric_names.LOSS_DISCRIMINATOR: Column("D loss", right=True, optional=2),
    metric_names.ACCURACY_DISCRIMINATOR: Column("D accuracy", right=True, optional=1),
    metric_names.DIVERSITY_RATIO: Column("diversity", right=True, optional=3),
    metric_names.FRECHET: Column("Frechet", right=True, optional=4),
}
"""The metrics in the tables of a terminal."""


def format_metrics(metrics: dict[str, float], missing: str = "") -> list[str]:
    """The values of METRIC_COLUMNS as text; `missing` for those that were not measured.

    The Frechet distance is found under the name of every evaluator.
    """
    values = dict(metrics)
    for name in filter(metric_names.is_frechet, metrics):
        values[metric_names.FRECHET] = metrics[name]
    return [f"{values[name]:#.3g}" if name in values else missing for name in METRIC_COLUMNS]
