"""Builds the two networks that a configuration names."""

from __future__ import annotations

from torch import nn

from gan_core.config import ModelConfig
from gan_core.networks import acgan, dcgan, wgan_gp
from gan_core.networks.initialisation import initialise_normal


def build(model: ModelConfig, channels: int, classes: int, image_size: int) -> tuple[nn.Module, nn.Module]:
    """(generator, discriminator) for images [*, channels, image_size, image_size] of `classes` classes (0: no labels).

    Draws their weights from torch's global generator.
    """
    z, width = model.latent_dim, model.width or 0
    networks: tuple[nn.Module, nn.Module]
    match model.family, model.networks:
        case "dcgan", "standard":
            networks = dcgan.Generator(z, channels, width, image_size), dcgan.Discriminator(channels, width, image_size)
        case "dcgan", "original":
            networks = dcgan.OriginalGenerator(z, channels), dcgan.OriginalDiscriminator(channels)
        case "acgan", "standard":
            networks = (
                acgan.Generator(z, classes, channels, width, image_size),
                acgan.Discriminator(classes, channels, width, image_size),
            )
        case "acgan", "original":
            networks = acgan.OriginalGenerator(z, classes, channels), acgan.OriginalDiscriminator(classes, channels)
        case "wgan_gp", "standard":
            networks = wgan_gp.Generator(z, channels, width, image_size), wgan_gp.Critic(channels, width, image_size)
        case "wgan_gp", "original":
            networks = wgan_gp.OriginalGenerator(z, channels), wgan_gp.OriginalCritic(channels)
        case unknown:
            raise ValueError(f"no networks for {unknown}")
    if model.init == "normal":
        for network in networks:
            initialise_normal(network)
    return networks
