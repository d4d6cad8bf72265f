"""One trial in its folder: it is durable, it can be resumed, and it ends with a verdict."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from support.tiny import execution_of, finished_trial, run_some_steps, run_to_end, tiny_with

from gan_core import checkpoint, sampling
from gan_core.config.trial import TrialConfig
from gan_core.history import Row
from gan_core.networks.build import build_networks
from gan_core.objective.objective import Objective
from gan_core.random_streams import NAMES, Streams
from gan_core.training.trainer import Trainer
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.store.record import Attempt, Record
from orchestrator.sweepfile import loader
from orchestrator.trial.execution import TrialExecution
from orchestrator.trial.restore import adapt_to_device

MakePlan = Callable[[], Plan]


def test_a_finished_trial_leaves_all_its_files(tiny_plan: MakePlan) -> None:
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
    with Image.open(folder.real_images_file) as picture:
        assert picture.size == (8 * 34 + 2, 8 * 34 + 2)
    assert set(torch.load(execution.folder.generator_file, weights_only=True)) == {
        "config",
        "channels",
        "classes",
        "state",
    }
    assert not list(folder.folder.rglob("*.tmp"))


def test_a_resumed_trial_equals_an_uninterrupted_one(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    whole = finished_trial(plan, plan.trials[0])
    weights = checkpoint.load(whole.checkpoint_file)["generator"]
    history = whole.history()
    for file in (whole.record_file, whole.checkpoint_file, whole.history_file):
        file.unlink()

    first = run_some_steps(plan, plan.trials[0], 3)
    first.suspend()
    assert first.folder.record().status == "interrupted"
    assert first.folder.record().step == 3
    second = run_to_end(plan, plan.trials[0])
    record = second.folder.record()
    assert [attempt.outcome for attempt in record.attempts] == ["interrupted", "finished"]
    assert [(attempt.from_step, attempt.to_step) for attempt in record.attempts] == [(0, 3), (3, 8)]
    resumed_weights = checkpoint.load(second.folder.checkpoint_file)["generator"]
    assert all(torch.equal(weights[name], resumed_weights[name]) for name in weights)
    timing = ("time", "speed/images_per_second")
    strip = [
        [{k: v for k, v in row.items() if k not in timing} for row in rows]
        for rows in (history, second.folder.history())
    ]
    assert strip[0] == strip[1]


GPU_STREAM = torch.zeros(16, dtype=torch.uint8)
"""As long as the state of a generator on a GPU: its seed and its offset."""


def test_a_trial_of_another_kind_of_device_goes_on_and_says_so(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    first = run_some_steps(plan, plan.trials[0], 3)
    first.suspend()
    state = checkpoint.load(first.folder.checkpoint_file)
    state["streams"] = dict.fromkeys(state["streams"], GPU_STREAM)
    checkpoint.save(first.folder.checkpoint_file, state)
    record = first.folder.record()
    record.attempts[0].device = "cuda"
    first.folder.write_record(record)
    record = run_to_end(plan, plan.trials[0]).folder.record()
    assert record.status == "finished"
    assert [attempt.device for attempt in record.attempts] == ["cuda", "cpu"]
    assert record.note.startswith("went on from step 3 on another kind of device: not bit for bit")
    assert record.device == "cuda and cpu"


def test_streams_begin_anew_on_another_kind_of_device_and_only_there() -> None:
    device = torch.device("cpu")
    own = {"step": 3, "streams": Streams(1, device).state_dict()}
    assert adapt_to_device(own, 1, device) == (own, "")
    earlier = {"step": 3, "streams": {name: own["streams"][name] for name in ("data", "latent")}}
    assert adapt_to_device(earlier, 1, device) == (earlier, ""), "a checkpoint of a version with fewer streams"
    moved = [adapt_to_device({"step": n, "streams": dict.fromkeys(NAMES, GPU_STREAM)}, 1, device)[0] for n in (3, 4)]
    drawn = set()
    for state in (own, *moved):
        streams = Streams(1, device)
        streams.load_state_dict(state["streams"])
        drawn |= {float(torch.rand((), generator=streams[name])) for name in NAMES}
    assert len(drawn) == 3 * len(NAMES)


@pytest.mark.parametrize(
    ("attempts", "device"),
    [
        ([], "cpu"),
        ([("cuda", 0)], "cuda"),
        ([("cuda", 0), ("cpu", 0)], "cpu"),  # all steps of the first attempt were trained again
        ([("cuda", 0), ("cpu", 4), ("cuda", 4), ("cuda", 6)], "cuda"),
        ([("cpu", 0), ("cuda", 4), ("cpu", 6)], "cpu and cuda"),
        ([(None, 0), ("cpu", 4)], "cpu"),  # of an earlier version
    ],
)
def test_the_record_tells_every_kind_of_device_that_its_steps_come_from(
    attempts: list[tuple[str | None, int]], device: str
) -> None:
    recorded = [Attempt(began=0, from_step=step, device=kind) for kind, step in attempts]
    applied = next((kind for kind, _ in reversed(attempts) if kind), "cpu")
    assert Record("key", attempts=recorded, applied={"device": applied}).device == device


def test_rows_and_pictures_past_the_checkpoint_are_cut_off_on_resuming(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    first = run_some_steps(plan, plan.trials[0], 4)
    first._leave()  # as if the process had died here, after having written more than the checkpoint holds
    with first.folder.history_file.open("a") as history:
        history.write('{"step": 6, "time": 0, "loss/generator": 1.0}\n{"step": 8, "loss/gen')
    first.folder.sample_file(6).write_bytes(first.folder.sample_file(4).read_bytes())
    second = execution_of(plan, plan.trials[0])
    second.begin("its worker was killed")
    assert second.step == 4
    assert max(json.loads(line)["step"] for line in second.folder.history_file.read_text().splitlines()) == 4
    assert [step for step, _ in second.folder.sample_files()] == [0, 4]
    assert second.record.attempts[0].outcome == "lost"
    assert second.record.attempts[0].message == "its worker was killed"
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
    assert record.attempts[-1].outcome == "out of memory"
    assert record.attempts[-1].message == "MemoryError: no memory for this"
    assert tiny_plan().trials[0].state == "failed"
    assert run_to_end(plan, plan.trials[0]).folder.record().status == "finished"


def test_an_optimiser_that_trains_with_another_rate_fails_the_trial(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    execution = execution_of(plan, plan.trials[0])
    execution.begin()
    assert execution._trainer is not None
    execution._trainer.optimizers["generator"].param_groups[0]["lr"] = 0.01
    execution.advance()
    record = execution.folder.record()
    assert record.status == "failed"
    assert record.verdict is None
    assert record.attempts[-1].outcome == "configuration"
    last = (record.error or "").strip().splitlines()[-1]
    assert "not trained as asked: generator ran with {'lr': 0.01" in last
    assert "asked for {'lr': 0.0002" in last
    assert not execution.folder.generator_file.exists()


def test_a_stabiliser_that_never_ran_fails_the_trial(tiny_plan: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = tiny_plan()
    smoothed = next(p for p in plan.trials if p.config.stabilizers.label_smoothing)
    monkeypatch.setattr(Objective, "_targets", lambda self, count: None)
    record = run_to_end(plan, smoothed).folder.record()
    assert record.status == "failed"
    assert "not trained as asked: stabilizers ran with {}, asked for {'label_smoothing': 0.1}" in (record.error or "")


# The best evaluation and its generator


@pytest.fixture
def best_plan(tmp_path: Path) -> Callable[..., Plan]:
    """The tiny sweep, evaluated at steps 2, 4, 6 and 8 and saved at 4 and 8; with one more line in `trial`."""

    def make(settings: str = "precision: auto", every: int = 2) -> Plan:
        file = tmp_path / "best.yaml"
        file.write_text(tiny_with(settings).replace("every: 4, samples", f"every: {every}, samples"))
        return make_plan(loader.load(file), tmp_path / "home")

    return make


@pytest.fixture
def score(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[int, float]], None]:
    """Makes up the Frechet distance at each step."""
    real = Trainer.evaluate

    def replace(distances: dict[int, float]) -> None:
        def evaluate(self: Trainer) -> Row:
            distance = distances.get(self.step_count, 9.0)  # that of the untrained generator, by default
            return real(self) | (
                {f"frechet/{self.evaluation.evaluator.id}": distance} if self.evaluation.evaluator else {}
            )

        monkeypatch.setattr(Trainer, "evaluate", evaluate)

    return replace


def best_at(step: int) -> dict[int, float]:
    return {2: 8.0, 4: 7.0, 6: 6.0, 8: 5.0} | {step: 1.0}


WeightsAt = Callable[[Plan, int], dict[str, torch.Tensor]]


@pytest.fixture(scope="module")
def weights_at() -> WeightsAt:
    """The generator that the plan's first trial has after so many steps, from a run without interruptions."""
    weights: dict[str, list[dict[str, torch.Tensor]]] = {}

    def at(plan: Plan, step: int) -> dict[str, torch.Tensor]:
        planned = plan.trials[0]
        if planned.key not in weights:
            trainer = Trainer(planned.config, plan.images[planned.fingerprint])
            weights[planned.key] = [copy.deepcopy(trainer.eval_generator.state_dict())]
            for _ in trainer.fit():
                weights[planned.key].append(copy.deepcopy(trainer.eval_generator.state_dict()))
        return weights[planned.key][step]

    return at


