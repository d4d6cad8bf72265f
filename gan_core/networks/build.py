"""Builds the generator and the discriminator of a configuration."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from gan_core import families
from gan_core.config.sections import ModelConfig
from gan_core.config.stabilizer_sections import StabilizerConfig
from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import Described
from gan_core.networks import acgan, dcgan, r3gan, sngan, wgan_gp
from gan_core.networks.initialisation import initialise, normalise_spectrum


def classes_of(config: TrialConfig, images: Described[Any]) -> int:
    """How many classes the generator is asked for; 0 if its family takes no class."""
    return len(images.class_names) if families.labelled(config.model.family) else 0


def build_networks(
    model: ModelConfig, stabilizers: StabilizerConfig, channels: int, classes: int, image_size: int, seed: int
) -> tuple[nn.Module, nn.Module]:
    """(generator, discriminator) for images [*, channels, image_size, image_size] of `classes` classes (0: no labels).

    `model` has its defaults filled in, as in a TrialConfig. With packing m the discriminator takes m * channels. The
    weights depend on `seed` alone; the states of torch's global generators do not change.
    """
    assert model.init is not None
    with torch.random.fork_rng(devices=[]):
        generator = _generator(model, channels, classes, image_size)
        initialise(generator, "generator", seed, model.init)
        discriminator = _discriminator(model, stabilizers, channels, classes, image_size)
        initialise(discriminator, "discriminator", seed, model.init)
        if stabilizers.spectral_norm:
            normalise_spectrum(discriminator, "discriminator", seed)
    return generator, discriminator


def _generator(model: ModelConfig, channels: int, classes: int, image_size: int) -> nn.Module:
    z, width = model.latent_dim, model.width or 0
    match model.family, model.networks:
        case "dcgan", "standard":
            return dcgan.Generator(z, channels, width, image_size)
        case "dcgan", "original":
            return dcgan.OriginalGenerator(z, channels)
        case "acgan", "standard":
            return acgan.Generator(z, classes, channels, width, image_size)
        case "acgan", "original":
            return acgan.OriginalGenerator(z, classes, channels)
        case "wgan_gp", "standard":
            return wgan_gp.Generator(z, channels, width, image_size)
        case "wgan_gp", "original":
            return wgan_gp.OriginalGenerator(z, channels)
        case "wgan_gp", "resnet":
            return wgan_gp.ResidualGenerator(z, channels, width, image_size)
        case (("sngan" | "sngan_projection"), _):
            return sngan.Generator(z, channels, width, image_size, classes)
        case "r3gan", _:
            return r3gan.Generator(z, channels, width, image_size)
        case name, _:
            return families.load(name).generator(model, channels, classes, image_size)


def _discriminator(
    model: ModelConfig, stabilizers: StabilizerConfig, channels: int, classes: int, image_size: int
) -> nn.Module:
    norm, std, width = model.discriminator_norm, stabilizers.minibatch_std, model.width or 0
    assert norm is not None
    channels *= max(1, stabilizers.packing)
    match model.family, model.networks:
        case "dcgan", "standard":
            return dcgan.Discriminator(channels, width, image_size, norm, std)
        case "dcgan", "original":
            return dcgan.OriginalDiscriminator(channels, norm=norm, minibatch_std=std)
        case "acgan", "standard":
            return acgan.Discriminator(classes, channels, width, image_size, norm, std)
        case "acgan", "original":
            return acgan.OriginalDiscriminator(classes, channels, norm, std)
        case "wgan_gp", "standard":
            return wgan_gp.Critic(channels, width, image_size, norm, std)
        case "wgan_gp", "original":
            return wgan_gp.OriginalCritic(channels, norm, std)
        case "wgan_gp", "resnet":
            critic = wgan_gp.ResidualCritic if image_size == 32 else wgan_gp.ResidualCritic64
            return critic(channels, width, norm, std)
        case (("sngan" | "sngan_projection"), _):
            return sngan.Discriminator(channels, width, image_size, norm, std, classes)
        case "r3gan", _:
            return r3gan.Discriminator(channels, width, image_size, std)
        case name, _:
            return families.load(name).discriminator(model, channels, classes, image_size, std)
