"""MLflow holds something else than the mirror wrote: the report says which run and what, in one line."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from mirrors import mirrored
from tiny import run_to_end

from orchestrator import report
from orchestrator.errors import UserError
from orchestrator.mirror import Mirror
from orchestrator.plan import Plan

MakePlan = Callable[[], Plan]


@pytest.fixture
def mirror(tiny_plan: MakePlan, tmp_path: Path) -> Mirror:
    """A sweep of one finished trial."""
    plan = tiny_plan()
    run_to_end(plan, plan.trials[0])
    return mirrored(plan, tmp_path)


def child(mirror: Mirror) -> str:
    (found,) = mirror.children.values()
    return found.run_id


def artifact(mirror: Mirror, run_id: str, pattern: str) -> Path:
    folder = Path(unquote(urlsplit(mirror.client.get_run(run_id).info.artifact_uri).path))
    return sorted(folder.glob(pattern))[0]


def refused(mirror: Mirror, tmp_path: Path, *words: str) -> None:
    with pytest.raises(UserError) as caught:
        report.write(mirror.uri, ["tiny"], tmp_path / "out")
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    for word in words:
        assert word in message


@pytest.mark.parametrize("content", [None, b"", b"\x00\xff", b"[]", b"{}", b'{"id": 5}', b'{"name": "x"'])
@pytest.mark.parametrize("name", ["sweep.json", "evaluator.json", "environment.json", "history.jsonl", "real.png"])
def test_an_artifact_that_is_missing_or_damaged_is_named(
    mirror: Mirror, tmp_path: Path, name: str, content: bytes | None
) -> None:
    run_id = mirror.parent if name == "sweep.json" else child(mirror)
    file = artifact(mirror, run_id, name)
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    if (name, content) in {("history.jsonl", b""), ("environment.json", b"{}"), ("environment.json", b'{"id": 5}')}:
        report.write(mirror.uri, ["tiny"], tmp_path / "out")  # no rows yet, and a worker that never began
    else:
        refused(mirror, tmp_path, run_id, name)


def test_a_cut_off_picture_is_named(mirror: Mirror, tmp_path: Path) -> None:
    file = artifact(mirror, child(mirror), "images/*.png")
    file.write_bytes(file.read_bytes()[:-30])
    refused(mirror, tmp_path, child(mirror), "images/", "damaged")


def test_a_metric_that_is_no_number_is_left_out(mirror: Mirror, tmp_path: Path) -> None:
    frechet = next(name for name in mirror.client.get_run(child(mirror)).data.metrics if name.startswith("frechet/"))
    mirror.client.log_metric(child(mirror), frechet, float("nan"), step=1000)
    mirror.client.log_metric(child(mirror), "loss/generator", float("inf"), step=1000)
    file = artifact(mirror, child(mirror), "history.jsonl")
    file.write_text(file.read_text() + json.dumps({"step": 9, "time": 1, "loss/generator": float("nan")}) + "\n")
    report.write(mirror.uri, ["tiny"], tmp_path / "out")
    assert "NaN" not in (tmp_path / "out" / "report.md").read_text()


@pytest.mark.parametrize("tags", ["", "WHERE key != 'mlflow.parentRunId' AND key != 'orchestrate.kind'"])
def test_a_run_without_tags_counts_as_not_started(mirror: Mirror, tmp_path: Path, tags: str) -> None:
    """Somebody deleted them; `tags` chooses which."""
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        chosen = f"{tags} AND" if tags else "WHERE"
        database.execute(f"DELETE FROM tags {chosen} run_uuid = ?", (child(mirror),))
    report.write(mirror.uri, ["tiny"], tmp_path / "out")
    assert "No run has ended yet" in (tmp_path / "out" / "report.md").read_text()


def test_whatever_is_in_a_trials_list_is_checked(mirror: Mirror, tmp_path: Path) -> None:
    file = artifact(mirror, mirror.parent, "sweep.json")
    document: dict[str, Any] = json.loads(file.read_text())
    document["trials"][1]["seed"] = "one"
    file.write_text(json.dumps(document))
    refused(mirror, tmp_path, mirror.parent, "trials.1.seed")
