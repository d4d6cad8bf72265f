"""What each trial ran with, and what all share."""

from __future__ import annotations

from support.made_runs import made_run

from orchestrator.report.run_details import of_run, shared_and_own


def test_what_all_share_stands_once_and_every_setting_is_in_one_place() -> None:
    runs = [{"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "9", "d": "4"}]
    shared, own = shared_and_own(runs)
    assert shared == {"a": "1"}
    assert own == [{"b": "2", "c": "3"}, {"b": "9", "d": "4"}]
    assert [shared | rest for rest in own] == runs


def test_a_trial_that_has_not_started_shares_nothing() -> None:
    assert shared_and_own([{"a": "1"}, {}]) == ({}, [{"a": "1"}, {}])
    assert shared_and_own([]) == ({}, [])


def test_settings_what_was_applied_and_the_machine_are_told_apart() -> None:
    run = made_run()
    run.settings = {"optimizer.lr": "0.1"}
    run.environment = {
        "python": "3.11.2",
        "packages": {"torch": "2.15"},
        "cores": 2,
        "applied": {"generator": {"lr": 0.1, "betas": [0.5, 0.9]}, "device": "cpu"},
    }
    assert of_run(run) == {
        "optimizer.lr": "0.1",
        "ran on: python": "3.11.2",
        "ran on: packages.torch": "2.15",
        "ran on: cores": "2",
        "applied: generator.lr": "0.1",
        "applied: generator.betas": "[0.5, 0.9]",
        "applied: device": "cpu",
    }


def test_nothing_is_known_of_a_trial_that_has_not_started() -> None:
    assert of_run(made_run(verdict="")) == {}