def saved_best(execution: TrialExecution) -> dict[str, torch.Tensor]:
    return checkpoint.load(execution.folder.best_generator_file)["state"]


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return list(left) == list(right) and all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize(
    ("settings", "step"), [*(("precision: auto", step) for step in (2, 4, 8)), ("stabilizers.ema: 0.9", 6)]
)
def test_the_best_evaluation_is_kept_with_its_step_and_its_generator(
    best_plan: Callable[[str], Plan], score: Any, weights_at: WeightsAt, settings: str, step: int
) -> None:
    score(best_at(step))
    plan = best_plan(settings)
    execution = run_to_end(plan, plan.trials[0])
    record, name = execution.folder.record(), f"frechet/{execution.evaluator.id}"
    (row,) = [row for row in execution.folder.history() if row.get(name) == 1.0]
    assert row["step"] == step
    assert record.best == {key: value for key, value in row.items() if key != "time"}
    assert same(saved_best(execution), weights_at(plan, step))
    last = checkpoint.load(execution.folder.generator_file)["state"]
    assert same(last, weights_at(plan, 8))
    assert same(last, saved_best(execution)) is (step == 8)


def test_the_saved_generators_load_and_draw_the_same_images(best_plan: Callable[[], Plan], score: Any) -> None:
    score(best_at(4))
    plan = best_plan()
    execution = run_to_end(plan, plan.trials[0])
    for file, step in ((execution.folder.best_generator_file, 4), (execution.folder.generator_file, 8)):
        saved = checkpoint.load(file)
        config = TrialConfig.model_validate(saved["config"])
        assert config == plan.trials[0].config
        generator, _ = build_networks(config.model, config.stabilizers, 1, 0, config.data.image_size, seed=99)
        generator.load_state_dict(saved["state"])
        latents, _ = sampling.grid_inputs(config.model.latent_dim, 0)
        with Image.open(execution.folder.sample_file(step)) as picture:
            saved_grid = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).view(picture.size[::-1])
        drawn = torch.from_numpy(sampling.grid(sampling.generate(generator, latents)))[..., 0]
        assert (drawn.int() - saved_grid.int()).abs().max() <= 1  # as they lie in memory, the last bit may differ


