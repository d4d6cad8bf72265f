"""Gradient accumulation: a batch is computed in parts, whose gradients add up to that of the batch.

`batch_size` stays the images of an update, so a paper's batch size, epochs, counts of images and draws are what they
are without it; only memory and time change. Each part needs the memory of `batch_size / accumulate` images, since G's
images are made again for G's own update instead of being kept with their autograd graph.

The gradient is that of the large batch, but for rounding, where a loss is a mean over images. Statistics of a batch are
those of a part: batch norm (also G's, whose running averages then move once a part), minibatch standard deviation, the
spread in DRAGAN's noise, the means of a relativistic average and of feature matching, the best of top-k. Spectral norm
moves on with each forward pass. Between lazy penalties, their metric is that of the last part.

Latents, classes and indices are drawn for the whole batch, as without accumulation; what D's input and penalties draw
is drawn part by part, from the same streams.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from gan_core import metric_names
from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.history import Measured
from gan_core.training.passes import FakeBatch
from gan_core.training.updates import WHOLE, Part, Updates

OF_THE_BATCH = {
    metric_names.GRADIENT_NORM_DISCRIMINATOR,
    metric_names.GRADIENT_NORM_GENERATOR,
    metric_names.WEIGHT_NORM_DISCRIMINATOR,
    metric_names.WEIGHT_NORM_GENERATOR,
}
"""Metrics that the last part has of the whole batch. All others are means over the parts: the accuracies, losses and
scores are then those of the batch, and the ROC AUC compares images of the same part only."""

Latents = list[tuple[Tensor, Tensor | None]]
"""z [part, latent_dim] and classes [part], for each part."""
Update = Callable[[FakeBatch, Tensor], dict[str, Tensor]]


def updates_of(config: TrialConfig, images: ImageSet, device: torch.device) -> Updates:
    """The updates of a step, in parts if the configuration says so."""
    return (AccumulatedUpdates if config.accumulate else Updates)(config, images, device)


class AccumulatedUpdates(Updates):
    """Updates of which each adds up the gradients of `config.accumulate` parts of its batch."""

    def update_both(self) -> Measured:
        latents: Latents = []
        discriminator_updates = []
        for index, is_due in zip(self._indices, self.penalties_due, strict=True):
            latents = self._latents_of_parts()
            update = partial(self._update_discriminator, is_due=is_due)
            discriminator_updates.append(self._in_parts(update, index, latents))
        share_fakes = self.config.loss.n_critic == 1  # as in `Updates`: both use the same latents
        latents = latents if share_fakes else self._latents_of_parts()
        generator_update = self._in_parts(self._update_generator, index, latents, for_generator=True)
        self.objective.applied_stabilizers["accumulate"] = self.config.batch_size // len(latents[0][0])
        return Measured.of(discriminator_updates, generator_update)

    def _in_parts(
        self, update: Update, index: Tensor, latents: Latents, for_generator: bool = False
    ) -> dict[str, Tensor]:
        """`update` for each part: G's images, and the indices of the real ones."""
        measured = []
        for part, real, (z, labels) in zip(self._parts(), index.chunk(len(latents)), latents, strict=True):
            self.part = part
            measured.append(update(self.passes.images_of(z, labels, for_generator), real))
        self.part = WHOLE
        return _together(measured)

    def _latents_of_parts(self) -> Latents:
        count = self.config.accumulate
        z, labels = self.passes.latents(self.config.batch_size)
        return list(zip(z.chunk(count), [None] * count if labels is None else labels.chunk(count), strict=True))

    def _parts(self) -> list[Part]:
        count = self.config.accumulate
        return [Part(number == 0, number == count - 1, 1 / count) for number in range(count)]


def _together(parts: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """What the update measured, from what its parts did."""
    return {
        name: last if name in OF_THE_BATCH else torch.stack([part[name].detach() for part in parts]).mean()
        for name, last in parts[-1].items()
    }
