"""Divergence: a step that measured something not finite, and the tensor where it began."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from gan_core import metric_names
from gan_core.config.setting_types import Player
from gan_core.history import Measured, Window


class Diverged(ArithmeticError):
    """Something is not finite: `step` and `tensor` say where it began."""

    def __init__(self, step: int, tensor: str):
        self.step, self.tensor = step, tensor
        super().__init__(f"{tensor} is not finite at step {step}")


def check(
    window: Window, step: int, measured: Measured, networks: Mapping[Player, nn.Module], newest_only: bool
) -> None:
    """Raises Diverged if a value in `window` is not finite. Waits for the device.

    step: the newest step in the window. measured: what that step measured. networks: as that step left them.
    newest_only: look at this step alone, because the earlier ones have been checked.
    """
    rows = window.rows[-1:] if newest_only else window.rows
    if _is_finite(torch.stack(rows)):
        return
    position = window.first_not_finite()
    assert position is not None
    index, name = position
    if index == len(window.rows) - 1:  # gradients and weights are still as this step left them
        name = _first_tensor_not_finite(measured, networks)
    raise Diverged(step - len(window.rows) + index + 1, name)


def _first_tensor_not_finite(measured: Measured, networks: Mapping[Player, nn.Module]) -> str:
    """The first metric of the step that is not finite; for a norm, the weight or gradient that makes it so."""
    names = [name for update in measured.updates for name, value in update.items() if not _is_finite(value)]
    kind, _, player = names[0].partition("/")
    if kind in (metric_names.GRADIENT_NORM, metric_names.WEIGHT_NORM):
        network = networks["generator" if player == "generator" else "discriminator"]
        for name, weight in network.named_parameters():
            tensor = weight.grad if kind == metric_names.GRADIENT_NORM else weight
            if tensor is not None and not _is_finite(tensor):
                return f"{kind.removesuffix('_norm')} of {player}.{name}"
    return names[0]


def _is_finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())
