"""The rules of the verdict, in words and as functions: `judge` tries them in this order, and the report prints them.

A stable run may still draw badly: that is what the Frechet distance beside the verdict is for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gan_core import metric_names
from gan_core.config.length_cautions import MIN_EVALUATIONS
from gan_core.verdict.names import VerdictName
from gan_core.verdict.reference_values import MAX_LOSS
from gan_core.verdict.run import (
    FAR_COVERAGE_SHARE,
    LEARNING_RATIO,
    MAX_CLASS_DIVERGENCE,
    MIN_COVERAGE_SHARE,
    MIN_DENSITY_SHARE,
    MIN_DENSITY_SHARE_OF_ONE_IMAGE,
    MIN_DISTINCT_SHARE,
    MIN_DISTINCT_SHARE_IN_FEATURES,
    MIN_DIVERSITY,
    MIN_MODES_SHARE,
    ONE_IMAGE,
    FinishedRun,
    Series,
    geometric_mean,
)

VERDICTS = tuple(VerdictName)

MIN_IMAGES = 50_000
"""About one pass over MNIST. Many a GAN that has not drawn before this draws well later."""
IMPROVEMENT = 0.9
SATURATED_ACCURACY = 0.99
LOSING_RATIO = 2.0
OSCILLATION_RATIO = 3.0
OSCILLATION_SHARE = 1 / 3


Evidence = Mapping[str, float | str | None]
"""The numbers and words that the rules looked at, by name."""


@dataclass(frozen=True)
class Finding:
    """What a rule finds in a run. since: the step of the event; None for an event without one."""

    holds: bool = False
    since: int | None = None
    reason: str = ""
    evidence: Evidence = field(default_factory=dict)


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
    losses, limit = run.series(metric_names.LOSS_DISCRIMINATOR), run.reference.max_loss
    since = _start_of_bad_ending(losses, lambda loss: abs(loss) > limit)
    if since is None:
        return Finding()
    last = abs(losses[-1][1])
    reason = f"D's loss is {last:.3g} in size at the end, and while it trains it is at most {limit:.3g}"
    return Finding(True, since, reason, {metric_names.LOSS_DISCRIMINATOR: last})


def _collapse(run: FinishedRun) -> Finding:
    """Variety that was there is lost at the end, or the samples repeat a few images that look real."""
    evaluations, lost = run.evaluations, run.lost_variety
    if not evaluations:
        return Finding()
    last = evaluations[-1]
    evidence = {"lack": last.lack} if last.lack else {}
    has_drawn = run.first_drawing is not None
    judged = lost[-run.end_length :] if has_drawn else lost[-max(run.end_length, len(lost) // 2) :]
    if last.lack and 2 * sum(judged) >= len(judged):
        return Finding(True, _first_step_without_variety(run, lost), last.lack, evidence)
    if not has_drawn and last.lack and not _has_time_left(run) and not _discriminator_has_won(run).holds:
        return Finding(True, evaluations[0].step, f"{last.lack}, as at every evaluation", evidence)
    return Finding(evidence=evidence)


def _saturation(run: FinishedRun) -> Finding:
    """G learns nothing. A run that has not begun to draw yet gets the time that others need."""
    finding = _discriminator_has_won(run)
    has_drawn = run.first_drawing is not None
    if finding.holds and (has_drawn or not _has_time_left(run)):
        return finding
    if has_drawn or not run.evaluations or _has_time_left(run):
        return Finding(evidence=finding.evidence)
    reason = f"G never drew images like the data, on {run.images:,.0f} images, and its Frechet distance does not fall"
    return Finding(True, run.evaluations[-run.end_length].step, reason, finding.evidence)


def _discriminator_has_won(run: FinishedRun) -> Finding:
    """Whether D has won. Compares the last quarter of the run with the quarter before."""
    accuracies, losses = run.series(metric_names.ACCURACY_DISCRIMINATOR), run.series(metric_names.LOSS_GENERATOR)
    quarter = len(losses) // 4
    if run.reference.loss == "wasserstein" or not quarter:
        return Finding()
    from_step = losses[-quarter][0]
    last_accuracies = [(step, value) for step, value in accuracies if step >= from_step]
    if not last_accuracies:  # only an imported run may lack it
        return Finding()
    accuracy = _mean(last_accuracies)
    before, after = _mean(losses[-2 * quarter : -quarter]), _mean(losses[-quarter:])
    evidence = {"accuracy": accuracy, "loss_before": before, "loss_after": after, "from_step": from_step}
    distances = [distance for _, distance in run.frechet]
    has_learned = bool(distances) and distances[-1] <= LEARNING_RATIO * distances[0]
    if distances:
        evidence |= {"frechet_first": distances[0], "frechet_last": distances[-1]}
    lowest, end = _best_and_final_distance(run)
    is_worse = lowest is not None and end is not None and end > LOSING_RATIO * lowest
    holds = accuracy >= SATURATED_ACCURACY and after > before and (not has_learned or is_worse)
    reason = f"D is right {accuracy:.1%} of the time and G's loss rose from {before:.2f} to {after:.2f}"
    return Finding(holds, from_step if holds else None, reason, evidence)


def _best_and_final_distance(run: FinishedRun) -> tuple[float | None, float | None]:
    """Geometric means of the Frechet distances: over the best stretch since G drew that is as long as the end, and at
    the end."""
    length, drawn = run.end_length, run.evaluations[run.first_drawing or 0 :]
    means = [geometric_mean(drawn[i : i + length]) for i in range(len(drawn) - length + 1)]
    return min((mean for mean in means if mean is not None), default=None), means[-1] if means else None


def _oscillation(run: FinishedRun) -> Finding:
    """Looks at the evaluations since the generator began to draw, and compares stretches, so that noise is no event."""
    first, evaluations, lost = run.first_drawing, run.evaluations, run.lost_variety
    if first is None:
        return Finding()
    if lost[-1]:
        return Finding(True, evaluations[-1].step, f"at the last evaluation {evaluations[-1].lack}", {})
    if len(evaluations) < MIN_EVALUATIONS:
        return Finding()
    lowest, end = _best_and_final_distance(run)
    evidence = {} if lowest is None else {"frechet_best": lowest, "frechet_end": end}
    distances = sorted(each.frechet for each in evaluations[first:] if each.frechet is not None)
    limit = OSCILLATION_RATIO * distances[len(distances) // 4] if distances else math.inf
    bad = [
        has_lost or (index > first and (each.has_left_data or (each.frechet or 0.0) > limit))
        for index, (each, has_lost) in enumerate(zip(evaluations, lost, strict=True))
    ]
    later = max(MIN_EVALUATIONS, len(bad) - len(bad) // 2)
    count = sum(bad[-later:])
    if lowest is not None and end is not None and end > OSCILLATION_RATIO * lowest:
        reason = f"the Frechet distance is {end:.3g} at the end and was {lowest:.3g} at its best"
    elif count >= max(2, OSCILLATION_SHARE * later):
        reason = f"in {count} of the last {later} evaluations the samples had lost variety or quality"
    else:
        return Finding(evidence=evidence)
    position = next((i for i in range(len(bad) - later, len(bad)) if bad[i]), len(bad) - run.end_length)
    return Finding(True, evaluations[position].step, reason, evidence)


def _unfinished(run: FinishedRun) -> Finding:
    evaluations = run.evaluations
    if not evaluations or run.first_drawing is not None:
        return Finding()
    last = evaluations[-1]
    state = last.lack or "the samples do not come near real images"
    trend = ", but the Frechet distance still falls" if _is_improving(run) else ""
    return Finding(True, None, f"the steps ended before G drew images like the data: {state}{trend}")


def _has_time_left(run: FinishedRun) -> bool:
    """Whether a run that has not begun to draw may still do so."""
    return run.images < MIN_IMAGES or _is_improving(run)


def _is_improving(run: FinishedRun) -> bool:
    """A single image that wanders may come nearer to the data, and yet no generator that improves looks like that."""
    length, evaluations = run.end_length, run.evaluations
    if not evaluations or evaluations[-1].is_one_image:
        return False
    end, before = geometric_mean(evaluations[-length:]), geometric_mean(evaluations[-2 * length : -length])
    return end is not None and before is not None and end < IMPROVEMENT * before


_NO_PROGRESS = (
    f"over the end the Frechet distance is not below {IMPROVEMENT:g} of what it was before, or the samples are less "
    f"than {ONE_IMAGE:g} as diverse as the data"
)
RULES = (
    Rule(
        VerdictName.DIVERGED,
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
        VerdictName.COLLAPSED,
        (
            "In at least half of the evaluations at the end of the run, the last one among them, the samples lack "
            "variety, after the generator had drawn, or although they look real "
            f"(their density is at least {MIN_DENSITY_SHARE:g} of that of held-out images, or "
            f"{MIN_DENSITY_SHARE_OF_ONE_IMAGE:g} if they are less than {ONE_IMAGE:g} as diverse as the data). They "
            f"lack variety if the spread of their pixels is less than {MIN_DIVERSITY:g} of the training images'; if "
            f"fewer than {MIN_DISTINCT_SHARE:g} of them are distinct (Arora and Zhang 2017) and the others repeat "
            f"them, in features and on a grid of 8x8 pixels ({MIN_DISTINCT_SHARE_IN_FEATURES:g} where only features "
            f"were compared); if they show no more than {MIN_MODES_SHARE:g} of the classes that as many real images "
            "would show; or if their divergence from the data's classes is more than "
            f"{MAX_CLASS_DIVERGENCE:g} of that of a single class.",
            f"They lacked it at every evaluation, G was trained on {MIN_IMAGES:,} images or more, and {_NO_PROGRESS}.",
        ),
        "The first of the evaluations, up to the last, that all lack variety.",
        _collapse,
    ),
    Rule(
        VerdictName.SATURATED,
        (
            "D has won and G learns nothing. Over the last quarter of the run D's balanced accuracy is at least "
            f"{SATURATED_ACCURACY:g}, and G's mean loss is above that of the quarter before. The last Frechet distance "
            f"is more than {LEARNING_RATIO:g} of the first, which is that of the untrained G, or more than "
            f"{LOSING_RATIO:g} times the best: a D that wins while G improves does no harm. Never with a Wasserstein "
            "loss: a critic is meant to be trained to its optimum, and its accuracy depends on an arbitrary zero.",
            f"G never drew, was trained on {MIN_IMAGES:,} images or more, and {_NO_PROGRESS}.",
        ),
        "The start of the last quarter.",
        _saturation,
    ),
    Rule(
        VerdictName.OSCILLATING,
        (
            f"The Frechet distance over the last quarter of the evaluations is more than {OSCILLATION_RATIO:g} times "
            "that over the best such stretch since the generator began to draw (geometric means).",
            "In a third or more of the evaluations of the second half, and at least two, the samples had lost variety, "
            f"were beyond {OSCILLATION_RATIO:g} times the lower quartile of the distances, or covered less than "
            f"{FAR_COVERAGE_SHARE:g} of what held-out images do. Judged from {MIN_EVALUATIONS} evaluations on, and on "
            "that many at least.",
            "The samples lack variety at the last evaluation, but not in half of those at the end.",
        ),
        "The first such evaluation of the second half.",
        _oscillation,
    ),
    Rule(
        VerdictName.UNFINISHED,
        (
            "At no evaluation the generator drew: the samples lacked variety, or their coverage of the real images "
            f"(Naeem et al. 2020) was less than {MIN_COVERAGE_SHARE:g} of that of held-out images, or their Frechet "
            f"distance more than {LEARNING_RATIO:g} of that of the untrained G. The steps ended before this says "
            "anything about the settings: train longer.",
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


def _first_step_without_variety(run: FinishedRun, lost: list[bool]) -> int:
    """The step of the first of the evaluations, up to the last, that all lack variety."""
    first = len(lost) - 1
    while first > 0 and lost[first - 1]:
        first -= 1
    return run.evaluations[first].step


def _start_of_bad_ending(series: Series, is_bad: Callable[[float], bool]) -> int | None:
    """The first step of the unbroken run of bad values that lasts until the end, or None."""
    since = None
    for step, value in reversed(series):
        if not is_bad(value):
            break
        since = step
    return since


def _mean(series: Series) -> float:
    return sum(value for _, value in series) / len(series)
