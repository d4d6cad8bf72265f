"""ACGAN (Odena et al. 2017): the generator takes a class, and the discriminator also predicts it."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_core.config.sections import Norm
from gan_core.networks.activations import Dropout, LeakyReLU
from gan_core.networks.convolution import Conv2d, ConvTranspose2d
from gan_core.networks.minibatch_std import MinibatchStd
from gan_core.networks.normalisation import normalisation
from gan_core.networks.outputs import DiscriminatorOutput


class Generator(nn.Module):
    """z [batch, latent_dim] and labels [batch] -> images [batch, channels, size, size] in (-1, 1).

    The paper's CIFAR-10 table: a linear layer to a 4x4 map of 12 w channels, then transposed convolutions (5, stride
    2) of 6 w and 3 w channels with batch norm and ReLU, tanh at the end; w = 32 gives its 384, 192 and 96. The class is
    concatenated to z as a one-hot vector. Each doubling beyond 32 pixels adds a layer of 3 w.
    """

    def __init__(self, latent_dim: int, classes: int, channels: int, width: int, image_size: int = 32):
        super().__init__()
        self.classes = classes
        self.project = nn.Sequential(nn.Linear(latent_dim + classes, 12 * width * 16), nn.ReLU(inplace=True))
        widths = [12 * width, 6 * width, 3 * width, *[3 * width] * doublings(image_size)]
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            layers += [
                ConvTranspose2d(before, after, 5, stride=2, padding=2, output_padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(inplace=True),
            ]
        layers += [ConvTranspose2d(widths[-1], channels, 5, stride=2, padding=2, output_padding=1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        projected = self.project(torch.cat([z, one_hot(labels, self.classes, z)], dim=1))
        return self.layers(projected.unflatten(1, (-1, 4, 4)))


class Discriminator(nn.Module):
    """images [batch, channels, size, size] -> logits [batch], class logits [batch, classes].

    The paper's CIFAR-10 table: six convolutions (3, strides 2 1 2 1 2 1) of w/2 to 16 w channels, `norm` (the paper's
    is batch) in all but the first, LeakyReLU 0.2, dropout 0.5; w = 32 gives its 16 to 512. Each doubling beyond 32
    pixels adds one of 16 w with stride 2, so that a map of 4x4 is judged. Without a norm the convolutions have biases.
    """

    def __init__(
        self,
        classes: int,
        channels: int,
        width: int,
        image_size: int = 32,
        norm: Norm = "batch",
        minibatch_std: bool = False,
    ):
        super().__init__()
        more = doublings(image_size)
        widths = [width // 2 * 2 ** min(i, 5) for i in range(6 + more)]
        layers = conv_stack(channels, widths, [2, 1, 2, 1, 2, 1, *[2] * more], norm, dropout=True, bias=norm == "none")
        self.layers = nn.Sequential(*layers, *([MinibatchStd()] if minibatch_std else []), nn.Flatten())
        features = (widths[-1] + int(minibatch_std)) * 16
        self.real = nn.Linear(features, 1)
        self.label = nn.Linear(features, classes)

    def forward(self, images: Tensor) -> DiscriminatorOutput:
        features = self.layers(images)
        return DiscriminatorOutput(self.real(features).squeeze(1), self.label(features), features)


class OriginalGenerator(nn.Module):
    """The report's generator, Linear 105 -> 768 and 1 -> 4 -> 8 -> 16 -> 32: 6,281,187 parameters (5 classes, RGB)."""

    def __init__(self, latent_dim: int, classes: int, channels: int):
        super().__init__()
        self.classes = classes
        self.project = nn.Sequential(nn.Linear(latent_dim + classes, 768), nn.ReLU(inplace=True))
        self.layers = nn.Sequential(
            *(ConvTranspose2d(768, 384, 4, stride=2), nn.BatchNorm2d(384), nn.ReLU(inplace=True)),
            *(ConvTranspose2d(384, 192, 4, stride=2, padding=1), nn.BatchNorm2d(192), nn.ReLU(inplace=True)),
            *(ConvTranspose2d(192, 96, 4, stride=2, padding=1), nn.BatchNorm2d(96), nn.ReLU(inplace=True)),
            *(ConvTranspose2d(96, channels, 4, stride=2, padding=1), nn.Tanh()),
        )

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        projected = self.project(torch.cat([z, one_hot(labels, self.classes, z)], dim=1))
        return self.layers(projected[:, :, None, None])


class OriginalDiscriminator(nn.Module):
    """The report's discriminator, six convolutions and two linear heads: 1,623,910 parameters (5 classes, RGB)."""

    def __init__(self, classes: int, channels: int, norm: Norm = "batch", minibatch_std: bool = False):
        super().__init__()
        widths, strides = [16, 32, 64, 128, 256, 512], [2, 1, 2, 1, 2, 1]
        layers = conv_stack(channels, widths, strides, norm, dropout=False, bias=True)
        self.layers = nn.Sequential(*layers, *([MinibatchStd()] if minibatch_std else []), nn.Flatten())
        features = (512 + int(minibatch_std)) * 16
        self.real = nn.Linear(features, 1)
        self.label = nn.Linear(features, classes)

    def forward(self, images: Tensor) -> DiscriminatorOutput:
        features = self.layers(images)
        return DiscriminatorOutput(self.real(features).squeeze(1), self.label(features), features)


def doublings(image_size: int) -> int:
    """How often the paper's 32 pixels are doubled: 0, 1, 2 or 3 times for 32, 64, 128 or 256."""
    return (image_size // 32).bit_length() - 1


def conv_stack(
    channels: int, widths: list[int], strides: list[int], norm: Norm, dropout: bool, bias: bool
) -> list[nn.Module]:
    """Convolutions of 3x3 with LeakyReLU 0.2, `norm` in all but the first, and optionally dropout of one half.

    bias: of all convolutions but the first, which has no norm and therefore always a bias.
    """
    layers: list[nn.Module] = []
    for i, (before, after, stride) in enumerate(zip([channels, *widths], widths, strides, strict=False)):
        layers.append(Conv2d(before, after, 3, stride=stride, padding=1, bias=bias or i == 0))
        if i > 0:
            layers += normalisation(norm, after)
        layers.append(LeakyReLU(0.2))
        if dropout:
            layers.append(Dropout())
    return layers


def one_hot(labels: Tensor, classes: int, like: Tensor) -> Tensor:
    """labels [batch] -> [batch, classes] with the dtype and device of `like`."""
    return F.embedding(labels, torch.eye(classes, dtype=like.dtype, device=like.device))
