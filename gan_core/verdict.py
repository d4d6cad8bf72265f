"""History -> verdict: how did the training of one GAN end?

diverged     A loss, score, gradient or weight was not finite (since: that step), or at the end of the run D's loss,
             penalties included, is beyond LOSS_LIMIT in size (since: the start of the unbroken run of such windows). On
             images of 32 pixels in [-1, 1] the scores of a critic of slope 1 lie within 64 a channel.
collapsed    At the last evaluation the samples lack the data's variety, in one of three ways. Their pixels' spread is
             less than COLLAPSE_RATIO of the training images'. Or they show no more than MODES_SHARE of the classes that
             as many real images would show. Or their coverage of the real images (Naeem et al. 2020) is less than
             COVERAGE_KEPT of its best in the run, which was COVERAGE_ONCE or more. Since: the start of the unbroken run
             of evaluations that lack it in that way; of several ways, the earliest.
saturated    Not with a Wasserstein loss. D has won and G learns nothing: over the last quarter of the run D's balanced
             accuracy is at least SATURATED_ACCURACY, G's loss is above its mean over the quarter before, and the last
             Frechet distance is more than LEARNT of the first one, which is that of the untrained G (a D that wins
             while G improves does no harm). Since: the start of the last quarter. It comes before collapsed where the
             samples lacked variety from the first evaluation on: nothing was lost that was never there.
oscillating  Quality came and went: the last Frechet distance is more than OSCILLATION times the best one. Since: the
             start of the unbroken run of such evaluations.
stable       None of these.

The first rule that holds gives the verdict. Evaluations are of the generator that is kept: its moving average where
there is one. A Wasserstein critic is meant to be trained to its optimum and its zero is arbitrary, so its accuracy is
no sign of saturation. A stable run may still draw badly: that is what the Frechet distance beside it is for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from gan_core import metric_names
from gan_core.history import Row

Name = Literal["stable", "diverged", "collapsed", "saturated", "oscillating"]
VERDICTS: tuple[Name, ...] = ("stable", "diverged", "collapsed", "saturated", "oscillating")

LOSS_LIMIT = 100.0
COLLAPSE_RATIO = 0.5
MODES_SHARE = 0.5
COVERAGE_KEPT = 0.25
COVERAGE_ONCE = 0.1
SATURATED_ACCURACY = 0.99
LEARNT = 0.5
OSCILLATION = 3.0
THRESHOLDS = (
    "LOSS_LIMIT",
    "COLLAPSE_RATIO",
    "MODES_SHARE",
    "COVERAGE_KEPT",
    "COVERAGE_ONCE",
    "SATURATED_ACCURACY",
    "LEARNT",
    "OSCILLATION",
)


class Verdict(NamedTuple):
    """`since`: the step of the event (None where there was none). `evidence`: the numbers that the rule looked at."""

    name: Name
    since: int | None
    reason: str
    evidence: dict[str, Any]


def judge(
    history: Sequence[Row],
    loss: str,
    evaluator: str = "",
    expected_modes: float | None = None,
    diverged: tuple[int, str] | None = None,
) -> Verdict:
    """The verdict on a finished trial.

    `history`: rows as `Trainer` makes them, in order of steps. `loss`: the name of the loss. `evaluator`: the id in the
    names of the quality metrics. `expected_modes`: the classes that as many real images show. `diverged`: step and
    tensor, where training ended that way.
    """
    if diverged is not None:
        step, tensor = diverged
        return Verdict("diverged", step, f"{tensor} is not finite at step {step}", {"step": step, "tensor": tensor})
    losses = _series(history, metric_names.LOSS_DISCRIMINATOR)
    if (since := _since(losses, lambda loss: abs(loss) > LOSS_LIMIT)) is not None:
        last = abs(losses[-1][1])
        return Verdict(
            "diverged", since, f"D's loss is {last:.3g} in size at the end", {metric_names.LOSS_DISCRIMINATOR: last}
        )
    evidence: dict[str, Any] = {}
    collapse, saturation = _collapse(history, evaluator, expected_modes), _saturation(history, loss, evaluator)
    evaluations = (
        row["step"] for row in history if metric_names.DIVERSITY_RATIO in row or metric_names.coverage(evaluator) in row
    )
    never_varied = collapse.since is not None and collapse.since == next(evaluations)
    first_two = (saturation, collapse) if never_varied else (collapse, saturation)
    for rule in (*first_two, _oscillation(history, evaluator)):
        evidence |= rule.evidence
        if rule.since is not None:
            return rule._replace(evidence=evidence)
    return Verdict("stable", None, "no event", evidence)


def best(history: Sequence[Row], evaluator: str) -> Row | None:
    """The row of the evaluation with the smallest Frechet distance, the first such; None without evaluations.

    That of the untrained generator, at step 0, does not count.
    """
    name = metric_names.frechet(evaluator)
    return min((row for row in history if name in row and row["step"] > 0), key=lambda row: row[name], default=None)


def _collapse(history: Sequence[Row], evaluator: str, expected_modes: float | None) -> Verdict:
    few_modes = MODES_SHARE * (expected_modes or 0.0)
    best_coverage = max((value for _, value in _series(history, metric_names.coverage(evaluator))), default=0.0)
    least_coverage = COVERAGE_KEPT * best_coverage if best_coverage >= COVERAGE_ONCE else 0.0
    ways: list[tuple[str, Callable[[float], bool], str]] = [
        (
            metric_names.DIVERSITY_RATIO,
            lambda ratio: ratio < COLLAPSE_RATIO,
            "the samples are {:.0%} as diverse as the data",
        ),
        (metric_names.modes(evaluator), lambda modes: modes <= few_modes, "the samples show {:.0f} classes"),
        (
            metric_names.coverage(evaluator),
            lambda coverage: coverage < least_coverage,
            f"the samples come near {{:.1%}} of the real images, after {best_coverage:.1%} at best",
        ),
    ]
    found = Verdict("collapsed", None, "", {})
    for name, lacking, reason in ways:
        series = _series(history, name)
        if not series:
            continue
        found.evidence[name] = series[-1][1]
        since = _since(series, lacking)
        if since is not None and (found.since is None or since < found.since):
            found = found._replace(since=since, reason=reason.format(series[-1][1]))
    return found


def _saturation(history: Sequence[Row], loss: str, evaluator: str) -> Verdict:
    """Compares the last quarter of the run with the quarter before."""
    accuracy, losses = (
        _series(history, metric_names.ACCURACY_DISCRIMINATOR),
        _series(history, metric_names.LOSS_GENERATOR),
    )
    quarter = len(losses) // 4
    if loss == "wasserstein" or not quarter:
        return Verdict("saturated", None, "", {})
    right, before, after = map(_mean, (accuracy[-quarter:], losses[-2 * quarter : -quarter], losses[-quarter:]))
    evidence = {"accuracy": right, "loss_before": before, "loss_after": after, "from_step": losses[-quarter][0]}
    distances = [value for _, value in _series(history, metric_names.frechet(evaluator))]
    learnt = bool(distances) and distances[-1] <= LEARNT * distances[0]
    if distances:
        evidence |= {"frechet_first": distances[0], "frechet_last": distances[-1]}
    won = right >= SATURATED_ACCURACY and after > before
    since = losses[-quarter][0] if won and not learnt else None
    reason = f"D is right {right:.1%} of the time and G's loss rose from {before:.2f} to {after:.2f}"
    return Verdict("saturated", since, reason, evidence)


def _oscillation(history: Sequence[Row], evaluator: str) -> Verdict:
    found = best(history, evaluator)
    if found is None:
        return Verdict("oscillating", None, "", {})
    name = metric_names.frechet(evaluator)
    lowest, last = found[name], _series(history, name)[-1][1]
    since = _since(_series(history, name), lambda distance: distance > OSCILLATION * lowest)
    reason = f"the Frechet distance is {last:.3g} at the end and was {lowest:.3g} at step {found['step']:.0f}"
    return Verdict("oscillating", since, reason, {"frechet_best": lowest, "frechet_last": last})


def _series(history: Sequence[Row], name: str) -> list[tuple[int, float]]:
    return [(int(row["step"]), row[name]) for row in history if name in row]


def _since(series: list[tuple[int, float]], bad: Callable[[float], bool]) -> int | None:
    """The first step of the unbroken run of bad values that lasts until the end, or None."""
    since = None
    for step, value in reversed(series):
        if not bad(value):
            break
        since = step
    return since


def _mean(values: list[tuple[int, float]]) -> float:
    return sum(value for _, value in values) / len(values)
