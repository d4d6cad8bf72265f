"""The pictures in a trial's folder: sample grids of its generator, and real images to compare them with."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from gan_core import families, sampling
from gan_core.data import pixels
from gan_core.data.datasets import ImageSet
from gan_core.files import write_atomically
from gan_core.training.generator_evaluation import Snapshot
from orchestrator.store.trial_folder import TrialFolder


def save_samples(folder: TrialFolder, snapshot: Snapshot) -> None:
    """Raises OSError."""
    save_png(folder.sample_file(snapshot.step), sampling.grid(snapshot.images, snapshot.columns))


def save_real_images(folder: TrialFolder, images: ImageSet, family: str) -> None:
    """Saves real images in the arrangement of the samples. Raises OSError."""
    save_png(folder.real_images_file, sampling.grid(images.images[_real_indices(images, family)]))


def _real_indices(images: ImageSet, family: str) -> Tensor:
    """int64 [N]: one row of images per class if the generator of `family` takes classes, else images from all over."""
    if not families.labelled(family) or images.labels is None:
        return pixels.evenly_spaced(len(images), sampling.GRID_SIDE**2)
    shown = sampling.classes_in_grid(len(images.class_names), images.image_size)
    members = [(images.labels == c).nonzero()[:, 0] for c in range(shown)]
    return torch.cat([m[torch.arange(sampling.GRID_SIDE) % len(m)] for m in members if len(m)])


def save_png(path: Path, picture: Any) -> None:
    """Writes a picture, an array uint8 [H, W, 1 or 3], as a PNG file. Raises OSError."""
    image = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
    content = io.BytesIO()
    image.save(content, format="PNG")  # `optimize` would take ten times as long for files 6% smaller
    write_atomically(path, content.getbuffer())
