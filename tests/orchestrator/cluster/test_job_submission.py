"""Commands for a cluster from outside of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.commands import invoke

from orchestrator.cluster import job_client, job_logs, job_submission
from orchestrator.environment import SOURCES
from orchestrator.errors import UserError


@pytest.mark.parametrize("address", ["ray://head:10001", "http://head:8265", "https://head"])
def test_addresses_for_clients_outside(address: str) -> None:
    assert job_client.is_outside(address)


@pytest.mark.parametrize("address", [None, "auto", "head:6379", "local"])
def test_addresses_of_a_machine_of_the_cluster(address: str | None) -> None:
    assert not job_client.is_outside(address)


def test_the_words_for_this_side_stay_here() -> None:
    words = ["sweep", "a.yaml", "--address", "ray://head:10001", "--detach", "--set", "seeds=[0]"]
    assert job_submission.forwarded(words) == (["sweep", "a.yaml", "--set", "seeds=[0]"], True)
    assert job_submission.forwarded(["status", "--address=http://head:8265", "a"]) == (["status", "a"], False)


def test_files_are_found_beside_the_code_and_words_stay_what_they_are() -> None:
    words = ["sweep", "folder/a b.yaml", "--set", "question=$(touch x); why?", "--home", "/all/runs"]
    line = job_submission.entrypoint(words, ["folder/a b.yaml"])
    seen = subprocess.run(
        ["sh", "-c", line.replace("exec python -m orchestrator", "printf '%s\\n'")], capture_output=True, text=True
    )
    assert seen.stdout.splitlines() == ["sweep", "a b.yaml", *words[2:]]


@pytest.mark.parametrize(("home", "code"), [("/all/runs", 0), (None, job_logs.HOME_MISSING)])
def test_without_a_home_the_clusters_own_counts(home: str | None, code: int) -> None:
    line = job_submission.entrypoint(["sweep", "a.yaml"], []).replace("exec python -m orchestrator", "echo")
    environment = {"PATH": "/usr/bin:/bin"} | ({"ORCHESTRATE_HOME": home} if home else {})
    seen = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=environment)
    assert seen.returncode == code
    assert str(home) in seen.stdout or "give --home FOLDER" in seen.stderr


def test_an_address_where_nobody_listens_is_refused() -> None:
    with pytest.raises(UserError, match=r"no Ray cluster answers at http://127\.0\.0\.1:1 "):
        job_submission.run(["status"], "http://127.0.0.1:1")


@pytest.mark.parametrize(
    "words",
    [
        ["--tracking-uri", "postgresql://ann:HIDDEN@db/mlflow"],
        ["--tracking-uri=http://ann:HIDDEN@mlflow:5000"],
        ["--tracking-uri", "https://HIDDEN@mlflow"],
        ["--tracking-uri", "postgresql:///db?user=u&password=HIDDEN"],
        ["--tracking-uri", "postgresql://ann:HID@DEN@db/mlflow"],
        ["--storage", "s3://KEY:HIDDEN@bucket/prefix"],
        ["--storage=s3://KEY:HIDDEN@bucket/prefix"],
    ],
)
def test_a_password_is_no_word_of_a_job_which_everybody_sees(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.yaml"
    file.touch()
    command = ["sweep", str(file), *words, "--address", "http://127.0.0.1:1"]
    monkeypatch.setattr("sys.argv", ["orchestrate", *command])
    done = invoke(*command)
    assert done.returncode == 2
    assert "holds a" in done.stderr or "no address that can be read" in done.stderr
    assert not any(part in done.stdout + done.stderr for part in ("HID", "DEN"))


@pytest.mark.parametrize("uri", ["http://mlflow:5000", "postgresql://ann@db/mlflow", "sqlite:////all/a.db?mode=ro"])
def test_an_address_without_a_password_goes_along(uri: str) -> None:
    job_submission.refuse_secrets(["sweep", "a.yaml", "--tracking-uri", uri, "--storage", "s3://bucket?region=x"])


def test_a_password_in_the_clusters_address_is_refused_and_not_shown() -> None:
    with pytest.raises(UserError, match="RAY_AUTH_TOKEN_PATH") as caught:
        job_submission.run(["status"], "http://ann:HIDDEN@127.0.0.1:1")
    assert "HIDDEN" not in str(caught.value)


def test_the_code_travels_whole() -> None:
    assert all((SOURCES / package / "__init__.py").is_file() for package in job_submission.PACKAGES)


@pytest.mark.parametrize(
    ("words", "more"),
    [
        (["sweep", "a.yaml"], ["--storage", "s3://here/x"]),
        (["sweep", "a.yaml", "--storage", "s3://there"], []),
        (["sweep", "--storage=s3://there", "a.yaml"], []),
        (["status", "a"], []),
    ],
)
def test_the_storage_of_this_machines_environment_goes_along(words: list[str], more: list[str]) -> None:
    assert job_submission.storage_option(words, {"ORCHESTRATE_STORAGE": "s3://here/x"}) == more
    assert job_submission.storage_option(words, {}) == []
