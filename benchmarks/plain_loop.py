"""A training loop as in tutorials: float32, NCHW, a DataLoader, plain Adam, `.item()` at each step.

Networks, batch size, data and losses are those of a trial.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.data.pixels import to_unit
from gan_core.networks.build import build_networks, classes_of


class PlainLoop:
    """Trains `config` (family, losses, learning rates; no stabilisers) on `images`. `step()` returns its losses."""

    def __init__(self, config: TrialConfig, images: ImageSet, device: torch.device | str = "cpu"):
        self.config, self.device, self.classes = config, torch.device(device), classes_of(config, images)
        self.generator, self.discriminator = (
            network.to(self.device).train()
            for network in build_networks(
                config.model, config.stabilizers, images.channels, self.classes, images.image_size, config.seed
            )
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

    def step(self) -> dict[str, float]:
        measured = {}
        for _ in range(self.config.loss.n_critic):
            real, labels = (part.to(self.device) for part in next(self.batches))
            fake, fake_labels = self._fake()
            real_output, fake_output = self.discriminator(real), self.discriminator(fake.detach())
            if self.config.loss.name == "wasserstein":
                penalty = self.config.loss.gradient_penalty * self._penalty(real, fake.detach())
                loss = fake_output.logits.mean() - real_output.logits.mean() + penalty
                measured["penalty"] = penalty.item()
            else:
                loss = (_bce(real_output.logits, 1.0) + _bce(fake_output.logits, 0.0)) / 2
                measured["accuracy"] = (
                    ((real_output.logits > 0).float().mean() + (fake_output.logits <= 0).float().mean()) / 2
                ).item()
            if self.classes:
                class_loss_real = F.cross_entropy(real_output.class_logits, labels)
                class_loss_fake = F.cross_entropy(fake_output.class_logits, fake_labels)
                loss = loss + (class_loss_real + class_loss_fake) / 2
            self.adam_d.zero_grad()
            loss.backward()
            self.adam_d.step()
            measured["d"] = loss.item()
        fake, fake_labels = self._fake()
        output = self.discriminator(fake)
        loss = -output.logits.mean() if self.config.loss.name == "wasserstein" else _bce(output.logits, 1.0)
        if self.classes:
            loss = loss + F.cross_entropy(output.class_logits, fake_labels)
        self.adam_g.zero_grad()
        loss.backward()
        self.adam_g.step()
        measured["g"] = loss.item()
        return measured

    def _penalty(self, real: Tensor, fake: Tensor) -> Tensor:
        epsilon = torch.rand(len(real), 1, 1, 1, device=self.device)
        points = (epsilon * real + (1 - epsilon) * fake).requires_grad_()
        (gradient,) = torch.autograd.grad(self.discriminator(points).logits.sum(), points, create_graph=True)
        return ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()


def _bce(logits: Tensor, target: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def _forever(loader: DataLoader) -> Iterator[tuple[Tensor, Tensor]]:  # type: ignore[type-arg]
    return itertools.chain.from_iterable(itertools.repeat(loader))
