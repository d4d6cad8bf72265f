"""What the history of a run is measured against: real images that were held out, and the loss of a perfect critic."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt

from gan_core.config.trial import TrialConfig
from gan_core.evaluator_card import EvaluatorCard

MAX_LOSS = 100.0
"""D's loss is never so large while training works, unless its loss is a Wasserstein loss."""
HELD_OUT_COVERAGE = 0.85
"""Coverage of the held-out images, if too few were held out to measure it. Their density is then taken as 1."""


@dataclass(frozen=True)
class ReferenceValues:
    """loss: the name of the loss. evaluator: the id in the names of the quality metrics; "" if nothing was measured.

    classes, expected_modes: number of classes in the data, and of those that as many real images show; None without a
    classifier. one_class: the divergence from the data's classes if all samples are of the rarest class, in nats.
    coverage, density, frechet: of real images that were held out. real_share: number of real images as a share of the
    number of samples, at most 1. max_loss: D's loss is not beyond it in size while it trains.
    """

    loss: str
    evaluator: str = ""
    classes: int | None = None
    expected_modes: float | None = None
    one_class: float | None = None
    coverage: float = HELD_OUT_COVERAGE
    density: float = 1.0
    frechet: float = 0.0
    real_share: float = 1.0
    max_loss: float = MAX_LOSS


def reference_values(config: TrialConfig, channels: int, card: EvaluatorCard) -> ReferenceValues:
    """The reference of a trial. channels: of its images. card: of the evaluator that measured it; {} if none did.

    Cards of earlier versions lack the numbers of classes: then classes are not judged.
    """
    held_out, classes = card.get("kept_out") or {}, card.get("classes")
    return ReferenceValues(
        loss=config.loss.name,
        evaluator=card.get("id", ""),
        classes=classes,
        expected_modes=card.get("expected_modes"),
        one_class=card.get("one_class", log(classes) if classes else None),
        coverage=held_out.get("coverage", HELD_OUT_COVERAGE),
        density=held_out.get("density", 1.0),
        frechet=held_out.get("frechet", 0.0),
        real_share=min(1.0, card["real"] / card["samples"]) if card else 1.0,
        max_loss=max_loss(config, channels),
    )


def max_loss(config: TrialConfig, channels: int) -> float:
    """The largest size of D's loss that training can have, penalty included.

    The scores of a critic of slope 1 differ by at most the distance of two images: W = 2 s sqrt(C) for C channels of
    s x s pixels in [-1, 1]. A critic that may pay a penalty lambda (slope - 1)^2 does best with a slope of 1 + W / (2
    lambda), where its loss is W + W^2 / (4 lambda). One that pays R1's gamma / 2 slope^2 does best with W / gamma, and
    has a loss of W^2 / (2 gamma); W is added, because R1 holds the slope at real images only. R2 does the same at
    generated ones; with both, gamma is their sum. Spectral norm lets the slope exceed 1 several times where the network
    has other norms, so it gets ten times W. Without any of these a critic's loss has no scale, and MAX_LOSS is the
    limit.
    """
    if config.loss.name != "wasserstein":
        return MAX_LOSS
    stabilizers = config.stabilizers
    distance = 2 * config.data.image_size * sqrt(channels)
    weight = config.loss.gradient_penalty or stabilizers.dragan
    if weight:
        return max(MAX_LOSS, distance + distance**2 / (4 * weight))
    if gamma := stabilizers.r1 + stabilizers.r2:
        return max(MAX_LOSS, distance + distance**2 / (2 * gamma))
    return max(MAX_LOSS, 10 * distance if stabilizers.spectral_norm else distance)
