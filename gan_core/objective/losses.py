"""Adversarial and class losses: pure functions of logits (or critic scores), each [batch] -> scalar.

An adversarial loss is two functions. That of D returns two halves, on real and on generated images, which the caller
adds or averages. That of G returns a scalar. `ADVERSARIAL_LOSSES` has both under their name in the configuration.
Relativistic losses have a file of their own, `relativistic.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from gan_core.objective import relativistic

Halves = tuple[Tensor, Tensor]
"""D's loss on real images and D's loss on generated ones, two scalars."""


class Targets(NamedTuple):
    """D's targets, 1 for real and 0 for generated. real [batch]: of real images. fake [batch]: of generated images."""

    real: Tensor
    fake: Tensor


def bce_discriminator(real_logits: Tensor, fake_logits: Tensor, targets: Targets | None = None) -> Halves:
    """E[-log D(x)] and E[-log(1 - D(G(z)))] (Goodfellow et al. 2014).

    With `targets` t: E[-t log D - (1 - t) log(1 - D)] for both. Without `targets` they are 1 and 0.
    """
    real, fake = targets or _default_targets(real_logits, fake_logits)
    return (
        F.binary_cross_entropy_with_logits(real_logits, real),
        F.binary_cross_entropy_with_logits(fake_logits, fake),
    )


def bce_generator(fake_logits: Tensor) -> Tensor:
    """E[-log D(G(z))]: the non-saturating loss (Goodfellow et al. 2014, section 3)."""
    return F.binary_cross_entropy_with_logits(fake_logits, torch.ones_like(fake_logits))


def hinge_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Halves:
    """E[max(0, 1 - D(x))] and E[max(0, 1 + D(G(z)))] (Lim & Ye 2017; Miyato et al. 2018)."""
    return F.relu(1 - real_logits).mean(), F.relu(1 + fake_logits).mean()


def hinge_generator(fake_logits: Tensor) -> Tensor:
    """-E[D(G(z))] (Lim & Ye 2017; Miyato et al. 2018)."""
    return -fake_logits.mean()


def least_squares_discriminator(real_logits: Tensor, fake_logits: Tensor, targets: Targets | None = None) -> Halves:
    """E[(D(x) - 1)^2] / 2 and E[D(G(z))^2] / 2 (Mao et al. 2017, equation 9).

    D is the logit itself, without a sigmoid; 0.5 is halfway between real and generated. With `targets` t:
    E[(D - t)^2] / 2 for both. Without `targets` they are 1 and 0.
    """
    real, fake = targets or _default_targets(real_logits, fake_logits)
    return ((real_logits - real) ** 2).mean() / 2, ((fake_logits - fake) ** 2).mean() / 2


def least_squares_generator(fake_logits: Tensor) -> Tensor:
    """E[(D(G(z)) - 1)^2] / 2 (Mao et al. 2017, equation 9)."""
    return ((fake_logits - 1) ** 2).mean() / 2


def wasserstein_critic(real_scores: Tensor, fake_scores: Tensor) -> Halves:
    """-E[C(x)] and E[C(G(z))]; their sum is minus the critic's estimate of the distance (Arjovsky et al. 2017)."""
    return -real_scores.mean(), fake_scores.mean()


def wasserstein_generator(fake_scores: Tensor) -> Tensor:
    """-E[C(G(z))] (Arjovsky et al. 2017)."""
    return -fake_scores.mean()


def _default_targets(real_logits: Tensor, fake_logits: Tensor) -> Targets:
    return Targets(torch.ones_like(real_logits), torch.zeros_like(fake_logits))


class AdversarialLoss(NamedTuple):
    """discriminator: (real logits, fake logits, targets or None) -> halves. generator: (fake logits) -> scalar.

    boundary: the logit at which D finds real and generated equally likely.
    relative: of a relativistic loss, (real logits, fake logits) -> both relative to those of the other side; D finds an
    image real if that is above the boundary, because the zero of its logits is arbitrary. Then `generator` takes the
    real logits too: (fake logits, real logits) -> scalar.
    is_sum: D's loss is the sum of its halves, never their mean.
    """

    discriminator: Callable[[Tensor, Tensor, Targets | None], Halves]
    generator: Callable[..., Tensor]
    boundary: float = 0.0
    relative: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None = None
    is_sum: bool = False

    def judged(self, real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
        """What D says of real and of generated images [batch]: above the boundary for real."""
        return (real_logits, fake_logits) if self.relative is None else self.relative(real_logits, fake_logits)


def _without_targets(loss: Callable[[Tensor, Tensor], Halves]) -> Callable[[Tensor, Tensor, Targets | None], Halves]:
    """`loss` with the signature of the losses that have targets. Raises ValueError if targets are given."""

    def checked(real_logits: Tensor, fake_logits: Tensor, targets: Targets | None = None) -> Halves:
        if targets is not None:
            raise ValueError(f"{loss.__name__} has no targets to smooth or flip; use None")
        return loss(real_logits, fake_logits)

    return checked


ADVERSARIAL_LOSSES = {
    "bce": AdversarialLoss(bce_discriminator, bce_generator),
    "hinge": AdversarialLoss(_without_targets(hinge_discriminator), hinge_generator),
    "least_squares": AdversarialLoss(least_squares_discriminator, least_squares_generator, boundary=0.5),
    "wasserstein": AdversarialLoss(_without_targets(wasserstein_critic), wasserstein_generator, is_sum=True),
    "rpgan": AdversarialLoss(
        _without_targets(relativistic.pairing_discriminator),
        relativistic.pairing_generator,
        relative=relativistic.paired,
        is_sum=True,
    ),
    "ragan": AdversarialLoss(
        _without_targets(relativistic.average_discriminator),
        relativistic.average_generator,
        relative=relativistic.to_average,
    ),
}


def cross_entropy(class_logits: Tensor, labels: Tensor) -> Tensor:
    """-log P(class = label), from logits [batch, classes] (Odena et al. 2017)."""
    return F.cross_entropy(class_logits, labels)


def nll_of_probabilities(class_logits: Tensor, labels: Tensor) -> Tensor:
    """-P(class = label), between -1 and 0: the original report's mistake, NLLLoss on probabilities."""
    return F.nll_loss(class_logits.softmax(dim=1), labels)


def double_softmax(class_logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of probabilities in place of logits, a common mistake. At least log(1 + (classes - 1) / e)."""
    return F.cross_entropy(class_logits.softmax(dim=1), labels)


CLASS_LOSSES = {
    "cross_entropy": cross_entropy,
    "nll_of_probabilities": nll_of_probabilities,
    "double_softmax": double_softmax,
}
