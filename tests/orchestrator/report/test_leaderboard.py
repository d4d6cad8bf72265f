"""Configurations in order: who counts, whose numbers are averaged, who stands first."""

from __future__ import annotations

import pytest
from support.made_runs import NOISE, ONE, TWO, made_run, made_sweep, measured

from orchestrator.report import leaderboard
from orchestrator.report.page_sections import best_and_riskiest, leaderboard_tables
from orchestrator.statistics.intervals import InterquartileMean, interquartile_mean

EMA = "stabilizers.ema"


def mean_of(value: InterquartileMean | None) -> float | None:
    return value and value.mean


def test_diverged_and_failed_runs_stay_in_the_denominator() -> None:
    runs = [made_run(), made_run(verdict="diverged"), made_run(verdict="", status="failed")]
    runs.append(made_run(verdict="", status="running"))  # has not ended
    assert leaderboard.stable_share(runs)[:2] == (1, 3)


def test_diverged_and_failed_runs_are_counted_but_not_averaged() -> None:
    runs = [measured(made_run(), 4.0), measured(made_run(seed=1, verdict="diverged"), 1e6)]
    runs.append(measured(made_run(seed=2, verdict="", status="failed"), 1e6))
    for run, loss in zip(runs, (2.0, 1e6, 1e6), strict=True):
        run.latest["loss/generator"] = loss
    (row,) = leaderboard.rows(runs)
    assert row.stable[:2] == (1, 3)
    assert (mean_of(row.final), mean_of(row.best), row.numbers["loss/generator"]) == (4.0, 2.0, 2.0)
    assert row.outcomes == [(0, "stable"), (1, "diverged"), (2, "failed")]


def test_collapsed_runs_are_averaged_with_the_stable_ones() -> None:
    (row,) = leaderboard.rows([measured(made_run(), 4.0), measured(made_run(seed=1, verdict="collapsed"), 8.0)])
    assert (mean_of(row.final), row.stable[:2]) == (6.0, (1, 2))


def test_one_outlier_does_not_move_what_is_typical() -> None:
    runs = [measured(made_run(seed=seed), value) for seed, value in enumerate([4.0, 4.0, 6.0, 6.0, 5.0, 1e5, 5.0, 5.0])]
    (row,) = leaderboard.rows(runs)
    assert row.final == interquartile_mean([4.0, 4.0, 6.0, 6.0, 5.0, 1e5, 5.0, 5.0])
    assert mean_of(row.final) == 5.25


def test_quality_is_that_of_each_runs_own_evaluator() -> None:
    """A column of another evaluator is no value of this one."""
    first, second = measured(made_run(), 4.0), measured(made_run(seed=1, verdict="oscillating"), 8.0)
    del second.latest[f"recall/{ONE}"]
    unmeasured = made_run(seed=2, latest={f"frechet/{ONE}": 77.0})
    (row,) = leaderboard.rows([first, second, unmeasured])
    assert (mean_of(row.final), mean_of(row.best), row.numbers["recall"]) == (6.0, 3.0, 0.5)
    assert row.numbers["class_agreement"] is None
    assert row.stable[:2] == (2, 3)


def test_numbers_of_two_evaluators_are_never_averaged() -> None:
    runs = [measured(made_run(seed=0), 10.0), measured(made_run(seed=1), 30.0), measured(made_run(seed=2), 0.5, TWO)]
    by_evaluator = {row.evaluator: (mean_of(row.final), row.outcomes) for row in leaderboard.rows(runs)}
    assert by_evaluator == {ONE: (20.0, [(0, "stable"), (1, "stable")]), TWO: (0.5, [(2, "stable")])}


def test_runs_that_nothing_has_measured_stand_with_their_seeds() -> None:
    (row,) = leaderboard.rows([made_run(verdict=""), measured(made_run(seed=1), 0.5, TWO)])
    assert (row.evaluator, row.outcomes, mean_of(row.final)) == (TWO, [(0, "pending"), (1, "stable")], 0.5)
    (bare,) = leaderboard.rows([made_run(verdict="")])
    assert (bare.evaluator, bare.final, bare.best) == ("", None, None)


