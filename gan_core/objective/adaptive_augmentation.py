"""Adaptive augmentation (ADA): all that D sees is augmented with a probability that follows how D overfits.

Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data": the pipeline `bgc` of pixel blitting,
geometric and colour transformations (appendix B), and the control of its probability p by r_t = E[sign(D(x))] (section
3). Constants are those of the authors' code (github.com/NVlabs/stylegan2-ada-pytorch, training/augment.py and
training_loop.py). It differs from that code in four ways:

- Geometric transformations are one bilinear resampling. There is no wavelet low-pass filter before and after it
  (appendix B), so images that shrink may alias, and images that are rotated get somewhat blurred.
- What comes into the image from outside is its mirror image about the edge, without a limit; the authors mirror about
  the outermost pixel.
- p is at most 1: more would change nothing but the time it takes to come down.
- Penalties on D's gradient take it with respect to what D is given, after the augmentation, as with all stabilisers
  here; the authors' R1 goes through the augmentation.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

INTERVAL = 4
"""D's updates between two changes of p."""
MAX_SHIFT = 0.125
"""Range of the shift in whole pixels, and the standard deviation of that in fractions, as a share of the side."""
SCALE_STD = 0.2
"""Standard deviation of log2 of the scale, isotropic and anisotropic."""
BRIGHTNESS_STD = 0.2
CONTRAST_STD = 0.5
SATURATION_STD = 1.0
"""Of contrast and saturation: of log2 of the factor."""


