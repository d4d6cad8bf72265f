"""Proof of application: the settings that a trial requested, compared with what really ran.

Ray's own DCGAN example samples a learning rate and trains with another (its optimiser keeps the first). So each record
holds what was read from the optimisers and from the stabilisers as they ran, and a trial that differs from its
configuration fails.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils import parametrize

from gan_core.config.sections import Player
from gan_core.config.trial import TrialConfig
from gan_core.networks.initialisation import WEIGHTS
from gan_core.networks.minibatch_std import MinibatchStd
from gan_core.networks.normalisation import NORM_NAMES
from gan_core.training_settings import AdamSettings, TrainingSettings


def requested(config: TrialConfig) -> TrainingSettings:
    """What should run: learning rates and betas, critic updates, D's norm, the stabilisers that are on."""
    strengths = config.stabilizers.model_dump()
    strengths["instance_noise"] = config.stabilizers.instance_noise.std
    strengths["ada"] = config.stabilizers.ada.target
    strengths["gradient_penalty"] = config.loss.gradient_penalty
    return {
        "n_critic": config.loss.n_critic,
        "discriminator_norm": config.model.discriminator_norm,
        "generator": _requested_adam(config, "generator"),
        "discriminator": _requested_adam(config, "discriminator"),
        "stabilizers": {name: strength for name, strength in strengths.items() if strength},
    }


def _requested_adam(config: TrialConfig, player: Player) -> AdamSettings:
    lr, betas = config.optimizer.adam(player)
    return {"lr": lr, "betas": list(betas)}


def of_optimizers(optimizers: dict[Player, torch.optim.Adam]) -> TrainingSettings:
    """Learning rates and betas, and the number of D's updates for each of G's (left out before G's first)."""
    settings: TrainingSettings = {}
    updates: dict[Player, float] = {}
    for player, optimizer in optimizers.items():
        group = optimizer.param_groups[0]
        settings[player] = {"lr": group["lr"], "betas": list(group["betas"])}
        steps = [state["step"] for state in optimizer.state.values()]
        updates[player] = max(map(float, steps), default=0.0)
    if updates["generator"]:
        settings["n_critic"] = updates["discriminator"] / updates["generator"]
    return settings


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
    return [
        f"{name} ran with {applied.get(name)}, asked for {expected}"
        for name, expected in requested(config).items()
        if applied.get(name) != expected
    ]
