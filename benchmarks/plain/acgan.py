"""ACGAN's networks for CIFAR-10 (Odena et al. 2017, appendix A) of torch's own layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Generator(nn.Module):
    def __init__(self, latent_dim: int, classes: int, channels: int, width: int):
        super().__init__()
        self.classes, first, second, third = classes, 12 * width, 6 * width, 3 * width
        self.project = nn.Sequential(nn.Linear(latent_dim + classes, 16 * first), nn.ReLU(True))
        self.layers = nn.Sequential(
            *(nn.ConvTranspose2d(first, second, 5, 2, 2, 1, bias=False), nn.BatchNorm2d(second), nn.ReLU(True)),
            *(nn.ConvTranspose2d(second, third, 5, 2, 2, 1, bias=False), nn.BatchNorm2d(third), nn.ReLU(True)),
            *(nn.ConvTranspose2d(third, channels, 5, 2, 2, 1), nn.Tanh()),
        )

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        asked = F.one_hot(labels, self.classes).to(z.dtype)
        return self.layers(self.project(torch.cat([z, asked], dim=1)).view(len(z), -1, 4, 4))


class Discriminator(nn.Module):
    """images -> logits [batch], class logits [batch, classes]."""

    def __init__(self, classes: int, channels: int, width: int):
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width // 2, 3, 2, 1), nn.LeakyReLU(0.2, True), nn.Dropout(0.5)]
        before = width // 2
        for stride in (1, 2, 1, 2, 1):
            layers += [nn.Conv2d(before, 2 * before, 3, stride, 1, bias=False), nn.BatchNorm2d(2 * before)]
            layers += [nn.LeakyReLU(0.2, True), nn.Dropout(0.5)]
            before *= 2
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.real, self.label = nn.Linear(16 * before, 1), nn.Linear(16 * before, classes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.layers(images)
        return self.real(features).squeeze(1), self.label(features)
