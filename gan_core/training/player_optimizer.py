"""The optimiser of a player, as the configuration names it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gan_core.config.optimizer_sections import OptimizerConfig, OptimizerName
from gan_core.config.setting_types import Player
from gan_core.optimizers import SGD, Adam, AdamW, MovingAdam, RMSprop

KINDS: dict[type[torch.optim.Optimizer], OptimizerName] = {Adam: "adam", AdamW: "adamw", RMSprop: "rmsprop", SGD: "sgd"}


def name_of(optimizer: torch.optim.Optimizer) -> OptimizerName:
    """What the configuration calls this optimiser."""
    if isinstance(optimizer, MovingAdam):
        return "adamw" if optimizer.param_groups[0]["decoupled"] else "adam"
    return KINDS[type(optimizer)]


def build(config: OptimizerConfig, player: Player, network: nn.Module) -> torch.optim.Optimizer:
    """The optimiser of `player`, for the weights of its `network`; fused where torch has it.

    With a schedule its learning rate is a float32 scalar on the device of the weights, and so are betas that move.
    """
    rate, betas = config.adam(player)
    weights = list(network.parameters())
    device, decay = weights[0].device, config.weight_decay
    schedule = config.schedule
    lr: float | Tensor = torch.tensor(rate, device=device) if schedule.changes else rate
    if betas is not None and schedule.moves_betas:
        first, second = (torch.tensor(beta, device=device) for beta in betas)
        assert isinstance(lr, Tensor)
        return MovingAdam(weights, lr, (first, second), decay, decoupled=config.name == "adamw")
    if betas is not None:
        kind = AdamW if config.name == "adamw" else Adam
        return kind(weights, lr=lr, betas=betas, weight_decay=decay, fused=True)
    if config.name == "rmsprop":  # a fused one does not exist; capturable: its count of steps is on the device
        is_gpu = device.type == "cuda"
        return RMSprop(weights, lr=lr, weight_decay=decay, momentum=config.momentum, capturable=is_gpu)
    return SGD(weights, lr=lr, weight_decay=decay, momentum=config.momentum, fused=True)


def load_state(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Loads a state that may come from another kind of device: counts of steps, and whether they may be part of a CUDA
    graph, are those of this device. torch moves the counts of its fused optimisers only."""
    capturable = [group.get("capturable") for group in optimizer.param_groups]
    optimizer.load_state_dict(state)
    for group, own in zip(optimizer.param_groups, capturable, strict=True):
        if own is not None:
            group["capturable"] = own
    if isinstance(optimizer, MovingAdam | RMSprop):
        for weight, values in optimizer.state.items():
            if "step" in values:
                values["step"] = values["step"].to(weight.device)
