"""One trial in its folder: durable, resumable, judged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from tiny import execution_of, run_some_steps, run_to_end, tiny_with

from gan_core import checkpoint
from gan_core.training import Trainer
from orchestrator import spec
from orchestrator.execution import Execution
from orchestrator.plan import Plan, make_plan

MakePlan = Callable[[], Plan]


def test_a_trial_leaves_everything_that_it_is_known_by(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    execution = run_to_end(plan, plan.trials[0])
    folder, record = execution.folder, execution.folder.record()
    assert record.status == "finished"
    assert record.step == 8
    assert record.verdict is not None
    assert record.applied["generator"] == {"lr": 0.0002, "betas": [0.5, 0.999]}
    assert record.environment["packages"]["torch"] == torch.__version__.split("+")[0]
    assert [step for step, _ in folder.sample_files()] == [0, 4, 8]
    assert [row["step"] for row in folder.history() if "loss/generator" in row] == [2, 4, 6, 8]
    with Image.open(folder.real_file) as picture:
        assert picture.size == (8 * 34 + 2, 8 * 34 + 2)
    assert set(torch.load(checkpoint_payload(execution), weights_only=True)) == {"config", "state"}
    assert not list(folder.folder.rglob("*.tmp"))


def checkpoint_payload(execution: Execution) -> object:
    import io

    raw = execution.folder.generator_file.read_bytes()
    return io.BytesIO(raw[len(checkpoint.MAGIC) + 32 :])


def test_a_suspended_trial_goes_on_where_it_was(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    whole = run_to_end(plan, plan.trials[0])
    weights = checkpoint.load(whole.folder.checkpoint_file)["generator"]
    history = whole.folder.history()
    for file in (whole.folder.record_file, whole.folder.checkpoint_file, whole.folder.history_file):
        file.unlink()

    first = run_some_steps(plan, plan.trials[0], 3)
    first.suspend()
    assert first.folder.record().status == "interrupted"
    assert first.folder.record().step == 3
    second = run_to_end(plan, plan.trials[0])
    record = second.folder.record()
    assert [attempt["outcome"] for attempt in record.attempts] == ["interrupted", "finished"]
    assert [(attempt["from_step"], attempt["to_step"]) for attempt in record.attempts] == [(0, 3), (3, 8)]
    again = checkpoint.load(second.folder.checkpoint_file)["generator"]
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    timing = ("time", "speed/images_per_second")
    strip = [
        [{k: v for k, v in row.items() if k not in timing} for row in rows]
        for rows in (history, second.folder.history())
    ]
    assert strip[0] == strip[1]


def test_rows_and_pictures_past_the_checkpoint_are_cut_off_on_resuming(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    first = run_some_steps(plan, plan.trials[0], 4)
    first._leave()  # as if the process had died here, after having written more than the checkpoint holds
    first.folder.append_history([{"step": 6, "time": 0, "loss/generator": 1.0}])
    first.folder.history_file.open("a").write('{"step": 8, "loss/gen')
    first.folder.sample_file(6).write_bytes(first.folder.sample_file(4).read_bytes())
    second = execution_of(plan, plan.trials[0])
    second.begin()
    assert second.step == 4
    assert max(row["step"] for row in second.folder.history()) == 4
    assert [step for step, _ in second.folder.sample_files()] == [0, 4]
    assert second.record.attempts[0]["outcome"] == "lost"
    second.suspend()


def test_divergence_is_a_verdict_and_keeps_what_came_before(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    execution = run_some_steps(plan, plan.trials[0], 5)
    trainer = execution._trainer
    assert trainer is not None
    with torch.no_grad():
        next(trainer.generator.parameters()).fill_(float("nan"))
    execution.advance()
    record = execution.folder.record()
    assert record.status == "finished"
    assert record.verdict is not None
    assert record.verdict["name"] == "diverged"
    assert record.verdict["since"] == 6
    assert [row["step"] for row in execution.folder.history() if "loss/generator" in row] == [2, 4, 5]
    assert [step for step, _ in execution.folder.sample_files()] == [0, 4]
    assert not execution.folder.generator_file.exists()


def test_an_exception_is_a_failure_with_its_traceback_and_is_tried_again(
    tiny_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plan()

    def broken(self: Trainer) -> None:
        raise MemoryError("no memory for this")

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", broken)
        execution = run_to_end(plan, plan.trials[0])
    record = execution.folder.record()
    assert record.status == "failed"
    assert record.error is not None
    assert "no memory for this" in record.error
    assert tiny_plan().trials[0].state == "failed"
    assert run_to_end(plan, plan.trials[0]).folder.record().status == "finished"


def test_an_optimiser_that_trains_with_another_rate_fails_the_trial(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    execution = execution_of(plan, plan.trials[0])
    execution.begin()
    assert execution._trainer is not None
    execution._trainer.optimizers["generator"].param_groups[0]["lr"] = 0.01
    execution.advance()
    assert execution.folder.record().status == "failed"
    assert "0.01" in (execution.folder.record().error or "")


def test_a_class_with_few_images_does_not_break_the_picture_of_real_ones(tmp_path: Path) -> None:
    import numpy as np

    labels = np.repeat([0, 1], [80, 3])
    np.savez(tmp_path / "few.npz", images=np.zeros((83, 32, 32), np.uint8), labels=labels)
    file = tmp_path / "few.yaml"
    file.write_text(tiny_with(f"data: {{name: npz, path: {tmp_path / 'few.npz'}}}\n  model.family: acgan"))
    plan = make_plan(spec.load(file), tmp_path / "home")
    execution = execution_of(plan, plan.trials[0])
    execution.begin()
    with Image.open(execution.folder.real_file) as picture:
        assert picture.size == (8 * 34 + 2, 2 * 34 + 2)
    execution.suspend()


def test_two_executions_cannot_train_one_trial_at_a_time(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    first = execution_of(plan, plan.trials[0])
    first.begin()
    second = execution_of(plan, plan.trials[0])
    second._lock.timeout = 0.1
    with pytest.raises(TimeoutError):
        second.begin()
    first.suspend()
    second.begin()
    second.suspend()
