"""Proof of application: what a trial asked for against what really ran.

Ray's own DCGAN example samples a learning rate and trains with another (its optimiser keeps the first). So each record
echoes what was read from the optimisers and from the stabilisers as they ran, and a trial that differs from its
configuration fails.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from gan_core.config.sections import Player
from gan_core.config.trial import TrialConfig
from gan_core.networks.initialisation import WEIGHTS
from gan_core.networks.minibatch_std import MinibatchStd
from gan_core.networks.normalisation import NORM_NAMES


def asked(config: TrialConfig) -> dict[str, Any]:
    """What should run: learning rates and betas, critic updates, D's norm, the stabilisers that are on."""
    found: dict[str, Any] = {"n_critic": config.loss.n_critic, "discriminator_norm": config.model.discriminator_norm}
    for player in ("generator", "discriminator"):
        lr, betas = config.optimizer.adam(player)
        found[player] = {"lr": lr, "betas": list(betas)}
    stabilizers = config.stabilizers.model_dump()
    stabilizers["instance_noise"] = config.stabilizers.instance_noise.std
    stabilizers["gradient_penalty"] = config.loss.gradient_penalty
    found["stabilizers"] = {name: strength for name, strength in stabilizers.items() if strength}
    return found


def in_optimizers(optimizers: dict[Player, torch.optim.Adam]) -> dict[str, Any]:
    """Learning rates and betas, and how many updates D took for one of G (nothing before the first)."""
    found: dict[str, Any] = {}
    updates: dict[Player, float] = {}
    for player, optimizer in optimizers.items():
        group = optimizer.param_groups[0]
        found[player] = {"lr": group["lr"], "betas": list(group["betas"])}
        states = [state["step"] for state in optimizer.state.values()]
        updates[player] = max(map(float, states), default=0.0)
    if updates["generator"]:
        found["n_critic"] = updates["discriminator"] / updates["generator"]
    return found


def in_network(discriminator: nn.Module) -> tuple[str, dict[str, Any]]:
    """D's norm, and the stabilisers that are layers of D."""
    modules = list(discriminator.modules())
    layers = [module for module in modules if isinstance(module, WEIGHTS)]
    norms = {NORM_NAMES[type(module)] for module in modules if type(module) in NORM_NAMES}
    found = {
        "spectral_norm": bool(layers) and all(parametrize.is_parametrized(layer, "weight") for layer in layers),
        "minibatch_std": any(isinstance(module, MinibatchStd) for module in modules),
    }
    return " and ".join(sorted(norms)) or "none", {name: strength for name, strength in found.items() if strength}


def differences(config: TrialConfig, applied: dict[str, Any]) -> list[str]:
    """What of `config` was not applied, one line each."""
    return [
        f"{name} ran with {applied.get(name)}, asked for {wanted}"
        for name, wanted in asked(config).items()
        if applied.get(name) != wanted
    ]
