"""A sweep and its trials, as a sweep file describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import ValidationError

from gan_core.config.elements import with_elements
from gan_core.config.identity import unflatten
from gan_core.config.trial import TrialConfig
from orchestrator.errors import UserError
from orchestrator.formatting import configuration_name
from orchestrator.sweepfile.sample import Sample

MAX_CHOSEN = {"map": 300, "search": 1000}
"""Most trials that are chosen one after another. To choose one, a map inverts matrices of the size of the trials so
far for each of its hypotheses: 6 s at 200 trials of three settings, more than 110 s at 400."""


@dataclass(frozen=True)
class Trial:
    """One configuration with one seed.

    factors: path of each swept setting -> its value in this trial. sources: path of a setting -> file and line, or the
    option, where it is written. confirms: whether `--confirm` added this trial, on a new seed. sampled: the factors
    that were drawn: trials that differ in them are compared by a smooth model, not in pairs.
    """

    group: str
    configuration: str
    seed: int
    factors: dict[str, Any]
    config: TrialConfig
    sources: dict[str, str] = field(repr=False, compare=False)
    confirms: bool = False
    sampled: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.configuration} seed={self.seed}"


@dataclass(frozen=True)
class UntilAnswered:
    """A sweep that trains seeds until its question is answered.

    first: seeds before the first look. most: seeds at the last one. factors: those that are asked about; empty: all.
    best: whether it is asked which configuration is best. same_stable: a change of the share of stable runs within +-
    this is small; same_quality: so is one of the logarithm of the Frechet distance. hours: of the clock, and
    worker_hours: of all workers together, after which no trial goes on; None: no limit.
    """

    first: int
    most: int
    factors: tuple[str, ...] = ()
    best: bool = True
    same_stable: float = 0.2
    same_quality: float = 0.1
    hours: float | None = None
    worker_hours: float | None = None


@dataclass(frozen=True)
class StabilityMap:
    """A sweep that maps where training stays stable. over: the settings of its space. trials: how many it takes."""

    over: tuple[str, ...]
    trials: int


@dataclass(frozen=True)
class Search:
    """A sweep that looks for the best quality among settings that are stable.

    trials: how many it takes. stable: the share of stable runs that is required. schedule: "asha" stops trials that are
    behind; "" lets all of them end.
    """

    trials: int
    stable: float = 0.9
    schedule: Literal["", "asha"] = ""


@dataclass(frozen=True)
class SharedSettings:
    """What all trials of a group have in common. sources: path -> where it is written."""

    group: str
    settings: Mapping[str, Any]
    sources: dict[str, str] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Sweep:
    """A sweep. `cautions`: texts that warn of settings. `overrides`: the values of `--set`.

    `file`: its sweep file, which is read once. `text`: what was in it then. `until`: None if all seeds are trained; if
    not, `seeds` and `trials` are those that it would take at most. `stop_early`: trials end once no more can be hoped
    for. `samples`: group -> what its points are drawn from, of groups that draw. `slurm`: what its file asks Slurm for,
    fields of `SlurmSettings`. `explores`: it chooses its trials one after another; then `seeds` and `trials` are
    empty, and `trial_at` makes one from `shared`, which all of them share, and the settings of a point.
    """

    name: str
    question: str
    seeds: list[int]
    trials: list[Trial]
    cautions: list[str]
    file: str
    text: str = field(repr=False)
    overrides: list[str]
    until: UntilAnswered | None = None
    stop_early: bool = False
    samples: dict[str, Sample] = field(default_factory=dict)
    slurm: Mapping[str, Any] = field(default_factory=dict)
    explores: StabilityMap | Search | None = None
    shared: SharedSettings | None = None

    @property
    def explored_sample(self) -> Sample:
        """What a sweep that chooses its trials chooses from: the space, and the seed of the choosing."""
        (sample,) = self.samples.values()
        return sample

    @property
    def stops_trials(self) -> bool:
        """Whether a schedule stops trials that are behind."""
        return isinstance(self.explores, Search) and self.explores.schedule == "asha"

    def trial_at(self, settings: Mapping[str, Any], seed: int) -> Trial:
        """The trial with these settings of the space, of a sweep that chooses its trials.

        Raises UserError if they contradict each other.
        """
        assert self.shared
        name = configuration_name(self.shared.group, {**settings})
        values = with_elements({**self.shared.settings, **settings})
        try:
            config = TrialConfig.model_validate(unflatten(values)).model_copy(update={"seed": seed})
        except ValidationError as error:
            reason = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
            raise UserError(f"{self.file}: {name} cannot be trained: {reason}; make the ranges smaller") from None
        return Trial(self.shared.group, name, seed, {**settings}, config, self.shared.sources, sampled=tuple(settings))
