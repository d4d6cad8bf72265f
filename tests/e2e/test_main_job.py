"""The main job, whole: a sweep file in; records, an MLflow experiment and a report out."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from mlflow import MlflowClient
from support.commands import SMOKE, Done, invoke, trials

from gan_core.verdict.rules import VERDICTS

pytestmark = pytest.mark.e2e


def mlflow(home: Path) -> MlflowClient:
    return MlflowClient(tracking_uri=f"sqlite:///{home / 'mlflow.db'}")


def test_every_trial_ends_with_a_verdict_and_the_command_with_0(undisturbed: tuple[Path, Done]) -> None:
    home, done = undisturbed
    assert done.returncode == 0, done.stdout + done.stderr
    rows = trials("smoke", home)
    assert len(rows) == 4
    assert all(trial["status"] == "finished" and trial["verdict"] for trial in rows)
    assert [(trial["step"], trial["attempts"]) for trial in rows] == [(20, 1)] * 4
    assert {trial["group"] for trial in rows} == {"dcgan", "acgan", "wgan-gp"}


def test_the_output_is_plain_and_names_the_report_and_mlflow(undisturbed: tuple[Path, Done]) -> None:
    home, done = undisturbed
    assert str(home / "sweeps/smoke/report/report.html") in done.stdout
    assert "orchestrate ui" in done.stdout
    assert "no model: no run is stable" in done.stdout  # after 20 steps
    assert "\x1b" not in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr == ""


def test_mlflow_holds_one_parent_and_its_children_with_every_point_once(undisturbed: tuple[Path, Done]) -> None:
    home, _ = undisturbed
    client = mlflow(home)
    experiment = client.get_experiment_by_name("smoke")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert len(parents) == 1
    assert len(children) == 4
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parents[0].info.run_id}
    for run in runs:
        assert run.info.status == "FINISHED"
    for run in children:
        rows = (home / "sweeps/smoke/trials" / run.data.tags["orchestrate.key"] / "history.jsonl").read_text()
        expected: Counter[tuple[str, int, float]] = Counter()
        for row in map(json.loads, rows.splitlines()):
            expected.update((name, row["step"], value) for name, value in row.items() if name not in ("step", "time"))
        names = {name for name, _, _ in expected}
        points = [(p.key, p.step, p.value) for name in names for p in client.get_metric_history(run.info.run_id, name)]
        assert Counter(points) == expected
        assert {step for name, step, _ in expected if name == "loss/generator"} == {5, 10, 15, 20}


def test_a_child_run_tells_what_it_was(undisturbed: tuple[Path, Done]) -> None:
    home, _ = undisturbed
    client = mlflow(home)
    experiment = client.get_experiment_by_name("smoke")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], "attributes.run_name = 'dcgan smoothing=0.1 seed=0'")
    assert len(runs) == 1
    run = runs[0]
    assert run.data.params["stabilizers.label_smoothing"] == "0.1"
    assert run.data.params["optimizer.generator.lr"] == "0.0002"
    assert run.data.params["seed"] == "0"
    assert run.data.tags["verdict"] in VERDICTS
    assert run.inputs.dataset_inputs[0].dataset.name == "digits"
    artifacts = {entry.path for entry in client.list_artifacts(run.info.run_id)}
    assert {"config.json", "environment.json", "generator.pt", "real.png", "verdict.json", "images"} <= artifacts
    steps = {entry.path.split("+")[2] for entry in client.list_artifacts(run.info.run_id, "images")}
    assert steps == {"0", "10", "20"}


def test_the_report_is_attached_to_the_parent_run(undisturbed: tuple[Path, Done]) -> None:
    home, _ = undisturbed
    client = mlflow(home)
    parent = json.loads((home / "sweeps/smoke/mirror.json").read_text())["parent"]
    assert {"report.html", "sweep.json", "sweep.yaml"} <= {entry.path for entry in client.list_artifacts(parent)}
    assert "All 4 runs are unfinished" in client.get_run(parent).data.tags["mlflow.note.content"]


def test_the_same_command_again_repeats_nothing(undisturbed: tuple[Path, Done]) -> None:
    home, _ = undisturbed
    records = {file: file.stat().st_mtime_ns for file in home.glob("sweeps/smoke/trials/*/record.json")}
    repeated = invoke("sweep", SMOKE, home=home)
    assert repeated.returncode == 0
    assert "starting Ray" not in repeated.stdout
    assert records == {file: file.stat().st_mtime_ns for file in home.glob("sweeps/smoke/trials/*/record.json")}


def test_a_new_level_runs_only_what_is_new(undisturbed: tuple[Path, Done]) -> None:
    home, _ = undisturbed
    path = "groups.dcgan.grid.stabilizers.label_smoothing=[0.0,0.1,0.2]"
    planned = json.loads(invoke("plan", SMOKE, "--set", path, "--json", home=home).stdout)["trials"]
    assert Counter(trial["status"] for trial in planned) == {"finished": 4, "pending": 1}


def test_the_report_can_be_made_elsewhere_from_the_tracking_address_alone(
    undisturbed: tuple[Path, Done], tmp_path: Path
) -> None:
    home, _ = undisturbed
    uri = f"sqlite:///{home / 'mlflow.db'}"
    done = invoke("report", "smoke", "--tracking-uri", uri, "--output", tmp_path / "out", home=tmp_path / "empty")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("<img ") == 6  # four trials, and the real images with and without classes
    assert not (tmp_path / "empty").exists()


def test_status_and_plan_are_tables_for_people(undisturbed: tuple[Path, Done]) -> None:
    home, _ = undisturbed
    status = invoke("status", "smoke", home=home)
    assert "wgan-gp seed=0" in status.stdout
    assert "20/20" in status.stdout
    assert "smoke" in invoke("status", home=home).stdout
    assert "4 finished" in invoke("plan", SMOKE, home=home).stdout


def test_train_runs_one_trial_without_ray_or_mlflow(tmp_path: Path) -> None:
    done = invoke("train", SMOKE, "--trial", "wgan-gp seed=0", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "step 20/20" in done.stdout
    assert not (tmp_path / "mlflow.db").exists()


def test_train_runs_a_trial_that_the_sweep_has_finished_and_leaves_that_alone(undisturbed: tuple[Path, Done]) -> None:
    home, _ = undisturbed
    before = trials("smoke", home)
    done = invoke("train", SMOKE, "--trial", "1", home=home)
    assert done.returncode == 0, done.stderr
    assert trials("smoke", home) == before
