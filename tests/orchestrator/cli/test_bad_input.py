"""Each mistake of a user: clear lines, exit code 2, nothing started, nothing left behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.commands import SMOKE, Done, invoke
from support.ports import free_port
from typer.testing import CliRunner

from orchestrator.cli import app


def refused(done: Done, home: Path, *words: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    for word in words:
        assert word in done.stderr
    assert not home.exists()


def sweep_on(data: str, folder: Path) -> Path:
    """A sweep file of one trial on this data."""
    file = folder / "one.yaml"
    file.write_text(f"sweep: one\ntrial: {{steps: 6, batch_size: 8, data: {{{data}}}}}\ngroups: [{{name: dcgan}}]\n")
    return file


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
    refused(invoke("sweep", SMOKE, "--set", setting, home=home), home, *words)


@pytest.mark.parametrize("budget", ["soon", "{", "0h"])
def test_a_wrong_budget_is_said_of_the_option_that_was_typed(budget: str) -> None:
    words = ["plan", str(SMOKE), "--set", "seeds={first: 2, most: 4}", "--until-answered"]
    option, setting = (
        str(CliRunner().invoke(app.app, [*words, *more]).exception)
        for more in (["--budget", budget], ["--set", f"budget={budget}"])
    )
    assert option.startswith("--budget: ") and "--set" not in option
    assert setting.startswith("--set budget: ") and "--budget" not in setting


def test_until_answered_of_a_list_of_seeds_is_said_of_the_option_that_was_typed() -> None:
    result = CliRunner().invoke(app.app, ["plan", str(SMOKE), "--until-answered", "--set", "seeds=[0, 1]"])
    assert str(result.exception).startswith("--until-answered: needs a first and a last look")


def test_train_advises_only_options_that_it_has(tmp_path: Path) -> None:
    file = sweep_on("name: digits", tmp_path)
    file.write_text(file.read_text() + "seeds: {first: 2, most: 4}\n")
    text = str(CliRunner().invoke(app.app, ["train", str(file)]).exception)
    assert "--set until=answered" in text and "--until-answered" not in text


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_named_and_nothing_starts(tmp_path: Path) -> None:
    home = tmp_path / "home"
    refused(invoke("sweep", SMOKE, "--device", "gpu", home=home), home, "--device gpu", "no GPU")


def test_acgan_on_data_without_labels_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", images=np.zeros((40, 32, 32), np.uint8))
    home = tmp_path / "home"
    file = sweep_on(f"name: npz, path: {tmp_path / 'mine.npz'}", tmp_path)
    refused(invoke("sweep", file, "--set", "trial.model.family=acgan", home=home), home, "acgan", "labels")


def test_missing_data_says_how_to_get_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    refused(invoke("sweep", sweep_on("name: npz, path: none.npz", tmp_path), home=home), home, "does not exist")
    empty = tmp_path / "empty"
    empty.mkdir()
    file = sweep_on(f"name: image_folder, path: {empty}", tmp_path)
    refused(invoke("sweep", file, home=home), home, "no image")


def test_a_missing_file_and_broken_yaml_are_shown(tmp_path: Path) -> None:
    home = tmp_path / "home"
    refused(invoke("sweep", tmp_path / "none.yaml", home=home), home, "none.yaml", "no such file")
    broken = tmp_path / "broken.yaml"
    broken.write_text("sweep: x\ntrial: {steps: 1\ngroups: []\n")
    refused(invoke("sweep", broken, home=home), home, "broken.yaml:")


def test_an_unreachable_tracking_server_is_named_before_anything_starts(tmp_path: Path) -> None:
    home, uri = tmp_path / "home", f"http://127.0.0.1:{free_port()}"
    refused(invoke("sweep", SMOKE, "--tracking-uri", uri, home=home), home, uri, "MLFLOW_TRACKING_URI")


def test_an_unreachable_cluster_is_named_before_anything_starts(tmp_path: Path) -> None:
    home, address = tmp_path / "home", f"127.0.0.1:{free_port()}"
    refused(invoke("sweep", SMOKE, "--address", address, home=home), home, address, "ray status")


def test_an_unknown_sweep_names_those_there_are(tmp_path: Path) -> None:
    done = invoke("status", "nothing", home=tmp_path)
    assert done.returncode == 2
    assert "nothing" in done.stderr
    assert invoke("report", "nothing", home=tmp_path).returncode == 2


def test_a_trial_that_does_not_exist_cannot_be_trained(tmp_path: Path) -> None:
    home = tmp_path / "home"
    refused(invoke("train", SMOKE, "--trial", "9", home=home), home, "1 to 4")
