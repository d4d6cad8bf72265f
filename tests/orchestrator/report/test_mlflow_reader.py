"""From a sweep that really ran, through a real MLflow, back to what its folders hold."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.mirrors import synced_mirror
from support.tiny import execution_of, finished_trial, run_some_steps

from orchestrator.errors import UserError
from orchestrator.planning.plan import Plan
from orchestrator.report.artifact_schemas import LoggedEvaluator
from orchestrator.report.mlflow_reader import evenly_spaced, read_sweep

MakePlan = Callable[[], Plan]


def test_the_curves_are_those_of_the_trials_folders(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = tiny_plan()
    for planned in plan.trials[:2]:
        finished_trial(plan, planned)
    data = read_sweep(synced_mirror(plan, tmp_path).uri, "tiny")
    assert [run.key for run in data.runs] == [planned.key for planned in plan.trials]
    for run in data.runs[:2]:
        rows = plan.folder.trial(run.key).history()
        metrics = {name for row in rows for name in row} - {"step", "time"}
        assert set(run.history) == metrics
        for metric, (steps, values) in run.history.items():
            expected = [(row["step"], row[metric]) for row in rows if metric in row]
            assert list(zip(steps.tolist(), values.tolist(), strict=True)) == expected
            assert (np.diff(steps) > 0).all()
    assert data.runs[2].history == {}


def test_a_finished_run_is_told_as_its_record_has_it(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = tiny_plan()
    record = finished_trial(plan, plan.trials[0]).record()
    folder = plan.folder.trial(record.key)
    mirror = synced_mirror(plan, tmp_path)
    data = read_sweep(mirror.uri, "tiny")
    run = data.runs[0]
    assert record.verdict is not None
    verdict = record.verdict
    assert (run.status, run.verdict, run.reason) == ("finished", verdict["name"], verdict["reason"])
    assert run.since == verdict["since"]
    assert run.run_id == mirror.children[record.key].run_id
    assert (run.name, run.group, run.seed) == (plan.trials[0].trial.name, "dcgan", 0)
    assert run.evaluator == LoggedEvaluator.model_validate(record.evaluator)
    assert run.environment["applied"] == record.applied
    assert run.settings["optimizer.generator.lr"] == "0.0002"
    assert run.began_ms == record.attempts[0].began
    for (step, picture), (taken, file) in zip(run.pictures, folder.sample_files(), strict=True):
        assert step == taken
        with Image.open(io.BytesIO(picture)) as sent, Image.open(file) as expected:
            assert sent.tobytes() == expected.tobytes()
    assert [picture for _, picture in data.real] == [folder.real_images_file.read_bytes()]
    assert data.environment == run.environment


def test_artifacts_on_this_machine_are_read_as_files(
    tiny_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plan()
    finished_trial(plan, plan.trials[0])
    mirror = synced_mirror(plan, tmp_path)
    for name in ("download_artifacts", "list_artifacts"):
        monkeypatch.setattr(f"mlflow.artifacts.{name}", None)
    run = read_sweep(mirror.uri, "tiny").runs[0]
    assert run.history and run.pictures and run.environment and run.evaluator


def test_runs_that_have_not_ended_are_told_as_far_as_they_are(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = tiny_plan()
    running = run_some_steps(plan, plan.trials[0], 4)
    run_some_steps(plan, plan.trials[1], 4).suspend()
    broken = execution_of(plan, plan.trials[2])
    broken.begin()
    broken._fail(MemoryError("too much"))
    data = read_sweep(synced_mirror(plan, tmp_path).uri, "tiny")
    assert [run.outcome for run in data.runs] == ["running", "interrupted", "failed", "pending"]
    running.suspend()
    assert [run.has_ended for run in data.runs] == [False, False, True, False]
    assert data.runs[2].reason == "MemoryError: too much"
    assert list(data.runs[0].history["loss/generator"][0]) == [2, 4]


def test_the_sweep_is_told_as_it_was_asked_for(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = tiny_plan()
    mirror = synced_mirror(plan, tmp_path)
    mirror.set_document(
        plan.to_document() | {"overrides": ["seeds=[0, 1]"], "cautions": ["beware"], "reported_seeds": [0]}
    )
    mirror.sync()
    data = read_sweep(mirror.uri, "tiny")
    assert (data.name, data.question, data.run_id) == ("tiny", "Is it small?", mirror.parent_run_id)
    assert data.commands == [["orchestrate", "sweep", str(tmp_path / "tiny.yaml"), "--set", "seeds=[0, 1]"]]
    assert data.cautions == ["beware"]
    assert data.reported_seeds == [0] and not data.stop_early
    assert data.selection == data.runs
    assert data.tracking_uri == mirror.uri


def test_runs_that_confirm_are_known(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = tiny_plan()
    mirror = synced_mirror(plan, tmp_path)
    document = json.loads(json.dumps(plan.to_document()))
    document["trials"][-1]["confirms"] = True
    mirror.set_document(document)
    mirror.sync()
    assert [run.confirms for run in read_sweep(mirror.uri, "tiny").runs] == [False, False, False, True]


def test_a_sweep_that_is_not_there_is_a_users_mistake(tiny_plan: MakePlan, tmp_path: Path) -> None:
    mirror = synced_mirror(tiny_plan(), tmp_path)
    with pytest.raises(UserError, match="holds no sweep 'other'; `orchestrate sweep FILE` makes one"):
        read_sweep(mirror.uri, "other")


def test_a_store_that_cannot_be_read_is_a_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("not a database, but long enough to be read as one" * 10)
    with pytest.raises(UserError, match="cannot be read"):
        read_sweep(f"sqlite:///{tmp_path / 'mlflow.db'}", "tiny")


@pytest.mark.parametrize(
    ("count", "limit", "expected"),
    [
        (3, 5, [0, 1, 2]),
        (5, 5, [0, 1, 2, 3, 4]),
        (9, 5, [0, 2, 4, 6, 8]),
        (10, 2, [0, 9]),
        (10, 1, [9]),
        (0, 3, []),
    ],
)
def test_moments_are_spread_over_training_with_its_ends(count: int, limit: int, expected: list[int]) -> None:
    assert evenly_spaced(list(range(count)), limit) == expected
