"""The layout of sweep.json: what a sweep asked for when it was last planned.

The same document goes to MLflow as an artifact of the parent run, where the report reads it.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from gan_core.data.dataset_card import DatasetCard
from orchestrator.sweepfile.sample import SampleDocument


class TrialDocument(TypedDict):
    """One trial. `data`: the fingerprint of its data set. `factors`: path of each swept setting -> its value.

    `confirms`: the trial runs one of the best configurations again, on a fresh seed. `settings`: only of an imported
    run, which has no config.json: its settings by path.
    """

    key: str
    data: str
    name: str
    group: str
    configuration: str
    seed: int
    factors: dict[str, Any]
    steps: int
    loss: str
    confirms: bool
    settings: NotRequired[dict[str, Any]]


class ComparisonDocument(TypedDict):
    """A test of a comparison: of the share of `stable` runs or of `quality`, the logarithm of the Frechet distance.

    before, after: the levels, as people write them. state: shown, small or open. looks: [seeds, mean change, low, high]
    of each look. chance: that it was settled by the last look. takes: seeds that would settle it; None: not known.
    """

    group: str
    factor: str
    before: str
    after: str
    outcome: str
    state: str
    margin: float
    looks: list[list[float]]
    chance: float
    takes: int | None


TrainedBefore = tuple[float, int]
"""Of a trial: seconds of training, and number of attempts."""


class AnswerDocument(TypedDict):
    """Where a sweep stands that trains until its question is answered.

    first, most: seeds at the first and at the last look. seeds: at the latest one. trials: number of those that have
    ended; looked_at: of those that the looks took; at_most: of those that it could take. end: why it has ended; "" if
    it goes on. best: the configurations that can be the best, the leading one first; None if that was not asked, or if
    no run is stable. other_looks: how the designs differ that it was looked at with before. begun: key of each trial
    that was begun for the answer -> what was trained of it before, which its budget does not pay; earlier versions did
    not write it.
    """

    first: int
    most: int
    seeds: int
    trials: int
    looked_at: int
    at_most: int
    end: str
    comparisons: list[ComparisonDocument]
    best: list[str] | None
    other_looks: list[str]
    begun: NotRequired[dict[str, TrainedBefore]]


class LookedDesign(TypedDict):
    """A design that a command has looked with. seeds: at its latest look. question: its comparisons and margins."""

    first: int
    most: int
    seeds: int
    question: list[str]


class PointDocument(TypedDict):
    """A trial that was chosen: its settings of the space by path, its seed, its key."""

    settings: dict[str, Any]
    seed: int
    key: str


class ExploredDocument(TypedDict):
    """How a sweep chooses its trials one after another, and those that it has chosen, in their order.

    kind: map or search. trials: how many it takes. lag: point number n is chosen once the first n - lag + 1 have ended;
    0 before any worker was counted. seed: of the choosing. space: path of a setting -> its dimension. over: the
    settings of a map. stable: the share of stable runs that a search requires; schedule: asha, or "".
    """

    kind: str
    trials: int
    lag: int
    seed: int
    space: dict[str, dict[str, Any]]
    over: NotRequired[list[str]]
    stable: NotRequired[float]
    schedule: NotRequired[str]
    points: list[PointDocument]


class ImportDocument(TypedDict):
    """Where imported runs come from. `source`: in words. `mapped`: lines that say which of its names is what."""

    source: str
    mapped: list[str]


class SweepDocument(TypedDict):
    """`file`: the path of the sweep file. `overrides`: the values of `--set`. `data`: fingerprint -> data set.

    `answer`: only of a sweep that trains until its question is answered. `stop_early`: only of one that ends trials of
    which no more can be hoped for. `reported_seeds`: those of the first report that was written, if there was one.
    `looked`: the designs with which earlier commands have looked, seed by seed. `imported`: only of runs that this
    program did not train; `file` is then their mapping file, and `data` is empty. `samples`: group -> what its points
    were drawn from, of groups that draw. `explored`: only of a sweep that chooses its trials one after another.
    """

    name: str
    question: str
    file: str
    seeds: list[int]
    overrides: list[str]
    cautions: list[str]
    data: dict[str, DatasetCard]
    trials: list[TrialDocument]
    answer: NotRequired[AnswerDocument]
    stop_early: NotRequired[bool]
    reported_seeds: NotRequired[list[int]]
    looked: NotRequired[list[LookedDesign]]
    imported: NotRequired[ImportDocument]
    samples: NotRequired[dict[str, SampleDocument]]
    explored: NotRequired[ExploredDocument]
