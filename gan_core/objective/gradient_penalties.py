"""Penalties on the gradient of a discriminator: one function each, with the paper it comes from.

`critic` is any function from images [batch, C, H, W] to logits [batch]. The gradient of an example is that of its logit
with respect to its pixels. The points are constants; the graph of the gradient is kept, so that a penalty can be
differentiated with respect to the critic's weights. Each function returns a scalar without a weight.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gan_core.networks.convolution import differentiated_twice

Critic = Callable[[Tensor], Tensor]


def gradient_penalty(critic: Critic, points: Tensor, one_sided: bool = False) -> Tensor:
    """E[(||grad_x D(x)||_2 - 1)^2] over the `points` [batch, C, H, W] (Gulrajani et al. 2017, equation 3).

    `one_sided`: E[max(0, ||grad_x D(x)||_2 - 1)^2], so norms below 1 cost nothing (section 4, "Two-sided penalty").
    With the points of `interpolates` it is the penalty of WGAN-GP, with those of `dragan_points` that of DRAGAN.
    """
    excess = _gradients(critic, points).norm(dim=1) - 1
    if one_sided:
        excess = excess.clamp(min=0)
    return (excess**2).mean()


def interpolates(real: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
    """epsilon x + (1 - epsilon) G(z) (Gulrajani et al. 2017, algorithm 1), [batch, C, H, W] as `real` and `fake`.

    `epsilon` [batch, 1, 1, 1]: uniform on [0, 1), one for each example. One for the whole batch, [1, 1, 1, 1], is a
    common mistake.
    """
    return epsilon * real + (1 - epsilon) * fake


def dragan_points(real: Tensor, generator: torch.Generator) -> Tensor:
    """x + alpha * 0.5 * std * u: points beside the real images, [batch, C, H, W] (Kodali et al. 2017).

    As in the authors' code (github.com/kodalinaveen3/DRAGAN): u is uniform on [0, 1), one for each value; alpha is
    uniform on [0, 1), one for each example; std is a scalar, the population standard deviation of all values of the
    batch. This noise only makes pixels brighter; the text of the paper has N(0, c I) in its place.
    """
    noise = torch.empty_like(real).uniform_(generator=generator)
    alpha = torch.rand(len(real), 1, 1, 1, dtype=real.dtype, device=real.device, generator=generator)
    return real + alpha * 0.5 * real.std(correction=0) * noise


def r1(critic: Critic, real: Tensor) -> Tensor:
    """E[||grad_x D(x)||_2^2] / 2 on the real images (Mescheder et al. 2018, equation 9); gamma multiplies it."""
    return (_gradients(critic, real) ** 2).sum(dim=1).mean() / 2


def r2(critic: Critic, fake: Tensor) -> Tensor:
    """E[||grad_x D(x)||_2^2] / 2 on the generated images (Mescheder et al. 2018, equation 10); gamma multiplies it."""
    return r1(critic, fake)


def _gradients(critic: Critic, points: Tensor) -> Tensor:
    """The gradient of each example's logit with respect to it, [batch, C * H * W]."""
    points = points.detach().requires_grad_()
    with differentiated_twice():
        (gradients,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
    return gradients.flatten(start_dim=1)
