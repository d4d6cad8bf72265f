"""The layout of sweep.json: what a sweep asked for when it was last planned.

The same document goes to MLflow as an artifact of the parent run, where the report reads it.
"""

from __future__ import annotations

from typing import Any, TypedDict

from gan_core.data.dataset_card import DatasetCard


class TrialDocument(TypedDict):
    """One trial. `data`: the fingerprint of its data set. `factors`: path of each swept setting -> its value.

    `confirms`: the trial runs one of the best configurations again, on a fresh seed.
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


class SweepDocument(TypedDict):
    """`file`: the path of the sweep file. `overrides`: the values of `--set`. `data`: fingerprint -> data set."""

    name: str
    question: str
    file: str
    seeds: list[int]
    overrides: list[str]
    cautions: list[str]
    data: dict[str, DatasetCard]
    trials: list[TrialDocument]
