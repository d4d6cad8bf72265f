"""Evaluation of a generator while it trains: diversity, quality metrics and a sample grid, always at the same latents.

Batch norm uses its running statistics.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from gan_core import metric_names, sampling
from gan_core.config.trial import TrialConfig
from gan_core.data import pixels
from gan_core.evaluation.evaluator import Evaluator
from gan_core.history import Row, now_ms


class Snapshot(NamedTuple):
    """What the generator drew at the fixed latents: uint8 [N, C, H, W], and the `columns` of its grid."""

    step: int
    images: Tensor
    columns: int = sampling.GRID_SIDE


class GeneratorEvaluation:
    """Compares generators with the training images uint8 [N, C, H, W].

    classes: how many the generator is asked for; 0 if it takes no class. evaluator: None measures diversity only.
    """

    def __init__(self, config: TrialConfig, train_images: Tensor, classes: int, evaluator: Evaluator | None):
        self.config, self.classes, self.evaluator = config, classes, evaluator
        compared = pixels.evenly_spaced(len(train_images), config.evaluation.samples)
        self._data_diversity = sampling.diversity(train_images[compared])

    def row(self, step: int, eval_generator: nn.Module, raw_generator: nn.Module | None = None) -> Row:
        """Diversity and quality of `eval_generator`.

        raw_generator: the generator itself, if `eval_generator` is its moving average; its metrics are `raw_...`.
        """
        row: Row = {"step": step, "time": now_ms(), **self._metrics(eval_generator)}
        if raw_generator is not None:
            row |= {metric_names.raw(name): value for name, value in self._metrics(raw_generator).items()}
        return row

    def _metrics(self, generator: nn.Module) -> dict[str, float]:
        """Diversity and, with an evaluator, quality of the images at the fixed latents."""
        images, classes = self.draw(generator)
        diversity = sampling.diversity(images)
        metrics = {
            metric_names.DIVERSITY_SAMPLES: diversity,
            metric_names.DIVERSITY_RATIO: diversity / max(self._data_diversity, 1e-12),
        }
        return metrics | (self.evaluator.measure(images, classes) if self.evaluator else {})

    def draw(self, generator: nn.Module) -> tuple[Tensor, Tensor | None]:
        """`evaluation.samples` images uint8 on the CPU, and the classes asked for, each as often as any other."""
        count = self.config.evaluation.samples
        classes = torch.arange(count) % self.classes if self.classes else None
        latents = sampling.fixed_latents(count, self.config.model.latent_dim)
        return sampling.generate(generator, latents, classes, self.config.batch_size), classes

    def snapshot(self, step: int, generator: nn.Module) -> Snapshot:
        shown = sampling.classes_in_grid(self.classes, self.config.data.image_size)
        latents, labels = sampling.grid_inputs(self.config.model.latent_dim, shown)
        return Snapshot(step, sampling.generate(generator, latents, labels))
