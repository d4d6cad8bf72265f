"""Files that are cut off, altered or gone are noticed, reported, and made again from what is whole."""

from __future__ import annotations

import io
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from support.mirrors import synced_mirror
from support.tiny import execution_of, finished_trial, run_some_steps, run_to_end

from gan_core import checkpoint
from gan_core.history import Row
from orchestrator.commands import logs, status
from orchestrator.planning.plan import Plan
from orchestrator.planning.repair import repair_finished_trials
from orchestrator.store.json_files import DamagedFile, write_with_checksum
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.trial.execution import TrialExecution

MakePlan = Callable[[], Plan]


def flip(file: Path) -> None:
    """Changes one bit in the middle."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def flip_a_digit(file: Path) -> None:
    """Changes a digit in the middle, so that the file stays valid JSON."""
    text = file.read_text()
    digit = re.compile(r"\.\d").search(text, len(text) // 2)
    assert digit
    other = str((int(digit[0][1]) + 1) % 10)
    file.write_text(text[: digit.start() + 1] + other + text[digit.end() :])


def cut(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def measured(rows: list[Row]) -> list[Row]:
    return [{k: v for k, v in row.items() if k not in ("time", "speed/images_per_second")} for row in rows]


def weights(folder: TrialFolder) -> dict[str, torch.Tensor]:
    return checkpoint.load(folder.checkpoint_file)["generator"]  # type: ignore[no-any-return]


def assert_same_end(folder: TrialFolder, rows: list[Row], last: dict[str, torch.Tensor]) -> None:
    assert folder.record().status == "finished"
    assert measured(folder.history()) == measured(rows)
    assert all(torch.equal(last[name], value) for name, value in weights(folder).items())


@pytest.fixture
def undisturbed(tiny_plan: MakePlan, tmp_path: Path) -> Any:
    """(rows, last weights) of the first trial, run to its end elsewhere."""
    plan = tiny_plan()
    folder = finished_trial(plan, plan.trials[0])
    rows, last_weights = folder.history(), weights(folder)
    shutil.rmtree(folder.folder)
    return rows, last_weights


def printed(plan: Plan, print_to: Callable[[Console], None]) -> str:
    """What a command prints, as one line."""
    plan.folder.folder.mkdir(parents=True, exist_ok=True)
    write_with_checksum(plan.folder.sweep_file, plan.to_document())
    console = Console(width=200, record=True, file=io.StringIO())
    print_to(console)
    return " ".join(console.export_text().split())


# The checkpoint


@pytest.mark.parametrize("damage", [flip, cut, Path.unlink])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(
    damage: Callable[[Path], None], tiny_plan: MakePlan, undisturbed: Any
) -> None:
    plan = tiny_plan()
    first = run_some_steps(plan, plan.trials[0], 7)
    first.suspend()
    saved_rows = first.folder.history()
    damage(first.folder.checkpoint_file)
    second = execution_of(plan, plan.trials[0])
    second.begin()
    assert second.step == 4
    assert "went on from step 4" in second.folder.record().note
    assert "went on from step 4" in printed(plan, lambda c: status.print_sweep(plan.folder.home, "tiny", c, False))
    assert "went on from step 4" in printed(plan, lambda c: logs.print_logs(plan.folder, "1", 5, False, c))
    second.advance()
    assert_same_end(second.folder, *undisturbed)
    # MLflow may have these rows already, so the history must hold them with the same times
    assert second.folder.history()[: len(saved_rows)] == saved_rows
    assert not second.folder.damaged_checkpoint_file.exists()


def test_rows_keep_their_times_even_if_the_second_attempt_dies_too(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    first = run_some_steps(plan, plan.trials[0], 7)
    first.suspend()
    saved_rows = first.folder.history()
    flip(first.folder.checkpoint_file)
    run_some_steps(plan, plan.trials[0], 1)._leave()  # at step 5, killed
    run_some_steps(plan, plan.trials[0], 1).suspend()
    last = run_to_end(plan, plan.trials[0])
    assert last.folder.history()[: len(saved_rows)] == saved_rows


def test_without_a_whole_checkpoint_it_starts_again_and_says_so(tiny_plan: MakePlan, undisturbed: Any) -> None:
    plan = tiny_plan()
    first = run_some_steps(plan, plan.trials[0], 7)
    first.suspend()
    saved_rows = first.folder.history()
    flip(first.folder.checkpoint_file)
    cut(first.folder.previous_checkpoint_file)
    second = run_to_end(plan, plan.trials[0])
    note = second.folder.record().note
    assert "checkpoint.pt and checkpoint-previous.pt were damaged" in note
    assert "started from step 0" in note
    assert_same_end(second.folder, *undisturbed)
    assert second.folder.history()[: len(saved_rows)] == saved_rows


def test_a_damaged_checkpoint_never_replaces_the_one_before(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    first = run_some_steps(plan, plan.trials[0], 5)
    first.suspend()
    flip(first.folder.checkpoint_file)
    second = execution_of(plan, plan.trials[0])
    second.begin()
    second._take_step()
    second.suspend()
    assert checkpoint.load(second.folder.checkpoint_file)["step"] == 5
    assert checkpoint.load(second.folder.previous_checkpoint_file)["step"] == 4


# The record


DAMAGES: dict[str, Callable[[Path], None]] = {
    "cut off": cut,
    "empty": lambda file: file.write_bytes(b""),
    "a digit": flip_a_digit,
    "a bit": flip,
    "not text": lambda file: file.write_bytes(bytes(range(256))),
    "another kind": lambda file: file.write_text("[]"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_record_is_noticed_by_every_reader_and_made_again(damage: str, tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    folder = finished_trial(plan, plan.trials[0])
    before, history = folder.record(), folder.history()
    DAMAGES[damage](folder.record_file)
    assert folder.record().status == "damaged"
    assert tiny_plan().trials[0].state == "damaged"
    assert "damaged" in printed(plan, lambda c: status.print_sweep(plan.folder.home, "tiny", c, False))
    assert "record.json is damaged" in printed(plan, lambda c: logs.print_logs(plan.folder, "1", 5, False, c))
    messages: list[str] = []
    repaired_plan = repair_finished_trials(tiny_plan(), messages.append)
    assert "record.json is damaged" in messages[0]
    record = run_to_end(repaired_plan, repaired_plan.trials[0]).folder.record()
    assert (record.status, record.verdict, record.metrics) == ("finished", before.verdict, before.metrics)
    assert (record.best, record.applied) == (before.best, before.applied)
    assert "record.json was damaged" in record.note
    assert folder.history() == history


def test_a_damaged_record_leaves_mlflow_as_it_is(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = tiny_plan()
    folder = finished_trial(plan, plan.trials[0])
    synced_mirror(plan, tmp_path)
    cut(folder.record_file)
    mirror = synced_mirror(plan, tmp_path)
    assert mirror.client.get_run(mirror.children[folder.key].run_id).info.status == "FINISHED"


# History and generators of finished trials


@pytest.mark.parametrize("damage", [flip_a_digit, cut, flip, Path.unlink])
def test_a_damaged_history_is_noticed_and_written_again(damage: Callable[[Path], None], tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    folder = finished_trial(plan, plan.trials[0])
    history = folder.history()
    damage(folder.history_file)
    with pytest.raises(DamagedFile, match=r"history\.jsonl is damaged; .*orchestrate sweep"):
        folder.history()
    assert "history.jsonl is damaged" in printed(plan, lambda c: logs.print_logs(plan.folder, "1", 5, False, c))
    messages: list[str] = []
    repaired_plan = repair_finished_trials(tiny_plan(), messages.append)
    assert len(messages) == 1
    assert "history.jsonl is damaged or gone; made again from the checkpoint at step 8" in messages[0]
    assert repaired_plan.trials[0].state == "interrupted"
    run_to_end(repaired_plan, repaired_plan.trials[0])
    assert folder.history() == history
    assert repair_finished_trials(tiny_plan(), messages.append).counts() == {"finished": 1, "pending": 3}
    assert len(messages) == 1


def test_a_damaged_generator_is_made_again_to_the_bit(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    folder = finished_trial(plan, plan.trials[0])
    before = folder.generator_file.read_bytes()
    flip(folder.generator_file)
    repaired_plan = repair_finished_trials(tiny_plan(), lambda text: None)
    run_to_end(repaired_plan, repaired_plan.trials[0])
    assert folder.generator_file.read_bytes() == before


def test_a_finished_trial_without_its_checkpoint_is_not_trained_again_for_its_curve(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    folder = finished_trial(plan, plan.trials[0])
    folder.checkpoint_file.unlink()  # orchestrate clean
    flip_a_digit(folder.history_file)
    messages: list[str] = []
    assert repair_finished_trials(tiny_plan(), messages.append).trials[0].state == "finished"
    assert "and so is the checkpoint" in messages[0]


def test_a_damaged_list_of_trials_is_one_clear_line(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    printed(plan, lambda console: None)
    flip_a_digit(plan.folder.sweep_file)
    with pytest.raises(DamagedFile, match=r"sweep\.json is damaged.*orchestrate sweep FILE"):
        plan.folder.document()


# A kill at every point


class Killed(BaseException):
    """Stands for a kill of the process."""


def test_a_kill_at_any_write_does_not_change_the_end(
    tiny_plan: MakePlan, undisturbed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the resuming of a trial to its end, at every sync and every rename; half-written files stay behind."""
    plan = tiny_plan()
    first = run_some_steps(plan, plan.trials[0], 7)
    first.suspend()
    folder, saved = first.folder, first.folder.folder.with_name("saved")
    saved_rows = folder.history()
    folder.folder.rename(saved)
    for point in range(1, 200):
        shutil.copytree(saved, folder.folder)
        execution = execution_of(plan, plan.trials[0])
        if not killed_at(point, execution, monkeypatch):
            break
        resumed = run_to_end(plan, plan.trials[0])
        assert_same_end(resumed.folder, *undisturbed)
        assert resumed.folder.history()[: len(saved_rows)] == saved_rows
        assert resumed.folder.record().note == ""
        repair_finished_trials(plan.with_current_records(), pytest.fail)
        assert not list(folder.folder.rglob("*.tmp"))
        assert not folder.previous_checkpoint_file.exists()
        shutil.rmtree(folder.folder)
    assert point > 20


def killed_at(point: int, execution: TrialExecution, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Runs a trial to its end, or to its `point`th sync or rename. Whether it was killed there."""
    calls_left = point

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            nonlocal calls_left
            calls_left -= 1
            if calls_left == 0:
                raise Killed
            return call(*arguments)

        return run

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", counted(os.fsync))
        patch.setattr(os, "replace", counted(os.replace))
        patch.setattr(Path, "unlink", leaving_temporary_files)
        try:
            execution.begin()
            execution.advance()
        except Killed:
            execution._lock.release()
            return True
    return False


unlink = Path.unlink


def leaving_temporary_files(path: Path, missing_ok: bool = False) -> None:
    if path.suffix != ".tmp":
        unlink(path, missing_ok=missing_ok)