@pytest.mark.parametrize(
    ("end", "step"), [("suspended", 2), ("suspended", 6), ("lost", 2), ("lost", 6), ("failed", 4), ("failed", 6)]
)
def test_a_resumed_trial_has_the_best_of_the_one_that_was_not_interrupted(
    best_plan: Callable[[], Plan], score: Any, weights_at: WeightsAt, end: str, step: int
) -> None:
    """Interrupted at step 7: a suspended trial goes on from there, the others from their checkpoint at 4."""
    score(best_at(step))
    plan = best_plan()
    first = run_some_steps(plan, plan.trials[0], 7)
    if end == "suspended":
        first.suspend()
    elif end == "lost":
        first._leave()
    else:
        first._fail(MemoryError("no memory"))
    saved_step = step if end == "suspended" or step <= 4 else 4
    record = first.folder.record()
    assert record.best["step"] == saved_step  # what the checkpoint and the history vouch for
    assert max(row["step"] for row in first.folder.history()) == (6 if end == "suspended" else 4)
    assert same(saved_best(first), weights_at(plan, saved_step))

    second = execution_of(plan, plan.trials[0])
    second.begin()
    assert second.folder.record().best == record.best
    second.advance()
    assert second.folder.record().status == "finished"
    assert second.folder.record().best["step"] == step
    assert same(saved_best(second), weights_at(plan, step))


