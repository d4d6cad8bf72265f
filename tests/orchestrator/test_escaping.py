"""Names from configurations are text wherever they are display: no formula, no markup, no control of a terminal."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from support.mirrors import synced_mirror
from support.tiny import TINY, finished_trial

from orchestrator.commands import report
from orchestrator.commands.status import print_sweep
from orchestrator.console.output import make_console
from orchestrator.console.progress import make_display
from orchestrator.errors import UserError
from orchestrator.escaping import escape_csv_cell, escape_markdown
from orchestrator.planning.eta import Eta
from orchestrator.planning.plan import make_plan
from orchestrator.store.json_files import write_json
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.trial_status import TrialStatus
from orchestrator.sweepfile import loader
from orchestrator.tracking.client import RunStatus
from orchestrator.trial.trial_report import TrialReport

FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")']
EVIL = "=1+1 [/red] :boom: <img src=x onerror=alert(1)> ![x](http://127.0.0.1:9/seen)"
"""A group's name: formula, rich markup, emoji, HTML, an image that tells who looked."""


@pytest.mark.parametrize("text", FORMULAS)
def test_a_cell_that_looks_like_a_formula_becomes_text(text: str) -> None:
    assert escape_csv_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", [-1.5, None, "-1.5", "+2e-4", "dcgan", "lr=2e-4", "a-b", ""])
def test_numbers_and_plain_text_stay_as_they_are_in_a_cell(value: object) -> None:
    assert escape_csv_cell(value) == value


def test_a_group_with_an_evil_name_is_text_in_tables_notes_and_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, home = tmp_path / "evil.yaml", tmp_path / "home"
    file.write_text(TINY.replace("name: dcgan", f"name: '{EVIL}'").replace("Is it small?", f"'{EVIL}'"))
    plan = make_plan(loader.load(file), home)
    console = make_console()
    display = make_display(console)
    display.start(plan, Eta(plan, 1))
    for planned in plan.trials:
        finished_trial(plan, planned)
        display.on_report(TrialReport(planned.key, TrialStatus.FINISHED, step=8, seconds=1.0, verdict="stable"))
    mirror = synced_mirror(plan, tmp_path)
    write_json(plan.folder.sweep_file, plan.to_document())
    print_sweep(home, "tiny", console, as_json=False)
    assert capsys.readouterr().out.count(f"{EVIL} smoothing=0.1 seed=1") == 2

    report.report(mirror.uri, ["tiny"], home, None, console=console)
    with open(plan.folder.report_folder / "trials.csv", newline="") as table:
        cells = [cell for row in csv.reader(table) for cell in row]
    assert cells.count(f"'{EVIL}") == len(plan.trials)
    assert not [cell for cell in cells if cell.startswith("=")]

    mirror.end_parent_run(RunStatus.FINISHED, f"Best is {EVIL}.", None)
    note = mirror.client.get_run(mirror.parent_run_id).data.tags["mlflow.note.content"]
    assert note == f"**{escape_markdown(EVIL)}**\n\nBest is {escape_markdown(EVIL)}."
    for text in (note, (plan.folder.report_folder / "report.md").read_text()):
        assert "<img" not in text.replace("\\<", "") and "![x]" not in text


@pytest.mark.parametrize("name", ["..", "../../etc", "/etc", "a/b", ".hidden", "a..b", "", "a\x00b", "a\nb", "-x"])
def test_a_sweep_name_that_leads_elsewhere_opens_no_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="is not the name of a sweep"):
        SweepFolder(tmp_path, name)
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    with pytest.raises(UserError, match="is not the name of a sweep"):
        report.report(uri, ["a", name], tmp_path, None, console=make_console())
    assert not list(tmp_path.iterdir())


def test_a_message_does_not_steer_the_terminal() -> None:
    assert str(UserError("no \x1b[2J here\nbut \x07 there")) == "no \\x1b[2J here\nbut \\x07 there"
