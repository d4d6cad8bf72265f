"""The answer in words: pure functions of made runs."""

from __future__ import annotations

from typing import Any

from orchestrator.report import summary
from orchestrator.report.collect import RunData, SweepData


def run(verdict: str, group: str = "g", seed: int = 0, status: str = "finished", **factors: Any) -> RunData:
    name = f"{group} {factors}"
    return RunData(f"{name}{seed}", name, group, name, seed, factors, 10, "id", status, verdict)


def sweep(*runs: RunData) -> SweepData:
    return SweepData("s", "Why?", "sqlite:///x", "r", [], "s.yaml", [], list(runs))


def test_diverged_and_failed_runs_stay_in_the_denominator() -> None:
    runs = [run("stable"), run("diverged"), run("", status="failed"), run("", status="running")]
    assert summary.stable_share(runs)[:2] == (1, 3)


def test_every_level_of_every_factor_is_counted_within_its_group() -> None:
    data = sweep(
        run("stable", lr=1e-3, noise=0.1), run("stable", lr=1e-4, noise=0.1),
        run("diverged", lr=1e-3, noise=0.0), run("stable", lr=1e-4, noise=0.0),
        run("collapsed", group="h", lr=1e-3),
    )  # fmt: skip
    found = {(level.group, level.factor, level.level): level.stable[:2] for level in summary.levels(data)}
    assert found == {
        ("g", "lr", "1e-3"): (1, 2),
        ("g", "lr", "1e-4"): (2, 2),
        ("g", "noise", "0.1"): (2, 2),
        ("g", "noise", "0"): (1, 2),
    }


def test_the_answer_counts_names_the_strongest_setting_and_says_how_sure_it_is() -> None:
    runs = [
        run("stable" if noise else "collapsed", seed=s, noise=noise, lr=lr)
        for s in (0, 1)
        for noise in (0, 1)
        for lr in (1, 2)
    ]
    text = " ".join(summary.answer(sweep(*runs)))
    assert "4 of 8 runs were stable" in text
    assert "In g, noise decided: stable in 4 of 4 runs at noise=1, in 0 of 4 at noise=0." in text
    assert "2 seeds" in text


def test_a_difference_that_may_be_chance_is_called_so() -> None:
    runs = [run("stable", noise=0), run("collapsed", noise=0, seed=1), run("stable", noise=1), run("stable", noise=1)]
    text = " ".join(summary.answer(sweep(*runs)))
    assert "no setting made a clear difference; the largest is noise's: stable in 2 of 2" in text


def test_a_level_of_which_no_run_has_ended_is_not_compared() -> None:
    waiting = run("", noise=1, status="pending")
    text = " ".join(summary.answer(sweep(run("stable", noise=0), waiting)))
    assert "1 of 1 runs were stable" in text
    assert "1 more have not ended" in text
    assert "mattered" not in text and "clear difference" not in text


def test_diverged_runs_are_counted_but_not_averaged() -> None:
    fine, blown = run("stable"), run("diverged", seed=1)
    fine.latest, blown.latest = {"loss/generator": 2.0}, {"loss/generator": 1e6}
    row = summary.table_row([fine, blown])
    assert row["generator"] == 2.0
    assert row["stable"][:2] == (1, 2)


def test_quality_is_that_of_each_runs_own_evaluator() -> None:
    """A column of another evaluator is no value of this one."""
    one, other, unmeasured, blown = run("stable"), run("oscillating", seed=1), run("stable", seed=2), run("diverged")
    for member in (one, other, blown):
        member.evaluator = {"id": "classifier-1a2b3c4d"}
    mine = "classifier-1a2b3c4d"
    one.latest = {f"frechet/{mine}": 4.0, f"best_frechet/{mine}": 2.0, f"modes/{mine}": 8.0, "frechet/random-0": 99.0}
    other.latest = {f"frechet/{mine}": 8.0, "recall/random-0": 0.5}
    unmeasured.latest = {f"frechet/{mine}": 77.0}
    blown.latest = {f"frechet/{mine}": 1e6}
    row = summary.table_row([one, other, unmeasured, blown])
    assert (row["frechet"], row["best_frechet"], row["modes"]) == (6.0, 2.0, 8.0)
    assert (row["recall"], row["precision"]) == (None, None)
    assert row["outcomes"] == [(0, "stable"), (1, "oscillating"), (2, "stable"), (0, "diverged")]
    assert row["stable"][:2] == (2, 4)


def test_one_seed_is_called_luck_and_no_run_is_no_answer() -> None:
    assert "luck" in summary.answer(sweep(run("stable", noise=0), run("stable", noise=1)))[-1]
    assert "no setting changed" in " ".join(summary.answer(sweep(run("stable", noise=0), run("stable", noise=1))))
    assert summary.answer(sweep(run("", status="pending"))) == ["No run has ended yet."]
