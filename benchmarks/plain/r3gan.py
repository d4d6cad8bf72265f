"""R3GAN's networks at 32 pixels with the reference operators of their authors (github.com/brownvc/R3GAN): a bias and
LeakyReLU as two operations, and resampling as a convolution of one channel at a time."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIDES = 4
"""4, 8, 16 and 32."""
BLOCKS = 2
GAIN = math.sqrt(2 / (1 + 0.2**2))


class BiasedActivation(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, features: Tensor) -> Tensor:
        return F.leaky_relu(features + self.bias.view(1, -1, 1, 1), 0.2)


class ResidualBlock(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        inner, gain = 2 * channels, GAIN * (BLOCKS * SIDES) ** -0.25
        self.layers = nn.Sequential(
            _drawn(nn.Conv2d(channels, inner, 1, bias=False), gain),
            BiasedActivation(inner),
            _drawn(nn.Conv2d(inner, inner, 3, padding=1, groups=inner // 16, bias=False), gain),
            BiasedActivation(inner),
            _drawn(nn.Conv2d(inner, channels, 1, bias=False), 0.0),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.layers(features)


class Resample(nn.Module):
    def __init__(self, doubles: bool):
        super().__init__()
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.register_buffer("kernel", (4 if doubles else 1) * torch.outer(taps, taps)[None, None])
        self.convolve = F.conv_transpose2d if doubles else F.conv2d

    def forward(self, features: Tensor) -> Tensor:
        batch, channels, height, width = features.shape
        single = self.convolve(features.view(batch * channels, 1, height, width), self.kernel, stride=2, padding=1)
        return single.view(batch, channels, *single.shape[2:])


class Generator(nn.Module):
    def __init__(self, latent_dim: int, channels: int, width: int):
        super().__init__()
        self.basis = nn.Parameter(torch.randn(width, 4, 4))
        self.project = _drawn(nn.Linear(latent_dim, width, bias=False))
        layers = _blocks(width)
        for _ in range(SIDES - 1):
            layers += [Resample(doubles=True), *_blocks(width)]
        self.layers = nn.Sequential(*layers, _drawn(nn.Conv2d(width, channels, 1, bias=False)))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.layers(self.basis * self.project(z)[:, :, None, None])


class Discriminator(nn.Module):
    def __init__(self, channels: int, width: int):
        super().__init__()
        layers: list[nn.Module] = [_drawn(nn.Conv2d(channels, width, 1, bias=False))]
        for _ in range(SIDES - 1):
            layers += [*_blocks(width), Resample(doubles=False)]
        basis = _drawn(nn.Conv2d(width, width, 4, groups=width, bias=False))
        self.layers = nn.Sequential(*layers, *_blocks(width), basis, nn.Flatten())
        self.real = _drawn(nn.Linear(width, 1, bias=False))

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.real(self.layers(images)).squeeze(1)


def _blocks(channels: int) -> list[nn.Module]:
    return [ResidualBlock(channels) for _ in range(BLOCKS)]


def _drawn(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> nn.Module:
    nn.init.normal_(layer.weight, 0.0, gain / math.sqrt(layer.weight[0].numel()))
    return layer
