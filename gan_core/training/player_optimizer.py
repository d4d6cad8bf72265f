"""The optimiser of a player, as the configuration names it."""

from __future__ import annotations

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
