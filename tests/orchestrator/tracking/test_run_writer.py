"""What a trial costs in requests to MLflow."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.mirrors import mirror_of
from support.tiny import finished_trial

from orchestrator.planning.plan import Plan
from orchestrator.tracking.run_writer import RunWriter


def test_a_finished_trial_takes_two_batches_and_its_files_no_request(
    tiny_plan: Callable[[], Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    plan = tiny_plan()
    folder = finished_trial(plan, plan.trials[0])
    mirror = mirror_of(plan, tmp_path)
    mirror.open()
    calls = Counter[str]()

    def count(name: str) -> None:
        method = getattr(MlflowClient, name)

        def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
            calls[name] += 1
            return method(self, *args, **kwargs)

        monkeypatch.setattr(MlflowClient, name, counting)

    for name in ("log_batch", "log_artifact", "log_text"):
        count(name)
    mirror.sync()
    pictures = len(list(folder.sample_files()))
    assert calls == {"log_batch": 2, "log_artifact": 2 * pictures}  # MLflow's for a picture and its thumbnail
    run = mirror.client.get_run(mirror.children[folder.key].run_id)
    assert run.data.params["model.family"] == "dcgan"
    assert (run.data.tags["status"], run.data.tags["group"]) == ("finished", "dcgan")
    files = Path(run.info.artifact_uri.removeprefix("file://"))
    assert (files / "generator.pt").read_bytes() == folder.generator_file.read_bytes()
    assert (files / "history.jsonl").read_bytes() == folder.history_file.read_bytes()


def test_a_reader_finds_an_artifact_as_it_was_until_it_is_written_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report may be made while a trial's files are sent again, and a command may be killed then."""
    artifacts = tmp_path / "artifacts"
    run = SimpleNamespace(
        info=SimpleNamespace(run_id="1", artifact_uri=artifacts.as_uri(), status="RUNNING"),
        data=SimpleNamespace(metrics={}, tags={}, params={}),
        inputs=None,
    )
    writer = RunWriter(SimpleNamespace(uri="sqlite:///mlflow.db"), run, Counter(), is_new=True)
    (tmp_path / "generator.pt").write_bytes(b"first")
    writer.add_file(tmp_path / "generator.pt", resend=True)
    writer.add_text("history.jsonl", "first", resend=True)

    def killed_half_way(source: Any, target: Path, *args: Any, **kwargs: Any) -> None:
        Path(target).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copy2", killed_half_way)
    monkeypatch.setattr(Path, "write_text", lambda self, text, **_: killed_half_way(text, self))
    (tmp_path / "generator.pt").write_bytes(b"second")
    with pytest.raises(KeyboardInterrupt):
        writer.add_file(tmp_path / "generator.pt", resend=True)
    with pytest.raises(KeyboardInterrupt):
        writer.add_text("history.jsonl", "second", resend=True)
    assert {file.name: file.read_bytes() for file in artifacts.iterdir()} == {
        "generator.pt": b"first",
        "history.jsonl": b"first",
    }
