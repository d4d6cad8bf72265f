"""What `sweep.json` keeps of a sweep that chooses its trials one after another: how, and which ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrator.planning.chosen_points import ChosenPoint
from orchestrator.planning.explored_words import changes
from orchestrator.space import Space
from orchestrator.store.sweep_document import ExploredDocument, SweepDocument
from orchestrator.sweepfile.model import StabilityMap, Sweep


def explored_document(sweep: Sweep) -> ExploredDocument:
    """Before any point was chosen."""
    explores, sample = sweep.explores, sweep.explored_sample
    assert explores
    document: ExploredDocument = {
        "kind": "map" if isinstance(explores, StabilityMap) else "search",
        "trials": explores.trials,
        "lag": 0,
        "seed": sample.seed,
        "space": {dimension.path: dimension.to_document() for dimension in sample.space.dimensions},
        "points": [],
    }
    if isinstance(explores, StabilityMap):
        document["over"] = list(explores.over)
    else:
        document |= {"stable": explores.stable, "schedule": explores.schedule}
    return document


def with_earlier_points(document: ExploredDocument, before: SweepDocument | None) -> ExploredDocument:
    """With the points that the last command had chosen, as many as `document` takes, if it chose them in this way."""
    earlier = before.get("explored") if before else None
    if earlier is None or changes(earlier, document):
        return document
    return {**document, "lag": earlier["lag"], "points": earlier["points"][: document["trials"]]}


def points_of(document: ExploredDocument) -> list[ChosenPoint]:
    return [ChosenPoint(point["settings"], point["seed"]) for point in document["points"]]


def typical_settings(space: Space) -> dict[str, Any]:
    """The middle of the space: what a point that is not chosen yet is taken for."""
    return space.settings_at([0.5] * len(space.dimensions))


def ends(space: Space) -> Iterator[dict[str, Any]]:
    """The middle with each end of a range, and each level of a choice: what breaks a limit, breaks it there."""
    for dimension in space.dimensions:
        for end in dimension.ends:
            yield {**typical_settings(space), dimension.path: end}
