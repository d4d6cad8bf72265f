"""Pictures of what a generator draws, always at the same latents.

Batch norm uses its running statistics (`eval` mode), so that an image depends on its own latent only.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from gan_core.data.pixels import to_uint8, to_unit
from gan_core.random_streams import stream_seed

GRID_SIDE = 8


def fixed_latents(count: int, latent_dim: int, seed: int = 0) -> Tensor:
    """[count, latent_dim], the same for every trial, so that grids of different trials can be compared.

    `seed` has nothing to do with a trial's; training always draws at 0.
    """
    generator = torch.Generator().manual_seed(stream_seed(seed, "fixed latents"))
    return torch.randn(count, latent_dim, generator=generator)


def grid_inputs(latent_dim: int, classes: int, seed: int = 0) -> tuple[Tensor, Tensor | None]:
    """Latents and labels of the sample grid, row by row.

    Without classes 8x8 latents. With classes a row a class, the same 8 latents in each row.
    """
    if not classes:
        return fixed_latents(GRID_SIDE**2, latent_dim, seed), None
    latents = fixed_latents(GRID_SIDE, latent_dim, seed).repeat(classes, 1)
    return latents, torch.arange(classes).repeat_interleave(GRID_SIDE)


def interpolated_latents(latent_dim: int, seed: int = 0) -> Tensor:
    """[8 * 8, latent_dim]: each of 8 rows goes from one fixed latent to another in 8 steps on the sphere."""
    start, end = fixed_latents(2 * GRID_SIDE, latent_dim, seed).unflatten(0, (GRID_SIDE, 2)).unbind(1)
    steps = [slerp(start, end, t) for t in torch.linspace(0, 1, GRID_SIDE).tolist()]
    return torch.stack(steps, dim=1).flatten(0, 1)


def slerp(start: Tensor, end: Tensor, t: float) -> Tensor:
    """Spherical interpolation between latents [N, latent_dim], row by row: `start` at t = 0, `end` at t = 1.

    White 2016, "Sampling generative networks", section 2.1: on a straight line the norm would fall to where a Gaussian
    of many dimensions has next to no mass. Where two latents point the same way or opposite ways the line is taken.
    """
    cosine = torch.nn.functional.cosine_similarity(start, end, dim=1).clamp(-1, 1).unsqueeze(1)
    angle = torch.acos(cosine)
    sine = torch.sin(angle)
    curved = (torch.sin((1 - t) * angle) * start + torch.sin(t * angle) * end) / sine
    return torch.where(sine < 1e-4, torch.lerp(start, end, t), curved)


@torch.no_grad()
def generate(generator: nn.Module, latents: Tensor, labels: Tensor | None = None, batch_size: int = 64) -> Tensor:
    """Images uint8 [N, C, H, W] on the CPU; the generator's mode is put back afterwards."""
    device = next(generator.parameters()).device
    was_training = generator.training
    generator.eval()
    batches = []
    for start in range(0, len(latents), batch_size):
        part = slice(start, start + batch_size)
        asked = None if labels is None else labels[part].to(device)
        batches.append(generator(latents[part].to(device), asked))
    generator.train(was_training)
    return to_uint8(torch.cat(batches)).cpu()


def grid(images: Tensor, columns: int = GRID_SIDE, gap: int = 2) -> np.ndarray:
    """uint8 [N, C, H, W] -> one picture uint8 [rows * (H + gap) + gap, columns * (W + gap) + gap, C]."""
    count, channels, height, width = images.shape
    rows = -(-count // columns)
    picture = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, channels), 128, np.uint8)
    for number, image in enumerate(images.permute(0, 2, 3, 1).numpy()):
        top = number // columns * (height + gap) + gap
        left = number % columns * (width + gap) + gap
        picture[top : top + height, left : left + width] = image
    return picture


def diversity(images: Tensor) -> float:
    """Root mean square distance of images from their mean image, a pixel, in [-1, 1] units: 0 if all are the same.

    `images`: uint8 [N, C, H, W]. It is the square root of the trace of the covariance over the number of pixels.
    """
    return float(to_unit(images).flatten(1).var(dim=0, unbiased=False).mean().sqrt())
