"""The exponential moving average of a network, as torch keeps it, updated without waiting for the device."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def begin(model: nn.Module, decay: float) -> AveragedModel:
    """An average of the weights and buffers of `model`, from the first update on (Yazici et al. 2019)."""
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)


@torch.no_grad()
def update(average: AveragedModel, model: nn.Module) -> None:
    """`average.update_parameters(model)`, but for the count, which is the caller's: it stays on the processor.

    The first is a copy. torch's own brings the count to the device at each update, for an average that does not read
    it, and the processor waits until it is there.
    """
    assert average.multi_avg_fn is not None
    mine = [*average.module.parameters(), *average.module.buffers()]
    others = [*model.parameters(), *model.buffers()]
    if average.n_averaged == 0:
        for own, other in zip(mine, others, strict=True):
            own.copy_(other)
        return
    for is_float in (True, False):  # the function takes lists of one kind
        chosen = [i for i, tensor in enumerate(mine) if tensor.is_floating_point() == is_float]
        if chosen:
            average.multi_avg_fn([mine[i] for i in chosen], [others[i] for i in chosen], average.n_averaged)
