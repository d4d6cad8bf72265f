"""A sweep and its trials, as a sweep file describes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gan_core.config.trial import TrialConfig


@dataclass(frozen=True)
class Trial:
    """One configuration with one seed.

    factors: path of each swept setting -> its value in this trial. sources: path of a setting -> file and line, or the
    option, where it is written. confirms: whether `--confirm` added this trial, on a new seed.
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
    """A sweep. `cautions`: texts that warn of settings. `overrides`: the values of `--set`.

    `file`: its sweep file, which is read once. `text`: what was in it then.
    """

    name: str
    question: str
    seeds: list[int]
    trials: list[Trial]
    cautions: list[str]
    file: str
    text: str = field(repr=False)
    overrides: list[str]
