"""Families of GANs: the built-in ones, and those that an installed package adds as an entry point.

# pyproject.toml of the package
[project.entry-points."gan_core.families"]
my_gan = "my_package:family"           # a Family
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

GROUP = "gan_core.families"
BUILT_IN = ("dcgan", "acgan", "wgan_gp", "sngan", "sngan_projection", "r3gan")
OF_THE_REPORT = ("dcgan", "acgan", "wgan_gp")
"""Those of which the original report has networks of its own."""


@dataclass(frozen=True)
class Family:
    """A family that an installed package adds.

    `model` is a `gan_core.config.sections.ModelConfig`. That module looks up families, so it cannot be imported here.

    generator(model, channels, classes, image_size): a module from latents [batch, model.latent_dim] and labels [batch]
    or None to images [batch, channels, image_size, image_size] in (-1, 1).
    discriminator(model, channels, classes, image_size, minibatch_std): a module from images to a
    `networks.outputs.DiscriminatorOutput`. If it has norms, they are `model.discriminator_norm`; if `minibatch_std` is
    true, it has a `MinibatchStd`. With packing, `channels` counts the channels of a pack.
    defaults: section -> setting -> value, such as {"optimizer": {"lr": 1e-4}, "loss": {"name": "hinge"}}. A family
    whose discriminator has no norms needs {"model": {"discriminator_norm": "none"}}, because a trial fails if a setting
    is not applied.
    labelled: the generator takes labels, and the discriminator predicts classes. Otherwise `classes` is 0.
    """

    generator: Callable[[Any, int, int, int], nn.Module]
    discriminator: Callable[[Any, int, int, int, bool], nn.Module]
    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    labelled: bool = False


def known() -> list[str]:
    """The names of all families."""
    return [*BUILT_IN, *sorted(entry.name for entry in entry_points(group=GROUP))]


@cache
def load(name: str) -> Family:
    """The family that a package added under this name. ValueError if there is none, or it is no Family."""
    for entry in entry_points(group=GROUP, name=name):
        family = entry.load()
        if isinstance(family, Family):
            return family
        raise ValueError(f"{entry.value} is not a gan_core.families.Family")
    raise ValueError(f"one of {', '.join(map(repr, known()))} (other families are installed as packages)")


def check(name: str) -> str:
    """Returns `name` if there is such a family. Raises ValueError with all names if not."""
    if name not in BUILT_IN:
        load(name)
    return name


def predicts_classes(name: str) -> bool:
    """Whether the discriminator of the family predicts the classes of its images, as an ACGAN's does."""
    return labelled(name) and not conditional_discriminator(name)


def conditional_discriminator(name: str) -> bool:
    """Whether the discriminator of the family is told the classes of its images: `forward(images, labels)`."""
    return name == "sngan_projection"


def labelled(name: str) -> bool:
    """Whether the networks of the family take the classes of images."""
    return name in ("acgan", "sngan_projection") or (name not in BUILT_IN and load(name).labelled)
