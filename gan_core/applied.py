"""Proof of application: what a trial asked for against what really ran.

Ray's own DCGAN example samples a learning rate and trains with another (its optimiser keeps the first). So each record
echoes what was read from the optimisers and from the stabilisers as they ran, and a trial that differs from its
configuration fails.
"""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.utils import parametrize

from gan_core.config import TrialConfig
from gan_core.networks.initialisation import WEIGHTS
from gan_core.networks.minibatch_std import MinibatchStd


def asked(config: TrialConfig) -> dict[str, Any]:
    """What should run: each player's learning rate and betas, and the stabilisers that are on, with their strengths."""
    found: dict[str, Any] = {}
    for player in ("generator", "discriminator"):
        lr, betas = config.optimizer.adam(player)
        found[player] = {"lr": lr, "betas": list(betas)}
    stabilizers = config.stabilizers.model_dump()
    stabilizers["instance_noise"] = config.stabilizers.instance_noise.std
    stabilizers["gradient_penalty"] = config.loss.gradient_penalty
    found["stabilizers"] = {name: strength for name, strength in stabilizers.items() if strength}
    return found


def in_network(discriminator: nn.Module, channels: int) -> dict[str, Any]:
    """The stabilisers that are layers of D, for images of so many channels."""
    layers = [module for module in discriminator.modules() if isinstance(module, WEIGHTS)]
    found = {
        "spectral_norm": all(parametrize.is_parametrized(layer, "weight") for layer in layers),
        "minibatch_std": any(isinstance(module, MinibatchStd) for module in discriminator.modules()),
        "packing": layers[0].weight.shape[1] // channels if layers[0].weight.shape[1] > channels else 0,
    }
    return {name: strength for name, strength in found.items() if strength}


def differences(config: TrialConfig, applied: dict[str, Any]) -> list[str]:
    """What of `config` was not applied, one line each."""
    return [
        f"{name} ran with {applied.get(name)}, asked for {wanted}"
        for name, wanted in asked(config).items()
        if applied.get(name) != wanted
    ]
