"""History -> verdict: how did the training of one GAN end?

`RULES` holds the rules, in words and as functions; `judge` tries them, and the report prints them. A stable run may
still draw badly: that is what the Frechet distance beside the verdict is for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from gan_core import metric_names
from gan_core.history import Row

Name = Literal["stable", "diverged", "collapsed", "saturated", "oscillating"]
VERDICTS: tuple[Name, ...] = ("stable", "diverged", "collapsed", "saturated", "oscillating")

MAX_LOSS = 100.0
MIN_DIVERSITY = 0.5
MIN_MODES_SHARE = 0.5
MIN_COVERAGE_SHARE = 0.25
MIN_BEST_COVERAGE = 0.1
SATURATED_ACCURACY = 0.99
LEARNING_RATIO = 0.5
OSCILLATION_RATIO = 3.0

Series = list[tuple[int, float]]
"""(step, value) of one metric, in order of steps."""


class Verdict(NamedTuple):
    """`since`: the step of the event (None if there was none). `evidence`: the numbers that the rules looked at."""

    name: Name
    since: int | None
    reason: str
    evidence: dict[str, Any]


@dataclass(frozen=True)
class FinishedRun:
    """What a verdict is based on; `judge` explains each part."""

    rows: Sequence[Row]
    loss: str
    evaluator: str = ""
    expected_modes: float | None = None
    diverged: tuple[int, str] | None = None

    def series(self, metric: str) -> Series:
        return [(int(row["step"]), row[metric]) for row in self.rows if metric in row]

    @property
    def frechet(self) -> Series:
        return self.series(metric_names.frechet(self.evaluator))

    @property
    def first_evaluation(self) -> int | None:
        """Its step."""
        metrics = (metric_names.DIVERSITY_RATIO, metric_names.coverage(self.evaluator))
        return next((int(row["step"]) for row in self.rows if any(metric in row for metric in metrics)), None)


@dataclass(frozen=True)
class Finding:
    """What a rule finds in a run. `since`: the step of the event, or None if the rule does not hold."""

    since: int | None = None
    reason: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """How a run gets the verdict `name`.

    conditions: in words; one of them is enough. since: in words, from which step the verdict counts.
    find: looks for the event in a run.
    """

    name: Name
    conditions: tuple[str, ...]
    since: str
    find: Callable[[FinishedRun], Finding] = field(repr=False)


def judge(
    history: Sequence[Row],
    loss: str,
    evaluator: str = "",
    expected_modes: float | None = None,
    diverged: tuple[int, str] | None = None,
) -> Verdict:
    """The verdict on a finished trial: that of the first rule that holds.

    history: rows as `Trainer` makes them, in order of steps. loss: the name of the loss. evaluator: the id in the names
    of the quality metrics. expected_modes: the number of classes that as many real images show. diverged: step and
    tensor, if training stopped at a value that is not finite.
    """
    run = FinishedRun(history, loss, evaluator, expected_modes, diverged)
    evidence: dict[str, Any] = {}
    for rule in _in_order(run):
        finding = rule.find(run)
        evidence |= finding.evidence
        if finding.since is not None:
            return Verdict(rule.name, finding.since, finding.reason, evidence)
    return Verdict("stable", None, "no event", evidence)


def best(history: Sequence[Row], evaluator: str) -> Row | None:
    """The row of the evaluation with the smallest Frechet distance, the first such; None without evaluations.

    The evaluation of the untrained generator, at step 0, does not count.
    """
    name = metric_names.frechet(evaluator)
    return min((row for row in history if name in row and row["step"] > 0), key=lambda row: row[name], default=None)


def _divergence(run: FinishedRun) -> Finding:
    if run.diverged is not None:
        step, tensor = run.diverged
        return Finding(step, f"{tensor} is not finite at step {step}", {"step": step, "tensor": tensor})
    losses = run.series(metric_names.LOSS_DISCRIMINATOR)
    since = _since(losses, lambda loss: abs(loss) > MAX_LOSS)
    if since is None:
        return Finding()
    last = abs(losses[-1][1])
    return Finding(since, f"D's loss is {last:.3g} in size at the end", {metric_names.LOSS_DISCRIMINATOR: last})


def _collapse(run: FinishedRun) -> Finding:
    """Of several conditions that hold, the one that holds for the longest time."""
    coverage, modes = metric_names.coverage(run.evaluator), metric_names.modes(run.evaluator)
    max_modes = MIN_MODES_SHARE * (run.expected_modes or 0.0)
    best_coverage = max((value for _, value in run.series(coverage)), default=0.0)
    min_coverage = MIN_COVERAGE_SHARE * best_coverage if best_coverage >= MIN_BEST_COVERAGE else 0.0
    conditions: list[tuple[str, Callable[[float], bool], str]] = [
        (
            metric_names.DIVERSITY_RATIO,
            lambda ratio: ratio < MIN_DIVERSITY,
            "the samples are {:.0%} as diverse as the data",
        ),
        (modes, lambda count: count <= max_modes, "the samples show {:.0f} classes"),
        (
            coverage,
            lambda share: share < min_coverage,
            f"the samples come near {{:.1%}} of the real images, after {best_coverage:.1%} at best",
        ),
    ]
    first_since: int | None = None
    first_reason = ""
    evidence: dict[str, Any] = {}
    for metric, is_too_low, reason in conditions:
        series = run.series(metric)
        if not series:
            continue
        evidence[metric] = last = series[-1][1]
        since = _since(series, is_too_low)
        if since is not None and (first_since is None or since < first_since):
            first_since, first_reason = since, reason.format(last)
    return Finding(first_since, first_reason, evidence)


def _saturation(run: FinishedRun) -> Finding:
    """Compares the last quarter of the run with the quarter before."""
    accuracies, losses = run.series(metric_names.ACCURACY_DISCRIMINATOR), run.series(metric_names.LOSS_GENERATOR)
    quarter = len(losses) // 4
    if run.loss == "wasserstein" or not quarter:
        return Finding()
    accuracy = _mean(accuracies[-quarter:])
    before, after = _mean(losses[-2 * quarter : -quarter]), _mean(losses[-quarter:])
    from_step = losses[-quarter][0]
    evidence = {"accuracy": accuracy, "loss_before": before, "loss_after": after, "from_step": from_step}
    distances = [distance for _, distance in run.frechet]
    has_learned = bool(distances) and distances[-1] <= LEARNING_RATIO * distances[0]
    if distances:
        evidence |= {"frechet_first": distances[0], "frechet_last": distances[-1]}
    has_won = accuracy >= SATURATED_ACCURACY and after > before
    reason = f"D is right {accuracy:.1%} of the time and G's loss rose from {before:.2f} to {after:.2f}"
    return Finding(from_step if has_won and not has_learned else None, reason, evidence)


def _oscillation(run: FinishedRun) -> Finding:
    best_row = best(run.rows, run.evaluator)
    if best_row is None:
        return Finding()
    lowest, last = best_row[metric_names.frechet(run.evaluator)], run.frechet[-1][1]
    since = _since(run.frechet, lambda distance: distance > OSCILLATION_RATIO * lowest)
    reason = f"the Frechet distance is {last:.3g} at the end and was {lowest:.3g} at step {best_row['step']:.0f}"
    return Finding(since, reason, {"frechet_best": lowest, "frechet_last": last})


RULES = (
    Rule(
        "diverged",
        (
            "A loss, score, gradient or weight is not finite.",
            f"At the end of the run D's loss, penalties included, is beyond {MAX_LOSS:g} in size. (The scores of a "
            "critic of slope 1 differ by at most 64 on grey images of 32 pixels in [-1, 1].)",
        ),
        "The step where the value is not finite, or the first of the windows, up to the end, that are all beyond it.",
        _divergence,
    ),
    Rule(
        "collapsed",
        (
            f"At the last evaluation the spread of the samples' pixels is less than {MIN_DIVERSITY:g} of the training "
            "images'.",
            f"The samples show no more than {MIN_MODES_SHARE:g} of the classes that as many real images would show.",
            f"The samples' coverage of the real images (Naeem et al. 2020) is less than {MIN_COVERAGE_SHARE:g} of its "
            f"best value in the run, and that best value is at least {MIN_BEST_COVERAGE:g}.",
        ),
        "The first of the evaluations, up to the last, that all meet the condition; the earliest if several hold.",
        _collapse,
    ),
    Rule(
        "saturated",
        (
            "D has won and G learns nothing. Over the last quarter of the run D's balanced accuracy is at least "
            f"{SATURATED_ACCURACY:g}, and G's mean loss is above that of the quarter before. The last Frechet distance "
            f"is more than {LEARNING_RATIO:g} of the first, which is that of the untrained G: a D that wins while G "
            "improves does no harm. Never with a Wasserstein loss: a critic is meant to be trained to its optimum and "
            "its zero is arbitrary, so its accuracy is no sign of saturation.",
        ),
        "The start of the last quarter.",
        _saturation,
    ),
    Rule(
        "oscillating",
        (
            "Quality came and went: the last Frechet distance is more than "
            f"{OSCILLATION_RATIO:g} times the best one of the trained G.",
        ),
        "The first of the evaluations, up to the last, that are all so far from the best.",
        _oscillation,
    ),
)
"""In the order in which they are tried, but for what `ORDER` says."""

ORDER = (
    "The rules are tried from top to bottom, and the first one that holds gives the verdict; if none holds, the run is "
    "stable. If the samples lacked variety from the first evaluation to the last, saturated is tried before collapsed: "
    "nothing was lost that was never there. Evaluations are of the generator that is kept, which is its moving average "
    "if there is one."
)


def _in_order(run: FinishedRun) -> Sequence[Rule]:
    diverged, collapsed, saturated, oscillating = RULES
    since = _collapse(run).since
    if since is not None and since == run.first_evaluation:
        return diverged, saturated, collapsed, oscillating
    return RULES


def _since(series: Series, is_bad: Callable[[float], bool]) -> int | None:
    """The first step of the unbroken run of bad values that lasts until the end, or None."""
    since = None
    for step, value in reversed(series):
        if not is_bad(value):
            break
        since = step
    return since


def _mean(series: Series) -> float:
    return sum(value for _, value in series) / len(series)
