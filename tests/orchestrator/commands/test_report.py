"""`orchestrate report`, on sweeps that MLflow holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
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
    report.report(uri, ["tiny"], home, None, console=make_console())
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
    report.report(uri, ["before", "after"], home, None, console=make_console())
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
        report.report(f"sqlite:///{tmp_path / 'mlflow.db'}", ["a", "b", "a"], tmp_path, None, console=make_console())
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_a_users_mistake(tiny_plan: MakePlan, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    uri = uri_of(tiny_plan(), tmp_path)
    with pytest.raises(UserError, match="cannot be written"):
        report.report(uri, ["tiny"], tmp_path / "home", tmp_path / "file" / "out", console=make_console())
