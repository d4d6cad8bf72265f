"""`orchestrate report`, on sweeps that MLflow holds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock
from support.mirrors import synced_mirror
from support.tiny import TINY, stable_trial

from orchestrator.commands import report
from orchestrator.console.output import make_console
from orchestrator.errors import UserError
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.sweepfile import loader

MakePlan = Callable[[], Plan]


def uri_of(plan: Plan, home: Path, trials: int = 0) -> str:
    """So many of the sweep's trials, run and sent to MLflow; its address."""
    for planned in plan.trials[:trials]:
        stable_trial(plan, planned)
    return synced_mirror(plan, home).uri


def test_the_report_is_written_beside_the_sweep_and_its_answer_is_told(
    tiny_plan: MakePlan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    uri = uri_of(tiny_plan(), tmp_path, 1)
    report.report(uri, ["tiny"], home, None, watch=False, console=make_console())
    folder = home / "sweeps" / "tiny" / "report"
    written = {
        "report.html",
        "report.md",
        "trials.csv",
        "effects.csv",
        "histories.parquet",
        "curves.png",
        "samples.png",
    }
    assert written <= {file.name for file in folder.iterdir()}
    output = capsys.readouterr().out
    assert "of 1 runs were stable" in output
    assert output.splitlines()[-1] == f"report  {folder / 'report.html'}"


def test_several_sweeps_are_compared_in_a_folder_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    for name, size in (("before", 8), ("after", 4)):
        file = tmp_path / f"{name}.yaml"
        file.write_text(TINY.replace("sweep: tiny", f"sweep: {name}").replace("batch_size: 8", f"batch_size: {size}"))
        uri = uri_of(make_plan(loader.load(file), home), tmp_path, 4)
    report.report(uri, ["before", "after"], home, None, watch=False, console=make_console())
    folder = home / "sweeps" / "before" / "against-after"
    assert "of 8 runs were stable" in capsys.readouterr().out
    assert "How do before and after differ?" in (folder / "report.html").read_text()
    effects = pd.read_csv(folder / "effects.csv").set_index("factor")
    assert tuple(effects.loc["batch_size", ["before", "after", "pairs", "seeds"]]) == (8, 4, 4, 2)
    trials = pd.read_csv(folder / "trials.csv")
    assert list(trials["group"]) == ["before: dcgan"] * 4 + ["after: dcgan"] * 4
    assert list(trials["batch_size"]) == [8] * 4 + [4] * 4
    assert trials["trial"].is_unique


def test_a_sweep_named_twice_is_a_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a sweep is named twice"):
        report.report(
            f"sqlite:///{tmp_path / 'mlflow.db'}", ["a", "b", "a"], tmp_path, None, watch=False, console=make_console()
        )
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_a_users_mistake(tiny_plan: MakePlan, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    uri = uri_of(tiny_plan(), tmp_path)
    with pytest.raises(UserError, match="cannot be written"):
        report.report(uri, ["tiny"], tmp_path / "home", tmp_path / "file" / "out", watch=False, console=make_console())


def test_a_watched_report_is_written_while_the_sweep_is_held_and_once_more_at_its_end(
    tiny_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tiny_plan()
    uri = uri_of(plan, tmp_path)
    page = tmp_path / "out" / "report.html"
    monkeypatch.setattr(report, "REFRESH_SECONDS", 1)
    pages: list[str] = []
    lock = FileLock(plan.folder.lock_file, thread_local=False)
    lock.acquire()

    def release_once_written(stop: threading.Event) -> None:
        while not page.exists() and not stop.wait(0.05):
            pass
        pages.append(page.read_text())
        lock.release()

    stop = threading.Event()
    waiting = threading.Thread(target=release_once_written, args=(stop,))
    waiting.start()
    try:
        report.report(uri, ["tiny"], tmp_path / "home", tmp_path / "out", watch=True, console=make_console())
    finally:
        stop.set()
        waiting.join()
        lock.release(force=True)
    refresh = '<meta http-equiv="refresh"'
    assert refresh in pages[0]
    assert refresh not in page.read_text()
    assert "No run has ended yet." in capsys.readouterr().out


def test_watching_a_sweep_that_does_not_run_writes_its_report_and_leaves(tiny_plan: MakePlan, tmp_path: Path) -> None:
    uri = uri_of(tiny_plan(), tmp_path)
    report.report(uri, ["tiny"], tmp_path / "home", tmp_path / "out", watch=True, console=make_console())
    assert "refresh" not in (tmp_path / "out" / "report.html").read_text().split("<style>")[0]
