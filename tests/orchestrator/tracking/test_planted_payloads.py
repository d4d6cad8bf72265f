"""A pickle in the place of a file of ours does not run: each file that is read again, with a payload planted in it."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import mlflow.pyfunc
import mlflow.pytorch
import pytest
import torch
from mlflow.exceptions import MlflowException
from rich.console import Console
from support.mirrors import synced_mirror
from support.payload import Touch
from support.tiny import finished_trial, stable_trial

from gan_core.checkpoint import EARLIER_MAGIC
from orchestrator.commands.sample import SampleRequest, sample
from orchestrator.errors import UserError
from orchestrator.planning import evaluators, ranking
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.store.json_files import write_json
from orchestrator.sweepfile import loader
from orchestrator.tracking import model_logging

MakePlan = Callable[[], Plan]


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """A file that a payload makes when it runs."""
    return tmp_path / "executed"


def payload_for(marker: Path) -> bytes:
    """What makes the marker when it is unpickled, as was seen."""
    buffer = io.BytesIO()
    torch.save({"state": Touch(marker)}, buffer)
    torch.load(io.BytesIO(buffer.getvalue()), weights_only=False)
    assert marker.exists()  # the payload is live
    marker.unlink()
    return buffer.getvalue()


def plant(file: Path, marker: Path) -> None:
    """Forges a file whose checksum is right."""
    payload = payload_for(marker)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(EARLIER_MAGIC + hashlib.sha256(payload).digest() + payload)


@pytest.mark.parametrize("last", [True, False], ids=["generator.pt", "generator-best.pt"])
def test_a_planted_generator_is_refused_and_does_not_run(
    last: bool, tiny_plan: MakePlan, tmp_path: Path, marker: Path
) -> None:
    plan = tiny_plan()
    folder = finished_trial(plan, plan.trials[0])
    write_json(plan.folder.sweep_file, plan.to_document())
    plant(folder.generator_file if last else folder.best_generator_file, marker)
    request = SampleRequest("1", count=4, best=not last, output=tmp_path / "x.png")
    with pytest.raises(UserError, match="more than tensors"):
        sample(plan.folder, request, Console(file=io.StringIO()))
    assert not marker.exists()


def test_a_planted_classifier_is_refused_and_does_not_run(tiny_plan: MakePlan, tmp_path: Path, marker: Path) -> None:
    home = tmp_path / "home"
    tiny_plan()
    sweep = loader.load(tmp_path / "tiny.yaml", ["trial.evaluation.features=classifier"])
    plan = make_plan(sweep, home)
    plant(home / "evaluators" / f"{plan.trials[0].fingerprint}.pt", marker)
    with pytest.raises(UserError, match=r"more than tensors.*delete the file"):
        evaluators.build_evaluators(plan, home, on_phase=lambda text: None, note=lambda text: None)
    assert not marker.exists()


def test_a_payload_in_the_logged_model_is_refused_where_nothing_may_be_unpickled(
    tiny_plan: MakePlan, tmp_path: Path, marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every record of the archive that torch unpickles is forged: torch alone would run it, MLflow looks first."""
    plan = tiny_plan()
    stable_trial(plan, plan.trials[0])
    mirror = synced_mirror(plan, tmp_path)
    (chosen,) = ranking.rank_configurations(ranking.ended_trials(plan.folder, plan.to_document()["trials"]))[:1]
    logged = model_logging.log_generator(mirror, chosen, register=None)
    (model,) = mirror.client.search_logged_models([mirror.experiment.id])
    (archive,) = Path(model.artifact_location.removeprefix("file://")).rglob("model.pt2")
    payload = payload_for(marker)
    with zipfile.ZipFile(archive) as whole:
        entries = {entry.filename: whole.read(entry) for entry in whole.infolist()}
    assert [name for name in entries if name.endswith(".pt")]
    with zipfile.ZipFile(archive, "w") as forged:
        for name, content in entries.items():
            forged.writestr(name, payload if name.endswith(".pt") else content)
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    for flavor in (mlflow.pytorch, mlflow.pyfunc):
        with model_logging._as_default_address(mirror.uri), pytest.raises(MlflowException, match="pickle"):
            flavor.load_model(logged.uri)
        assert not marker.exists()
