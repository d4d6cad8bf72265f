"""The exponential moving average (EMA) of a network, updated without waiting for the device."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def begin(model: nn.Module) -> AveragedModel:
    """The moving average of `model`'s weights and buffers (Yazici et al. 2019), which begins as a copy of `model`."""
    return AveragedModel(model, use_buffers=True)


def decay_of_update(decay: float, updates: int) -> float:
    """The decay of the next update, after so many updates: it ramps up to `decay`.

    With a constant decay, the average of a short run would mostly be the untrained network. The ramp-up is that of
    TensorFlow's ExponentialMovingAverage: after t updates the average is over about the last tenth of them, until
    `decay` is reached.
    """
    return min(decay, (1 + updates) / (10 + updates))


@torch.no_grad()
def update(average: AveragedModel, model: nn.Module, weight: Tensor) -> None:
    """Moves each average towards its value in `model` by the share `weight`, which is 1 - decay.

    `weight`: float32 scalar on the device, because a number of Python's would be recorded in a CUDA graph. Buffers that
    are not floating point (counts) are copied. The caller counts the updates in `average.n_averaged`: torch's own
    `update_parameters` copies that count to the device each time, and waits for it.
    """
    averages, values = list[Tensor](), list[Tensor]()
    for averaged, value in zip(_state(average.module), _state(model), strict=True):
        if averaged.is_floating_point():
            averages.append(averaged)
            values.append(value)
        else:
            averaged.copy_(value)
    steps = torch._foreach_sub(values, averages)
    torch._foreach_mul_(steps, weight)
    torch._foreach_add_(averages, steps)


def _state(network: nn.Module) -> list[Tensor]:
    return [*network.parameters(), *network.buffers()]
