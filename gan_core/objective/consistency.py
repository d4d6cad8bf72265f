"""Consistency regularisation: D shall say the same of an image and of the image moved and mirrored.

`cr` on real images (Zhang et al. 2020, "Consistency Regularization for Generative Adversarial Networks"), `bcr` on
generated images too (Zhao et al. 2021, "Improved Consistency Regularization for GANs", balanced consistency
regularization). The weight is 10 for each side in both (StudioGAN's configurations of them have it, too). The image
that is transformed is what D was given, after noise and augmentations.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from gan_core.objective.diff_augment import translation


def transformed(images: Tensor, generator: torch.Generator) -> Tensor:
    """`images` [batch, C, H, W], each mirrored left to right with probability 1/2, then moved by up to 1/8 of the side.

    The share is that of StudioGAN (src/utils/cr.py): 4 pixels of 32. What comes in is mirrored about the outermost
    pixel. `generator` is on the device of `images`.
    """
    is_mirrored = torch.rand(len(images), 1, 1, 1, device=images.device, generator=generator) < 0.5
    return translation(torch.where(is_mirrored, images.flip(3), images), generator, border="reflect")


def penalty(logits: Tensor, logits_of_transformed: Tensor) -> Tensor:
    """E[(D(x) - D(T(x)))^2] of logits [batch], without a weight. Both sides are differentiated."""
    return F.mse_loss(logits, logits_of_transformed)
