"""Settings of a training in plain values, as requested and as applied. `applied_settings` compares them."""

from __future__ import annotations

from typing import TypedDict


class OptimizerSettings(TypedDict, total=False):
    """`name`: left out for adam. Left out where they do not apply: `betas`, `weight_decay`, `momentum`.

    schedule: `lr`, and `beta1` and `beta2` where they move -> its values in the first step and in the last one so far;
    `steps`: how many these are. With a schedule, `lr` and betas that move are left out.
    """

    name: str
    lr: float
    betas: list[float]
    weight_decay: float
    momentum: float
    schedule: dict[str, list[float] | float]


class TrainingSettings(TypedDict, total=False):
    """The settings that are compared. `n_critic`: left out before G's first update.

    `stabilizers`: name of each that is on -> its strength; True for one that has no strength.
    """

    n_critic: float
    generator: OptimizerSettings
    discriminator: OptimizerSettings
    discriminator_norm: str | None
    stabilizers: dict[str, float]


class AppliedSettings(TrainingSettings, total=False):
    """What training really ran with. `cuda_graph`: on a GPU, whether steps are replayed, or why they are not.

    matrix_products: layer -> its operations that were matrix products, because that is faster on this processor; left
    out if there are none.
    """

    precision: str
    device: str
    cuda_graph: str
    matrix_products: dict[str, str]
