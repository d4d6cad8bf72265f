"""What `orchestrate plan` says, and that it runs nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from support.explored import SEARCH
from support.tiny import TINY, finished_trial
from support.until_answered import UNTIL, end_well, plan_of, write
from typer.testing import CliRunner

from orchestrator import environment
from orchestrator.cli import app
from orchestrator.commands.queued_training import queue_of
from orchestrator.planning.plan import Plan
from orchestrator.store.json_files import write_with_checksum
from orchestrator.store.record import Attempt, Record
from orchestrator.store.trial_status import TrialStatus

MakePlan = Callable[[], Plan]


@pytest.fixture
def planned(tmp_path: Path, tiny_plan: MakePlan) -> Callable[..., str]:
    """`orchestrate plan` of the tiny sweep."""

    def run(*words: str) -> str:
        command = ["plan", str(tmp_path / "tiny.yaml"), "--home", str(tmp_path / "home"), *words]
        result = CliRunner().invoke(app.app, command)
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_where_nothing_was_measured_it_says_how_to(planned: Callable[..., str], tmp_path: Path) -> None:
    text = planned("--price-per-hour", "2")
    assert "expected time unknown" in text
    assert f"orchestrate plan --pilot {tmp_path / 'tiny.yaml'} --home {tmp_path / 'home'}" in text
    assert not (tmp_path / "home").exists()


def test_time_and_price_come_from_the_trials_that_ran(planned: Callable[..., str], tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    trial_folder = finished_trial(plan, plan.trials[0])
    record = trial_folder.record()
    record.seconds = 8 * 100.0  # 100 s a step
    trial_folder.write_record(record)
    text = planned("--workers", "1", "--price-per-hour", "2")
    assert "expected: roughly 40 min 00 s of training on 1 worker, 1.33 at 2 an hour" in text
    assert "1 from the same configuration, 2 from other dcgan trials" in text
    printed = json.loads(planned("--workers", "3", "--json", "--price-per-hour", "9"))
    assert printed["expected_seconds"] == pytest.approx(800.0)
    assert printed["expected_cost"] == pytest.approx(2.0)
    assert len(printed["trials"]) == 4


def test_trials_of_other_code_are_listed_with_the_reason(planned: Callable[..., str], tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    trial_folder = finished_trial(plan, plan.trials[0])
    record = trial_folder.record()
    record.environment["packages"]["torch"] = "1.0"
    trial_folder.write_record(record)
    text = planned()
    reason = f"torch 1.0, now {environment.describe()['packages']['torch']}"
    assert "finished with other code  " in text
    assert f"1 finished with other code and kept: {reason}" in text
    assert "4 trials: 1 finished (1 unfinished), 3 pending" in text
    stale = [row["stale"] for row in json.loads(planned("--json"))["trials"]]
    assert stale == [reason, None, None, None]


def test_the_next_command_asks_for_the_same_trials(planned: Callable[..., str], tmp_path: Path) -> None:
    assert f"{tmp_path / 'tiny.yaml'} --set 'seeds=[5]'" in planned("--set", "seeds=[5]")


def test_a_finished_sweep_has_nothing_left(planned: Callable[..., str], tmp_path: Path, tiny_plan: MakePlan) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY.replace("[0, 1]", "[0]").replace("[0.0, 0.1]", "[0.0]"))
    plan = tiny_plan()
    finished_trial(plan, plan.trials[0])
    assert "nothing is left to train" in planned()


def until_answered(tmp_path: Path, *words: str) -> str:
    (tmp_path / "until.yaml").write_text(UNTIL)
    command = ["plan", str(tmp_path / "until.yaml"), "--home", str(tmp_path / "home"), *words]
    result = CliRunner().invoke(app.app, command)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_until_answered_it_shows_the_next_trials_and_least_expected_and_most(tmp_path: Path) -> None:
    text = until_answered(tmp_path)
    assert "first look after 2 seeds" in text
    assert "trials that are left until it is answered: at least 4, about" in text and "at most 16" in text
    assert "4 trials: 4 pending" in text
    printed = json.loads(until_answered(tmp_path, "--json"))
    least, expected, most = (printed["until"][name]["trials"] for name in ("least", "expected", "most"))
    assert 4 == least <= expected <= most == 16
    assert len(printed["trials"]) == 4


def test_until_answered_it_knows_when_nothing_is_left(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    for planned_trial in plan.trials:
        end_well(plan, planned_trial)
    text = until_answered(tmp_path)
    assert re.search(r"answered after \d+ of at most 16 trials, \d seeds \(\d+ more ended without a look\)", text)
    assert "nothing is left to train" in text


def test_until_answered_each_time_is_of_its_trials_side_by_side(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    trial_folder = finished_trial(plan, plan.trials[0])
    record = trial_folder.record()
    record.seconds = 600.0
    trial_folder.write_record(record)
    text = until_answered(tmp_path, "--workers", "8", "--price-per-hour", "2")
    assert "expected: roughly 10 min 00 s of training on 8 workers for the 3 trials of the next look, 0.33 at" in text
    assert "at least 3 (10 min 00 s, 0.33), about" in text and "at most 15 (20 min 00 s, 0.67)" in text
    printed = json.loads(until_answered(tmp_path, "--workers", "8", "--json"))
    assert printed["expected_seconds"] == printed["until"]["least"]["seconds"] == pytest.approx(600)


def test_until_answered_nothing_is_expected_of_a_budget_that_was_spent_for_nothing(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    plan.folder.folder.mkdir(parents=True)
    queue = queue_of(plan)
    assert queue
    queue.give(plan.trials[0])
    write_with_checksum(plan.folder.sweep_file, queue.plan_so_far().to_document())
    attempt = Attempt(0, 0, ended=60_000, outcome="interrupted")
    write(plan, Record(plan.trials[0].key, TrialStatus.INTERRUPTED, 4, seconds=60.0, attempts=[attempt]))
    text = until_answered(tmp_path, "--budget", "1m")
    assert "the budget was spent before any trial ended" in text
    assert "expected" not in text and "nothing is left" not in text and "1 interrupted" in text
    assert json.loads(until_answered(tmp_path, "--budget", "1m", "--json"))["until"]["most"] == {
        "trials": 0,
        "seconds": 0.0,
    }


def test_a_search_counts_what_confirms_its_settings(tmp_path: Path) -> None:
    file = tmp_path / "tiny.yaml"
    file.write_text(SEARCH)
    words = ["plan", str(file), "--home", str(tmp_path / "home")]
    shown = CliRunner().invoke(app.app, words).stdout
    assert "12 trials: 12 to choose" in shown and "5 more on fresh seeds confirm what the search names" in shown
    assert json.loads(CliRunner().invoke(app.app, [*words, "--json"]).stdout)["to_confirm"] == 5


def test_it_says_how_many_seeds_a_fixed_design_takes(planned: Callable[..., str]) -> None:
    def seeds(*words: str) -> int:
        (line,) = [line for line in planned(*words).splitlines() if line.startswith("a fixed design")]
        return int(re.findall(r"take (\d+) seeds", line)[0])

    assert seeds("--power", "0.8", "--effect", "0.3") == seeds("--power", "0.8") == seeds("--effect", "0.3")
    assert seeds("--effect", "0.6") < seeds("--effect", "0.3") < seeds("--effect", "0.3", "--power", "0.9")
    assert "a fixed design" not in planned()
    assert "(1 comparison)" in planned("--power", "0.8")


def test_a_fixed_design_of_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(TINY.replace("[0.0, 0.1]", "[0.1]"))
    command = ["plan", str(tmp_path / "one.yaml"), "--home", str(tmp_path / "home"), "--power", "0.8"]
    result = CliRunner().invoke(app.app, command)
    assert result.exit_code != 0 and "compares nothing" in str(result.exception or result.output)
