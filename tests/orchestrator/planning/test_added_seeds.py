"""Seeds that are added by hand after a report: the sweep's record knows, and whoever plans or reads it is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.tiny import TINY

from orchestrator.planning.added_seeds import added_sentence
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.planning.staleness import changes_since_last_command
from orchestrator.store.json_files import write_json, write_with_checksum
from orchestrator.sweepfile import loader

Command = Callable[..., str]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """What a command with these seeds says of them; with `report` it writes one at its end."""
    file = tmp_path / "tiny.yaml"

    def run(*seeds: int, report: bool = True) -> str:
        file.write_text(TINY.replace("[0, 1]", str(list(seeds))))
        plan = make_plan(loader.load(file), tmp_path / "home")
        said = [line for line in changes_since_last_command(plan) if line.startswith("caution: ")]
        plan.folder.folder.mkdir(parents=True, exist_ok=True)
        write_with_checksum(plan.folder.sweep_file, plan.to_document())
        for planned in plan.trials:
            _begin(plan, planned.key)
        if report:
            plan.folder.report_folder.mkdir(exist_ok=True)
            plan.folder.report_file.write_text("a report")
        recorded = added_sentence(plan.to_document().get("reported_seeds", []), seeds)
        assert not said or said == [f"caution: {recorded}"]
        return recorded

    return run


def _begin(plan: Plan, key: str) -> None:
    folder = plan.folder.trial(key)
    folder.folder.mkdir(parents=True, exist_ok=True)
    write_json(folder.config_file, {})


def test_seeds_that_are_added_after_a_report_are_exploratory_and_stay_so(command: Command) -> None:
    assert command(0, 1) == ""
    added = command(0, 1, 2, 3)
    assert added.startswith("2 of 4 seeds were added by hand after a report, so the intervals are exploratory")
    assert "5%" in added and "`until: answered`" in added
    assert command(0, 1, 2, 3) == added, "the same command again"
    assert command(0, 1, 2, 3, 4).startswith("3 of 5 seeds were added")


def test_seeds_that_are_added_before_any_report_are_fixed_in_advance(command: Command) -> None:
    assert command(0, 1, report=False) == ""
    assert command(0, 1, 2, report=False) == ""
    assert command(0, 1, 2) == ""


def test_an_interrupted_command_in_between_hides_nothing(command: Command) -> None:
    command(0, 1)
    assert command(0, 1, 2, report=False)
    assert command(0, 1, 2)


def test_fewer_seeds_and_the_same_ones_again_add_none(command: Command) -> None:
    assert command(0, 1, 2) == command(0, 1) == command(0, 1, 2) == ""
    assert command(0, 1, 2, 3).startswith("1 of 4 seeds was added")


def test_other_seeds_altogether_are_a_design_of_their_own(command: Command) -> None:
    command(0, 1)
    assert command(5, 6, 7) == ""
    assert command(5, 6, 7, 8).startswith("1 of 4 seeds was added")


def test_a_report_of_one_seed_has_claimed_nothing(command: Command) -> None:
    command(0)
    assert command(0, 1, 2) == ""
