"""Lazy penalties: D pays R1 and R2 in every n-th of its updates, n times as much (Karras et al. 2020, StyleGAN2, B).

On average they weigh as before and cost an n-th of the time. It differs from the authors' code
(github.com/NVlabs/stylegan2) in one way: there the penalty has an optimiser step of its own, for which Adam's settings
are corrected by n / (n + 1). Here it is added to the loss of an ordinary update, and nothing is to be corrected.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gan_core import metric_names
from gan_core.config.stabilizer_sections import StabilizerConfig


class LazyPenalties:
    """The values of R1 and R2 when they were last paid: metrics need one in every update.

    every: n. tensors: the values, on the device, which change in place.
    """

    def __init__(self, config: StabilizerConfig, device: torch.device):
        self.every = config.penalty_every
        self.tensors = {name: torch.zeros((), device=device) for name in ("r1", "r2") if getattr(config, name)}

    def is_due(self, update: int) -> bool:
        """update: the number of D's updates so far."""
        return update % self.every == 0

    @torch.no_grad()
    def keep(self, values: dict[str, Tensor]) -> None:
        for name, tensor in self.tensors.items():
            tensor.copy_(values[name])

    def last_values(self) -> dict[str, Tensor]:
        """By metric name."""
        return {metric_names.loss_of_penalty(name): tensor.clone() for name, tensor in self.tensors.items()}
