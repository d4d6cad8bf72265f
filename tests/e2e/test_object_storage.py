"""Sweeps whose trials live in a real S3 server: the home is one machine's, and another one finds everything.

`test_chosen_points.py` has a map there, which is killed and gets a Ctrl-C.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from mlflow import MlflowClient
from support.commands import SMOKE, invoke, orchestrate, start, trials
from support.endings import ON_ONE_WORKER, curves_of
from support.families import kill_ray
from support.mirrors import with_database
from support.ports import free_port
from support.s3_server import KEYS, S3, use_keys
from support.waiting import wait_until

from gan_core import checkpoint

pytestmark = pytest.mark.e2e


def written_below(home: Path) -> bytes:
    return b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())


@dataclass
class Moved:
    """A sweep whose raylet was killed in the home `first`, and that went on to its end in the home `second`.

    `steps`: how far each trial was that had begun, as `first` knew it. `output`: what the second command printed.
    """

    first: Path
    second: Path
    steps: dict[str, int]
    output: str


@pytest.fixture(scope="module")
def moved(s3_of_all: S3, tmp_path_factory: pytest.TempPathFactory) -> Moved:
    folder = tmp_path_factory.mktemp("moved")
    first, second = with_database(folder / "first"), with_database(folder / "second")
    words = ("sweep", SMOKE, *ON_ONE_WORKER, "--storage", s3_of_all.uri("moved/runs"))
    with pytest.MonkeyPatch.context() as patch:
        use_keys(patch)
        s3_of_all.make_bucket("moved")
        process = start(*words, home=first)

        def steps() -> dict[str, int]:
            files = first.glob("sweeps/smoke/trials/*/record.json")
            return {file.parent.name: json.loads(file.read_text())["step"] for file in files}

        wait_until(lambda: any(steps().values()), "a checkpoint of which the home knows", process=process)
        kill_ray(process, "raylet")  # `test_upkeep.py` kills its gcs_server
        begun = {key: step for key, step in steps().items() if step}
        done = orchestrate(*words, home=second)
        assert done.returncode == 0, done.stdout + done.stderr
    return Moved(first, second, begun, done.stdout + done.stderr)


def test_a_sweep_whose_ray_has_died_goes_on_from_another_home_and_ends_as_if_undisturbed(
    moved: Moved, reference: Path
) -> None:
    assert moved.steps
    assert [trial["status"] for trial in trials("smoke", moved.second)] == ["finished"] * 4
    for trial in trials("smoke", moved.second):
        resumed, undisturbed = (home / "sweeps/smoke/trials" / trial["key"] for home in (moved.second, reference))
        weights, expected = (checkpoint.load(folder / "generator.pt")["state"] for folder in (resumed, undisturbed))
        assert all(torch.equal(weights[name], expected[name]) for name in expected)
        assert curves_of(resumed / "history.jsonl") == curves_of(undisturbed / "history.jsonl")
        attempts = json.loads((resumed / "record.json").read_text())["attempts"]
        assert attempts[-1]["from_step"] >= moved.steps.get(trial["key"], 0)


def test_mlflow_and_the_report_have_everything_though_the_home_has_no_checkpoint(moved: Moved) -> None:
    assert not list(moved.second.rglob("checkpoint*.pt"))
    assert (moved.second / "sweeps/smoke/report/report.html").exists()
    client = MlflowClient(tracking_uri=f"sqlite:///{moved.second / 'mlflow.db'}")
    for trial in trials("smoke", moved.second):
        assert len(client.get_metric_history(trial["run_id"], "loss/generator")) == trial["steps"] // 5
        assert {"generator.pt", "history.jsonl"} <= {file.path for file in client.list_artifacts(trial["run_id"])}


def test_a_third_home_finds_it_all_finished(moved: Moved, s3: S3, tmp_path: Path) -> None:
    done = invoke("sweep", SMOKE, *ON_ONE_WORKER, "--storage", s3.uri("moved/runs"), home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "found 4 trials of smoke in s3://moved/runs" in done.stdout
    assert "starting Ray" not in done.stdout
    for copied, trained in zip(trials("smoke", tmp_path), trials("smoke", moved.second), strict=True):
        assert copied | {"run_id": ""} == trained | {"run_id": ""}


def test_the_storages_password_is_written_nowhere(moved: Moved) -> None:
    password = KEYS["AWS_SECRET_ACCESS_KEY"]
    assert password not in moved.output
    assert password.encode() not in written_below(moved.first) + written_below(moved.second)


@pytest.mark.parametrize(
    ("storage", "message"),
    [
        ("s4://bucket/runs", "--storage 's4://bucket/runs' is no address of an object store; write s3://BUCKET/PREFIX"),
        ("nobody", "there is no bucket nobody; make it, or check its name"),
        ("nowhere", "it does not answer"),
        ("refused", "access denied"),
    ],
)
def test_a_storage_that_cannot_be_used_is_one_line_and_nothing_starts(
    s3: S3, tmp_path: Path, storage: str, message: str
) -> None:
    s3.make_bucket("refused")
    server = S3(free_port()) if storage == "nowhere" else s3
    s3.allow(0 if storage == "refused" else float("inf"))
    home = tmp_path / "home"
    done = invoke("sweep", SMOKE, "--storage", storage if "://" in storage else server.uri(storage), home=home)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not home.exists()


def test_a_sweep_stays_in_its_storage(s3: S3, tmp_path: Path) -> None:
    """Its home has no checkpoints: without them a trial would start anew."""
    s3.make_bucket("stays")
    home, file = tmp_path / "home", tmp_path / "one.yaml"
    file.write_text("sweep: one\ntrial: {steps: 2, batch_size: 8, evaluation: {features: random}}\ngroups: [{name: a}]")
    (home / "sweeps/one").mkdir(parents=True)
    (home / "sweeps/one/storage").write_text(s3.uri("stays/a") + "\n")
    done = invoke("sweep", file, "--storage", s3.uri("stays/b"), home=home)
    assert done.returncode == 2
    assert f"the trials of one live in {s3.uri('stays/a')}" in done.stderr
