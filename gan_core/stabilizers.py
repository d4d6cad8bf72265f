"""What keeps a GAN in balance: one function each, with the paper it comes from."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def smoothed_target(label_smoothing: float) -> float:
    """D's target for real images under one-sided label smoothing (Salimans et al. 2016, section 3.4)."""
    return 1.0 - label_smoothing


def annealed(std: float, step: int, steps: int) -> float:
    """`std` at the first step, falling linearly to nothing after the last (Sonderby et al. 2017, section 2.3)."""
    return std * max(0.0, 1.0 - step / steps)


def instance_noise(images: Tensor, std: float, generator: torch.Generator) -> Tensor:
    """`images` [batch, C, H, W] with independent N(0, std^2) on every pixel (Sonderby et al. 2017)."""
    noise = torch.empty_like(images).normal_(generator=generator)
    return images + std * noise


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
    """E[(||grad_x C(x)||_2 - 1)^2] at x = epsilon * real + (1 - epsilon) * fake (Gulrajani et al. 2017, equation 3).

    `real`, `fake`: [batch, C, H, W]; `epsilon`: [batch, 1, 1, 1], uniform, one an example; `critic` gives scores
    [batch]. The norm is over all pixels of an example. The graph is kept, so that the penalty can be differentiated.
    """
    between = (epsilon * real + (1 - epsilon) * fake).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    norm = gradient.flatten(start_dim=1).norm(dim=1)
    return ((norm - 1) ** 2).mean()
