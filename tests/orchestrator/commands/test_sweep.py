"""The end of a sweep: what becomes of its report and of its best generator."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from rich.console import Console
from support.mirrors import mirror_of, synced_mirror
from support.tiny import TINY, stable_trial

from orchestrator.commands import sweep, sweep_options
from orchestrator.commands.finalize import finalize
from orchestrator.commands.sweep_services import open_mirror
from orchestrator.commands.sweep_summary import SweepResult, print_summary
from orchestrator.console import progress
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.signals import StopRequest
from orchestrator.sweepfile import loader
from orchestrator.tracking.client import RunStatus
from orchestrator.tracking.mirror_thread import MirrorThread


@pytest.mark.usefixtures("without_pictures")
def test_an_outage_while_the_model_is_sent_loses_neither_the_report_nor_the_exit_code(
    tiny_plan: Callable[[], Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for planned in tiny_plan().trials:
        stable_trial(tiny_plan(), planned)
    plan = tiny_plan()
    mirror = mirror_of(plan, tmp_path)
    mirror.open()
    thread = MirrorThread(mirror)
    assert thread.try_sync()

    def lose(*_: object, **__: object) -> None:
        raise ConnectionError("no answer")

    monkeypatch.setattr(MlflowClient, "create_logged_model", lose)
    options = sweep_options.SweepOptions(tmp_path / "home", mirror.uri, register="digits")
    with progress.make_display(Console()) as display:
        exit_code = sweep._exit_code(plan, StopRequest())
        final = sweep._finalize(plan, options, thread, display, exit_code)
    assert exit_code == 0
    assert final.report is not None and final.report.exists()
    assert final.model is None
    assert final.model_error is not None and "no answer" in final.model_error
    assert mirror.client.get_run(mirror.parent_run_id).info.status == "FINISHED"


def delete(file: Path) -> None:
    file.unlink()


def edit(file: Path) -> None:
    file.write_text(TINY.replace("steps: 8", "steps: 80"))


@pytest.mark.parametrize("change", [edit, delete])
def test_a_sweep_file_that_changes_after_it_was_read_does_not_matter(
    change: Callable[[Path], None], tmp_path: Path
) -> None:
    file = tmp_path / "tiny.yaml"
    content = ("# caf\u00e9\r\n" + TINY).encode()
    file.write_bytes(content)
    sweep_read = loader.load(file)
    change(file)
    plan = make_plan(sweep_read, tmp_path / "home")
    uri = mirror_of(plan, tmp_path).uri
    options = sweep_options.SweepOptions(tmp_path / "home", uri)
    with progress.make_display(Console()) as display:
        mirror = open_mirror(plan, options, display, None)
    assert plan.folder.source_file.read_bytes() == content
    sent = mirror.client.download_artifacts(mirror.parent_run_id, "sweep.yaml", str(tmp_path))
    assert Path(sent).read_bytes() == content
    assert {trial.config.steps for trial in plan.sweep.trials} == {8}


@pytest.mark.usefixtures("without_pictures")
def test_nothing_is_registered_where_no_run_is_stable_and_a_line_says_so(
    tiny_plan: Callable[[], Plan], tmp_path: Path
) -> None:
    plan = tiny_plan()
    for planned in plan.trials:
        folder = stable_trial(plan, planned)
        record = folder.record()
        record.verdict = {"name": "collapsed", "since": 4, "reason": "why", "evidence": {}}
        folder.write_record(record)
    plan = tiny_plan()
    mirror = synced_mirror(plan, tmp_path)
    options = sweep_options.SweepOptions(tmp_path / "home", mirror.uri, register="digits")
    final = finalize(mirror, RunStatus.FINISHED, lambda phase: None, options.register)
    assert (final.model, final.model_error, final.no_best) == (None, None, "no run is stable")
    assert not mirror.client.search_registered_models()
    output = io.StringIO()
    print_summary(options, Console(file=output, width=200), SweepResult(plan, 0, final))
    assert "no model: no run is stable" in output.getvalue()
