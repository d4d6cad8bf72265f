"""A training loop as in tutorials: float32, NCHW, a DataLoader, plain Adam, `.item()` at each step.

Batch size, data, losses and penalties are those of a trial. Networks are written of torch's own layers (`plain/`), and
have as many parameters as those of a trial.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import torch
from plain import acgan, dcgan, r3gan, residual
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from gan_core.config.residual_conflicts import is_residual
from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.data.pixels import to_unit
from gan_core.families import conditional_discriminator
from gan_core.networks.build import classes_of

DRAW_ONCE = ("dcgan", "acgan")
"""Whose loops give both updates one batch of G: pytorch/examples (`dcgan/main.py`), PyTorch-GAN (`acgan.py`)."""


class PlainLoop:
    """Trains `config` (family, losses, learning rates, a family's own stabilisers) on `images`. `step()` returns its
    losses."""

    def __init__(self, config: TrialConfig, images: ImageSet, device: torch.device | str = "cpu"):
        self.config, self.device, self.classes = config, torch.device(device), classes_of(config, images)
        self.generator, self.discriminator = (
            network.to(self.device).train() for network in networks(config, images, self.classes)
        )
        self.adam_g = self._adam(self.generator)
        self.adam_d = self._adam(self.discriminator)
        labels = images.labels if images.labels is not None else torch.zeros(len(images), dtype=torch.long)
        dataset = TensorDataset(to_unit(images.images), labels)
        self.batches = _forever(DataLoader(dataset, batch_size=config.batch_size, shuffle=True, drop_last=True))

    def _adam(self, network: nn.Module) -> torch.optim.Adam:
        return torch.optim.Adam(network.parameters(), lr=self.config.optimizer.lr, betas=self.config.optimizer.betas)

    def _fake(self) -> tuple[Tensor, Tensor | None]:
        z = torch.randn(self.config.batch_size, self.config.model.latent_dim, device=self.device)
        labels = torch.randint(self.classes, (self.config.batch_size,), device=self.device) if self.classes else None
        return self.generator(z, labels), labels

    def _judge(self, images: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """D's logits [batch], and those of the classes if it predicts them."""
        told = (labels,) if conditional_discriminator(self.config.model.family) else ()
        output = self.discriminator(images, *told)
        return (output, None) if isinstance(output, Tensor) else output

    def step(self) -> dict[str, float]:
        measured = {}
        for _ in range(self.config.loss.n_critic):
            real, labels = (part.to(self.device) for part in next(self.batches))
            fake, fake_labels = self._fake()
            loss, losses = self._of_discriminator(real, labels, fake.detach(), fake_labels)
            self.adam_d.zero_grad()
            loss.backward()
            self.adam_d.step()
            measured |= losses | {"d": loss.item()}
        if self.config.model.family not in DRAW_ONCE:
            fake, fake_labels = self._fake()
        logits, class_logits = self._judge(fake, fake_labels)
        if self.config.loss.name == "rpgan":
            with torch.no_grad():
                real_logits, _ = self._judge(real, labels)
            loss = F.softplus(real_logits - logits).mean()
        else:
            loss = _bce(logits, 1.0) if self.config.loss.name == "bce" else -logits.mean()
        if class_logits is not None:
            loss = loss + F.cross_entropy(class_logits, fake_labels)
        self.adam_g.zero_grad()
        loss.backward()
        self.adam_g.step()
        return measured | {"g": loss.item()}

    def _of_discriminator(
        self, real: Tensor, labels: Tensor, fake: Tensor, fake_labels: Tensor | None
    ) -> tuple[Tensor, dict[str, float]]:
        penalised = bool(self.config.stabilizers.r1)  # R1 and R2 use the logits that are there, as R3GAN's code does
        for images in (real, fake):
            images.requires_grad_(penalised)
        (real_logits, class_real), (fake_logits, class_fake) = self._judge(real, labels), self._judge(fake, fake_labels)
        measured = {}
        match self.config.loss.name:
            case "wasserstein":
                penalty = self.config.loss.gradient_penalty * self._penalty(real, fake)
                loss = fake_logits.mean() - real_logits.mean() + penalty
                measured["penalty"] = penalty.item()
            case "hinge":
                loss = F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()
            case "rpgan":
                r1, r2 = _squared_slope(real_logits, real), _squared_slope(fake_logits, fake)
                loss = F.softplus(fake_logits - real_logits).mean() + self.config.stabilizers.r1 / 2 * (r1 + r2)
                measured |= {"r1": r1.item(), "r2": r2.item()}
            case _:
                loss = (_bce(real_logits, 1.0) + _bce(fake_logits, 0.0)) / 2
        if self.config.loss.name != "wasserstein":
            is_right = ((real_logits > 0).float().mean() + (fake_logits <= 0).float().mean()) / 2
            measured["accuracy"] = is_right.item()
        if class_real is not None and class_fake is not None:
            loss = loss + (F.cross_entropy(class_real, labels) + F.cross_entropy(class_fake, fake_labels)) / 2
        return loss, measured

    def _penalty(self, real: Tensor, fake: Tensor) -> Tensor:
        epsilon = torch.rand(len(real), 1, 1, 1, device=self.device)
        points = (epsilon * real + (1 - epsilon) * fake).requires_grad_()
        (gradient,) = torch.autograd.grad(self._judge(points, None)[0].sum(), points, create_graph=True)
        return ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()


def networks(config: TrialConfig, images: ImageSet, classes: int) -> tuple[nn.Module, nn.Module]:
    """G and D of a trial's family for 32 pixels, as many parameters as it has."""
    model, channels, width = config.model, images.channels, config.model.width or 0
    if model.family == "r3gan":
        return r3gan.Generator(model.latent_dim, channels, width), r3gan.Discriminator(channels, width)
    if is_residual(model):
        is_critic = model.family == "wgan_gp"
        generator_width = width if is_critic else 2 * width
        return (
            residual.Generator(model.latent_dim, channels, generator_width, classes),
            residual.Discriminator(channels, width, config.stabilizers.spectral_norm, is_critic, classes),
        )
    pair: tuple[nn.Module, nn.Module]
    if model.family == "acgan":
        pair = (
            acgan.Generator(model.latent_dim, classes, channels, width),
            acgan.Discriminator(classes, channels, width),
        )
    else:
        is_normed = model.discriminator_norm == "batch"
        pair = dcgan.Generator(model.latent_dim, channels, width), dcgan.Discriminator(channels, width, is_normed)
    for network in pair:
        network.apply(_draw)
    return pair


def _draw(layer: nn.Module) -> None:
    """DCGAN's initial weights (Radford et al. 2016, section 4)."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.BatchNorm2d):
        nn.init.normal_(layer.weight, float(isinstance(layer, nn.BatchNorm2d)), 0.02)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _squared_slope(logits: Tensor, images: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()


def _bce(logits: Tensor, target: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def _forever(loader: DataLoader) -> Iterator[tuple[Tensor, Tensor]]:  # type: ignore[type-arg]
    return itertools.chain.from_iterable(itertools.repeat(loader))
