"""The generator of the best configuration in a real MLflow, loaded again in a fresh process."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from support.commands import program
from support.mirrors import mirror_of
from support.tiny import stable_trial, tiny_with

from gan_core import sampling
from gan_core.data import pixels
from gan_core.generator_file import from_generator_file
from orchestrator.errors import UserError
from orchestrator.planning import ranking
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.sweepfile import loader
from orchestrator.tracking import model_logging
from orchestrator.tracking.mirror import Mirror


def plan_of(tmp_path: Path, family: str = "dcgan") -> Plan:
    file = tmp_path / "tiny.yaml"
    file.write_text(tiny_with(f"model.family: {family}"))
    smoothed_loss = ["trial.loss.name=bce", "trial.model.width=8"]  # of families whose own loss has no targets
    return make_plan(loader.load(file, [] if family in ("dcgan", "acgan") else smoothed_loss), tmp_path / "home")


def mirrored(plan: Plan, tmp_path: Path) -> Mirror:
    mirror = mirror_of(plan, tmp_path)
    mirror.open()
    mirror.sync()
    return mirror


def chosen(plan: Plan) -> ranking.RankedConfiguration:
    chosen_configuration = ranking.rank_configurations(ranking.ended_trials(plan.folder, plan.to_document()["trials"]))[
        0
    ]
    assert chosen_configuration
    return chosen_configuration


def draw_elsewhere(words: list[str], folder: Path) -> None:
    """Draw with models in a new process, far from this package's folder and where MLflow may unpickle nothing.

    By both flavours, which have to agree; by the second from all forms of the inputs.
    """
    environment = {"PATH": "/usr/bin:/bin", "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false", "HOME": str(folder)}
    subprocess.run(program("loads_model", *words), check=True, cwd=folder, env=environment, timeout=600)


def models(mirror: Mirror) -> list[Any]:
    return list(mirror.client.search_logged_models([mirror.experiment.id]))


def test_the_loaded_models_draw_what_their_trials_drew_bit_for_bit(tmp_path: Path) -> None:
    """Models that take latents, or labels too; plain ones, residual ones, one with conditional batch norm."""
    words, expected = list[str](), list[tuple[Path, np.ndarray, Path]]()
    for family in ("dcgan", "acgan", "r3gan", "sngan_projection"):
        home = tmp_path / family
        home.mkdir()
        plan = plan_of(home, family)
        folder = stable_trial(plan, plan.trials[0])
        mirror = mirrored(plan, home)
        logged = model_logging.log_generator(mirror, chosen(plan), register=None)
        saved = from_generator_file(folder.generator_file)
        latents, labels = sampling.grid_inputs(saved.config.model.latent_dim, saved.classes)
        inputs = {"latents": latents.numpy()} | ({} if labels is None else {"labels": labels.numpy()})
        np.savez(home / "inputs.npz", **inputs)  # type: ignore[arg-type]
        words += [logged.uri, mirror.uri, str(home / "inputs.npz"), str(home / "drawn.npy")]
        own = saved.generator(latents, labels).detach().numpy()
        expected.append((home / "drawn.npy", own, folder.sample_file(8)))
    draw_elsewhere(words, tmp_path)
    for file, own, sample in expected:
        drawn = np.load(file)
        assert np.array_equal(drawn, own)
        picture = sampling.grid(pixels.to_uint8(torch.from_numpy(drawn)))
        assert np.array_equal(picture[..., 0], np.asarray(Image.open(sample)))


def test_the_model_says_what_it_takes_where_it_comes_from_and_why_it_was_chosen(tmp_path: Path) -> None:
    from mlflow.models import Model

    plan = plan_of(tmp_path, "acgan")
    for planned in plan.trials:
        stable_trial(plan, planned)
    mirror = mirrored(plan, tmp_path)
    best_run = chosen(plan)
    logged = model_logging.log_generator(mirror, best_run, register=None)
    (model,) = models(mirror)
    assert (model.name, model.status, model.source_run_id) == ("generator", "READY", mirror.parent_run_id)
    assert model.tags["run"] == mirror.children[best_run.key].run_id
    assert model.tags["configuration"] == best_run.configuration
    assert "median final Frechet distance" in model.tags["mlflow.note.content"]
    assert "do not call `.eval()`" in model.tags["mlflow.note.content"]
    assert model.params["model.family"] == "acgan"
    parent = mirror.client.get_run(mirror.parent_run_id)
    assert [output.model_id for output in parent.outputs.model_outputs] == [model.model_id]
    assert logged.uri == f"models:/{model.model_id}"

    folder = model.artifact_location.removeprefix("file://")
    described = Model.load(folder)
    assert [given["name"] for given in described.metadata["inputs"]] == ["latents", "labels"]
    example = described.load_input_example(folder)
    assert example["latents"].shape == (8, 100)
    assert example["labels"].tolist() == [0, 1, 2, 3, 4, 5, 6, 7]


def test_the_same_generator_is_logged_and_registered_once(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    stable_trial(plan, plan.trials[0])
    before = os.environ.get("MLFLOW_TRACKING_URI")
    first = model_logging.log_generator(mirrored(plan, tmp_path), chosen(plan), register="digits gan")
    mirror = mirrored(plan, tmp_path)
    second = model_logging.log_generator(mirror, chosen(plan), register="digits gan")
    assert first == second
    assert first.uri == "models:/digits gan/1"
    assert len(models(mirror)) == 1
    (registered,) = mirror.client.search_model_versions("name = 'digits gan'")
    assert registered.source == models(mirror)[0].model_uri
    assert os.environ.get("MLFLOW_TRACKING_URI") == before
    assert '"digits gan"' in models(mirror)[0].tags["mlflow.modelVersions"]  # the model's own page names its versions


def test_a_model_that_did_not_arrive_whole_is_logged_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient

    plan = plan_of(tmp_path)
    stable_trial(plan, plan.trials[0])
    mirror = mirrored(plan, tmp_path)

    def lose(*_: Any, **__: Any) -> None:
        raise ConnectionError("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, "log_model_artifacts", lose)
        with pytest.raises(ConnectionError):
            model_logging.log_generator(mirror, chosen(plan), register=None)
    model_logging.log_generator(mirror, chosen(plan), register=None)
    assert sorted(model.status for model in models(mirror)) == ["FAILED", "READY"]


@pytest.mark.parametrize("name", ["a/b", "a:b", " ", ".."])
def test_a_name_that_the_registry_refuses_is_a_users_mistake(name: str) -> None:
    with pytest.raises(UserError, match="--register"):
        model_logging.check_name(name)
