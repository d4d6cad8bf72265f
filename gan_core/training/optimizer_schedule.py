"""Learning rates and betas that change from step to step, and what of them really ran.

The values are those of the code of Huang et al. 2024 (R3GAN, `cosine_decay_with_warmup`), with steps for images. There
a schedule is a burn-in: it moves the settings of an early training to those of a late one, and then they stay.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gan_core.config.optimizer_sections import OptimizerConfig, ScheduleConfig
from gan_core.config.setting_types import Player

Values = dict[str, float]
"""`lr`, and `beta1` and `beta2` where they move -> its value in a step."""


def values_at(config: OptimizerConfig, player: Player, step: int, steps: int) -> Values:
    """What `player` trains with in the step after `step` steps of `steps`."""
    rate, betas = config.adam(player)
    schedule = config.schedule
    end = steps if schedule.until is None else schedule.until
    values = {"lr": rate * share_of_rate(schedule, step, end)}
    if betas is not None and schedule.moves_betas:
        targets = (schedule.beta1, schedule.beta2)
        for name, first, last in zip(("beta1", "beta2"), betas, targets, strict=True):
            values[name] = first if last is None else first + (last - first) * (1 - _half_cosine(step / end))
    return values


def share_of_rate(schedule: ScheduleConfig, step: int, end: int) -> float:
    """The share of the learning rate in the step after `step` steps.

    In the warm-up it is 1/n, 2/n, ..., 1 of the n steps: the first step trains already. After it, it falls from 1 to
    `final`, which it reaches once `end` steps have been taken, and stays there.
    """
    if step < schedule.warm_up:
        return (step + 1) / schedule.warm_up
    if schedule.lr == "constant":
        return 1.0
    passed = min(1.0, (step - schedule.warm_up) / (end - schedule.warm_up))
    left = _half_cosine(passed) if schedule.lr == "cosine" else 1 - passed
    final = schedule.final or 0.0
    return final + (1 - final) * left


def _half_cosine(passed: float) -> float:
    """From 1 at 0 to 0 at 1 and after it (Loshchilov and Hutter 2017, equation 5)."""
    return (1 + math.cos(math.pi * min(1.0, passed))) / 2


def as_float32(value: float) -> float:
    """What becomes of a value that is written to a float32 tensor."""
    return float(torch.tensor(value, dtype=torch.float32))


class PlayerSchedule:
    """Writes the values of each step into the tensors that an optimiser reads, at the same address always.

    What an update read is noted beside them, in the optimiser's own state: `first_ran` and `last_ran`, float32
    [values], NaN before the first update. So a checkpoint has it, and a graph writes it, without waiting for a device.
    """

    def __init__(self, config: OptimizerConfig, player: Player, steps: int, optimizer: torch.optim.Optimizer):
        self._config, self._player, self._steps = config, player, steps
        (self._group,) = optimizer.param_groups
        self._lr: Tensor = self._group["lr"]
        self._betas: tuple[Tensor, ...] = tuple(self._group["betas"]) if config.schedule.moves_betas else ()
        self._ran = [torch.full((1 + len(self._betas),), float("nan"), device=self._lr.device) for _ in range(2)]
        self._attach()

    def _attach(self) -> None:
        self._group["lr"] = self._lr
        if self._betas:
            self._group["betas"] = self._betas
        self._group["first_ran"], self._group["last_ran"] = self._ran

    def reattach(self, optimizer: torch.optim.Optimizer) -> None:
        """Puts the tensors back into an optimiser that has loaded a state, whose notes are kept."""
        (self._group,) = optimizer.param_groups
        for ours, name in zip(self._ran, ("first_ran", "last_ran"), strict=True):
            ours.copy_(self._group[name])
        self._lr.copy_(self._group["lr"])
        for beta, saved in zip(self._betas, self._group["betas"] if self._betas else (), strict=True):
            beta.copy_(saved)
        self._attach()

    def set(self, step: int) -> None:
        """Writes the values of the step after `step` steps."""
        values = values_at(self._config, self._player, step, self._steps)
        for tensor, value in zip((self._lr, *self._betas), values.values(), strict=True):
            tensor.fill_(value)

    def note(self) -> None:
        """Notes what the optimiser has for the update that it is about to make."""
        read = [self._group["lr"], *(self._group["betas"] if self._betas else ())]
        values = torch.stack([
            value if isinstance(value, Tensor) else torch.full((), value, device=self._lr.device) for value in read
        ])  # fmt: skip
        first, last = self._ran
        first.copy_(torch.where(first.isnan(), values, first))
        last.copy_(values)

    def changed_tensors(self) -> list[Tensor]:
        return self._ran
