"""Families of GANs: those that are built in, and those that an installed package adds as an entry point.

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

    from gan_core.config.sections import ModelConfig

GROUP = "gan_core.families"
BUILT_IN = ("dcgan", "acgan", "wgan_gp")


@dataclass(frozen=True)
class Family:
    """A family from outside.

    generator(model, channels, classes, image_size): a module from latents [batch, model.latent_dim] and labels [batch]
    or None to images [batch, channels, image_size, image_size] in (-1, 1).
    discriminator(model, channels, classes, image_size, minibatch_std): a module from images to a
    `networks.outputs.DiscriminatorOutput`, with `model.discriminator_norm` where it has norms and a `MinibatchStd`
    where that is asked for; `channels` is that of a pack where images are packed.
    defaults: section -> setting -> value, such as {"optimizer": {"lr": 1e-4}, "loss": {"name": "hinge"}}. A family
    whose discriminator has no norms says {"model": {"discriminator_norm": "none"}}: what is asked for must run.
    labelled: it is given labels, and its discriminator names classes; `classes` is 0 otherwise.
    """

    generator: Callable[[ModelConfig, int, int, int], nn.Module]
    discriminator: Callable[[ModelConfig, int, int, int, bool], nn.Module]
    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    labelled: bool = False


def known() -> list[str]:
    """The names of all families."""
    return [*BUILT_IN, *sorted(entry.name for entry in entry_points(group=GROUP))]


@cache
def load(name: str) -> Family:
    """The family that a package added under this name. ValueError if there is none, or it is no Family."""
    for entry in entry_points(group=GROUP, name=name):
        found = entry.load()
        if isinstance(found, Family):
            return found
        raise ValueError(f"{entry.value} is not a gan_core.families.Family")
    raise ValueError(f"one of {', '.join(map(repr, known()))} (other families are installed as packages)")


def check(name: str) -> str:
    """The name, if there is such a family; ValueError with the possible ones if not."""
    if name not in BUILT_IN:
        load(name)
    return name


def labelled(name: str) -> bool:
    """Whether the family is given the classes of its images."""
    return name == "acgan" or (name not in BUILT_IN and load(name).labelled)
