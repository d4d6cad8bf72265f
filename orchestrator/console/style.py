"""How verdicts and metrics look in a terminal: colours and column names."""

from __future__ import annotations

COLOURS = {
    "stable": "green",
    "diverged": "red",
    "collapsed": "magenta",
    "saturated": "yellow",
    "oscillating": "cyan",
    "failed": "red",
    "damaged": "red",
}


SHOWN = {
    "loss/generator": "G loss",
    "loss/discriminator": "D loss",
    "accuracy/discriminator": "D accuracy",
    "diversity/ratio": "diversity",
    "frechet": "Frechet",
}
"""The metrics that a table in the terminal has room for, and what they are called there."""


def shown_metrics(metrics: dict[str, float], missing: str = "") -> list[str]:
    """The metrics of SHOWN as text, whatever evaluator measured them."""
    plain = metrics | {name.split("/")[0]: value for name, value in metrics.items() if name.startswith("frechet/")}
    return [f"{plain[name]:#.3g}" if name in plain else missing for name in SHOWN]
