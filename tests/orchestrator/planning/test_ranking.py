"""Which configurations are best, and which run stands for each."""

from __future__ import annotations

from typing import Any

from orchestrator.planning.ranking import (
    EndedTrial,
    RankedConfiguration,
    ended_trial,
    no_best_reason,
    no_ranking_reason,
    rank_best,
    rank_configurations,
)
from orchestrator.store.record import Record


def runs(configuration: str, *outcomes: tuple[bool, float | None], evaluator: str = "e") -> list[EndedTrial]:
    return [
        EndedTrial(f"{configuration}{seed}", configuration, stable, evaluator, frechet)
        for seed, (stable, frechet) in enumerate(outcomes)
    ]


def best_of(*configurations: list[EndedTrial]) -> RankedConfiguration:
    return rank_configurations([run for runs in configurations for run in runs])[0]


def test_more_stable_runs_beat_a_lower_distance() -> None:
    steady = runs("steady", (True, 30.0), (True, 32.0))
    lucky = runs("lucky", (True, 1.0), (False, 2.0))
    assert best_of(lucky, steady).configuration == "steady"


def test_among_equally_stable_ones_the_lowest_distance_wins() -> None:
    assert best_of(runs("a", (True, 1.0), (True, 9.0)), runs("b", (True, 4.0), (True, 5.0))).configuration == "b"


def test_a_run_that_diverged_or_failed_counts_against_its_configuration() -> None:
    half = runs("half", (True, 1.0), (False, None))
    assert best_of(half, runs("whole", (True, 50.0))).configuration == "whole"
    assert str(best_of(half).stable) == "1 of 2"


def test_the_median_stable_run_is_taken_and_of_two_in_the_middle_the_worse() -> None:
    assert best_of(runs("a", (True, 9.0), (True, 1.0), (True, 5.0))).frechet == 5.0
    assert best_of(runs("a", (True, 1.0), (True, 2.0))).frechet == 2.0


def test_a_run_that_is_not_stable_never_represents_its_configuration() -> None:
    (ranked,) = rank_configurations(runs("a", (False, 1.0), (False, 4.0), (True, 30.0), (False, 5.0)))
    assert (ranked.key, ranked.frechet) == ("a2", 30.0)
    assert str(ranked.stable) == "1 of 4"


def test_a_configuration_without_a_stable_run_is_not_ranked() -> None:
    collapsed = runs("a", (False, 1.0), (False, 2.0))
    assert [ranked.configuration for ranked in rank_configurations([*collapsed, *runs("b", (True, 9.0))])] == ["b"]
    assert rank_configurations(collapsed) == []
    assert no_ranking_reason(collapsed) == no_ranking_reason([]) == "no run is stable"
    assert "measured" in no_ranking_reason(runs("a", (True, None)))


def test_distances_of_two_evaluators_do_not_compete() -> None:
    many = runs("many", (True, 50.0), (True, 60.0), evaluator="classifier")
    assert best_of(runs("one", (True, 0.1), evaluator="random"), many).evaluator == "classifier"


def test_nothing_is_chosen_where_no_generator_was_measured() -> None:
    assert rank_configurations(runs("a", (False, None))) == []
    assert rank_configurations([]) == []


def test_all_that_have_a_stable_run_are_ranked() -> None:
    three = [*runs("a", (True, 3.0)), *runs("b", (False, 1.0)), *runs("c", (True, 2.0))]
    assert [ranked.configuration for ranked in rank_configurations(three)] == ["c", "a"]


def document_of(best: list[str] | None) -> Any:
    return {"answer": {"best": best}}


def test_the_best_of_a_sweep_with_an_answer_is_one_of_those_that_it_leaves() -> None:
    """The ranking has c first; that may be luck."""
    three = [*runs("a", (True, 3.0), (True, 4.0)), *runs("b", (True, 5.0), (False, 1.0)), *runs("c", (True, 2.0))]
    documents: list[Any] = [{}, document_of(None), document_of(["b"]), document_of(["b", "a"])]
    assert [rank_best(three, document)[0].configuration for document in documents] == ["c", "c", "b", "a"]
    free, _, one, two = (rank_best(three, document)[0].reason for document in documents)
    assert "highest share" in free and "among" not in free
    assert "answer of the sweep" in one and "highest share" not in one and "1 of 2 stable" in one
    assert "highest share" in two and "among the 2 that can be the best" in two


def test_why_none_of_those_that_an_answer_leaves_is_the_best() -> None:
    trials = [*runs("a", (True, 3.0)), *runs("b", (False, 5.0))]
    assert rank_best(trials, document_of(["b"])) == []
    assert no_best_reason(trials, document_of(["b"])) == "of b, which can be the best, no run is stable"
    assert no_best_reason(trials[1:], document_of(["b"])) == no_best_reason(trials[1:], {}) == "no run is stable"  # type: ignore[typeddict-item]


def test_how_a_trial_ended_is_read_from_its_record() -> None:
    trial = {"key": "k", "configuration": "c", "group": "g", "seed": 0, "factors": {}}
    measured = {"evaluator": {"id": "e"}, "metrics": {"frechet/e": 3.0}}
    stable, diverged = ({"name": name, "reason": "", "since": None} for name in ("stable", "diverged"))
    assert ended_trial(trial, Record("k", "finished", verdict=stable, **measured)) == EndedTrial(
        "k", "c", True, "e", 3.0
    )  # type: ignore[arg-type]
    assert ended_trial(trial, Record("k", "finished", verdict=diverged, **measured)) == EndedTrial(
        "k", "c", False, "e", None
    )  # type: ignore[arg-type]
    assert ended_trial(trial, Record("k", "failed", **measured)) == EndedTrial("k", "c", False, "e", None)  # type: ignore[arg-type]
    assert ended_trial(trial, Record("k", "running", **measured)) is None  # type: ignore[arg-type]
