"""The history of a training run: metrics by name, averaged over windows of steps."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple, TypedDict

import torch
from torch import Tensor

from gan_core import metric_names

Row = dict[str, float]
"""`step`, `time` (milliseconds since 1970) and the metrics measured there."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Measured(NamedTuple):
    """What a step measured, as scalars by metric name.

    updates: one for each update of a player, in order. means: the averages over D's updates, and the values of G's.
    """

    updates: list[dict[str, Tensor]]
    means: dict[str, Tensor]

    @staticmethod
    def of(discriminator: list[dict[str, Tensor]], generator: dict[str, Tensor]) -> Measured:
        """discriminator: what each of D's updates measured, at least one. generator: what G's update measured."""
        updates = [{name: value.detach() for name, value in update.items()} for update in (*discriminator, generator)]
        *d_updates, g_update = updates
        means = {name: torch.stack([update[name] for update in d_updates]).mean() for name in d_updates[0]}
        return Measured(updates, means | g_update)


class WindowState(TypedDict):
    """A window in a checkpoint; `rows` are on the CPU."""

    names: list[str]
    rows: list[Tensor]


class Window:
    """One row of metrics for each step, kept on the device until the window ends: reading them waits for the device.

    `names` has the order in which a step computes the metrics, so the first value that is not finite is where it began.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.rows: list[Tensor] = []

    def add(self, values: dict[str, Tensor]) -> None:
        """`values`: scalars, the same names in the same order every time."""
        self.names = list(values)
        self.rows.append(torch.stack([value.detach().float() for value in values.values()]))

    def means(self) -> dict[str, float]:
        """The mean of every name over the window, then an empty window."""
        means = torch.stack(self.rows).double().mean(dim=0).tolist()
        self.rows.clear()
        return dict(zip(self.names, means, strict=True))

    def first_not_finite(self) -> tuple[int, str] | None:
        """(index in the window, name) of the first value that is not finite, or None."""
        is_not_finite = ~torch.isfinite(torch.stack(self.rows))
        if not bool(is_not_finite.any()):
            return None
        row, column = is_not_finite.nonzero()[0].tolist()
        return row, self.names[column]

    def drop_not_finite(self) -> int:
        """Drops the first row that holds a value that is not finite, and all after it; how many it dropped."""
        position = self.first_not_finite() if self.rows else None
        if position is None:
            return 0
        dropped = self.rows[position[0] :]
        del self.rows[position[0] :]
        return len(dropped)

    def state_dict(self) -> WindowState:
        return {"names": list(self.names), "rows": [row.cpu() for row in self.rows]}

    def load_state_dict(self, state: WindowState, device: torch.device) -> None:
        self.names = list(state["names"])
        self.rows = [row.to(device) for row in state["rows"]]


def score_metrics(
    real: Tensor, fake: Tensor, boundary: float, judged: tuple[Tensor, Tensor] | None = None
) -> dict[str, Tensor]:
    """Mean scores, accuracies and ROC AUC, from D's logits [n] on real images and [m] on generated ones.

    boundary: D classifies an image as real if its logit is above it. judged: of a relativistic loss, what is compared
    with the boundary in place of the logits.
    """
    judged_real, judged_fake = judged or (real, fake)
    accuracy_real, accuracy_fake = (judged_real > boundary).float().mean(), (judged_fake <= boundary).float().mean()
    return {
        metric_names.SCORE_REAL: real.mean(),
        metric_names.SCORE_FAKE: fake.mean(),
        metric_names.ACCURACY_REAL: accuracy_real,
        metric_names.ACCURACY_FAKE: accuracy_fake,
        metric_names.ACCURACY_DISCRIMINATOR: (accuracy_real + accuracy_fake) / 2,
        metric_names.ACCURACY_AUC: roc_auc(real, fake),
    }


def total_norm(tensors: Iterable[Tensor]) -> Tensor:
    """The Euclidean norm of all elements of all tensors together, at least one, on one device.

    The same as `torch.nn.utils.get_total_norm`, bit for bit, which groups tensors by device first: a third of its time.
    """
    return torch.linalg.vector_norm(torch.stack(torch._foreach_norm([tensor.detach() for tensor in tensors])))


def roc_auc(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """The probability that a real image scores above a generated one; ties count half (Mann and Whitney 1947).

    `real_scores` [n], `fake_scores` [m] -> scalar in [0, 1].
    """
    difference = real_scores[:, None] - fake_scores[None, :]
    return (difference > 0).float().mean() + 0.5 * (difference == 0).float().mean()
