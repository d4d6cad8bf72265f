"""History -> verdict: how did the training of one GAN end?

diverged   A loss, score, gradient or weight was not finite (since: that step), or at the end of the run D's loss is
           beyond LOSS_LIMIT in size (since: the start of the unbroken run of such windows). Images of 32 pixels in
           [-1, 1] lie at most 64 apart a channel, so a critic that its penalty holds to slope 1 keeps far below it.
collapsed  At the last evaluation the samples' diversity, as a share of the training images', is below COLLAPSE_RATIO.
           Since: the first evaluation of the unbroken run below it.
saturated  BCE losses only. Over the last quarter of the run D's balanced accuracy is at least SATURATED_ACCURACY, and
           G's loss is above its mean over the quarter before. Since: the start of the last quarter.
stable     None of these.

The first rule that holds gives the verdict. A Wasserstein critic is meant to be trained to its optimum and its zero is
arbitrary, so its accuracy is no sign of saturation. These rules do not measure quality: a stable run may draw badly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from gan_core.history import Row

Name = Literal["stable", "diverged", "collapsed", "saturated"]
VERDICTS: tuple[Name, ...] = ("stable", "diverged", "collapsed", "saturated")

LOSS_LIMIT = 100.0
COLLAPSE_RATIO = 0.5
SATURATED_ACCURACY = 0.99


class Verdict(NamedTuple):
    """`since`: the step of the event (None where there was none). `evidence`: the numbers that the rule looked at."""

    name: Name
    since: int | None
    reason: str
    evidence: dict[str, Any]


def judge(history: Sequence[Row], loss: str, diverged: tuple[int, str] | None = None) -> Verdict:
    """The verdict on a finished trial.

    `history`: rows as `Trainer` makes them, in order of steps. `loss`: the name of the loss, "bce" or "wasserstein".
    `diverged`: step and tensor, where training ended that way.
    """
    if diverged is not None:
        step, tensor = diverged
        return Verdict("diverged", step, f"{tensor} is not finite at step {step}", {"step": step, "tensor": tensor})
    sizes = [(step, -abs(value)) for step, value in _series(history, "loss/discriminator")]
    if (since := _below_until_the_end(sizes, -LOSS_LIMIT)) is not None:
        last = -sizes[-1][1]
        return Verdict("diverged", since, f"D's loss is {last:.3g} in size at the end", {"loss/discriminator": last})
    ratios = _series(history, "diversity/ratio")
    evidence: dict[str, Any] = {}
    if ratios:
        evidence["diversity_ratio"] = ratios[-1][1]
        if (since := _below_until_the_end(ratios, COLLAPSE_RATIO)) is not None:
            share = f"{ratios[-1][1]:.0%}"
            return Verdict("collapsed", since, f"the samples are {share} as diverse as the data", evidence)
    if loss == "bce" and (saturation := _saturation(history)):
        evidence |= saturation
        accuracy, before, after = (saturation[name] for name in ("accuracy", "loss_before", "loss_after"))
        if accuracy >= SATURATED_ACCURACY and after > before:
            reason = f"D is right {accuracy:.1%} of the time and G's loss rose from {before:.2f} to {after:.2f}"
            return Verdict("saturated", int(saturation["from_step"]), reason, evidence)
    return Verdict("stable", None, "no event", evidence)


def _series(history: Sequence[Row], name: str) -> list[tuple[int, float]]:
    return [(int(row["step"]), row[name]) for row in history if name in row]


def _below_until_the_end(series: list[tuple[int, float]], limit: float) -> int | None:
    """The first step of the run of values below `limit` that lasts until the end, or None."""
    since = None
    for step, value in reversed(series):
        if value >= limit:
            break
        since = step
    return since


def _saturation(history: Sequence[Row]) -> dict[str, float] | None:
    """Means over the last quarter of the run, and of G's loss over the quarter before; None if it is too short."""
    accuracy = _series(history, "accuracy/discriminator")
    losses = _series(history, "loss/generator")
    if len(losses) < 4:
        return None
    quarter = len(losses) // 4

    def mean(values: list[tuple[int, float]]) -> float:
        return sum(value for _, value in values) / len(values)

    return {
        "from_step": losses[-quarter][0],
        "accuracy": mean(accuracy[-quarter:]),
        "loss_before": mean(losses[-2 * quarter : -quarter]),
        "loss_after": mean(losses[-quarter:]),
    }
