"""Families as a package from outside defines them: `family` doubles the logits of a DCGAN's discriminator, `plain` has
one without convolutions and norms, and `not_one` is none.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from gan_core.families import Family
from gan_core.networks import dcgan
from gan_core.networks.outputs import DiscriminatorOutput, Judgement  # the former name, too


class Twice(nn.Module):
    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, images: Tensor) -> DiscriminatorOutput:
        return Judgement(2 * self.inner(images).logits)


class Pixels(nn.Module):
    def __init__(self, inputs: int):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(inputs, 1), nn.Flatten(0))

    def forward(self, images: Tensor) -> DiscriminatorOutput:
        return DiscriminatorOutput(self.layers(images))


def generator(model: Any, channels: int, classes: int, size: int) -> nn.Module:
    return dcgan.Generator(model.latent_dim, channels, model.width, size)


def twice(model: Any, channels: int, classes: int, size: int, std: bool) -> nn.Module:
    return Twice(dcgan.Discriminator(channels, model.width, size, model.discriminator_norm, std))


def pixels(model: Any, channels: int, classes: int, size: int, std: bool) -> nn.Module:
    return Pixels(channels * size * size)


HINGE: dict[str, dict[str, Any]] = {"optimizer": {"lr": 3e-4}, "loss": {"name": "hinge"}}
family = Family(generator, twice, HINGE)
plain = Family(generator, pixels, {"model": {"discriminator_norm": "none"}})
not_one = 3
