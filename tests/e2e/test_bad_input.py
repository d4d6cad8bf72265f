"""Each mistake: clear lines, exit code 2, nothing started, nothing left behind."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from mlflow import MlflowClient
from support.commands import SMOKE, Done, orchestrate

from gan_core.config.sections import DataConfig
from gan_core.data.datasets import load

pytestmark = pytest.mark.e2e

Write = Callable[[str], Path]


def refused(done: Done, home: Path, *words: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    for word in words:
        assert word in done.stderr
    assert not home.exists()


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("trial.optimiser.lr=1e-3", ["optimiser", "optimizer.lr"]),
        ("groups.wgan-gp.trial.stabilizers.label_smoothing=0.1", ["label_smoothing", "wasserstein"]),
        ("trial.data.classes=[0, x]", ["data.classes", "'x'", "0, 1, 2"]),
        ("sweep=../escape", ["../escape", "safe folder name"]),
        ("trial.batch_size=2000", ["batch_size", "1541"]),
        ("trial.evaluation.samples=64", ["evaluation.samples", "64", "65"]),
        ("trial.evaluation.features=inception", ["evaluation.weights", "file"]),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_starts(setting: str, words: list[str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    refused(orchestrate("sweep", SMOKE, "--set", setting, home=home), home, *words)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_named_and_nothing_starts(tmp_path: Path) -> None:
    home = tmp_path / "home"
    refused(orchestrate("sweep", SMOKE, "--device", "gpu", home=home), home, "--device gpu", "no GPU")


def test_acgan_on_data_without_labels_is_refused(tmp_path: Path, one_trial: Write) -> None:
    np.savez(tmp_path / "mine.npz", images=np.zeros((40, 32, 32), np.uint8))
    home = tmp_path / "home"
    file = one_trial(f", data: {{name: npz, path: {tmp_path / 'mine.npz'}}}")
    refused(orchestrate("sweep", file, "--set", "trial.model.family=acgan", home=home), home, "acgan", "labels")


def test_missing_data_says_how_to_get_it(tmp_path: Path, one_trial: Write) -> None:
    home = tmp_path / "home"
    refused(orchestrate("sweep", one_trial(", data: {name: npz, path: none.npz}"), home=home), home, "does not exist")
    empty = tmp_path / "empty"
    empty.mkdir()
    file = one_trial(f", data: {{name: image_folder, path: {empty}}}")
    refused(orchestrate("sweep", file, home=home), home, "no image")


def test_a_missing_file_and_broken_yaml_are_shown(tmp_path: Path) -> None:
    home = tmp_path / "home"
    refused(orchestrate("sweep", tmp_path / "none.yaml", home=home), home, "none.yaml", "no such file")
    broken = tmp_path / "broken.yaml"
    broken.write_text("sweep: x\ntrial: {steps: 1\ngroups: []\n")
    refused(orchestrate("sweep", broken, home=home), home, "broken.yaml:")


def test_an_unreachable_tracking_server_is_named_before_anything_starts(tmp_path: Path) -> None:
    home, uri = tmp_path / "home", f"http://127.0.0.1:{closed_port()}"
    refused(orchestrate("sweep", SMOKE, "--tracking-uri", uri, home=home), home, uri, "MLFLOW_TRACKING_URI")


def test_an_unreachable_cluster_is_named_before_anything_starts(tmp_path: Path) -> None:
    home, address = tmp_path / "home", f"127.0.0.1:{closed_port()}"
    refused(orchestrate("sweep", SMOKE, "--address", address, home=home), home, address, "ray status")


def test_a_damaged_classifier_is_named_before_mlflow_has_a_run(tmp_path: Path) -> None:
    """It is read while Ray starts."""
    kept = tmp_path / "evaluators" / f"{load(DataConfig()).fingerprint}.pt"
    kept.parent.mkdir()
    kept.write_text("half a page of something else")
    done = orchestrate("sweep", SMOKE, home=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert str(kept) in done.stderr and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}").get_experiment_by_name("smoke") is None
    assert list(tmp_path.glob("sweeps/smoke/trials/*")) == []


def test_an_unknown_sweep_names_those_there_are(tmp_path: Path) -> None:
    done = orchestrate("status", "nothing", home=tmp_path)
    assert done.returncode == 2
    assert "nothing" in done.stderr
    assert orchestrate("report", "nothing", home=tmp_path).returncode == 2


def test_a_trial_that_does_not_exist_cannot_be_trained(tmp_path: Path) -> None:
    home = tmp_path / "home"
    refused(orchestrate("train", SMOKE, "--trial", "9", home=home), home, "1 to 4")
