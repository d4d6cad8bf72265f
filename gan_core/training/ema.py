"""The exponential moving average (EMA) of a network: torch's own, updated without waiting for the device."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def begin(model: nn.Module, decay: float) -> AveragedModel:
    """The moving average of `model`'s weights and buffers. It begins at the first update (Yazici et al. 2019)."""
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)


@torch.no_grad()
def update(average: AveragedModel, model: nn.Module) -> None:
    """`average.update_parameters(model)`, except that the caller counts the updates in `average.n_averaged`.

    The first update is a copy. torch's own method copies the count to the device at each update, although this average
    does not use it, and waits for that.
    """
    assert average.multi_avg_fn is not None
    averages = [*average.module.parameters(), *average.module.buffers()]
    values = [*model.parameters(), *model.buffers()]
    if average.n_averaged == 0:
        for averaged, value in zip(averages, values, strict=True):
            averaged.copy_(value)
        return
    for is_float in (True, False):  # the function takes lists of tensors of one kind
        chosen = [i for i, tensor in enumerate(averages) if tensor.is_floating_point() == is_float]
        if chosen:
            average.multi_avg_fn([averages[i] for i in chosen], [values[i] for i in chosen], average.n_averaged)
