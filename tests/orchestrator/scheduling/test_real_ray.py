"""Trials that fail on a real Ray, in ways that a whole sweep cannot be made to fail."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.commands import program, program_environment
from support.limited_memory import limited_memory
from support.tiny import TINY

from orchestrator.store.record import Record
from orchestrator.store.sweep_folder import SweepFolder

pytestmark = pytest.mark.e2e

Ran = tuple[Path, dict[str, list[Any]]]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The home of three sweeps of one trial each, and what was reported of these."""
    folder = tmp_path_factory.mktemp("real-ray")
    for name in ("dying", "unready", "crowded"):
        text = TINY.replace("sweep: tiny", f"sweep: {name}").replace("[0, 1]", "[0]").replace("[0.0, 0.1]", "[0.0]")
        (folder / f"{name}.yaml").write_text(text)
    command = program("failing_evaluators", folder)
    done = subprocess.run(command, env=program_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "home", json.loads(done.stdout.splitlines()[-1])


def record_of(name: str, home: Path) -> Record:
    (file,) = home.glob(f"sweeps/{name}/trials/*/record.json")
    return SweepFolder(home, name).trial(file.parent.name).record()


def test_a_worker_that_cannot_be_set_up_is_tried_once_more_and_told_with_its_traceback(ran: Ran) -> None:
    home, reports = ran
    assert reports["unready"] == ["retried", "given up"]
    record = record_of("unready", home)
    assert record.status == "failed"
    assert "Traceback" in (record.error or "")
    last = (record.error or "").splitlines()[-1]
    assert last == "its worker could not run it: ModuleNotFoundError: No module named 'a_package_of_another_node'"


def test_the_first_trial_runs_in_the_process_that_was_asked_for_and_has_waited(ran: Ran) -> None:
    home, reports = ran
    assert [record_of("dying", home).attempts[0].process] == reports["warm"]


def test_what_ran_out_of_memory_gets_twice_the_share_and_ends(ran: Ran) -> None:
    home, reports = ran
    assert reports["crowded"][0] == "out of memory" and reports["crowded"][-1] == "finished"
    record = record_of("crowded", home)
    assert [attempt.outcome for attempt in record.attempts] == ["out of memory", "finished"]


def test_a_trial_that_kills_its_workers_ends_with_what_the_last_one_said(ran: Ran) -> None:
    home, said = ran
    record = record_of("dying", home)
    assert record.status == "failed"
    assert [attempt.outcome for attempt in record.attempts] == ["lost", "lost"]
    assert "no such instruction" in (record.error or "")
    assert said["dying"] == ["lost", "given up"]


def test_where_the_kernel_kills_for_memory_fewer_trials_run_at_once_and_all_end(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY.replace("[0.0, 0.1]", "[0.0]"))
    size = 4 * 10**9  # beside two of the workers' blocks there is too little for Ray, beside one of them enough
    with limited_memory(size) as group:
        command = program("grows_in_memory", group, tmp_path, str(int(0.45 * size)))
        done = subprocess.run(command, env=program_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    reports, side_by_side = json.loads(done.stdout.splitlines()[-1])
    assert side_by_side == 1
    assert sorted(events.count("killed") for events in reports.values()) == [0, 1]
    folder = SweepFolder(tmp_path / "home", "tiny")
    assert {folder.trial(key).record().status for key in reports} == {"finished"}
    killed = next(key for key, events in reports.items() if "killed" in events)
    record = folder.trial(killed).record()
    assert [attempt.outcome for attempt in record.attempts] == ["out of memory", "finished"]
    assert "memory of its machine ran out" in (record.attempts[0].message or "")
