"""The residual networks of SNGAN (with and without classes) and of WGAN-GP at 32 pixels, layer by layer as usual.

As in torch-mimicry (`resblocks.py`, `sngan_32.py`, `cgan_pd_32.py`) and `gan_cifar_resnet.py` of
github.com/igul222/improved_wgan_training, but that features are doubled by repeating pixels, as the authors have it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

Wrap = Callable[[nn.Module], nn.Module]
"""What D's layers pass through: spectral norm, or nothing."""


class ClassNorm(nn.Module):
    """Batch norm with a scale and an offset for each class; the plain one without classes."""

    def __init__(self, channels: int, classes: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=not classes)
        self.table = nn.Embedding(classes, 2 * channels) if classes else None
        if self.table is not None:
            nn.init.ones_(self.table.weight[:, :channels])
            nn.init.zeros_(self.table.weight[:, channels:])

    def forward(self, features: Tensor, labels: Tensor | None) -> Tensor:
        features = self.norm(features)
        if self.table is None:
            return features
        scale, offset = self.table(labels).chunk(2, dim=1)
        return scale[:, :, None, None] * features + offset[:, :, None, None]


class UpBlock(nn.Module):
    def __init__(self, channels: int, classes: int):
        super().__init__()
        self.norm1, self.norm2 = ClassNorm(channels, classes), ClassNorm(channels, classes)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.shortcut = nn.Conv2d(channels, channels, 1)

    def forward(self, features: Tensor, labels: Tensor | None) -> Tensor:
        hidden = self.conv1(_doubled(F.relu(self.norm1(features, labels))))
        hidden = self.conv2(F.relu(self.norm2(hidden, labels)))
        return self.shortcut(_doubled(features)) + hidden


class Generator(nn.Module):
    def __init__(self, latent_dim: int, channels: int, width: int, classes: int = 0):
        super().__init__()
        self.project = nn.Linear(latent_dim, 16 * width)
        self.blocks = nn.ModuleList(UpBlock(width, classes) for _ in range(3))
        self.norm = nn.BatchNorm2d(width)
        self.to_image = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        features = self.project(z).view(len(z), -1, 4, 4)
        for block in self.blocks:
            features = block(features, labels)
        return torch.tanh(self.to_image(F.relu(self.norm(features))))


class FirstBlock(nn.Module):
    def __init__(self, channels: int, width: int, wrap: Wrap):
        super().__init__()
        self.conv1 = wrap(nn.Conv2d(channels, width, 3, padding=1))
        self.conv2 = wrap(nn.Conv2d(width, width, 3, padding=1))
        self.shortcut = wrap(nn.Conv2d(channels, width, 1))

    def forward(self, images: Tensor) -> Tensor:
        hidden = F.avg_pool2d(self.conv2(F.relu(self.conv1(images))), 2)
        return hidden + self.shortcut(F.avg_pool2d(images, 2))


class Block(nn.Module):
    def __init__(self, width: int, halves: bool, wrap: Wrap):
        super().__init__()
        self.conv1 = wrap(nn.Conv2d(width, width, 3, padding=1))
        self.conv2 = wrap(nn.Conv2d(width, width, 3, padding=1))
        self.shortcut = wrap(nn.Conv2d(width, width, 1)) if halves else None

    def forward(self, features: Tensor) -> Tensor:
        hidden = self.conv2(F.relu(self.conv1(F.relu(features))))
        if self.shortcut is None:
            return features + hidden
        return F.avg_pool2d(self.shortcut(features), 2) + F.avg_pool2d(hidden, 2)


class Discriminator(nn.Module):
    """mean: of the pixels (WGAN-GP), not their sum (SNGAN). classes: with any, D projects them."""

    def __init__(self, channels: int, width: int, normed: bool, mean: bool = False, classes: int = 0):
        super().__init__()
        wrap: Wrap = spectral_norm if normed else nn.Identity()
        blocks = (Block(width, halves, wrap) for halves in (True, False, False))
        self.blocks = nn.Sequential(FirstBlock(channels, width, wrap), *blocks)
        self.real = wrap(nn.Linear(width, 1, bias=mean))
        self.classes = wrap(nn.Embedding(classes, width)) if classes else None
        self.mean = mean

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        maps = F.relu(self.blocks(images))
        features = maps.mean(dim=(2, 3)) if self.mean else maps.sum(dim=(2, 3))
        logits = self.real(features).squeeze(1)
        if self.classes is not None:
            logits = logits + (self.classes(labels) * features).sum(dim=1)
        return logits


def _doubled(features: Tensor) -> Tensor:
    return F.interpolate(features, scale_factor=2)
