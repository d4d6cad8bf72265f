"""Settings of a training in plain values, as requested and as applied. `applied_settings` compares them."""

from __future__ import annotations

from typing import TypedDict


class AdamSettings(TypedDict):
    lr: float
    betas: list[float]


class TrainingSettings(TypedDict, total=False):
    """The settings that are compared. `n_critic`: left out before G's first update.

    `stabilizers`: name of each that is on -> its strength; True for one that has no strength.
    """

    n_critic: float
    generator: AdamSettings
    discriminator: AdamSettings
    discriminator_norm: str | None
    stabilizers: dict[str, float]


class AppliedSettings(TrainingSettings, total=False):
    """What training really ran with. `cuda_graph`: on a GPU, whether steps are replayed, or why they are not."""

    precision: str
    device: str
    cuda_graph: str
