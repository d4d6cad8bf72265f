"""Adversarial and class losses: pure functions of logits (or critic scores), each [batch] -> scalar."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def bce_discriminator(real_logits: Tensor, fake_logits: Tensor, real_target: float = 1.0) -> tuple[Tensor, Tensor]:
    """-log D(x) and -log(1 - D(G(z))), the two halves of D's loss (Goodfellow et al. 2014).

    `real_target` below 1 is one-sided label smoothing: it touches the real half only.
    """
    real = F.binary_cross_entropy_with_logits(real_logits, torch.full_like(real_logits, real_target))
    fake = F.binary_cross_entropy_with_logits(fake_logits, torch.zeros_like(fake_logits))
    return real, fake


def bce_generator(fake_logits: Tensor) -> Tensor:
    """-log D(G(z)): the non-saturating loss (Goodfellow et al. 2014, section 3)."""
    return F.binary_cross_entropy_with_logits(fake_logits, torch.ones_like(fake_logits))


def wasserstein_critic(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """E[C(G(z))] - E[C(x)]: minus the critic's estimate of the distance (Arjovsky et al. 2017)."""
    return fake_scores.mean() - real_scores.mean()


def wasserstein_generator(fake_scores: Tensor) -> Tensor:
    """-E[C(G(z))]."""
    return -fake_scores.mean()


def cross_entropy(class_logits: Tensor, labels: Tensor) -> Tensor:
    """-log P(class = label), from logits [batch, classes] (Odena et al. 2017)."""
    return F.cross_entropy(class_logits, labels)


def nll_of_probabilities(class_logits: Tensor, labels: Tensor) -> Tensor:
    """-P(class = label): the original report's mistake, NLLLoss fed with probabilities. Between -1 and 0."""
    return F.nll_loss(class_logits.softmax(dim=1), labels)


CLASS_LOSSES = {"cross_entropy": cross_entropy, "nll_of_probabilities": nll_of_probabilities}
