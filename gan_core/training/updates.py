"""The updates of one training step: D is updated `n_critic` times, then G once.

This is the algorithm of the papers (Goodfellow et al. 2014, algorithm 1; Gulrajani et al. 2017, algorithm 1); the
losses are in `gan_core.objective`. No update waits for the device.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from gan_core import history, metric_names
from gan_core.config.sections import Player
from gan_core.config.trial import TrialConfig
from gan_core.data.batch_sampler import Batches
from gan_core.data.datasets import ImageSet
from gan_core.history import Measured
from gan_core.networks.build import build_networks, classes_of
from gan_core.networks.outputs import DiscriminatorOutput
from gan_core.objective import stabilizers
from gan_core.objective.discriminator_input import NoiseLevel, augment_for_discriminator
from gan_core.objective.objective import Objective
from gan_core.precision import resolve_precision
from gan_core.random_streams import Streams
from gan_core.training import ema, player_optimizer
from gan_core.training.optimizer_schedule import PlayerSchedule


class FakeBatch(NamedTuple):
    """What G drew for an update: images [batch, C, H, W] float32, and the classes [batch] that it was asked for."""

    images: Tensor
    labels: Tensor | None


class Part(NamedTuple):
    """Which part of its batch an update computes, and its share of the images. See `accumulation.py`."""

    is_first: bool
    is_last: bool
    share: float


WHOLE = Part(is_first=True, is_last=True, share=1.0)


class Updates:
    """The two networks, their optimisers, and everything else that a step of training changes or draws from.

    images: on `device`. `ema`: the moving average of G's weights, or None.
    """

    def __init__(self, config: TrialConfig, images: ImageSet, device: torch.device):
        self.config, self.device = config, device
        self.classes = classes_of(config, images)
        self.precision = resolve_precision(config.precision, device)
        self.streams = Streams(config.seed, device)
        self.generator, self.discriminator = self._networks_on_device(images)
        self.networks: dict[Player, nn.Module] = {"generator": self.generator, "discriminator": self.discriminator}
        self.optimizers: dict[Player, torch.optim.Optimizer] = {
            player: player_optimizer.build(config.optimizer, player, network)
            for player, network in self.networks.items()
        }
        self.schedules: dict[Player, PlayerSchedule] = {
            player: PlayerSchedule(config.optimizer, player, config.steps, optimizer)
            for player, optimizer in self.optimizers.items()
            if config.optimizer.schedule.changes
        }
        self.objective = Objective(config, self.streams)
        self.ema = ema.begin(self.generator) if config.stabilizers.ema else None
        mirror = self.streams["mirror"] if config.data.flip else None
        self.batches = Batches(images, config.batch_size, self.streams["data"], mirror)
        self.part = WHOLE
        self._indices = torch.zeros(config.loss.n_critic, config.batch_size, dtype=torch.int64, device=device)
        self._noise = NoiseLevel(0.0, torch.zeros((), device=device))
        self._ema_weight = torch.zeros((), device=device)

    def _networks_on_device(self, images: ImageSet) -> tuple[nn.Module, nn.Module]:
        config = self.config
        generator, discriminator = (
            network.to(self.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
            for network in build_networks(
                config.model, config.stabilizers, images.channels, self.classes, images.image_size, config.seed
            )
        )
        return generator, discriminator

    def set_inputs(self, step: int) -> None:
        """Writes what differs from step to step, apart from random draws, to the tensors that the updates read.

        step: the number of steps taken so far.
        """
        for index in self._indices:
            index.copy_(self.batches.draw())
        for schedule in self.schedules.values():
            schedule.set(step)
        noise = self.config.stabilizers.instance_noise
        std = stabilizers.annealed(noise.std, step, self.config.steps) if noise.anneal else noise.std
        self._noise = NoiseLevel(std, self._noise.on_device.fill_(std))
        if self.ema is not None:
            decay = ema.decay_of_update(self.config.stabilizers.ema, int(self.ema.n_averaged))
            self._ema_weight.fill_(1 - decay)

    def update_both(self) -> Measured:
        """The updates of a step. They do not wait for the device, and read no Python value that changes: on a GPU they
        are recorded once and replayed."""
        share_fakes = self.config.loss.n_critic == 1  # both use the same images, as in the DCGAN authors' code
        discriminator_updates = []
        for index in self._indices:
            fake = self._generate(for_generator=share_fakes)
            discriminator_updates.append(self._update_discriminator(index, fake))
        generator_update = self._update_generator(fake if share_fakes else self._generate(for_generator=True))
        return Measured.of(discriminator_updates, generator_update)

    def changed_tensors(self) -> list[Tensor]:
        """All tensors that the updates change."""
        networks = [*self.networks.values(), *([] if self.ema is None else [self.ema.module])]
        tensors = [tensor for network in networks for tensor in (*network.parameters(), *network.buffers())]
        for optimizer in self.optimizers.values():
            tensors += [value for state in optimizer.state.values() for value in state.values() if value is not None]
        for schedule in self.schedules.values():
            tensors += schedule.changed_tensors()
        return tensors

    def _update_discriminator(self, index: Tensor, fake: FakeBatch) -> dict[str, Tensor]:
        """One step of D's optimiser on the real images `index` and on `fake`; what it measured."""
        real_images, real_labels = self.batches.at(index)
        if self.batches.mirror is not None:
            self.objective.applied_stabilizers["flip"] = True
        real_input = self._discriminator_input(real_images, is_real=True)
        fake_input = self._discriminator_input(fake.images.detach(), is_real=False)
        with self._autocast():  # once around both, so that weights are cast once
            real_output, fake_output = self._discriminate(real_input), self._discriminate(fake_input)

        loss, parts = self.objective.discriminator(real_output, fake_output, real_labels, fake.labels)
        boundary = self.objective.adversarial.boundary
        measured = history.score_metrics(real_output.logits, fake_output.logits, boundary) | parts
        if penalty := self.objective.penalty(self._critic, real_input, fake_input):
            penalty_loss, penalty_parts = penalty
            loss = loss + penalty_loss
            measured |= penalty_parts
        measured[metric_names.LOSS_DISCRIMINATOR] = loss
        measured[metric_names.GRADIENT_NORM_DISCRIMINATOR] = self._descend("discriminator", loss)
        measured[metric_names.WEIGHT_NORM_DISCRIMINATOR] = history.total_norm(self.discriminator.parameters())
        return measured

    def _update_generator(self, fake: FakeBatch) -> dict[str, Tensor]:
        """One step of G's optimiser, and one update of its moving average; what they measured."""
        self.discriminator.requires_grad_(False)  # G's update needs no gradients of D's weights
        output = self._discriminate(self._discriminator_input(fake.images, is_real=False))
        loss, measured = self.objective.generator(output, fake.labels)
        measured[metric_names.LOSS_GENERATOR] = loss
        measured[metric_names.GRADIENT_NORM_GENERATOR] = self._descend("generator", loss)
        measured[metric_names.WEIGHT_NORM_GENERATOR] = history.total_norm(self.generator.parameters())
        self.discriminator.requires_grad_(True)
        if self.ema is not None and self.part.is_last:
            ema.update(self.ema, self.generator, self._ema_weight)
            self.objective.applied_stabilizers["ema"] = self.config.stabilizers.ema
        return measured

    def _descend(self, player: Player, loss: Tensor) -> Tensor:
        """One step of the optimiser of `player`, after the last part of a batch; the norm of its gradient so far."""
        optimizer = self.optimizers[player]
        if self.part.is_first:
            optimizer.zero_grad(set_to_none=True)
        (loss if self.part is WHOLE else loss * self.part.share).backward()
        weights = self.networks[player].parameters()
        norm = history.total_norm(weight.grad for weight in weights if weight.grad is not None)
        if self.part.is_last:
            if player in self.schedules:
                self.schedules[player].note()
            optimizer.step()
        return norm

    # The two networks within an update

    def _generate(self, for_generator: bool) -> FakeBatch:
        """A batch from G; with the autograd graph that G's own update needs, if it is `for_generator`."""
        return self._images_of(*self._latents(self.config.batch_size), for_generator)

    def _images_of(self, z: Tensor, labels: Tensor | None, for_generator: bool) -> FakeBatch:
        """G's images of z [n, latent_dim] and classes [n]; with the autograd graph if it is `for_generator`."""
        with torch.set_grad_enabled(for_generator), self._autocast():
            return FakeBatch(self.generator(z, labels).float(), labels)

    def _latents(self, count: int) -> tuple[Tensor, Tensor | None]:
        """z [count, latent_dim], and random classes [count] for a generator that takes a class."""
        z = torch.randn(count, self.config.model.latent_dim, device=self.device, generator=self.streams["latent"])
        if not self.classes:
            return z, None
        return z, torch.randint(self.classes, (count,), device=self.device, generator=self.streams["labels"])

    def _discriminator_input(self, images: Tensor, is_real: bool) -> Tensor:
        config, applied = self.config.stabilizers, self.objective.applied_stabilizers
        return augment_for_discriminator(images, is_real, self._noise, config, self.streams, applied)

    def _discriminate(self, images: Tensor) -> DiscriminatorOutput:
        with self._autocast(), self.streams.as_default("layers"):
            logits, class_logits = self.discriminator(images)
        return DiscriminatorOutput(logits.float(), None if class_logits is None else class_logits.float())

    def _critic(self, images: Tensor) -> Tensor:
        """D's logits [batch] for a gradient penalty, which draws from a random stream of its own."""
        with self._autocast(), self.streams.as_default("mixing"):
            return self.discriminator(images).logits.float()

    def _autocast(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16")
