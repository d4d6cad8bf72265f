"""Sweeps whose trials live in a real S3 server: the home is one machine's, and another one finds everything."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
import torch
from mlflow import MlflowClient
from support.commands import SMOKE, orchestrate, start, trials
from support.endings import LONGER, curves_of
from support.proxy import free_port
from support.s3_server import KEYS, S3
from support.topology import wait_until

from gan_core import checkpoint

pytestmark = pytest.mark.e2e


def written_below(home: Path) -> bytes:
    return b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())


def test_a_second_home_finds_it_all_finished(s3: S3, tmp_path: Path) -> None:
    s3.make_bucket("finished")
    first, second = tmp_path / "first", tmp_path / "second"
    done = orchestrate("sweep", SMOKE, "--storage", s3.uri("finished/runs"), home=first)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [trial["status"] for trial in trials("smoke", first)] == ["finished"] * 4
    assert not list(first.rglob("checkpoint*.pt"))
    assert (first / "sweeps/smoke/report/report.html").exists()
    client = MlflowClient(tracking_uri=f"sqlite:///{first / 'mlflow.db'}")
    for trial in trials("smoke", first):
        assert len(client.get_metric_history(trial["run_id"], "loss/generator")) == 4
        assert {"generator.pt", "history.jsonl"} <= {file.path for file in client.list_artifacts(trial["run_id"])}

    again = orchestrate("sweep", SMOKE, "--storage", s3.uri("finished/runs"), home=second)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "found 4 trials of smoke in s3://finished/runs" in again.stdout
    assert "starting Ray" not in again.stdout
    for mine, theirs in zip(trials("smoke", second), trials("smoke", first), strict=True):
        assert mine | {"run_id": ""} == theirs | {"run_id": ""}
    password = KEYS["AWS_SECRET_ACCESS_KEY"]
    assert password not in done.stdout + done.stderr
    assert password.encode() not in written_below(first)


def test_an_interrupted_sweep_goes_on_from_another_home_and_ends_as_if_undisturbed(
    s3: S3, reference: Path, tmp_path: Path
) -> None:
    s3.make_bucket("moved")
    first, second = tmp_path / "first", tmp_path / "second"
    process = start("sweep", SMOKE, *LONGER, "--storage", s3.uri("moved"), home=first)

    def steps() -> dict[str, int]:
        files = first.glob("sweeps/smoke/trials/*/record.json")
        return {file.parent.name: json.loads(file.read_text())["step"] for file in files}

    wait_until(lambda: process.poll() is not None or any(steps().values()), "a checkpoint of which the home knows")
    os.kill(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 130, said
    left = {key: step for key, step in steps().items() if step}
    assert left

    moved = orchestrate("sweep", SMOKE, *LONGER, "--storage", s3.uri("moved"), home=second)
    assert moved.returncode == 0, moved.stdout + moved.stderr
    for trial in trials("smoke", second):
        mine, theirs = (home / "sweeps/smoke/trials" / trial["key"] for home in (second, reference))
        weights, expected = (checkpoint.load(folder / "generator.pt")["state"] for folder in (mine, theirs))
        assert all(torch.equal(weights[name], expected[name]) for name in expected)
        assert curves_of(mine / "history.jsonl") == curves_of(theirs / "history.jsonl")
        attempts = json.loads((mine / "record.json").read_text())["attempts"]
        assert attempts[-1]["from_step"] >= left.get(trial["key"], 0)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("s4://bucket/runs", "--storage 's4://bucket/runs' is no address of an object store; write s3://BUCKET/PREFIX"),
        ("nobody", "there is no bucket nobody; make it, or check its name"),
        ("nowhere", "it does not answer"),
        ("refused", "it does not let this in"),
    ],
)
def test_a_storage_that_cannot_be_used_is_one_line_and_nothing_starts(
    s3: S3, tmp_path: Path, place: str, said: str
) -> None:
    s3.make_bucket("refused")
    there = S3(free_port()) if place == "nowhere" else s3
    s3.allow(0 if place == "refused" else float("inf"))
    home = tmp_path / "home"
    done = orchestrate("sweep", SMOKE, "--storage", place if "://" in place else there.uri(place), home=home)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not home.exists()


def test_a_sweep_stays_in_its_storage(s3: S3, tmp_path: Path) -> None:
    """Its home has no checkpoints: without them a trial would start anew."""
    s3.make_bucket("stays")
    home, file = tmp_path / "home", tmp_path / "one.yaml"
    file.write_text("sweep: one\ntrial: {steps: 2, batch_size: 8, evaluation: {features: random}}\ngroups: [{name: a}]")
    (home / "sweeps/one").mkdir(parents=True)
    (home / "sweeps/one/storage").write_text(s3.uri("stays/a") + "\n")
    done = orchestrate("sweep", file, "--storage", s3.uri("stays/b"), home=home)
    assert done.returncode == 2
    assert f"the trials of one live in {s3.uri('stays/a')}" in done.stderr
