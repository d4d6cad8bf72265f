"""Images of a generator at fixed latents, and grids of them.

Batch norm uses its running statistics (`eval` mode), so that an image depends on its own latent only.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from gan_core.data.pixels import to_uint8, to_unit
from gan_core.random_streams import stream_seed

GRID_SIDE = 8
GRID_GAP = 2
MAX_GRID_PIXELS = 48_000_000
"""The largest grid by class, a little below what a report reads. 1,000 classes of 64 pixels are 35 million."""
MAX_FLOATS = 2**26
"""Pixels of images that are floats at once while their diversity is computed: 256 MiB."""


def fixed_latents(count: int, latent_dim: int, seed: int = 0) -> Tensor:
    """[count, latent_dim], the same for every trial, so that grids of different trials can be compared.

    seed: not the trial's. Training always uses 0.
    """
    generator = torch.Generator().manual_seed(stream_seed(seed, "fixed latents"))
    return torch.randn(count, latent_dim, generator=generator)


def classes_in_grid(classes: int, image_size: int) -> int:
    """How many rows a grid by class has: one for each class, or as many as fit, 355 of 128 pixels, 90 of 256."""
    side = image_size + GRID_GAP
    return min(classes, MAX_GRID_PIXELS // (GRID_SIDE * side * side))


def grid_inputs(latent_dim: int, classes: int, seed: int = 0) -> tuple[Tensor, Tensor | None]:
    """Latents and labels of the sample grid, row by row.

    Without classes: 8 x 8 latents, and None. With classes: one row for each class, with the same 8 latents. Of very
    many classes of large images, `classes_in_grid` says how many to ask for.
    """
    if not classes:
        return fixed_latents(GRID_SIDE**2, latent_dim, seed), None
    latents = fixed_latents(GRID_SIDE, latent_dim, seed).repeat(classes, 1)
    return latents, torch.arange(classes).repeat_interleave(GRID_SIDE)


def interpolated_latents(latent_dim: int, seed: int = 0) -> Tensor:
    """[8 * 8, latent_dim]: 8 rows, each from one fixed latent to another in 8 steps of spherical interpolation."""
    start, end = fixed_latents(2 * GRID_SIDE, latent_dim, seed).unflatten(0, (GRID_SIDE, 2)).unbind(1)
    steps = [slerp(start, end, t) for t in torch.linspace(0, 1, GRID_SIDE).tolist()]
    return torch.stack(steps, dim=1).flatten(0, 1)


def slerp(start: Tensor, end: Tensor, t: float) -> Tensor:
    """Spherical interpolation between latents [N, latent_dim], row by row: `start` at t = 0, `end` at t = 1.

    White 2016, "Sampling generative networks", section 2.1: on a straight line the norm would fall to values where a
    Gaussian of many dimensions has almost no mass. If two latents point in the same or in opposite directions, the
    interpolation is linear.
    """
    cosine = torch.nn.functional.cosine_similarity(start, end, dim=1).clamp(-1, 1).unsqueeze(1)
    angle = torch.acos(cosine)
    sine = torch.sin(angle)
    curved = (torch.sin((1 - t) * angle) * start + torch.sin(t * angle) * end) / sine
    return torch.where(sine < 1e-4, torch.lerp(start, end, t), curved)


@torch.no_grad()
def generate(generator: nn.Module, latents: Tensor, labels: Tensor | None = None, batch_size: int = 64) -> Tensor:
    """Images uint8 [N, C, H, W] on the CPU, drawn in `eval` mode; the generator's mode is restored afterwards."""
    device = next(generator.parameters()).device
    was_training = generator.training
    generator.eval()
    batches = []  # uint8: a quarter of the memory of floats, of which 512 images of 256 pixels would take 400 MB
    for start in range(0, len(latents), batch_size):
        batch = slice(start, start + batch_size)
        batch_labels = None if labels is None else labels[batch].to(device)
        batches.append(to_uint8(generator(latents[batch].to(device), batch_labels)))
    generator.train(was_training)
    return torch.cat(batches).cpu()


def grid(images: Tensor, columns: int = GRID_SIDE, gap: int = GRID_GAP) -> np.ndarray:
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
    """Root mean square distance per pixel of images from their mean image, in units of [-1, 1]. 0 if all are equal.

    `images`: uint8 [N, C, H, W]. It equals the square root of (trace of the covariance / number of pixels).
    """
    columns = images.flatten(1).split(max(1, MAX_FLOATS // len(images)), dim=1)
    return float(torch.cat([to_unit(part).var(dim=0, unbiased=False) for part in columns]).mean().sqrt())
