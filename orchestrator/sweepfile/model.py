"""What a sweep file describes: a `Sweep` of `Trial`s."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gan_core.config.trial import TrialConfig


@dataclass(frozen=True)
class Trial:
    """One configuration with one seed. `factors`: the swept settings and this trial's levels of them.

    `confirms`: it runs one of the best configurations again, on a fresh seed.
    """

    group: str
    configuration: str
    seed: int
    factors: dict[str, Any]
    config: TrialConfig
    sources: dict[str, str] = field(repr=False, compare=False)
    confirms: bool = False

    @property
    def name(self) -> str:
        return f"{self.configuration} seed={self.seed}"


@dataclass(frozen=True)
class Sweep:
    name: str
    question: str
    seeds: list[int]
    trials: list[Trial]
    cautions: list[str]
    file: str
    overrides: list[str]