def test_best_is_the_larger_share_of_stable_runs_then_the_smaller_distance_then_more_runs() -> None:
    runs = [
        *(measured(made_run({NOISE: 0.1}, seed, "stable"), 9.0) for seed in (0, 1)),
        *(measured(made_run({NOISE: 0.2}, seed, "stable"), 8.0) for seed in (0, 1)),
        *(measured(made_run({NOISE: 0.3}, seed, verdict), 1.0) for seed, verdict in enumerate(("stable", "collapsed"))),
        *(made_run({NOISE: 0.4}, seed, "stable") for seed in (0, 1)),
        *(made_run({NOISE: 0.5}, seed, "diverged") for seed in (0, 1)),
        *(made_run({NOISE: 0.6}, seed, "stable") for seed in (0, 1, 2)),
    ]
    order = [row.configuration.removeprefix("g noise=") for row in leaderboard.rows(runs)]
    assert order == ["0.2", "0.1", "0.6", "0.4", "0.3", "0.5"]


@pytest.mark.parametrize("status", ["pending", "running", "interrupted"])
def test_a_configuration_of_which_nothing_has_ended_stands_below_those_that_were_stable(status: str) -> None:
    runs = [made_run({NOISE: 0.1}, verdict="", status=status), made_run({NOISE: 0.2})]
    last = leaderboard.rows(runs)[-1]
    assert (last.configuration, last.stable[:2]) == ("g noise=0.1", (0, 0))


def test_the_raw_generator_stands_beside_its_moving_average() -> None:
    """What the average buys is the difference of the two in the same run."""
    averaged, plain = measured(made_run({EMA: 0.999}), 4.0), measured(made_run({EMA: 0.0}), 9.0)
    averaged.latest[f"raw_frechet/{ONE}"] = 9.0
    rows = {row.configuration: row for row in leaderboard.rows([averaged, plain])}
    numbers = [(mean_of(row.final), row.numbers["raw_frechet"]) for row in rows.values()]
    assert sorted(numbers, key=str) == [(4.0, 9.0), (9.0, None)]
    for runs, is_shown in (((averaged, plain), True), ((plain,), False)):
        (table,) = leaderboard_tables(made_sweep(*runs), leaderboard.rows(list(runs)))
        assert ("Frechet of the raw generator" in [column.title for column in table.columns]) is is_shown


def test_unfinished_runs_do_not_lift_a_configuration() -> None:
    """As in `planning.ranking`, which chooses the best model: 2 stable and 2 unfinished runs stand below 3 of 4."""
    few = [
        made_run(configuration="few", seed=seed, verdict=verdict)
        for seed, verdict in enumerate(["stable", "unfinished", "stable", "unfinished"])
    ]
    most = [
        made_run(configuration="most", seed=seed, verdict=verdict)
        for seed, verdict in enumerate(["stable", "stable", "stable", "collapsed"])
    ]
    first, second = leaderboard.rows([*few, *most])
    assert (first.configuration, str(first.stable), first.ended) == ("most", "3 of 4", 4)
    assert (second.configuration, str(second.stable), second.ended) == ("few", "2 of 2", 4)


def test_settings_that_nothing_is_known_of_are_not_the_riskiest() -> None:
    runs = [made_run(configuration=f"c{number}", verdict="stable" if number < 4 else "") for number in range(9)]
    runs += [made_run(configuration=f"u{number}", verdict="unfinished") for number in range(4)]
    assert [row.configuration for row in best_and_riskiest(leaderboard.rows(runs))] == ["c0", "c1", "c2", "c3"]
    assert len(best_and_riskiest(leaderboard.rows(runs[4:9]))) == 5
    assert best_and_riskiest([]) == []
