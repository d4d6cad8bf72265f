"""A trial of a sweep, its generator, and images of it."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from orchestrator.formatting import trial_label
from orchestrator.store.record import Record
from orchestrator.store.sweep_document import TrialDocument
from orchestrator.store.sweep_folder import SweepFolder

if TYPE_CHECKING:
    from PIL.Image import Image

    from gan_core.generator_file import SavedGenerator


class Trained:
    """A trial that was trained, or is being trained."""

    def __init__(self, folder: SweepFolder, document: TrialDocument):
        self._sweep, self._document = folder, document
        self.key, self.name = document["key"], document["name"]

    @property
    def folder(self) -> Path:
        """Its folder, with its record, its history, its sample grids and its weights."""
        return self._sweep.trial(self.key).folder

    @property
    def record(self) -> Record:
        """How it stands now: status, verdict, step, last metrics."""
        return self._sweep.trial(self.key).record()

    def generator(self, best: bool = False) -> Generator:
        """Its last generator, or the one of its best evaluation. Raises UserError if it has none yet."""
        from orchestrator.commands.sample import load_generator

        saved, _ = load_generator(self._sweep, self._sweep.trial(self.key), self.record, best)
        return Generator(saved)

    def __repr__(self) -> str:
        return trial_label(self.key, self.name)


class Images(np.ndarray[Any, np.dtype[np.uint8]]):
    """Images uint8 [N, H, W, C], an array as any other that a notebook shows as a picture."""

    def show(self, columns: int | None = None) -> Image:
        """One picture of them all, in so many columns; by default about as many as rows."""
        import torch
        from PIL.Image import fromarray

        from gan_core import sampling

        pixels = torch.from_numpy(np.array(self)).permute(0, 3, 1, 2)
        picture = sampling.grid(pixels, columns or math.ceil(math.sqrt(len(self))))
        return fromarray(picture.squeeze(2) if picture.shape[2] == 1 else picture)

    def _repr_png_(self) -> bytes | None:
        if self.ndim != 4 or not self.size:
            return None
        stream = io.BytesIO()
        self.show().save(stream, format="PNG")
        return stream.getvalue()


class Generator:
    """A trained generator. `network`: the torch module, in eval mode, on the CPU."""

    def __init__(self, saved: SavedGenerator):
        self._saved = saved
        self.network, self.config, self.classes = saved.generator, saved.config, saved.classes

    def sample(self, count: int = 64, seed: int = 0) -> Images:
        """So many images, always the same for a seed; a conditional generator draws its classes in turn.

        They are those that `orchestrate sample` draws. Raises UserError if count is not positive.
        """
        from gan_core import sampling
        from orchestrator.commands.sample import SampleRequest, generator_inputs
        from orchestrator.errors import UserError

        if count < 1:
            raise UserError(f"sample({count}): a number of images from 1 on is needed")
        latents, labels, _ = generator_inputs(SampleRequest(trial="", count=count, seed=seed), self._saved)
        images = sampling.generate(self._saved.generator, latents, labels)
        return images.permute(0, 2, 3, 1).contiguous().numpy().view(Images)
