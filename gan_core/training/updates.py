"""The updates of one training step: D is updated `n_critic` times, then G once.

This is the algorithm of the papers (Goodfellow et al. 2014, algorithm 1; Gulrajani et al. 2017, algorithm 1); the
losses are in `gan_core.objective`. No update waits for the device.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gan_core import history, metric_names
from gan_core.config.setting_types import Player
from gan_core.config.trial import TrialConfig
from gan_core.data.batch_sampler import Batches
from gan_core.data.datasets import ImageSet
from gan_core.history import Measured
from gan_core.networks.build import build_networks, classes_of
from gan_core.networks.outputs import DiscriminatorOutput
from gan_core.objective import top_k
from gan_core.objective.discriminator_input import STREAMS
from gan_core.objective.objective import Critics, Objective
from gan_core.random_streams import Streams
from gan_core.training import ema, player_optimizer
from gan_core.training.optimizer_schedule import PlayerSchedule
from gan_core.training.passes import FakeBatch, Passes


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
        self.passes = Passes(config, self.generator, self.discriminator, self.classes, self.objective, self.streams)
        self.ema = ema.begin(self.generator) if config.stabilizers.ema else None
        mirror = self.streams["mirror"] if config.data.flip else None
        self.batches = Batches(images, config.batch_size, self.streams["data"], mirror, config.loss.n_critic)
        self.part = WHOLE
        self._indices = torch.zeros(config.loss.n_critic, config.batch_size, dtype=torch.int64, device=device)
        self.penalties_due = (True,) * config.loss.n_critic
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
        for row, index in enumerate(self._indices):
            index.copy_(self.batches.stage(row, self.batches.draw()))
        for schedule in self.schedules.values():
            schedule.set(step)
        self.passes.set_inputs(step)
        first = step * self.config.loss.n_critic
        if (lazy := self.objective.lazy) is not None:
            self.penalties_due = tuple(lazy.is_due(first + i) for i in range(self.config.loss.n_critic))
        if share := self.config.stabilizers.top_k:
            batch_size = self.config.batch_size
            epoch = first // max(1, len(self.batches.images) // batch_size)
            count = batch_size // self.config.parts // max(1, self.config.stabilizers.packing)
            self.objective.kept.fill_(top_k.count_kept(share, count, epoch))
        if self.ema is not None:
            decay = ema.decay_of_update(self.config.stabilizers.ema, int(self.ema.n_averaged))
            self._ema_weight.fill_(1 - decay)

    def update_both(self) -> Measured:
        """The updates of a step. They do not wait for the device, and read no Python value that changes but
        `penalties_due`: on a GPU they are recorded once for each value of it, and replayed."""
        share_fakes = self.config.loss.n_critic == 1  # both use the same images, as in the DCGAN authors' code
        discriminator_updates = []
        for index, is_due in zip(self._indices, self.penalties_due, strict=True):
            fake = self.passes.generate(for_generator=share_fakes)
            discriminator_updates.append(self._update_discriminator(fake, index, is_due))
        if not share_fakes:
            fake = self.passes.generate(for_generator=True)
        generator_update = self._update_generator(fake, index)
        return Measured.of(discriminator_updates, generator_update)

    def changed_tensors(self) -> list[Tensor]:
        """All tensors that the updates change."""
        networks = [*self.networks.values(), *([] if self.ema is None else [self.ema.module])]
        tensors = [tensor for network in networks for tensor in (*network.parameters(), *network.buffers())]
        for optimizer in self.optimizers.values():
            tensors += [value for state in optimizer.state.values() for value in state.values() if value is not None]
        for schedule in self.schedules.values():
            tensors += schedule.changed_tensors()
        return [*tensors, *(tensor for part in self.stabilizer_state().values() for tensor in part.values())]

    def stabilizer_state(self) -> dict[str, dict[str, Tensor]]:
        """By stabiliser, the tensors that it changes in place and goes on from; {} for most configurations."""
        ada, lazy = self.passes.ada, self.objective.lazy
        state = {"ada": ada and ada.tensors, "lazy": lazy and lazy.tensors}
        return {name: tensors for name, tensors in state.items() if tensors}

    def _update_discriminator(self, fake: FakeBatch, index: Tensor, is_due: bool) -> dict[str, Tensor]:
        """One step of D's optimiser on the real images `index` and on `fake`; what it measured.

        is_due: whether D pays penalties that it pays in every n-th update.
        """
        real_images, real_labels = self.batches.at(index)
        if self.batches.mirror is not None:
            self.objective.applied_stabilizers["flip"] = True
        passes = self.passes
        real_input = passes.input_of(real_images, is_real=True)
        fake_input = passes.input_of(fake.images.detach(), is_real=False)
        with passes.autocast():  # once around both, so that weights are cast once
            real_output = passes.judge(real_input, real_labels)
            fake_output = passes.judge(fake_input, fake.labels)

        loss, parts = self.objective.discriminator(real_output, fake_output, real_labels, fake.labels)
        adversarial, logits = self.objective.adversarial, (real_output.logits, fake_output.logits)
        judged = adversarial.judged(*logits)
        measured = history.score_metrics(*logits, adversarial.boundary, judged) | parts
        if passes.ada is not None:
            measured[metric_names.ADA_PROBABILITY] = passes.ada.p.clone()
            passes.ada.observe(judged[0].detach() - adversarial.boundary)
        critics, of_transformed = (
            Critics(*(partial(passes.logits, labels=labels, stream=stream) for labels in (real_labels, fake.labels)))
            for stream in ("mixing", "consistency")
        )
        for added in (
            self.objective.penalty(critics, real_input, fake_input, is_due),
            self.objective.consistency(
                of_transformed, (real_input, real_output.logits), (fake_input, fake_output.logits)
            ),
        ):
            if added is not None:
                loss = loss + added[0]
                measured |= added[1]
        measured[metric_names.LOSS_DISCRIMINATOR] = loss
        measured[metric_names.GRADIENT_NORM_DISCRIMINATOR] = self._descend("discriminator", loss)
        measured[metric_names.WEIGHT_NORM_DISCRIMINATOR] = history.total_norm(self.discriminator.parameters())
        return measured

    def _update_generator(self, fake: FakeBatch, index: Tensor) -> dict[str, Tensor]:
        """One step of G's optimiser, and one update of its moving average; what they measured.

        index: of the real images of D's last update, which a loss of G may need.
        """
        self.discriminator.requires_grad_(False)  # G's update needs no gradients of D's weights
        output = self.passes.judge(self.passes.input_of(fake.images, is_real=False), fake.labels)
        real = self._judge_real(index) if self.objective.generator_needs_real else None
        loss, measured = self.objective.generator(output, fake.labels, real)
        measured[metric_names.LOSS_GENERATOR] = loss
        measured[metric_names.GRADIENT_NORM_GENERATOR] = self._descend("generator", loss)
        measured[metric_names.WEIGHT_NORM_GENERATOR] = history.total_norm(self.generator.parameters())
        self.discriminator.requires_grad_(True)
        if self.ema is not None and self.part.is_last:
            ema.update(self.ema, self.generator, self._ema_weight)
            self.objective.applied_stabilizers["ema"] = self.config.stabilizers.ema
        return measured

    @torch.no_grad()
    def _judge_real(self, index: Tensor) -> DiscriminatorOutput:
        """What D, as it is after its update, says of the real images `index`; a constant in G's loss."""
        images, labels = self.batches.at(index, self.streams["matching"])
        own_streams = dict.fromkeys(STREAMS, self.streams["matching"])
        return self.passes.judge(self.passes.input_of(images, True, own_streams), labels, "matching")

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
