"""The rules of the verdict, in words and as functions: `judge` tries them in this order, and the report prints them.

A stable run may still draw badly: that is what the Frechet distance beside the verdict is for.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from gan_core import metric_names
from gan_core.config.conflicts import MIN_EVALUATIONS
from gan_core.verdict.run import (
    FAR_COVERAGE_SHARE,
    MAX_CLASS_DIVERGENCE,
    MIN_COVERAGE_SHARE,
    MIN_DENSITY_SHARE,
    MIN_DENSITY_SHARE_OF_ONE_IMAGE,
    MIN_DISTINCT_SHARE,
    MIN_DIVERSITY,
    MIN_MODES_SHARE,
    ONE_IMAGE,
    FinishedRun,
    Series,
    geometric_mean,
)
from gan_core.verdict.yardstick import MAX_LOSS

VerdictName = Literal["stable", "diverged", "collapsed", "saturated", "oscillating", "unfinished"]
VERDICTS: tuple[VerdictName, ...] = ("stable", "diverged", "collapsed", "saturated", "oscillating", "unfinished")

MIN_IMAGES = 50_000
"""About one pass over MNIST. Many a GAN that has not drawn before this draws well later."""
IMPROVEMENT = 0.9
SATURATED_ACCURACY = 0.99
LEARNING_RATIO = 0.5
OSCILLATION_RATIO = 3.0
OSCILLATION_SHARE = 1 / 3


@dataclass(frozen=True)
class Finding:
    """What a rule finds in a run. since: the step of the event; None for an event without one."""

    holds: bool = False
    since: int | None = None
    reason: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """How a run gets the verdict `name`.

    conditions: in words; one of them is enough. since: in words, from which step the verdict counts.
    find: looks for the event in a run.
    """

    name: VerdictName
    conditions: tuple[str, ...]
    since: str
    find: Callable[[FinishedRun], Finding] = field(repr=False)


def _divergence(run: FinishedRun) -> Finding:
    if run.diverged is not None:
        step, tensor = run.diverged
        return Finding(True, step, f"{tensor} is not finite at step {step}", {"step": step, "tensor": tensor})
    losses, limit = run.series(metric_names.LOSS_DISCRIMINATOR), run.yardstick.max_loss
    since = _since(losses, lambda loss: abs(loss) > limit)
    if since is None:
        return Finding()
    last = abs(losses[-1][1])
    reason = f"D's loss is {last:.3g} in size at the end, and while it trains it is at most {limit:.3g}"
    return Finding(True, since, reason, {metric_names.LOSS_DISCRIMINATOR: last})


def _collapse(run: FinishedRun) -> Finding:
    """Variety that was there is lost at the end, or the samples repeat a few images that look real."""
    evaluations, lost = run.evaluations, run.lost
    if not evaluations:
        return Finding()
    last = evaluations[-1]
    evidence: dict[str, Any] = {"lack": last.lack} if last.lack else {}
    is_late = run.begin is not None
    judged = lost[-run.window :] if is_late else lost[-max(run.window, len(lost) // 2) :]
    if last.lack and 2 * sum(judged) >= len(judged):
        return Finding(True, _first_of_the_end(run, lost), last.lack, evidence)
    if not is_late and last.lack and not _has_time_left(run) and not _has_won(run).holds:
        return Finding(True, evaluations[0].step, f"{last.lack}, as at every evaluation", evidence)
    return Finding(evidence=evidence)


def _saturation(run: FinishedRun) -> Finding:
    """D has won; a run that has not begun to draw yet gets the time that others need."""
    finding = _has_won(run)
    if finding.holds and run.begin is None and _has_time_left(run):
        return Finding(evidence=finding.evidence)
    return finding


def _has_won(run: FinishedRun) -> Finding:
    """Compares the last quarter of the run with the quarter before."""
    accuracies, losses = run.series(metric_names.ACCURACY_DISCRIMINATOR), run.series(metric_names.LOSS_GENERATOR)
    quarter = len(losses) // 4
    if run.yardstick.loss == "wasserstein" or not quarter:
        return Finding()
    accuracy = _mean(accuracies[-quarter:])
    before, after = _mean(losses[-2 * quarter : -quarter]), _mean(losses[-quarter:])
    from_step = losses[-quarter][0]
    evidence = {"accuracy": accuracy, "loss_before": before, "loss_after": after, "from_step": from_step}
    distances = [distance for _, distance in run.frechet]
    has_learned = bool(distances) and distances[-1] <= LEARNING_RATIO * distances[0]
    if distances:
        evidence |= {"frechet_first": distances[0], "frechet_last": distances[-1]}
    holds = accuracy >= SATURATED_ACCURACY and after > before and not has_learned
    reason = f"D is right {accuracy:.1%} of the time and G's loss rose from {before:.2f} to {after:.2f}"
    return Finding(holds, from_step if holds else None, reason, evidence)


def _oscillation(run: FinishedRun) -> Finding:
    """Looks at the evaluations since the generator began to draw, and compares windows, so that noise is no event."""
    begin, window, evaluations = run.begin, run.window, run.evaluations
    if begin is None or len(evaluations) < MIN_EVALUATIONS or len(evaluations) - begin < window:
        return Finding()
    drawn = evaluations[begin:]
    means = [geometric_mean(drawn[i : i + window]) for i in range(len(drawn) - window + 1)]
    lowest, end = min((mean for mean in means if mean is not None), default=None), means[-1]
    evidence = {} if lowest is None else {"frechet_best": lowest, "frechet_end": end}
    distances = sorted(each.frechet for each in drawn if each.frechet is not None)
    limit = OSCILLATION_RATIO * distances[(len(distances) - 1) // 4] if distances else math.inf
    bad = [
        lost or (index > begin and (each.is_far or (each.frechet or 0.0) > limit))
        for index, (each, lost) in enumerate(zip(evaluations, run.lost, strict=True))
    ]
    later = bad[len(bad) // 2 :]
    came_and_went = sum(later) >= max(2, OSCILLATION_SHARE * len(later))
    if lowest is not None and end is not None and end > OSCILLATION_RATIO * lowest:
        reason = f"the Frechet distance is {end:.3g} at the end and was {lowest:.3g} at its best"
    elif came_and_went:
        reason = f"in {sum(later)} of the last {len(later)} evaluations the samples had lost variety or quality"
    else:
        return Finding(evidence=evidence)
    first = next((index for index, is_bad in enumerate(bad) if is_bad and index >= len(bad) // 2), len(bad) - window)
    return Finding(True, evaluations[first].step, reason, evidence)


def _unfinished(run: FinishedRun) -> Finding:
    evaluations = run.evaluations
    if not evaluations or run.begin is not None:
        return Finding()
    last = evaluations[-1]
    state = last.lack or "the samples do not come near real images"
    trend = ", but the Frechet distance still falls" if _is_improving(run) else ""
    return Finding(True, None, f"G had not begun to draw when its steps ended: {state}{trend}")


def _has_time_left(run: FinishedRun) -> bool:
    """Whether a run that has not begun to draw may still do so."""
    return run.images < MIN_IMAGES or _is_improving(run)


def _is_improving(run: FinishedRun) -> bool:
    window, evaluations = run.window, run.evaluations
    end, before = geometric_mean(evaluations[-window:]), geometric_mean(evaluations[-2 * window : -window])
    return end is not None and before is not None and end < IMPROVEMENT * before


RULES = (
    Rule(
        "diverged",
        (
            "A loss, score, gradient or weight is not finite.",
            f"At the end of the run D's loss, penalties included, is beyond {MAX_LOSS:g} in size; with a Wasserstein "
            "loss, beyond W + W^2 / (4 lambda), the loss of a perfect critic under a penalty of weight lambda, where W "
            "= 2 s sqrt(C) is the largest distance between two images of C channels and s x s pixels in [-1, 1].",
        ),
        "The step where the value is not finite, or the first of the windows, up to the end, that are all beyond it.",
        _divergence,
    ),
    Rule(
        "collapsed",
        (
            "At the end of the run the samples lack variety, after the generator had drawn, or although they look real "
            f"(their density is at least {MIN_DENSITY_SHARE:g} of that of held-out images, or "
            f"{MIN_DENSITY_SHARE_OF_ONE_IMAGE:g} if they are less than {ONE_IMAGE:g} as diverse as the data). They "
            f"lack variety if the spread of their pixels is less than {MIN_DIVERSITY:g} of the training images'; if "
            f"fewer than {MIN_DISTINCT_SHARE:g} of them are distinct images (Arora and Zhang 2017); if they show no "
            f"more than {MIN_MODES_SHARE:g} of the classes that as many real images would show; or if their divergence "
            f"from the data's classes is more than {MAX_CLASS_DIVERGENCE:g} of that of a single class.",
            f"They lacked it at every evaluation, G was trained on {MIN_IMAGES:,} images or more, and the Frechet "
            "distance does not fall any more.",
        ),
        "The first of the evaluations, up to the last, that all lack variety.",
        _collapse,
    ),
    Rule(
        "saturated",
        (
            "D has won and G learns nothing. Over the last quarter of the run D's balanced accuracy is at least "
            f"{SATURATED_ACCURACY:g}, and G's mean loss is above that of the quarter before. The last Frechet distance "
            f"is more than {LEARNING_RATIO:g} of the first, which is that of the untrained G: a D that wins while G "
            f"improves does no harm. A G that never drew must have been trained on {MIN_IMAGES:,} images. Never with a "
            "Wasserstein loss: a critic is meant to be trained to its optimum and its zero is arbitrary, so its "
            "accuracy is no sign of saturation.",
        ),
        "The start of the last quarter.",
        _saturation,
    ),
    Rule(
        "oscillating",
        (
            f"The Frechet distance over the last quarter of the evaluations is more than {OSCILLATION_RATIO:g} times "
            "that over the best such stretch since the generator began to draw (geometric means).",
            "In a third or more of the evaluations of the second half, and at least two, the samples had lost variety, "
            f"were beyond {OSCILLATION_RATIO:g} times the lower quartile of the distances, or covered less than "
            f"{FAR_COVERAGE_SHARE:g} of what held-out images do. Judged from {MIN_EVALUATIONS} evaluations "
            "on.",
        ),
        "The first such evaluation of the second half.",
        _oscillation,
    ),
    Rule(
        "unfinished",
        (
            "At no evaluation the generator drew: the samples lacked variety, or their coverage of the real images "
            f"(Naeem et al. 2020) was less than {MIN_COVERAGE_SHARE:g} of that of held-out images. The steps ended "
            "before this says anything about the settings: train longer.",
        ),
        "It has no step.",
        _unfinished,
    ),
)
"""In the order in which they are tried."""

ORDER = (
    "The rules are tried from top to bottom, and the first one that holds gives the verdict; if none holds, the run is "
    "stable. The end of a run is the last quarter of its evaluations, at least two if it has four. Evaluations are of "
    "the generator itself, also in a run that keeps a moving average of its weights."
)


def _first_of_the_end(run: FinishedRun, lost: list[bool]) -> int:
    """The step of the first of the evaluations, up to the last, that all lack variety."""
    first = len(lost) - 1
    while first > 0 and lost[first - 1]:
        first -= 1
    return run.evaluations[first].step


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
