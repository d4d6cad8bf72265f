"""Proof of application: the settings that a trial requested, compared with what really ran.

Ray's own DCGAN example samples a learning rate and trains with another (its optimiser keeps the first). So each record
holds what was read from the optimisers and from the stabilisers as they ran, and a trial that differs from its
configuration fails.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from gan_core.config.setting_types import Player
from gan_core.config.trial import TrialConfig
from gan_core.networks.initialisation import WEIGHTS
from gan_core.networks.minibatch_std import MinibatchStd
from gan_core.networks.normalisation import NORM_NAMES
from gan_core.training.optimizer_schedule import as_float32, values_at
from gan_core.training.player_optimizer import name_of
from gan_core.training_settings import OptimizerSettings, TrainingSettings


def requested(config: TrialConfig, steps: int | None = None) -> TrainingSettings:
    """What should run: optimisers, critic updates, D's norm, the stabilisers that are on.

    steps: the steps that a trial has taken, at least 1, if it ended before the last one.
    """
    taken = config.steps if steps is None else steps
    strengths = config.stabilizers.model_dump()
    strengths["instance_noise"] = config.stabilizers.instance_noise.std
    strengths["ada"] = config.stabilizers.ada.target
    strengths["gradient_penalty"] = config.loss.gradient_penalty
    strengths |= {"accumulate": config.accumulate, "flip": config.data.flip}
    return {
        "n_critic": config.loss.n_critic,
        "discriminator_norm": config.model.discriminator_norm,
        "generator": _requested_optimizer(config, "generator", taken),
        "discriminator": _requested_optimizer(config, "discriminator", taken),
        "stabilizers": {name: strength for name, strength in strengths.items() if strength},
    }


def _requested_optimizer(config: TrialConfig, player: Player, steps: int) -> OptimizerSettings:
    optimizer = config.optimizer
    lr, betas = optimizer.adam(player)
    settings: OptimizerSettings = {}
    if optimizer.schedule.changes:
        first, last = (values_at(optimizer, player, step, config.steps) for step in (0, steps - 1))
        ran: dict[str, list[float] | float] = {
            name: [as_float32(first[name]), as_float32(last[name])] for name in first
        }
        settings["schedule"] = {**ran, "steps": steps}
    else:
        settings["lr"] = lr
    if betas is not None and not optimizer.schedule.moves_betas:
        settings["betas"] = list(betas)
    return settings | _unless_default(optimizer.name, optimizer.weight_decay, optimizer.momentum)


def _unless_default(name: str, weight_decay: float, momentum: float) -> OptimizerSettings:
    settings: OptimizerSettings = {}
    if name != "adam":
        settings["name"] = name
    if weight_decay:
        settings["weight_decay"] = weight_decay
    if momentum:
        settings["momentum"] = momentum
    return settings


def of_optimizers(optimizers: dict[Player, torch.optim.Optimizer]) -> TrainingSettings:
    """Each player's optimiser, and the number of D's updates for each of G's (left out before G's first)."""
    settings: TrainingSettings = {}
    updates: dict[Player, float] = {}
    for player, optimizer in optimizers.items():
        steps = [state["step"] for state in optimizer.state.values()]
        updates[player] = max(map(float, steps), default=0.0)
    for player, optimizer in optimizers.items():
        settings[player] = _of_optimizer(optimizer, round(updates["generator"]))
    if updates["generator"]:
        settings["n_critic"] = updates["discriminator"] / updates["generator"]
    return settings


def _of_optimizer(optimizer: torch.optim.Optimizer, steps: int) -> OptimizerSettings:
    """steps: the updates of G so far."""
    group = optimizer.param_groups[0]
    settings: OptimizerSettings = {}
    if "first_ran" in group:
        names = ("lr", "beta1", "beta2")
        ran = zip(names, group["first_ran"].tolist(), group["last_ran"].tolist(), strict=False)
        settings["schedule"] = {**{name: [first, last] for name, first, last in ran if steps}, "steps": steps}
    else:
        settings["lr"] = group["lr"]
    if "betas" in group and not isinstance(group["betas"][0], Tensor):
        settings["betas"] = list(group["betas"])
    name, momentum = name_of(optimizer), group.get("momentum", 0.0)
    return settings | _unless_default(name, group["weight_decay"], momentum)


def of_discriminator(discriminator: nn.Module) -> tuple[str, dict[str, float]]:
    """D's norm, and the stabilisers that are layers of D."""
    modules = list(discriminator.modules())
    layers = [module for module in modules if isinstance(module, WEIGHTS)]
    norms = {NORM_NAMES[type(module)] for module in modules if type(module) in NORM_NAMES}
    stabilizers = {
        "spectral_norm": bool(layers) and all(parametrize.is_parametrized(layer, "weight") for layer in layers),
        "minibatch_std": any(isinstance(module, MinibatchStd) for module in modules),
    }
    return " and ".join(sorted(norms)) or "none", {name: is_on for name, is_on in stabilizers.items() if is_on}


def differences(config: TrialConfig, applied: TrainingSettings) -> list[str]:
    """The settings of `config` that were not applied, one line each."""
    schedule = applied.get("generator", {}).get("schedule", {})
    steps = round(float(cast(float, schedule.get("steps", 0))))
    return [
        f"{name} ran with {applied.get(name)}, asked for {expected}"
        for name, expected in requested(config, steps or None).items()
        if applied.get(name) != expected
    ]
