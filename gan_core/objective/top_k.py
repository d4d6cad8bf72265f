"""Top-k training: G learns only from those of its images that D finds most real (Sinha et al. 2020).

k begins as the whole batch and falls with each epoch by the factor 0.99 to a share of the batch, so that G still learns
from all images while D knows little. An epoch is a pass of D over the data. StudioGAN (`adjust_k` in
src/utils/losses.py) has the same schedule.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gan_core.top_k_schedule import share_kept


def count_kept(share: float, count: int, epoch: int) -> int:
    """k of `count` images in an epoch, the first of which is 0; at least 1."""
    return max(1, int(count * share_kept(share, epoch)))


def loss_of_best(loss: Callable[[Tensor], Tensor], logits: Tensor, k: Tensor) -> Tensor:
    """The mean of `loss` over those `k` of the `logits` [batch] that are highest.

    loss: from logits to a scalar, the mean of what each costs. k: a scalar tensor, because a CUDA graph needs shapes
    that stay the same.
    """
    costs = torch.vmap(loss)(logits[:, None])
    ranks = logits.detach().argsort(descending=True, stable=True).argsort()
    return torch.where(ranks < k, costs, 0.0).sum() / k
