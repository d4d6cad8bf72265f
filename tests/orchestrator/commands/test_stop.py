"""Stopping a sweep from another terminal; `tests/e2e/test_upkeep.py` stops a real one."""

from __future__ import annotations

import io
import os
import platform
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from filelock import FileLock
from rich.console import Console
from support.commands import program
from support.tiny import finished_trial, run_some_steps

from orchestrator.commands.stop import stop
from orchestrator.errors import UserError
from orchestrator.planning.plan import Plan
from orchestrator.store.json_files import write_json
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import hold

MakePlan = Callable[[], Plan]


def known(plan: Plan) -> SweepFolder:
    """The plan's folder, which knows its sweep as after `orchestrate sweep`."""
    plan.folder.folder.mkdir(parents=True, exist_ok=True)
    write_json(plan.folder.sweep_file, plan.to_document())
    return plan.folder


def test_the_holder_is_interrupted_and_what_is_saved_is_told(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    folder = known(plan)
    finished_trial(plan, plan.trials[0])
    run_some_steps(plan, plan.trials[1], 3).suspend()
    command = program("holds_sweep", folder.home, "tiny")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        output = io.StringIO()
        stop(folder, Console(file=output, width=200))
        assert other.stdout.readline() == "interrupted\n"
    text = output.getvalue()
    assert f"asked process {other.pid}" in text
    assert f"saved    {plan.trials[1].key[:8]} {plan.trials[1].trial.name} at step 3 of 8" in text
    assert "4 trials: 1 finished (1 unfinished), 1 interrupted, 2 pending" in text
    assert f"orchestrate sweep {plan.sweep.file}" in text


def test_where_nothing_runs_it_says_so(tiny_plan: MakePlan) -> None:
    folder = known(tiny_plan())
    with pytest.raises(UserError, match=r"tiny is not running.*orchestrate status tiny.*orchestrate sweep"):
        stop(folder, Console())
    with pytest.raises(UserError, match=r"no sweep 'tony'.*tiny"):
        stop(SweepFolder(folder.home, "tony"), Console())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"host": "elsewhere"}, r"on elsewhere, and this is .*orchestrate stop tiny.* there"),
        ({"process": 2**22 + 1}, "cannot be seen from here"),  # above the largest that Linux gives
    ],
)
def test_a_process_that_cannot_be_asked_is_named(change: dict[str, Any], words: str, tiny_plan: MakePlan) -> None:
    folder = known(tiny_plan())
    with hold(folder):
        this_process = {"process": os.getpid(), "host": platform.node(), "since": "now"}
        write_json(folder.holder_file, this_process | change)
        with pytest.raises(UserError, match=words):
            stop(folder, Console())


def test_all_commands_of_a_sweep_in_parts_are_stopped_and_those_elsewhere_named(tiny_plan: MakePlan) -> None:
    folder = known(tiny_plan())
    command = program("holds_sweep", folder.home, "tiny", "2")
    output = io.StringIO()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with FileLock(folder.part_lock(3)):
            write_json(folder.part_holder_file(3), {"process": 7, "host": "elsewhere", "since": "now"})
            with pytest.raises(UserError, match=r"also run by process 7 on elsewhere"):
                stop(folder, Console(file=output, width=200))
        assert other.stdout.readline() == "interrupted\n"
    assert f"asked process {other.pid} to stop" in output.getvalue()
