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
    """

    def __init__(self, images: ImageSet, size: int, generator: torch.Generator, mirror: torch.Generator | None = None):
        self.images, self.size, self.generator, self.mirror = images, size, generator, mirror
        self._order, self._position = self._shuffled(), 0

    def draw(self) -> Tensor:
        """The indices of the next batch: int64 [size]."""
        if self._position + self.size > len(self.images):
            self._order, self._position = self._shuffled(), 0
        self._position += self.size
        return self._order[self._position - self.size : self._position]

    def at(self, index: Tensor, mirror: torch.Generator | None = None) -> tuple[Tensor, Tensor | None]:
        """Images float32 [n, C, H, W] in [-1, 1], channels last in memory, and their labels [n].

        index: int64 [n]. mirror: draws flips, if they are on, instead of the batches' own stream.
        """
        pixels = self.images.images[index]
        if self.mirror is not None:
            is_flipped = torch.rand(len(pixels), device=pixels.device, generator=mirror or self.mirror) < 0.5
            pixels = torch.where(is_flipped[:, None, None, None], pixels.flip(3), pixels)
        batch = to_unit(pixels).contiguous(memory_format=torch.channels_last)
        return batch, None if self.images.labels is None else self.images.labels[index]

    def _shuffled(self) -> Tensor:
        return torch.randperm(len(self.images), generator=self.generator, device=self.generator.device)

    def state_dict(self) -> BatchesState:
        return {"order": self._order, "position": self._position}

    def load_state_dict(self, state: BatchesState) -> None:
        self._order, self._position = state["order"].to(self.generator.device), state["position"]
