"""Trainer: one GAN, one step at a time, resumable bit for bit.

A step is one generator update, preceded by `n_critic` discriminator updates. Nothing in a step waits for the device.
A CPU, for which there is nothing to wait, is checked for divergence after each step; a GPU is after each window, and
before each evaluation and checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, NotRequired, TypedDict

import torch
from torch import Tensor, nn

from gan_core import metric_names
from gan_core.config.setting_types import Player
from gan_core.config.trial import TrialConfig
from gan_core.data.batch_sampler import BatchesState
from gan_core.data.datasets import ImageSet
from gan_core.evaluation.evaluator import Evaluator
from gan_core.evaluation.requirements import check_data
from gan_core.history import Measured, Row, Window, WindowState, now_ms
from gan_core.training import applied_settings, divergence, player_optimizer
from gan_core.training.accumulation import updates_of
from gan_core.training.cuda_graph import StepGraph, StepGraphs
from gan_core.training.generator_evaluation import GeneratorEvaluation, Snapshot
from gan_core.training.schedule import results_after
from gan_core.training.step_timer import StepTimer
from gan_core.training_settings import AppliedSettings


class Progress(NamedTuple):
    """What one step brought: rows of the history and a sample grid, if they were due."""

    rows: list[Row]
    snapshot: Snapshot | None


class TrainerState(TypedDict):
    """Everything the next step depends on; tensors and plain values only. `ran`: `Objective.applied_stabilizers`.

    stabilizers: `Updates.stabilizer_state`; checkpoints of versions without it have none.
    """

    step: int
    channels: int
    classes: int
    generator: dict[str, Tensor]
    discriminator: dict[str, Tensor]
    optimizers: dict[Player, dict[str, Any]]
    streams: dict[str, Tensor]
    data: BatchesState
    window: WindowState
    ema: dict[str, Tensor] | None
    ran: dict[str, float]
    stabilizers: NotRequired[dict[str, dict[str, Tensor]]]


class Trainer:
    """Trains `config` on `images`, which it moves to `device`. Raises DataError, and Diverged from `step`.

    With an `evaluator` every evaluation also measures quality. use_cuda_graph: run steps on a GPU as CUDA graphs.
    """

    def __init__(
        self,
        config: TrialConfig,
        images: ImageSet,
        device: torch.device | str = "cpu",
        evaluator: Evaluator | None = None,
        use_cuda_graph: bool = True,
    ):
        check_data(config, images)
        self.config = config
        self.device = torch.device(device)
        self.images = images.to(self.device)
        self.updates = updates = updates_of(config, self.images, self.device)
        self.classes, self.precision = updates.classes, updates.passes.precision
        self.generator, self.discriminator, self.ema = updates.generator, updates.discriminator, updates.ema
        self.optimizers, self.streams, self.batches = updates.optimizers, updates.streams, updates.batches
        self.evaluation = GeneratorEvaluation(config, images.images, self.classes, evaluator)
        self.step_count = 0
        self.window = Window()
        self._timer = StepTimer()
        self._use_cuda_graph = use_cuda_graph and self.device.type == "cuda"
        self._run_updates = self._make_updates()

    # One step

    def step(self) -> Progress:
        """One generator update and what is due after it; before the first, an evaluation. Raises Diverged."""
        untrained = [self.evaluate()] if self.step_count == 0 else []
        if not self.window.rows:
            self._timer.restart()
        self.updates.set_inputs(self.step_count)
        measured = self._run_updates()
        self.window.add(measured.means)
        if self.ema is not None:
            self.ema.n_averaged += 1
        self.step_count += 1
        self._timer.count_step()
        rows, snapshot = self._results(measured)
        return Progress(untrained + rows, snapshot)

    def _results(self, measured: Measured) -> tuple[list[Row], Snapshot | None]:
        """The rows and the sample grid that are scheduled after the newest step."""
        scheduled = results_after(self.config, self.step_count)
        is_cpu = self.device.type == "cpu"
        if scheduled.divergence_check or is_cpu:
            divergence.check(self.window, self.step_count, measured, self.updates.networks, newest_only=is_cpu)
        rows = [self._window_row()] if scheduled.window_row else []
        if not scheduled.evaluation:
            return rows, None
        return [*rows, self.evaluate()], self.snapshot()

    def _make_updates(self) -> Callable[[], Measured]:
        """The updates of a step, on a GPU as a CUDA graph."""
        if not self._use_cuda_graph:
            return self.updates.update_both
        updates = self.updates

        def graph() -> StepGraph:
            return StepGraph(
                updates.update_both, updates.changed_tensors, updates.streams, list(updates.optimizers.values())
            )

        return graph() if updates.objective.lazy is None else StepGraphs(graph, lambda: updates.penalties_due)

    # Results

    def _window_row(self) -> Row:
        """The means over the window, which is empty afterwards."""
        real_images = self.config.batch_size * self.config.loss.n_critic
        return {
            "step": self.step_count,
            "time": now_ms(),
            **self.window.means(),
            metric_names.IMAGES_DISCRIMINATOR: self.step_count * real_images,
            metric_names.IMAGES_GENERATOR: self.step_count * self.config.batch_size,
            metric_names.SPEED: self._timer.steps_per_second() * real_images,
        }

    def unfinished_window(self) -> list[Row]:
        """The row of a window that divergence cut short, without the steps that were not finite."""
        dropped = self.window.drop_not_finite()
        self.step_count -= dropped
        return [self._window_row()] if self.window.rows else []

    @property
    def eval_generator(self) -> nn.Module:
        """The generator that is evaluated, drawn from and kept: its moving average if there is one."""
        return self.generator if self.ema is None else self.ema.module

    def evaluate(self) -> Row:
        """How good and how varied the images of `eval_generator` are, always at the same latents."""
        raw_generator = None if self.ema is None else self.generator
        return self.evaluation.row(self.step_count, self.eval_generator, raw_generator)

    def snapshot(self) -> Snapshot:
        return self.evaluation.snapshot(self.step_count, self.eval_generator)

    def fit(self) -> Iterator[Progress]:
        """Steps until the last one of the configuration."""
        while self.step_count < self.config.steps:
            yield self.step()

    # State

    def applied(self) -> AppliedSettings:
        """What training really ran with, read from the optimisers, the networks and the stabilisers; its precision."""
        norm, layers = applied_settings.of_discriminator(self.discriminator)
        stabilizers = self.updates.objective.applied_stabilizers | layers
        applied: AppliedSettings = {"precision": self.precision, "device": str(self.device)}
        if isinstance(self._run_updates, StepGraph | StepGraphs):
            applied["cuda_graph"] = self._run_updates.state
        return {
            **applied,
            **applied_settings.of_optimizers(self.optimizers),
            "discriminator_norm": norm,
            "stabilizers": {name: strength for name, strength in stabilizers.items() if strength},
        }

    def state_dict(self) -> TrainerState:
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
            "ran": dict(self.updates.objective.applied_stabilizers),
            "stabilizers": self.updates.stabilizer_state(),
        }

    def load_state_dict(self, state: TrainerState) -> None:
        self.step_count = state["step"]
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        for player, optimizer in self.optimizers.items():
            player_optimizer.load_state(optimizer, state["optimizers"][player])
            if player in self.updates.schedules:
                self.updates.schedules[player].reattach(optimizer)
        self.streams.load_state_dict({name: saved.cpu() for name, saved in state["streams"].items()})
        self.batches.load_state_dict(state["data"])
        if self.ema is not None:
            assert state["ema"] is not None
            self.ema.load_state_dict(state["ema"])
        self.updates.objective.applied_stabilizers = dict(state["ran"])
        for name, tensors in self.updates.stabilizer_state().items():
            for part, tensor in tensors.items():
                tensor.copy_(state["stabilizers"][name][part])
        self.window.load_state_dict(state["window"], self.device)
        self._run_updates = self._make_updates()  # the optimisers have other tensors now
        self._timer.restart()
