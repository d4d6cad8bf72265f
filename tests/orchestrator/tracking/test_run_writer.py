"""What a trial costs in requests to MLflow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.mirrors import mirror_of
from support.tiny import finished_trial

from orchestrator.planning.plan import Plan


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
