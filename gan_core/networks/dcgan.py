"""DCGAN (Radford et al. 2016): generator and discriminator, `standard` and `original`."""

from __future__ import annotations

from torch import Tensor, nn

from gan_core.config.sections import Norm
from gan_core.networks.activations import LeakyReLU
from gan_core.networks.convolution import Conv2d, ConvTranspose2d
from gan_core.networks.minibatch_std import MinibatchStd
from gan_core.networks.normalisation import normalisation
from gan_core.networks.outputs import DiscriminatorOutput


class Generator(nn.Module):
    """z [batch, latent_dim] -> images [batch, channels, size, size] in (-1, 1).

    The paper's: a 4x4 map, then transposed convolutions (4, stride 2) that double the side and halve the channels,
    batch norm and ReLU after each, tanh at the end. `width` is the number of channels of the last hidden layer. The
    paper's images have 64 pixels (figure 1, width 128); each doubling beyond adds a layer of twice as many channels.
    """

    def __init__(self, latent_dim: int, channels: int, width: int, image_size: int = 32):
        super().__init__()
        hidden = width * (image_size // 8)  # 8, 4, 2 and 1 times the width for 64 pixels, 4, 2 and 1 times for 32, ...
        layers: list[nn.Module] = [
            ConvTranspose2d(latent_dim, hidden, 4, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
        ]
        while hidden > width:
            layers += [
                ConvTranspose2d(hidden, hidden // 2, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(hidden // 2),
                nn.ReLU(inplace=True),
            ]
            hidden //= 2
        layers += [ConvTranspose2d(width, channels, 4, stride=2, padding=1, bias=False), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.layers(z[:, :, None, None])


class Discriminator(nn.Module):
    """images [batch, channels, size, size] -> logits [batch].

    The paper's: convolutions (4, stride 2) that halve the side and double the channels, LeakyReLU 0.2, `norm` (the
    paper's is batch) in all but the first layer and the last. Without a norm the convolutions have biases.
    """

    def __init__(
        self, channels: int, width: int, image_size: int = 32, norm: Norm = "batch", minibatch_std: bool = False
    ):
        super().__init__()
        bias = norm == "none"
        layers: list[nn.Module] = [Conv2d(channels, width, 4, stride=2, padding=1, bias=bias), LeakyReLU(0.2)]
        hidden, side = width, image_size // 2
        while side > 4:
            layers.append(Conv2d(hidden, hidden * 2, 4, stride=2, padding=1, bias=bias))
            layers += [*normalisation(norm, hidden * 2), LeakyReLU(0.2)]
            hidden, side = hidden * 2, side // 2
        if minibatch_std:
            layers.append(MinibatchStd())
        layers += [Conv2d(hidden + int(minibatch_std), 1, 4, bias=False), nn.Flatten(start_dim=0)]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> DiscriminatorOutput:
        return judge(self.layers, images)


class OriginalGenerator(nn.Module):
    """The report's generator, 1 -> 3 -> 7 -> 15 -> 32 pixels: 601,409 parameters with z of 100 and one channel."""

    def __init__(self, latent_dim: int, channels: int):
        super().__init__()
        self.layers = nn.Sequential(
            *(ConvTranspose2d(latent_dim, 256, 3, stride=2), nn.BatchNorm2d(256), nn.ReLU(inplace=True)),
            *(ConvTranspose2d(256, 128, 3, stride=2), nn.BatchNorm2d(128), nn.ReLU(inplace=True)),
            *(ConvTranspose2d(128, 64, 3, stride=2), nn.BatchNorm2d(64), nn.ReLU(inplace=True)),
            *(ConvTranspose2d(64, channels, 4, stride=2), nn.Tanh()),
        )

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.layers(z[:, :, None, None])


class OriginalDiscriminator(nn.Module):
    """The report's discriminator, 32 -> 15 -> 6 -> 1: 9,105 parameters with one channel and `width` 16.

    With `width` 64 it is the report's critic: 134,721 parameters. The report has batch norm in both.
    """

    def __init__(self, channels: int, width: int = 16, norm: Norm = "batch", minibatch_std: bool = False):
        super().__init__()
        self.layers = nn.Sequential(
            *(Conv2d(channels, width, 4, stride=2), *normalisation(norm, width), LeakyReLU(0.2)),
            *(Conv2d(width, 2 * width, 4, stride=2), *normalisation(norm, 2 * width), LeakyReLU(0.2)),
            *([MinibatchStd()] if minibatch_std else []),
            *(Conv2d(2 * width + int(minibatch_std), 1, 4, stride=3), nn.Flatten(start_dim=0)),
        )

    def forward(self, images: Tensor) -> DiscriminatorOutput:
        return judge(self.layers, images)


def judge(layers: nn.Sequential, images: Tensor) -> DiscriminatorOutput:
    """What a discriminator says whose last two `layers` are a convolution to one value and a flattening."""
    *hidden, last, flatten = layers
    features = images
    for layer in hidden:
        features = layer(features)
    return DiscriminatorOutput(flatten(last(features)), features=features.flatten(1))
