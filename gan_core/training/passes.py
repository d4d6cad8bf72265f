"""The passes through G and D that updates consist of: in the precision of the trial, from its random streams."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from gan_core import families
from gan_core.config.trial import TrialConfig
from gan_core.networks.outputs import DiscriminatorOutput
from gan_core.objective import stabilizers
from gan_core.objective.adaptive_augmentation import AdaptiveProbability
from gan_core.objective.discriminator_input import NoiseLevel, augment_for_discriminator
from gan_core.objective.objective import Objective
from gan_core.precision import resolve_precision
from gan_core.random_streams import Streams


class FakeBatch(NamedTuple):
    """What G drew for an update: images [batch, C, H, W] float32, and the classes [batch] that it was asked for."""

    images: Tensor
    labels: Tensor | None


class Passes:
    """The networks of `config` on the device of `streams`, and what decides how D sees images.

    classes: that G may be asked for; 0 if it takes none. objective: is told which stabilisers were applied. ada: the
    probability of adaptive augmentation, or None.
    """

    def __init__(
        self,
        config: TrialConfig,
        generator: nn.Module,
        discriminator: nn.Module,
        classes: int,
        objective: Objective,
        streams: Streams,
    ):
        self.config, self.device, self.streams = config, streams.device, streams
        self.generator, self.discriminator, self.classes = generator, discriminator, classes
        self.precision = resolve_precision(config.precision, self.device)
        self._objective = objective
        self._noise = NoiseLevel(0.0, torch.zeros((), device=self.device))
        ada = config.stabilizers.ada
        self.ada = (
            AdaptiveProbability(ada.target, ada.speed, config.batch_size, self.device, config.parts)
            if ada.target
            else None
        )

    def set_inputs(self, step: int) -> None:
        """Writes the standard deviation of instance noise of a step to the tensor that passes read."""
        noise = self.config.stabilizers.instance_noise
        std = stabilizers.annealed(noise.std, step, self.config.steps) if noise.anneal else noise.std
        self._noise = NoiseLevel(std, self._noise.on_device.fill_(std))

    def generate(self, for_generator: bool) -> FakeBatch:
        """A batch from G; with the autograd graph that G's own update needs, if it is `for_generator`."""
        return self.images_of(*self.latents(self.config.batch_size), for_generator)

    def images_of(self, z: Tensor, labels: Tensor | None, for_generator: bool) -> FakeBatch:
        """G's images of z [n, latent_dim] and classes [n]; with the autograd graph if it is `for_generator`."""
        with torch.set_grad_enabled(for_generator), self.autocast():
            return FakeBatch(self.generator(z, labels).float(), labels)

    def latents(self, count: int) -> tuple[Tensor, Tensor | None]:
        """z [count, latent_dim], and random classes [count] for a generator that takes a class."""
        z = torch.randn(count, self.config.model.latent_dim, device=self.device, generator=self.streams["latent"])
        if not self.classes:
            return z, None
        return z, torch.randint(self.classes, (count,), device=self.device, generator=self.streams["labels"])

    def input_of(self, images: Tensor, is_real: bool, streams: Mapping[str, torch.Generator] | None = None) -> Tensor:
        """What D sees of `images`. streams: other ones to draw from."""
        config, applied = self.config.stabilizers, self._objective.applied_stabilizers
        probability = None if self.ada is None else self.ada.p
        return augment_for_discriminator(
            images, is_real, self._noise, config, streams or self.streams, applied, probability
        )

    def judge(self, images: Tensor, labels: Tensor | None, stream: str = "layers") -> DiscriminatorOutput:
        """What D says of `images`, in float32. labels [batch]: their classes, for a D that is told them. stream: that
        D's random layers draw from."""
        with self.autocast(), self.streams.as_default(stream):
            told = (labels,) if families.conditional_discriminator(self.config.model.family) else ()
            output = self.discriminator(images, *told)
        features = output.features if self.config.stabilizers.feature_matching else None
        return DiscriminatorOutput(
            output.logits.float(),
            None if output.class_logits is None else output.class_logits.float(),
            None if features is None else features.float(),
        )

    def logits(self, images: Tensor, labels: Tensor | None, stream: str) -> Tensor:
        """D's logits [batch] for a penalty, which draws from a random stream of its own."""
        return self.judge(images, labels, stream).logits

    def autocast(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16")
