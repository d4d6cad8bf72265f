"""MLflow holds something else than the mirror wrote: the report says which run and what, in one line."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from support.mirrors import synced_mirror
from support.tiny import TINY, finished_trial

from orchestrator.errors import UserError
from orchestrator.planning.plan import make_plan
from orchestrator.report.write_report import write_report
from orchestrator.sweepfile import loader
from orchestrator.tracking.mirror import Mirror


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Mirror:
    """A sweep of one finished trial. Tests put back what they damage."""
    folder = tmp_path_factory.mktemp("mirrored")
    (folder / "tiny.yaml").write_text(TINY)
    plan = make_plan(loader.load(folder / "tiny.yaml"), folder / "home")
    finished_trial(plan, plan.trials[0])
    return synced_mirror(plan, folder)


@contextmanager
def replaced(file: Path, content: bytes | None) -> Iterator[None]:
    """The file with other content, or gone."""
    before = file.read_bytes()
    try:
        if content is None:
            file.unlink()
        else:
            file.write_bytes(content)
        yield
    finally:
        file.write_bytes(before)


def child(mirror: Mirror) -> str:
    (run,) = mirror.children.values()
    return run.run_id


def artifact(mirror: Mirror, run_id: str, pattern: str) -> Path:
    folder = Path(unquote(urlsplit(mirror.client.get_run(run_id).info.artifact_uri).path))
    return sorted(folder.glob(pattern))[0]


def expect_user_error(mirror: Mirror, tmp_path: Path, *words: str) -> None:
    with pytest.raises(UserError) as caught:
        write_report(mirror.uri, ["tiny"], tmp_path / "out")
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    for word in words:
        assert word in message


@pytest.mark.parametrize("content", [None, b"", b"\x00\xff", b"{}", b'{"id": 5}'])
@pytest.mark.parametrize("name", ["sweep.json", "evaluator.json", "environment.json", "history.jsonl", "real.png"])
def test_an_artifact_that_is_damaged_is_named_and_one_that_is_missing_does_without(
    mirror: Mirror, tmp_path: Path, name: str, content: bytes | None
) -> None:
    run_id = mirror.parent_run_id if name == "sweep.json" else child(mirror)
    usable = {("history.jsonl", b""), ("environment.json", b"{}"), ("environment.json", b'{"id": 5}')}
    usable |= {(file, None) for file in ("evaluator.json", "environment.json", "history.jsonl", "real.png")}
    with replaced(artifact(mirror, run_id, name), content):
        if (name, content) in usable:  # no rows yet, a worker that never began, a file that was not sent yet
            write_report(mirror.uri, ["tiny"], tmp_path / "out")
        else:
            expect_user_error(mirror, tmp_path, run_id, name)


def test_a_cut_off_picture_is_named(mirror: Mirror, tmp_path: Path) -> None:
    file = artifact(mirror, child(mirror), "images/*.png")
    with replaced(file, file.read_bytes()[:-30]):
        expect_user_error(mirror, tmp_path, child(mirror), "images/", "damaged")


def test_a_metric_that_is_no_number_is_left_out(mirror: Mirror, tmp_path: Path) -> None:
    frechet = next(name for name in mirror.client.get_run(child(mirror)).data.metrics if name.startswith("frechet/"))
    mirror.client.log_metric(child(mirror), frechet, float("nan"), step=1000)
    mirror.client.log_metric(child(mirror), "loss/generator", float("inf"), step=1000)
    file = artifact(mirror, child(mirror), "history.jsonl")
    row = json.dumps({"step": 9, "time": 1, "loss/generator": float("nan")}) + "\n"
    with replaced(file, file.read_bytes() + row.encode()):
        write_report(mirror.uri, ["tiny"], tmp_path / "out")
    assert "NaN" not in (tmp_path / "out" / "report.md").read_text()


def test_whatever_is_in_a_trials_list_is_checked(mirror: Mirror, tmp_path: Path) -> None:
    file = artifact(mirror, mirror.parent_run_id, "sweep.json")
    document: dict[str, Any] = json.loads(file.read_text())
    for seed in ("one", -1, 10**20, 1.5):
        document["trials"][1]["seed"] = seed
        with replaced(file, json.dumps(document).encode()):
            expect_user_error(mirror, tmp_path, mirror.parent_run_id, "trials.1.seed")


@pytest.mark.parametrize("step", ["1e300", "-1", "NaN", "1e999"])
def test_a_step_that_no_training_has_is_damage(mirror: Mirror, tmp_path: Path, step: str) -> None:
    file = artifact(mirror, child(mirror), "history.jsonl")
    with replaced(file, b'{"step": %b, "time": 1, "loss/generator": 1}\n' % step.encode()):
        expect_user_error(mirror, tmp_path, child(mirror), "history.jsonl", "damaged")


@pytest.mark.parametrize("level", [None, [1, [2]], {"a": []}, 10**400, "x" * 100_000, True])
def test_a_level_of_any_kind_is_shown_or_refused(mirror: Mirror, tmp_path: Path, level: Any) -> None:
    file = artifact(mirror, mirror.parent_run_id, "sweep.json")
    document: dict[str, Any] = json.loads(file.read_text())
    document["trials"][0]["factors"] = {"x": level}
    with replaced(file, json.dumps(document).encode()), suppress(UserError):
        write_report(mirror.uri, ["tiny"], tmp_path / "out")


def test_a_pipe_in_the_place_of_an_artifact_is_not_waited_for(mirror: Mirror, tmp_path: Path) -> None:
    file = artifact(mirror, child(mirror), "history.jsonl")
    with replaced(file, None):
        os.mkfifo(file)
        expect_user_error(mirror, tmp_path, child(mirror), "history.jsonl", "no file")
        file.unlink()


def test_a_run_whose_tags_are_gone_counts_as_not_started(mirror: Mirror, tmp_path: Path) -> None:
    """Last here: the tags stay away."""
    database = sqlite3.connect(urlsplit(mirror.uri).path)
    with database:
        remaining = "('mlflow.parentRunId', 'orchestrate.kind')"
        database.execute(f"DELETE FROM tags WHERE run_uuid = ? AND key NOT IN {remaining}", (child(mirror),))
    database.close()
    write_report(mirror.uri, ["tiny"], tmp_path / "out")
    assert "No run has ended yet" in (tmp_path / "out" / "report.md").read_text()
