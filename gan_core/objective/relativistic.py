"""Relativistic losses: D says how much more real an image is than those of the other side (Jolicoeur-Martineau 2018).

Only differences of logits count, so their zero is arbitrary, and G's loss needs the logits of real images too. All
functions take logits [batch]. The authors' code is github.com/AlexiaJM/RelativisticGAN.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def paired(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """D(x) - D(G(z)) of each pair, and its negative; both [batch]. The n-th real and generated image are a pair."""
    difference = real_logits - fake_logits
    return difference, -difference


def pairing_discriminator(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """E[softplus(D(G(z)) - D(x))], which is E[-log sigmoid(D(x) - D(G(z)))]: the paper's RSGAN, R3GAN's RpGAN.

    The loss has one term for each pair. It is given back as two halves that are equal, so that their sum is the loss.
    """
    half = F.softplus(fake_logits - real_logits).mean() / 2
    return half, half


def pairing_generator(fake_logits: Tensor, real_logits: Tensor) -> Tensor:
    """E[softplus(D(x) - D(G(z)))]: the loss of D with the sides exchanged."""
    return F.softplus(real_logits - fake_logits).mean()


def to_average(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """D(x) - E[D(G(z))] and D(G(z)) - E[D(x)], both [batch], with the means of these batches."""
    return real_logits - fake_logits.mean(), fake_logits - real_logits.mean()


def average_discriminator(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """E[-log sigmoid(D(x) - E[D(G(z))])] and E[-log(1 - sigmoid(D(G(z)) - E[D(x)]))]: RaSGAN.

    The paper adds them; the authors' code (`loss_D == 6` in code/GAN_losses_iter.py) halves their sum.
    """
    real, fake = to_average(real_logits, fake_logits)
    return F.softplus(-real).mean(), F.softplus(fake).mean()


def average_generator(fake_logits: Tensor, real_logits: Tensor) -> Tensor:
    """The mean of the halves of D with the sides exchanged, as in the authors' code; the paper adds them."""
    as_real, as_fake = average_discriminator(fake_logits, real_logits)
    return (as_real + as_fake) / 2
