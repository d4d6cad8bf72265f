"""A disk that is full or read-only stops a sweep, and costs neither a result nor a checkpoint."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from rich.console import Console
from support.mirrors import mirror_of, synced_mirror
from support.small_disks import MakeDisk, full, read_only
from support.tiny import TINY, execution_of, finished_trial, run_some_steps, run_to_end

from gan_core import checkpoint
from orchestrator.commands import sweep, sweep_options
from orchestrator.errors import UserError
from orchestrator.planning import disk_estimate
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.report.write_report import write_report
from orchestrator.store import disk_space
from orchestrator.sweepfile import loader

MakePlan = Callable[[], Plan]
PAGE = 4096


def plan_on(home: Path, tmp_path: Path) -> Plan:
    file = tmp_path / "tiny.yaml"
    file.write_text(TINY)
    return make_plan(loader.load(file), home)


@pytest.mark.parametrize("pages", [0, 1, 4, 16, 40, 64, 80, 100])
def test_a_trial_on_a_full_disk_halts_with_its_checkpoint_whole_and_goes_on_later(
    pages: int,
    make_disk: MakeDisk,
    tiny_plan: MakePlan,
    tmp_path: Path,
) -> None:
    """`pages`: how many are free. So another file is the first that does not fit."""
    plan = plan_on(make_disk("4m"), tmp_path)
    execution = run_some_steps(plan, plan.trials[0], 5)
    folder = execution.folder
    with full(plan.folder.home, pages * PAGE):
        execution.advance()
        if execution.record.status == "finished":  # 8 steps fitted into what was left
            assert pages >= 64
            return
        assert execution.done
        assert "the disk is full" in execution.stop_reason and "the same command goes on" in execution.stop_reason
        record = folder.record()
        assert record.status in ("interrupted", "running")  # running, where not even the record could be written
        assert record.verdict is None
        assert record.step == 4 == max(row["step"] for row in folder.history())
        assert checkpoint.load(folder.checkpoint_file)["step"] in (4, 8)
        assert not list(folder.folder.rglob("*.tmp"))
        execution.suspend()  # as its worker ends; nothing is left to save
    resumed = run_to_end(plan, plan.trials[0])
    undisturbed = finished_trial(tiny_plan(), plan.trials[0])
    assert resumed.folder.record().status == "finished"
    assert [row["step"] for row in resumed.folder.history()] == [row["step"] for row in undisturbed.history()]
    last = checkpoint.load(undisturbed.checkpoint_file)["generator"]
    assert all(torch.equal(last[k], v) for k, v in checkpoint.load(folder.checkpoint_file)["generator"].items())


def test_a_trial_that_is_suspended_on_a_full_disk_halts(make_disk: MakeDisk, tmp_path: Path) -> None:
    plan = plan_on(make_disk("4m"), tmp_path)
    execution = run_some_steps(plan, plan.trials[0], 5)
    with full(plan.folder.home):
        execution.suspend()
        assert "the disk is full" in execution.stop_reason
    resumed = execution_of(plan, plan.trials[0])
    resumed.begin()
    assert resumed.step == 4
    resumed.suspend()


def test_a_trial_in_a_folder_that_becomes_read_only_halts(make_disk: MakeDisk, tmp_path: Path) -> None:
    plan = plan_on(make_disk("4m"), tmp_path)
    execution = run_some_steps(plan, plan.trials[0], 5)
    with read_only(execution.folder.folder):
        execution.advance()
        assert "the disk is read-only" in execution.stop_reason and "make it writable" in execution.stop_reason
        assert checkpoint.load(execution.folder.checkpoint_file)["step"] == 4
        other = execution_of(plan, plan.trials[0])
        other._lock.timeout = 0
        other.begin()
        assert "the disk is read-only" in other.stop_reason
    assert run_to_end(plan, plan.trials[0]).folder.record().status == "finished"


def test_other_errors_of_files_are_failures_of_the_trial(tiny_plan: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = tiny_plan()
    execution = run_some_steps(plan, plan.trials[0], 5)

    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(checkpoint, "save", broken)
    execution.advance()
    assert (execution.record.status, execution.stop_reason) == ("failed", "")


# The command


def run(home: Path, tmp_path: Path) -> int:
    file = tmp_path / "tiny.yaml"
    file.write_text(TINY)
    options = sweep_options.SweepOptions(home, f"sqlite:///{home / 'mlflow.db'}", workers=1)
    return sweep.run_sweep(loader.load(file), options, Console(quiet=True)).exit_code


def test_a_sweep_that_will_not_fit_is_refused_before_anything_starts(
    make_disk: MakeDisk,
    tmp_path: Path,
) -> None:
    home = make_disk("100m")
    with pytest.raises(UserError, match=r"MB free and this needs about .*orchestrate clean --all"):
        run(home, tmp_path)
    assert not list(home.rglob("record.json"))


def test_a_home_folder_that_is_read_only_is_refused_in_one_line(make_disk: MakeDisk, tmp_path: Path) -> None:
    home = make_disk("400m")
    with read_only(home), pytest.raises(UserError, match="cannot be written"):
        run(home, tmp_path)


def test_the_estimate_is_an_upper_bound_of_what_trials_write(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    expected = disk_estimate.bytes_needed(plan, workers=1)
    for planned in plan.trials:
        finished_trial(plan, planned)
    home = plan.folder.home
    synced_mirror(plan, home)
    written = sum(file.stat().st_size for file in (home / "sweeps").rglob("*") if file.is_file())
    written += sum(file.stat().st_size for file in (home / "mlartifacts").rglob("*") if file.is_file())
    assert written < expected < 4 * written
    assert disk_estimate.bytes_needed(plan.with_current_records(), workers=1) == 0


def test_a_disk_that_runs_short_of_space_is_reported_once(make_disk: MakeDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, messages, has_halted = make_disk("210m"), list[str](), threading.Event()
    monkeypatch.setattr(disk_space, "SECONDS_BETWEEN_CHECKS", 0.01)

    def on_shortage(message: str) -> None:
        messages.append(message)
        has_halted.set()

    with disk_space.watch_free_space([folder], on_shortage):
        assert disk_space.shortage([folder]) is None
        (folder / "big").write_bytes(bytes(25 * 1000**2))
        assert has_halted.wait(60)
    assert len(messages) == 1
    assert "less than 200 MB" in messages[0] and "the same command goes on" in messages[0]


def test_mlflow_and_the_report_on_a_full_disk_are_one_line_each_and_work_later(
    make_disk: MakeDisk,
    tiny_plan: MakePlan,
    tmp_path: Path,
) -> None:
    plan, small = tiny_plan(), make_disk("16m")
    uri = f"sqlite:///{small / 'mlflow.db'}"
    finished_trial(plan, plan.trials[0])
    with full(small), pytest.raises(UserError, match=r"MLflow at .* cannot be used"):
        mirror_of(plan, small, uri).open()
    synced_mirror(plan, small, uri)
    with full(small), pytest.raises(UserError, match=r"cannot be written \(No space left on device\)"):
        write_report(uri, ["tiny"], small / "report")
    write_report(uri, ["tiny"], small / "report")
    assert (small / "report" / "report.html").exists()
