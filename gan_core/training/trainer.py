"""Trainer: one GAN, one step at a time, resumable bit for bit.

A step is one generator update, preceded by `n_critic` discriminator updates. Nothing in a step waits for the device,
except that on a CPU, where it costs nothing, every step is checked for divergence; elsewhere every window is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from gan_core import families, history, metric_names, networks, sampling
from gan_core.config.sections import Player
from gan_core.config.trial import TrialConfig
from gan_core.data import pixels
from gan_core.data.batch_sampler import Batches
from gan_core.data.datasets import ImageSet
from gan_core.evaluation.evaluator import Evaluator
from gan_core.evaluation.requirements import check_data
from gan_core.history import Measured, Row, Window, now_ms
from gan_core.networks.outputs import DiscriminatorOutput
from gan_core.objective import stabilizers
from gan_core.objective.discriminator_input import NoiseLevel, augment_for_discriminator
from gan_core.objective.objective import Objective
from gan_core.optimizers import Adam
from gan_core.precision import resolve_precision
from gan_core.random_streams import Streams
from gan_core.training import applied_settings, ema
from gan_core.training.cuda_graph import StepGraph


class Diverged(ArithmeticError):
    """Something is not finite: `step` and `tensor` say where it began."""

    def __init__(self, step: int, tensor: str):
        self.step, self.tensor = step, tensor
        super().__init__(f"{tensor} is not finite at step {step}")


class Snapshot(NamedTuple):
    """What the generator drew at the fixed latents: uint8 [N, C, H, W], and the `columns` of its grid."""

    step: int
    images: Tensor
    columns: int = sampling.GRID_SIDE


class Drawn(NamedTuple):
    """What G drew for an update: images [batch, C, H, W] float32, and the classes [batch] that it was asked for."""

    images: Tensor
    labels: Tensor | None


class Progress(NamedTuple):
    """What one step brought: rows of the history and a picture, where they were due."""

    rows: list[Row]
    snapshot: Snapshot | None


def classes_of(config: TrialConfig, images: ImageSet) -> int:
    """How many classes the generator is asked for; 0 where its family takes none."""
    return len(images.class_names) if families.labelled(config.model.family) else 0


class Trainer:
    """Trains `config` on `images`, which it moves to `device`. Raises DataError, and Diverged from `step`.

    With an `evaluator` every evaluation also measures quality. `records`: whether steps on a GPU are CUDA graphs.
    """

    def __init__(
        self,
        config: TrialConfig,
        images: ImageSet,
        device: torch.device | str = "cpu",
        evaluator: Evaluator | None = None,
        records: bool = True,
    ):
        check_data(config, images)
        self.config = config
        self.evaluator = evaluator
        self.device = torch.device(device)
        self.images = images.to(self.device)
        self.classes = classes_of(config, images)
        self.precision = resolve_precision(config.precision, self.device)
        self.streams = Streams(config.seed, self.device)
        self.generator, self.discriminator = self._build_networks()
        self.optimizers: dict[Player, torch.optim.Adam] = {
            "generator": self._adam("generator", self.generator),
            "discriminator": self._adam("discriminator", self.discriminator),
        }
        self.objective = Objective(config, self.streams)
        self.ema = ema.begin(self.generator, config.stabilizers.ema) if config.stabilizers.ema else None
        self.batches = Batches(self.images, config.batch_size, self.streams["data"])
        self.step_count = 0
        self.window = Window()
        self._indices = torch.zeros(config.loss.n_critic, config.batch_size, dtype=torch.int64, device=self.device)
        self._noise = NoiseLevel(0.0, torch.zeros((), device=self.device))
        self._latest: Measured | None = None
        self._records = records and self.device.type == "cuda"
        self._updates = self._recorded()
        self._restart_timing()
        spread = pixels.spread(len(images), config.evaluation.samples)
        self._data_diversity = sampling.diversity(images.images[spread])

    def _build_networks(self) -> tuple[nn.Module, nn.Module]:
        config, images = self.config, self.images
        pair = networks.build(
            config.model, config.stabilizers, images.channels, self.classes, images.image_size, config.seed
        )
        generator, discriminator = (
            network.to(self.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
            for network in pair
        )
        return generator, discriminator

    def _adam(self, player: Player, network: nn.Module) -> torch.optim.Adam:
        lr, betas = self.config.optimizer.adam(player)
        return Adam(network.parameters(), lr=lr, betas=betas, fused=True)

    # One step

    def step(self) -> Progress:
        """One generator update and what came due with it; before the first, an evaluation. Raises Diverged."""
        untrained = [self.evaluate()] if self.step_count == 0 else []
        if not self.window.rows:
            self._restart_timing()
        self._provide()
        self._latest = self._updates()
        self.window.add(self._latest.means)
        if self.ema is not None:
            self.ema.n_averaged += 1
        self.step_count += 1
        self._timed_steps += 1
        rows, snapshot = self._due()
        return Progress(untrained + rows, snapshot)

    def _provide(self) -> None:
        """Puts what differs from step to step, other than by what is drawn, where the updates find it."""
        for index in self._indices:
            index.copy_(self.batches.draw())
        noise, step = self.config.stabilizers.instance_noise, self.step_count
        std = stabilizers.annealed(noise.std, step, self.config.steps) if noise.anneal else noise.std
        self._noise = NoiseLevel(std, self._noise.on_device.fill_(std))

    def _update_both(self) -> Measured:
        """The updates of a step. They wait for nothing and read nothing from Python that changes: on a GPU they are
        recorded once and replayed."""
        shares = self.config.loss.n_critic == 1  # both judge the same images, as in the DCGAN authors' code
        updates = []
        for index in self._indices:
            drawn = self._draw_batch(for_generator=shares)
            updates.append(self._update_discriminator(index, drawn))
        of_generator = self._update_generator(drawn if shares else self._draw_batch(for_generator=True))
        return Measured.of(updates, of_generator)

    def _changed(self) -> list[Tensor]:
        """All that the updates change."""
        networks_ = [self.generator, self.discriminator, *([] if self.ema is None else [self.ema.module])]
        found = [tensor for network in networks_ for tensor in (*network.parameters(), *network.buffers())]
        for optimizer in self.optimizers.values():
            found += [value for state in optimizer.state.values() for value in state.values()]
        return found

    def _recorded(self) -> Callable[[], Measured]:
        """The updates of a step, on a GPU as a CUDA graph."""
        if not self._records:
            return self._update_both
        return StepGraph(self._update_both, self._changed, self.streams, list(self.optimizers.values()))

    def _draw_batch(self, for_generator: bool) -> Drawn:
        """What G draws now; with the graph that G's own update needs, where it is `for_generator`."""
        z, labels = self._latents(self.config.batch_size)
        with torch.set_grad_enabled(for_generator), self._autocast():
            return Drawn(self.generator(z, labels).float(), labels)

    def _update_discriminator(self, index: Tensor, drawn: Drawn) -> dict[str, Tensor]:
        real, real_labels = self.batches.at(index)
        seen_real = self._as_seen(real, is_real=True)
        seen_fake = self._as_seen(drawn.images.detach(), is_real=False)
        with self._autocast():  # once around both, so that weights are cast once
            judged_real, judged_fake = self._judge(seen_real), self._judge(seen_fake)
        real_logits, fake_logits = judged_real.logits, judged_fake.logits

        loss, parts = self.objective.discriminator(judged_real, judged_fake, real_labels, drawn.labels)
        measured = history.of_logits(real_logits, fake_logits, self.objective.adversarial.boundary) | parts
        if penalty := self.objective.penalty(self._scores, seen_real, seen_fake):
            loss = loss + penalty[0]
            measured |= penalty[1]
        measured[metric_names.LOSS_DISCRIMINATOR] = loss
        measured[metric_names.GRADIENT_NORM_DISCRIMINATOR] = self._descend("discriminator", self.discriminator, loss)
        measured[metric_names.WEIGHT_NORM_DISCRIMINATOR] = history.norm(self.discriminator.parameters())
        return measured

    def _update_generator(self, drawn: Drawn) -> dict[str, Tensor]:
        self.discriminator.requires_grad_(False)  # its gradients are not wanted here
        judged = self._judge(self._as_seen(drawn.images, is_real=False))
        loss, measured = self.objective.generator(judged, drawn.labels)
        measured[metric_names.LOSS_GENERATOR] = loss
        measured[metric_names.GRADIENT_NORM_GENERATOR] = self._descend("generator", self.generator, loss)
        measured[metric_names.WEIGHT_NORM_GENERATOR] = history.norm(self.generator.parameters())
        self.discriminator.requires_grad_(True)
        if self.ema is not None:
            ema.update(self.ema, self.generator)
            self.objective.ran["ema"] = self.config.stabilizers.ema
        return measured

    def _descend(self, player: Player, network: nn.Module, loss: Tensor) -> Tensor:
        """One Adam step of `player`; the norm of its gradient."""
        optimizer = self.optimizers[player]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = history.norm(p.grad for p in network.parameters() if p.grad is not None)
        optimizer.step()
        return norm

    # What the players see

    def _latents(self, count: int) -> tuple[Tensor, Tensor | None]:
        z = torch.randn(count, self.config.model.latent_dim, device=self.device, generator=self.streams["latent"])
        if not self.classes:
            return z, None
        return z, torch.randint(self.classes, (count,), device=self.device, generator=self.streams["labels"])

    def _as_seen(self, images: Tensor, is_real: bool) -> Tensor:
        config, ran = self.config.stabilizers, self.objective.ran
        return augment_for_discriminator(images, is_real, self._noise, config, self.streams, ran)

    def _judge(self, images: Tensor) -> DiscriminatorOutput:
        with self._autocast(), self.streams.as_default("layers"):
            logits, class_logits = self.discriminator(images)
        return DiscriminatorOutput(logits.float(), None if class_logits is None else class_logits.float())

    def _scores(self, images: Tensor) -> Tensor:
        """D's logits for the gradient penalty, which draws from its own stream only."""
        with self._autocast(), self.streams.as_default("mixing"):
            return self.discriminator(images).logits.float()

    def _autocast(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16")

    # What came due

    def _due(self) -> tuple[list[Row], Snapshot | None]:
        step, last = self.step_count, self.step_count == self.config.steps
        rows: list[Row] = []
        window_ends = last or step % self.config.log_every == 0
        evaluated = last or step % self.config.evaluation.every == 0
        saved = step % self.config.checkpoint_every == 0
        if window_ends or evaluated or saved or self.device.type == "cpu":
            self._check_divergence()
        if window_ends:
            rows.append(self._window_row())
        if evaluated:
            rows.append(self.evaluate())
            return rows, self.snapshot()
        return rows, None

    def _check_divergence(self) -> None:
        rows = self.window.rows if self.device.type != "cpu" else self.window.rows[-1:]
        if bool(torch.isfinite(torch.stack(rows)).all()):
            return
        found = self.window.first_bad()
        assert found is not None
        index, name = found
        if index == len(self.window.rows) - 1:  # the weights are still as that step left them
            name = self._first_bad_tensor()
        raise Diverged(self.step_count - len(self.window.rows) + index + 1, name)

    def _first_bad_tensor(self) -> str:
        """What first was not finite in the latest step: a measurement, or the weight or gradient behind a norm."""
        assert self._latest is not None
        names = [
            name for update in self._latest.updates for name, value in update.items() if not bool(torch.isfinite(value))
        ]
        kind, _, player = names[0].partition("/")
        network = self.generator if player == "generator" else self.discriminator
        if kind in ("gradient_norm", "weight_norm"):
            for name, weight in network.named_parameters():
                tensor = weight.grad if kind == "gradient_norm" else weight
                if tensor is not None and not bool(torch.isfinite(tensor).all()):
                    return f"{kind.removesuffix('_norm')} of {player}.{name}"
        return names[0]

    def _window_row(self) -> Row:
        seconds = time.perf_counter() - self._timed_since
        real_images = self.config.batch_size * self.config.loss.n_critic
        return {
            "step": self.step_count,
            "time": now_ms(),
            **self.window.means(),
            metric_names.IMAGES_DISCRIMINATOR: self.step_count * real_images,
            metric_names.IMAGES_GENERATOR: self.step_count * self.config.batch_size,
            metric_names.SPEED: self._timed_steps * real_images / seconds,
        }

    def unfinished_window(self) -> list[Row]:
        """The row of a window that divergence cut short, without the steps that were not finite."""
        window_start = self.step_count - len(self.window.rows)
        if self.window.rows and (bad := self.window.first_bad()):
            del self.window.rows[bad[0] :]
        self.step_count = window_start + len(self.window.rows)
        return [self._window_row()] if self.window.rows else []

    @property
    def eval_generator(self) -> nn.Module:
        """The generator that is evaluated, drawn from and kept: its moving average where there is one."""
        return self.generator if self.ema is None else self.ema.module

    def evaluate(self) -> Row:
        """How good and how varied the product's images are, always at the same latents.

        Batch norm uses its running statistics. With an average of the generator, `raw_...` is the generator itself.
        """
        images, asked = self._draw(self.eval_generator)
        drawn = sampling.diversity(images)
        row: Row = {
            "step": self.step_count,
            "time": now_ms(),
            metric_names.DIVERSITY_SAMPLES: drawn,
            metric_names.DIVERSITY_RATIO: drawn / max(self._data_diversity, 1e-12),
        }
        if self.evaluator:
            row |= self.evaluator.measure(images, asked)
            if self.ema is not None:
                raw = self.evaluator.measure(*self._draw(self.generator))
                row |= {metric_names.raw(name): value for name, value in raw.items()}
        return row

    def _draw(self, generator: nn.Module) -> tuple[Tensor, Tensor | None]:
        """`evaluation.samples` images uint8 on the CPU, and the classes asked for, each as often as any other."""
        count = self.config.evaluation.samples
        asked = torch.arange(count) % self.classes if self.classes else None
        latents = sampling.fixed_latents(count, self.config.model.latent_dim)
        return sampling.generate(generator, latents, asked, self.config.batch_size), asked

    def snapshot(self) -> Snapshot:
        latents, labels = sampling.grid_inputs(self.config.model.latent_dim, self.classes)
        return Snapshot(self.step_count, sampling.generate(self.eval_generator, latents, labels))

    def fit(self) -> Iterator[Progress]:
        """Steps until the last one of the configuration."""
        while self.step_count < self.config.steps:
            yield self.step()

    # State

    def applied(self) -> dict[str, Any]:
        """What training really ran with, read from the optimisers, the networks and the stabilisers; its precision."""
        norm, layers = applied_settings.in_network(self.discriminator)
        ran = self.objective.ran | layers
        return {
            "precision": self.precision,
            "device": str(self.device),
            **({"cuda_graph": self._updates.state} if isinstance(self._updates, StepGraph) else {}),
            **applied_settings.in_optimizers(self.optimizers),
            "discriminator_norm": norm,
            "stabilizers": {name: strength for name, strength in ran.items() if strength},
        }

    def state_dict(self) -> dict[str, Any]:
        """Everything the next step depends on; tensors and plain values only."""
        return {
            "step": self.step_count,
            "channels": self.images.channels,
            "classes": self.classes,
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "optimizers": {player: optimizer.state_dict() for player, optimizer in self.optimizers.items()},
            "streams": self.streams.state_dict(),
            "data": self.batches.state_dict(),
            "window": self.window.state_dict(),
            "ema": None if self.ema is None else self.ema.state_dict(),
            "ran": dict(self.objective.ran),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.step_count = state["step"]
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        for player, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][player])
        self.streams.load_state_dict({name: saved.cpu() for name, saved in state["streams"].items()})
        self.batches.load_state_dict(state["data"])
        if self.ema is not None:
            self.ema.load_state_dict(state["ema"])
        self.objective.ran = dict(state["ran"])
        self.window.load_state_dict(state["window"], self.device)
        self._updates = self._recorded()  # the optimisers' tensors are others now
        self._restart_timing()

    def _restart_timing(self) -> None:
        self._timed_since, self._timed_steps = time.perf_counter(), 0
