"""DCGAN and the critic of WGAN-GP at 32 pixels, of torch's own layers, as in `dcgan/main.py` of
github.com/pytorch/examples; a critic has biases in place of its batch norms."""

from __future__ import annotations

from torch import Tensor, nn


class Generator(nn.Module):
    def __init__(self, latent_dim: int, channels: int, width: int):
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.ConvTranspose2d(latent_dim, 4 * width, 4, 1, 0, bias=False), nn.BatchNorm2d(4 * width), nn.ReLU(True)),
            *(nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * width), nn.ReLU(True)),
            *(nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(True)),
            *(nn.ConvTranspose2d(width, channels, 4, 2, 1, bias=False), nn.Tanh()),
        )

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.layers(z[:, :, None, None])


class Discriminator(nn.Module):
    """normed: with batch norm; otherwise the critic of WGAN-GP."""

    def __init__(self, channels: int, width: int, normed: bool):
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1, bias=not normed), nn.LeakyReLU(0.2, True)]
        for before in (width, 2 * width):
            layers.append(nn.Conv2d(before, 2 * before, 4, 2, 1, bias=not normed))
            layers += [nn.BatchNorm2d(2 * before)] if normed else []
            layers.append(nn.LeakyReLU(0.2, True))
        self.layers = nn.Sequential(*layers, nn.Conv2d(4 * width, 1, 4, 1, 0, bias=False))

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images).view(-1)