class AdaptiveProbability:
    """p on the device, and the signs of D's logits of real images since it last changed.

    target: r_t above which p rises. images: real images of one update of D. speed: thousands of real images in which p
    goes from 0 to 1. parts: in which an update is computed, each of them observed (`accumulate`).
    """

    def __init__(self, target: float, speed: float, images: int, device: torch.device, parts: int = 1):
        self._interval = INTERVAL * parts
        self._target, self._change = target, INTERVAL * images / (1000 * speed)
        self.p, self._signs, self._updates = (torch.zeros((), device=device) for _ in range(3))

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All that `observe` changes, in place."""
        return {"p": self.p, "signs": self._signs, "updates": self._updates}

    @torch.no_grad()
    def observe(self, logits: Tensor) -> None:
        """Counts an update of D, or a part of one, that found `logits` [n] of real images, above 0 for real; p changes
        after INTERVAL updates, towards the target. It does not wait for the device."""
        self._signs += logits.sign().mean()
        self._updates += 1
        is_due = self._updates >= self._interval
        direction = torch.sign(self._signs / self._updates - self._target)
        self.p.copy_(torch.where(is_due, (self.p + self._change * direction).clamp(0, 1), self.p))
        self._signs.mul_(~is_due)
        self._updates.mul_(~is_due)


def augment(images: Tensor, p: Tensor, generator: torch.Generator) -> Tensor:
    """`images` [batch, C, H, W] in [-1, 1], C 1 or 3, each transformation applied to each with probability `p`.

    Differentiable, because G is trained through it. The results may leave [-1, 1]. The same numbers are drawn whatever
    `p`, a scalar tensor, is. `generator` is on the device of `images`.
    """
    draws = _Draws(len(images), p, generator)
    return _recolour(_move(images, draws), draws)


class _Draws:
    """Random numbers [batch] that are `neutral` where a transformation is not applied."""

    def __init__(self, count: int, p: Tensor, generator: torch.Generator):
        self.count, self.p, self._generator = count, p, generator

    def uniform(self) -> Tensor:
        """On [0, 1)."""
        return torch.rand(self.count, device=self.p.device, generator=self._generator)

    def normal(self) -> Tensor:
        return torch.randn(self.count, device=self.p.device, generator=self._generator)

    def applied(self, value: Tensor, neutral: float = 0.0, p: Tensor | None = None) -> Tensor:
        return torch.where(self.uniform() < (self.p if p is None else p), value, neutral)


def _move(images: Tensor, draws: _Draws) -> Tensor:
    """Pixel blitting and geometric transformations, as one matrix from places of the result to places in the image."""
    height, width = images.shape[2:]
    inverse = _scale(1 - 2 * draws.applied((draws.uniform() * 2).floor()), None)  # mirrored left to right
    inverse = inverse @ _rotation(draws.applied((draws.uniform() * 4).floor()) * math.pi / 2)
    shift = [(draws.uniform() * 2 - 1) * MAX_SHIFT for _ in range(2)]
    is_shifted = draws.applied(torch.ones_like(shift[0]))
    inverse = inverse @ _translation(
        *((is_shifted * part * side).round() / side for part, side in zip(shift, (width, height), strict=True))
    )
    scale = torch.exp2(SCALE_STD * draws.applied(draws.normal()))
    inverse = inverse @ _scale(1 / scale, 1 / scale)
    of_rotation = 1 - (1 - draws.p).clamp(0, 1).sqrt()  # so that one of the two rotations is applied with p
    inverse = inverse @ _rotation(draws.applied((draws.uniform() * 2 - 1) * math.pi, p=of_rotation))
    stretch = torch.exp2(SCALE_STD * draws.applied(draws.normal()))
    inverse = inverse @ _scale(1 / stretch, stretch)
    inverse = inverse @ _rotation(draws.applied((draws.uniform() * 2 - 1) * math.pi, p=of_rotation))
    is_shifted = draws.applied(torch.ones_like(shift[0]))
    inverse = inverse @ _translation(*(is_shifted * draws.normal() * MAX_SHIFT for _ in range(2)))
    grid = F.affine_grid(inverse[:, :2], list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _recolour(images: Tensor, draws: _Draws) -> Tensor:
    """Brightness, contrast, inverted luma, and for three channels hue and saturation, as one affine map of colours."""
    grey_axis = torch.full((3, 3), 1 / 3, device=images.device)  # projects on (1, 1, 1) / sqrt(3)
    identity = torch.eye(3, device=images.device)
    colour_plane = identity - grey_axis
    offset = draws.applied(BRIGHTNESS_STD * draws.normal())
    contrast = torch.exp2(CONTRAST_STD * draws.applied(draws.normal()))
    flip = 1 - 2 * draws.applied((draws.uniform() * 2).floor())
    grey = contrast * flip  # what becomes of the mean of the channels, and of the offset's
    if images.shape[1] == 1:
        return grey[:, None, None, None] * images + (grey * offset)[:, None, None, None]
    angle = draws.applied((draws.uniform() * 2 - 1) * math.pi)
    saturation = torch.exp2(SATURATION_STD * draws.applied(draws.normal()))
    cross = (identity.roll(1, 0) - identity.roll(-1, 0)) / math.sqrt(3)  # v -> (1, 1, 1) / sqrt(3) x v
    turned = torch.cos(angle)[:, None, None] * colour_plane + torch.sin(angle)[:, None, None] * cross
    matrix = grey[:, None, None] * grey_axis + (contrast * saturation)[:, None, None] * turned
    recoloured = torch.einsum("nij,njhw->nihw", matrix, images)
    return recoloured + (grey * offset)[:, None, None, None]


# Matrices [batch, 3, 3] of places (x, y, 1) with x and y from -1 to 1 over the image, which is square.


def _matrix(rows: list[list[Tensor]]) -> Tensor:
    zero = torch.zeros_like(rows[0][0])
    return torch.stack([torch.stack(row, dim=1) for row in [*rows, [zero, zero, zero + 1]]], dim=1)


def _scale(x: Tensor, y: Tensor | None) -> Tensor:
    zero = torch.zeros_like(x)
    return _matrix([[x, zero, zero], [zero, zero + 1 if y is None else y, zero]])


def _rotation(angle: Tensor) -> Tensor:
    sine, cosine, zero = torch.sin(angle), torch.cos(angle), torch.zeros_like(angle)
    return _matrix([[cosine, -sine, zero], [sine, cosine, zero]])


def _translation(x: Tensor, y: Tensor) -> Tensor:
    """x and y as shares of the width and of the height."""
    zero = torch.zeros_like(x)
    return _matrix([[zero + 1, zero, 2 * x], [zero, zero + 1, 2 * y]])