def test_a_trial_that_starts_again_from_nothing_has_no_best(best_plan: Callable[[], Plan], score: Any) -> None:
    score(best_at(4))
    plan = best_plan()
    first = run_some_steps(plan, plan.trials[0], 5)
    first.suspend()
    assert first.folder.record().best["step"] == 4
    first.folder.checkpoint_file.unlink()
    first.folder.previous_checkpoint_file.unlink()
    resumed = execution_of(plan, plan.trials[0])
    resumed.begin()
    assert resumed.step == 0
    assert resumed.folder.record().best == {}
    assert not resumed.folder.best_generator_file.exists()
    resumed.suspend()


@pytest.mark.parametrize("step", [2, 6])
def test_a_trial_that_diverges_keeps_the_best_from_before(
    best_plan: Callable[[], Plan], score: Any, weights_at: WeightsAt, step: int
) -> None:
    score(best_at(step))
    plan = best_plan()
    execution = run_some_steps(plan, plan.trials[0], step)
    assert execution._trainer is not None
    with torch.no_grad():
        next(execution._trainer.generator.parameters()).fill_(float("nan"))
    execution.advance()
    record = execution.folder.record()
    assert record.verdict is not None
    assert (record.verdict["name"], record.best["step"]) == ("diverged", step)
    assert same(saved_best(execution), weights_at(plan, step))


def test_the_first_of_two_equal_evaluations_is_the_best(best_plan: Callable[[], Plan], score: Any) -> None:
    score({2: 8.0, 4: 7.0, 6: 7.0, 8: 7.0})
    plan = best_plan()
    assert run_to_end(plan, plan.trials[0]).folder.record().best["step"] == 4


def test_a_class_with_few_images_does_not_break_the_picture_of_real_ones(tmp_path: Path) -> None:
    import numpy as np

    labels = np.repeat([0, 1], [80, 3])
    np.savez(tmp_path / "few.npz", images=np.zeros((83, 32, 32), np.uint8), labels=labels)
    file = tmp_path / "few.yaml"
    file.write_text(tiny_with(f"data: {{name: npz, path: {tmp_path / 'few.npz'}}}\n  model.family: acgan"))
    plan = make_plan(loader.load(file), tmp_path / "home")
    execution = execution_of(plan, plan.trials[0])
    execution.begin()
    with Image.open(execution.folder.real_images_file) as picture:
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


@pytest.mark.parametrize("every", [1, 2])
def test_the_untrained_generator_is_never_the_best(best_plan: Callable[..., Plan], score: Any, every: int) -> None:
    """Nor after an interruption, when the history is read again."""
    score({0: 0.5, 1: 8.0, 2: 7.0, 3: 7.5, 4: 7.5, 5: 7.5, 6: 7.5, 7: 7.5, 8: 7.5})
    plan = best_plan("precision: auto", every=every)
    first = run_some_steps(plan, plan.trials[0], 1)
    first.suspend()
    assert first.folder.record().best.get("step") == (1 if every == 1 else None)
    assert first.folder.best_generator_file.exists() is (every == 1)
    second = run_some_steps(plan, plan.trials[0], 2)
    second.suspend()
    third = execution_of(plan, plan.trials[0])
    third.begin()
    assert third.folder.record().best["step"] == 2
    third.suspend()


def test_a_trial_that_died_after_its_last_checkpoint_only_lacks_its_end(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    whole = finished_trial(plan, plan.trials[0]).record()
    history = plan.folder.trial(plan.trials[0].key).history()
    folder = plan.folder.trial(plan.trials[0].key)
    record = folder.record()
    record.status, record.step, record.verdict, record.best, record.metrics = "running", 4, None, {}, {}
    record.attempts[-1].outcome = "running"
    folder.write_record(record)
    folder.generator_file.unlink()
    resumed = execution_of(plan, plan.trials[0])
    resumed.begin()
    resumed.advance(seconds=5.0)  # in which it would go on training if it had not ended
    record = folder.record()
    assert (record.status, record.step, record.verdict, record.best) == ("finished", 8, whole.verdict, whole.best)
    assert record.metrics == whole.metrics
    assert record.applied == whole.applied
    assert folder.history() == history
    assert folder.generator_file.exists()


def test_divergence_does_not_hide_that_something_else_was_trained(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    execution = run_some_steps(plan, plan.trials[0], 5)
    assert execution._trainer is not None
    execution._trainer.optimizers["discriminator"].param_groups[0]["lr"] = 0.5
    with torch.no_grad():
        next(execution._trainer.generator.parameters()).fill_(float("nan"))
    execution.advance()
    record = execution.folder.record()
    assert (record.status, record.verdict) == ("failed", None)
    assert "not trained as asked: discriminator ran with {'lr': 0.5" in (record.error or "")
