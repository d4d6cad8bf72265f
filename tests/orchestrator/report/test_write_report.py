"""What writing a report costs besides its content."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest
from support.made_runs import made_run, made_sweep

from orchestrator.errors import UserError
from orchestrator.report import markdown, mlflow_reader, write_report
from orchestrator.report.content import ReportContent


def test_no_cycles_are_looked_for_while_a_report_is_made_and_they_are_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def read(*_: object) -> object:
        seen.append(gc.isenabled())
        return made_sweep(made_run())

    def write(content: ReportContent, folder: Path) -> None:
        seen.append(gc.isenabled())

    monkeypatch.setattr(mlflow_reader, "read_sweep", read)
    monkeypatch.setattr(markdown, "write", write)
    write_report.write_report("sqlite:///none", ["made"], tmp_path / "report")
    assert seen == [False, False]
    assert gc.isenabled()


def test_they_are_looked_for_again_after_a_report_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object) -> object:
        raise UserError("cannot be read")

    monkeypatch.setattr(mlflow_reader, "read_sweep", read)
    with pytest.raises(UserError):
        write_report.read_content("sqlite:///none", ["made"])
    assert gc.isenabled()


def test_a_report_without_a_map_loads_no_sampling_of_spaces() -> None:
    """It takes a second of CPU."""
    program = "import sys, orchestrator.commands.report; print('scipy.stats' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
