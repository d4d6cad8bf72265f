"""What a sweep says and keeps before it writes anything over what an earlier command left."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console
from support.tiny import TINY, finished_trial

from orchestrator.commands.sweep_preparation import archive_replaced_report
from orchestrator.console.progress import Display
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.store.json_files import write_json
from orchestrator.sweepfile import loader


def test_the_report_of_trials_that_leave_the_sweep_is_kept_and_the_command_says_where(tmp_path: Path) -> None:
    file = tmp_path / "tiny.yaml"
    file.write_text(TINY)

    def plan(*overrides: str) -> Plan:
        return make_plan(loader.load(file, list(overrides)), tmp_path / "home")

    def said(new: Plan) -> str:
        output = io.StringIO()
        archive_replaced_report(new, Display(Console(file=output, width=80)))
        return output.getvalue()

    whole = plan()
    for planned in whole.trials:
        finished_trial(whole, planned)
    folder = whole.folder
    for number in (1, 2):
        folder.report_folder.mkdir()
        folder.report_file.write_text(f"report {number}")
        write_json(folder.sweep_file, whole.to_document())
        grown = said(plan("seeds=[0, 1, 2]"))  # nothing leaves: the report is written over
        assert "1 of 3 seeds was added by hand after a report" in grown and "is kept" not in grown
        assert folder.report_file.exists()
        text = said(plan("seeds=[0]"))
        kept = folder.folder / f"report-{number}" / "report.html"
        assert "2 trials of the last command leave this sweep and its report (seed 1)" in text
        assert f"the report of the last command is kept as {kept}\n" in text
        assert kept.read_text() == f"report {number}"
        assert not folder.report_folder.exists()
    assert "steps changed (8 -> 9), and trained from step 8 on" in said(plan("trial.steps=9"))
