"""What the home keeps of imported runs."""

from __future__ import annotations

from typing import Any

from orchestrator.imports.history import history
from orchestrator.imports.imported_run import ImportedRun
from orchestrator.imports.source_run import Point
from orchestrator.imports.sweep_document import trial_key, trials_of
from orchestrator.imports.values import NOT_SET


def run(level: Any, seed: int = 0, group: str = "g", **settings: Any) -> ImportedRun:
    made = history({"loss/generator": [Point(1, 1.0)], "frechet": [Point(1, 5.0), Point(2, 3.0)]}, "id", None, 7)
    return ImportedRun(f"{level} {seed}", group, {"lr": level, **settings}, seed, "bce", "FID", made)


def test_trials_are_in_the_order_of_levels_whatever_that_of_the_source() -> None:
    levels = ["b", 2, [1, 2], NOT_SET, 0.5, "a", True]
    trials = trials_of([run(level) for level in levels], None)
    found = [trial.document["factors"]["lr"] for trial in trials]
    assert found == [NOT_SET, 0.5, True, 2, "a", "b", [1, 2]]
    again = trials_of([run(level) for level in reversed(levels)], None)
    assert [trial.document for trial in again] == [trial.document for trial in trials]


def test_a_key_is_that_of_settings_group_and_seed() -> None:
    assert trial_key(run(1)) == trial_key(run(1)) and len(trial_key(run(1))) == 16
    assert len({trial_key(run(1)), trial_key(run(2)), trial_key(run(1, 1)), trial_key(run(1, 0, "h"))}) == 4


def test_settings_that_do_not_vary_in_a_group_are_in_no_name() -> None:
    [first, *_] = trials_of([run(1, norm="batch"), run(2, norm="batch"), run(1, group="h", norm="none")], None)
    assert first.document["name"] == "g lr=1 seed=0" and first.document["factors"] == {"lr": 1}
    assert first.document["settings"] == {"lr": 1, "norm": "batch", "loss.name": "bce"}


def test_a_record_is_that_of_a_finished_trial() -> None:
    [trial] = trials_of([run(1)], None)
    record = trial.record
    assert record.has_ended and record.step == 2 and record.history and record.verdict
    evaluator = record.evaluator["id"]
    assert evaluator.startswith("imported-") and record.evaluator["weights"] == "FID"
    assert (record.attempts[0].began, record.attempts[0].ended) == (7, 7)
