"""What other users of the machine, who reach the port of `orchestrate ui`, can do there: nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.mirrors import empty_database
from support.ui_server import UiServer, mlflow_ui

pytestmark = pytest.mark.e2e

REQUESTS = {
    "the page": ("GET", "/", None),
    "list experiments": ("GET", "/api/2.0/mlflow/experiments/search?max_results=5", None),
    "the page's own way to list them": ("GET", "/ajax-api/2.0/mlflow/experiments/search?max_results=5", None),
    "create an experiment": ("POST", "/api/2.0/mlflow/experiments/create", '{"name": "theirs"}'),
    "register a model": ("POST", "/api/2.0/mlflow/registered-models/create", '{"name": "theirs"}'),
    "delete an experiment": ("POST", "/api/2.0/mlflow/experiments/delete", '{"experiment_id": "0"}'),
    "write a file": ("PUT", "/api/2.0/mlflow-artifacts/artifacts/theirs.txt", "x"),
    "upload a file": ("POST", "/ajax-api/2.0/mlflow/upload-artifact?run_uuid=x&path=y", "x"),
    "read a file": ("GET", "/get-artifact?run_uuid=x&path=y", None),
    "query": ("POST", "/graphql", "{}"),
}


@dataclass(frozen=True)
class Served:
    """`started_in`: the folder in which the command was started. `home`: named with letters that addresses escape."""

    ui: UiServer
    started_in: Path
    home: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    started_in, home = tmp_path_factory.mktemp("started"), tmp_path_factory.mktemp("above") / "ho me?"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(started_in)
        home.mkdir()
        (home / "mlflow.db").write_bytes(empty_database())
        with mlflow_ui(home) as ui:
            yield Served(ui, started_in, home)


@pytest.mark.parametrize("password", [None, "wrong"])
@pytest.mark.parametrize("wish", REQUESTS)
def test_nobody_gets_anything_without_the_password(wish: str, password: str | None, served: Served) -> None:
    method, path, body = REQUESTS[wish]
    status, text = served.ui.ask(method, path, body, password=password)
    assert status == 401, text
    assert "experiment_id" not in text


def test_with_the_password_experiments_keep_their_artifacts_in_the_home(served: Served) -> None:
    status, text = served.ui.ask(*REQUESTS["create an experiment"], password=served.ui.password)
    assert status == 200, text
    number = json.loads(text)["experiment_id"]
    path = f"/api/2.0/mlflow/experiments/get?experiment_id={number}"
    experiment = json.loads(served.ui.ask("GET", path, password=served.ui.password)[1])["experiment"]
    assert experiment["artifact_location"] == f"{(served.home / 'mlartifacts').as_uri()}/{number}"


def test_not_even_with_the_password_a_file_is_passed_on_to_the_folder_of_the_server(served: Served) -> None:
    status, text = served.ui.ask(*REQUESTS["write a file"], password=served.ui.password)
    assert (status, "disabled" in text) == (503, True)
    assert not list(served.started_in.iterdir())
    assert [path.name for path in served.home.parent.iterdir()] == [served.home.name]


def test_a_page_of_another_site_cannot_ask_it(served: Served) -> None:
    """DNS rebinding: a browser sends the name that the page was loaded from, which MLflow does not know."""
    method, path, _ = REQUESTS["list experiments"]
    for host, expected in ((f"127.0.0.1:{served.ui.port}", 200), (f"rebound.example:{served.ui.port}", 403)):
        status, text = served.ui.ask(method, path, host=host, password=served.ui.password)
        assert status == expected, text
        assert ("experiment_id" in text) == (expected == 200)
