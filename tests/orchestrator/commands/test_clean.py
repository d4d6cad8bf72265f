"""Only what nobody needs is deleted, and only when nothing runs."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from support.tiny import finished_trial, run_some_steps
from typer.testing import CliRunner

from orchestrator.cli import app
from orchestrator.commands import clean
from orchestrator.errors import UserError
from orchestrator.planning.plan import Plan
from orchestrator.store import temp_folder
from orchestrator.store.json_files import write_json
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import hold

MakePlan = Callable[[], Plan]


@pytest.fixture
def plan(tiny_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Its first trial has finished, its second was interrupted; temporary folders lie in a folder of their own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(temp_folder, "MAX_PARENT_LENGTH", 1000)
    plan = tiny_plan()
    finished_trial(plan, plan.trials[0])
    run_some_steps(plan, plan.trials[1], 5).suspend()
    write_json(plan.folder.sweep_file, plan.to_document())
    return plan


def run(plan: Plan, *words: str, answer: str | None = None) -> str:
    command = ["clean", *words, "--home", str(plan.folder.home)]
    result = CliRunner().invoke(app.app, command, input=answer)
    if isinstance(result.exception, UserError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def files(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_finished_trial_loses_its_checkpoint_and_nothing_else(plan: Plan, tiny_plan: MakePlan) -> None:
    before = files(plan.folder.folder)
    checkpoint = plan.folder.trial(plan.trials[0].key).checkpoint_file
    text = run(plan, "tiny", "--yes")
    assert "1 checkpoints of finished trials" in text
    after = files(plan.folder.folder)
    assert before.keys() - after.keys() == {checkpoint}
    assert after.keys() - before.keys() <= {plan.folder.lock_file, plan.folder.holder_file}
    assert tiny_plan().counts() == {"finished": 1, "interrupted": 1, "pending": 2}
    assert "nothing to delete" in run(plan, "tiny", "--yes")


def test_it_asks_and_a_no_or_silence_deletes_nothing(plan: Plan) -> None:
    checkpoint = plan.folder.trial(plan.trials[0].key).checkpoint_file
    assert "nothing was deleted" in run(plan, "tiny", answer="n\n")
    with pytest.raises(UserError, match="--yes"):
        run(plan, "tiny", answer="")
    assert checkpoint.exists()
    assert "deleted" in run(plan, "tiny", answer="y\n")
    assert not checkpoint.exists()


def test_everything_deletes_the_sweeps_folder_and_says_that_mlflow_keeps_its_records(plan: Plan) -> None:
    database = plan.folder.home / "mlflow.db"
    database.write_text("kept")
    assert "MLflow's runs, pictures and models stay" in run(plan, "tiny", "--everything", "--yes")
    assert not plan.folder.folder.exists()
    assert database.read_text() == "kept"


def test_a_sweep_that_runs_is_not_cleaned(plan: Plan) -> None:
    before = files(plan.folder.folder)
    with hold(plan.folder), pytest.raises(UserError, match="orchestrate stop tiny"):
        run(plan, "--all", "--yes")
    assert before.keys() <= files(plan.folder.folder).keys()


def test_what_train_left_goes_with_its_sweep_unless_it_trains_now(plan: Plan) -> None:
    home = plan.folder.home
    of_this_sweep, running, other = (
        home / "train" / key for key in (plan.trials[0].key, plan.trials[2].key, "0123456789abcdef")
    )
    for folder in (of_this_sweep, running, other):
        folder.mkdir(parents=True)
        (folder / "checkpoint.pt").write_bytes(b"123")
    run(plan, "tiny", "--yes")
    assert [folder.exists() for folder in (of_this_sweep, other)] == [False, True]
    with FileLock(running / "lock"):
        run(plan, "--all", "--yes")
    assert [folder.exists() for folder in (running, other)] == [True, False]


def test_what_killed_commands_left_is_found(plan: Plan, tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    orphan = tmp_path / f"orchestrate-{ended.pid}-abc"
    orphan.mkdir()
    (orphan / "session").write_bytes(b"12345")
    half = plan.folder.trial(plan.trials[1].key).folder / f".checkpoint.pt.{ended.pid}.tmp"
    half.write_bytes(b"1234567")
    unused = clean.find_unused(plan.folder.home, [plan.folder], False, False)
    files_by_kind = {files.kind: (files.paths, files.size) for files in unused}
    assert files_by_kind["temporary folders of killed commands"] == ([orphan], 5)
    assert files_by_kind["half-written files of killed commands"] == ([half], 7)
    run(plan, "tiny", "--yes")
    assert not orphan.exists()
    assert not half.exists()


def test_half_an_evaluator_goes_with_all_sweeps_since_they_share_the_folder(plan: Plan) -> None:
    half = plan.folder.home / "evaluators" / ".classifier-1a2b3c4d.pt.123.tmp"
    half.parent.mkdir(exist_ok=True)
    half.write_text("half")
    run(plan, "tiny", "--yes")
    assert half.exists()
    run(plan, "--all", "--yes")
    assert not half.exists()


def test_only_a_sweep_by_its_name_or_all_of_them_can_be_cleaned(plan: Plan) -> None:
    for words in ([], ["tiny", "--all"], ["tony"], ["../sweeps/tiny"], ["."]):
        with pytest.raises(UserError):
            run(plan, *words, "--everything", "--yes")
        assert plan.folder.sweep_file.exists(), words


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "outside.bin").write_bytes(b"x" * 1000)
    folder = SweepFolder(tmp_path / "home", "x").folder
    folder.mkdir(parents=True)
    (folder / "link").symlink_to(outside)
    assert clean.size_of(folder) < 1000
    clean.delete([clean.UnusedFiles("sweeps", [folder], 0)])
    assert (outside / "outside.bin").exists()
