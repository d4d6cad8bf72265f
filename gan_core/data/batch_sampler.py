"""The order in which a trial sees its images."""

from __future__ import annotations

from typing import TypedDict

import torch
from torch import Tensor

from gan_core.data.datasets import ImageSet
from gan_core.data.pixels import to_unit


class BatchesState(TypedDict):
    """The order of the images in this epoch, in a checkpoint, and how many of them have been drawn."""

    order: Tensor
    position: int


class Batches:
    """Batches of a data set on its device, each epoch in a new random order. A short last batch is dropped.

    mirror: draws which images of a batch are flipped horizontally, each with probability 1/2 (`data.flip`); or None.
    rows: how many batches a step has, for images on disk.
    """

    def __init__(
        self,
        images: ImageSet,
        size: int,
        generator: torch.Generator,
        mirror: torch.Generator | None = None,
        rows: int = 1,
    ):
        self.images, self.size, self.generator, self.mirror = images, size, generator, mirror
        self._order, self._position = self._shuffled(), 0
        if images.stored:
            shape = (rows * size, *images.images.shape[1:])
            self._staged = torch.empty(shape, dtype=torch.uint8, device=generator.device)
            self._staged_labels = torch.empty(rows * size, dtype=torch.int64, device=generator.device)

    def stage(self, row: int, drawn: Tensor) -> Tensor:
        """What `at` takes for the images `drawn`, int64 [size]: the indices themselves if the images are resident.

        Images on disk are copied from their files to the device here, outside of what a CUDA graph replays: those of
        each `row`, a batch of the step, to a place of their own. On a GPU that waits for the device.
        """
        if not self.images.stored:
            return drawn
        places, chosen = slice(row * self.size, (row + 1) * self.size), drawn.cpu()
        self._staged[places].copy_(self.images.images[chosen])
        if self.images.labels is not None:
            self._staged_labels[places].copy_(self.images.labels[chosen])
        return torch.arange(places.start, places.stop, device=drawn.device)

    def draw(self) -> Tensor:
        """The indices of the next batch: int64 [size]."""
        if self._position + self.size > len(self.images):
            self._order, self._position = self._shuffled(), 0
        self._position += self.size
        return self._order[self._position - self.size : self._position]

    def at(self, index: Tensor, mirror: torch.Generator | None = None) -> tuple[Tensor, Tensor | None]:
        """Images float32 [n, C, H, W] in [-1, 1], channels last in memory, and their labels [n].

        index: int64 [n], as from `stage`. mirror: draws flips, if they are on, instead of the batches' own stream.
        """
        pixels = (self._staged if self.images.stored else self.images.images)[index]
        if self.mirror is not None:
            is_flipped = torch.rand(len(pixels), device=pixels.device, generator=mirror or self.mirror) < 0.5
            pixels = torch.where(is_flipped[:, None, None, None], pixels.flip(3), pixels)
        batch = to_unit(pixels).contiguous(memory_format=torch.channels_last)
        labels = self.images.labels
        if labels is None:
            return batch, None
        return batch, (self._staged_labels if self.images.stored else labels)[index]

    def _shuffled(self) -> Tensor:
        return torch.randperm(len(self.images), generator=self.generator, device=self.generator.device)

    def state_dict(self) -> BatchesState:
        return {"order": self._order, "position": self._position}

    def load_state_dict(self, state: BatchesState) -> None:
        self._order, self._position = state["order"].to(self.generator.device), state["position"]
