"""What others can write into MLflow's runs ends in one line that says which run and what."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.mirrors import synced_mirror
from support.tiny import TINY, finished_trial

from orchestrator.errors import UserError
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.report.logged_run import LoggedRun, logged_run
from orchestrator.report.mlflow_reader import read_sweep
from orchestrator.sweepfile import loader
from orchestrator.tracking import artifact_location
from orchestrator.tracking.sqlite import database_file

URI = "http://127.0.0.1:5000"


def read(tags: dict[str, Any] | None = None, metrics: dict[str, Any] | None = None, **info: Any) -> LoggedRun:
    """A run as MLflow's client gives it, read by the report."""
    usual = {"run_id": "a1", "experiment_id": "1", "artifact_uri": "mlflow-artifacts:/1/a1/artifacts", "start_time": 5}
    data = SimpleNamespace(tags=tags or {}, metrics=metrics or {}, params={})
    return logged_run(SimpleNamespace(info=SimpleNamespace(**usual | info), data=data), URI)


def test_a_run_is_read_as_the_mirror_writes_it() -> None:
    run = read({"verdict": "collapsed", "verdict.since": "150", "verdict.rules": "3"}, {"a": 1.5, "b": float("nan")})
    assert (run.tags.verdict, run.tags.since, run.rules, run.metrics) == ("collapsed", 150, 3, {"a": 1.5})
    assert read({"verdict": "stable", "verdict.since": "None"}).tags.since is None
    assert read({"verdict.since": "", "verdict.rules": ""}).rules == 1
    assert read({"device": "cuda:0", "precision": "bfloat16"}).hardware == "cuda in bfloat16"
    assert read(start_time=None).began_ms == 0


@pytest.mark.parametrize("text", ["²", "9" * 400, "9" * 5000, "-1", "1.5", "١", "1\n", " 1", "x"])
@pytest.mark.parametrize("tag", ["verdict.since", "verdict.rules"])
def test_a_tag_that_is_no_number_is_named(tag: str, text: str) -> None:
    with pytest.raises(UserError, match=f"^MLflow's run 'a1': tags.{tag} is ") as caught:
        read({tag: text})
    assert len(str(caught.value)) < 300 and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("place", "hostile"),
    [
        ("tags.status", {"tags": {"status": "<script>"}}),
        ("tags.verdict", {"tags": {"verdict": "wonderful"}}),
        ("metrics.a", {"metrics": {"a": "much"}}),
        ("began_ms", {"start_time": 10**20}),
        ("began_ms", {"start_time": -1}),
        ("run_id", {"run_id": "../../x"}),
        ("experiment_id", {"experiment_id": "1/../2"}),
        ("artifact_uri", {"artifact_uri": None}),
    ],
)
def test_whatever_else_a_run_holds_is_checked(place: str, hostile: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=f": {place} is "):
        read(**hostile)


@pytest.mark.parametrize(
    ("artifacts", "tracking", "is_allowed"),
    [
        ("mlflow-artifacts:/1/a/artifacts", URI, True),
        ("mlflow-artifacts://127.0.0.1:5000/1/a", URI, True),
        ("http://127.0.0.1:5000/api/2.0/mlflow-artifacts/artifacts/1/a", URI, True),
        ("s3://bucket/1/a", URI, True),
        ("/srv/artifacts/1/a", URI, True),
        ("file:///srv/artifacts/1", "sqlite:////home/ann/runs/mlflow.db", True),
        ("file:///home/ann/runs/mlartifacts/1", "sqlite:////home/ann/runs/mlflow.db", False),  # no such home
        ("http://elsewhere:5000/1/a", URI, False),
        ("http://127.0.0.1:5001/1/a", URI, False),
        ("https://elsewhere/1/a", "sqlite:////home/ann/runs/mlflow.db", False),
        ("http://127.0.0.1:5000@elsewhere/1", URI, False),
        ("mlflow-artifacts://elsewhere:5000/1/a", URI, False),
        ("file://elsewhere/share", URI, False),
        ("ftp://elsewhere/1/a", URI, False),
        ("sftp://elsewhere/1/a", URI, False),
        ("dbfs:/1/a", URI, False),
        ("runs:/1/a", URI, False),
        ("http://[::1/1", URI, False),
    ],
)
def test_artifacts_are_at_mlflows_own_server_or_in_a_folder_or_bucket(
    artifacts: str, tracking: str, is_allowed: bool
) -> None:
    if is_allowed:
        artifact_location.check("run a1", artifacts, tracking)
        return
    with pytest.raises(UserError, match=r"a1 has its artifacts at .* nothing is read or written there"):
        artifact_location.check("run a1", artifacts, tracking)


@contextmanager
def foreign_server(content: bytes | None = None) -> Iterator[tuple[str, list[str]]]:
    """Its address, and what it was asked for. `content`: of each answer; None for answers that there is nothing."""
    asked: list[str] = []

    class Foreign(BaseHTTPRequestHandler):
        def answer(self) -> None:
            asked.append(self.path)
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_HEAD = answer  # noqa: N815  # the names that the library calls

        def log_message(self, *arguments: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Foreign) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/x", asked
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Path]:
    """A sweep of one finished trial that MLflow has."""
    folder = tmp_path_factory.mktemp("mirrored")
    (folder / "tiny.yaml").write_text(TINY)
    plan = make_plan(loader.load(folder / "tiny.yaml"), folder / "home")
    finished_trial(plan, plan.trials[0])
    synced_mirror(plan, folder)
    return plan, folder


@pytest.mark.parametrize("kind", ["sweep", "trial"])
def test_artifacts_at_a_foreign_server_are_neither_fetched_nor_sent(kind: str, mirrored: tuple[Plan, Path]) -> None:
    plan, folder = mirrored
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    tagged = "SELECT run_uuid FROM tags WHERE key = 'orchestrate.kind' AND value = ?"
    with foreign_server() as (address, asked), closing(sqlite3.connect(str(database_file(uri)))) as database:
        run, before = database.execute(
            f"SELECT run_uuid, artifact_uri FROM runs WHERE run_uuid IN ({tagged})", (kind,)
        ).fetchone()
        try:
            with database:
                database.execute("UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", (address, run))
            with pytest.raises(UserError, match=f"run {run} has its artifacts at '{address}'"):
                read_sweep(uri, "tiny")
            with pytest.raises(UserError, match=f"run {run} has its artifacts at '{address}'"):
                synced_mirror(plan, folder, compare_all=True)
        finally:
            with database:
                database.execute("UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", (before, run))
        assert asked == []
    assert read_sweep(uri, "tiny").runs[0].verdict


@pytest.mark.parametrize(
    "content",
    [b"", b"no JSON", b"null", b"[]", b'"x"', b"5", b'{"experiment": 5}', b'{"experiment": {"experiment_id": [1]}}'],
)
def test_whatever_a_server_answers_is_a_line(content: bytes) -> None:
    with foreign_server(content) as (address, asked), pytest.raises(UserError, match=r"^MLflow at http") as caught:
        read_sweep(address, "tiny")
    assert asked
    assert "\n" not in str(caught.value)
