"""The scripts as they run, up to the program that they start: `tests/e2e/test_cluster.py` runs those."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.utils.credentials import read_mlflow_creds
from ray._common.utils import try_to_create_directory
from support.container_files import DOCKER, ROOT
from support.strangers import AS_ROOT, open_folder, seen_by_a_stranger

PASSWORD = "100%s: a\\b'c\"$HOME"
"""Consists of letters that files, shells and addresses take for something else."""
PLAIN = "secret5d1f0c7e"
"""Consists of letters that nothing has to escape, so that a search sees it wherever it stands."""
SHOW = '#!/bin/sh\nprintf "%s\\n" "$@" >"$OUT/arguments"\nenv >"$OUT/environment"\n'


def start(script: str, tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a start script; the program at its end only notes its arguments and environment."""
    programs = tmp_path / "programs"
    programs.mkdir(exist_ok=True)
    for name in ("ray", "mlflow"):
        (programs / name).write_text(SHOW)
        (programs / name).chmod(0o755)
    surroundings = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "OUT": str(tmp_path),
        "TMPDIR": str(tmp_path),
        "HOME": str(tmp_path),
        "NODE_IP": "10.0.0.1",
        "TEMP_DIR": str(tmp_path),
    }
    return subprocess.run(
        ["sh", DOCKER / "start" / script], env=surroundings | environment, capture_output=True, text=True, timeout=60
    )


def noted(tmp_path: Path) -> tuple[list[str], dict[str, str]]:
    lines = (tmp_path / "environment").read_text().splitlines()
    return (tmp_path / "arguments").read_text().splitlines(), dict(line.split("=", 1) for line in lines if "=" in line)


def secret(tmp_path: Path, name: str, value: str = PASSWORD) -> str:
    (tmp_path / name).touch(mode=0o600)
    (tmp_path / name).write_text(value)
    return str(tmp_path / name)


def server(tmp_path: Path, **more: str) -> subprocess.CompletedProcess[str]:
    given = {
        "MLFLOW_DATABASE": "postgresql://mlflow@db:5432/mlflow",
        "MLFLOW_DATABASE_PASSWORD_FILE": secret(tmp_path, "database"),
        "MLFLOW_ARTIFACTS": "/artifacts",
        "MLFLOW_ADMIN_USER": "admin",
        "MLFLOW_ADMIN_PASSWORD_FILE": secret(tmp_path, "admin"),
    }
    return start("mlflow.sh", tmp_path, **given | more)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_mlflow_reads_the_password_that_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.server.auth.config import read_auth_config  # with all of MLflow's server, which takes seconds

    assert server(tmp_path).returncode == 0
    monkeypatch.setenv("MLFLOW_AUTH_CONFIG_PATH", noted(tmp_path)[1]["MLFLOW_AUTH_CONFIG_PATH"])
    read = read_auth_config()
    assert (read.admin_username, read.admin_password) == ("admin", PASSWORD)
    assert read.database_uri == "postgresql://mlflow@db:5432/mlflow"
    assert read.auth_cache_ttl_seconds == 60, "a password is not hashed for each request"


def test_passwords_of_the_server_show_neither_in_arguments_nor_environment_nor_output(tmp_path: Path) -> None:
    files = {
        "MLFLOW_DATABASE_PASSWORD_FILE": secret(tmp_path, "database-plain", PLAIN),
        "MLFLOW_ADMIN_PASSWORD_FILE": secret(tmp_path, "admin-plain", PLAIN),
    }
    done = server(tmp_path, **files)
    arguments, environment = noted(tmp_path)
    assert PLAIN not in " ".join([*arguments, *environment.values(), done.stdout, done.stderr])
    for name in ("PGPASSFILE", "MLFLOW_AUTH_CONFIG_PATH"):
        written = Path(environment[name])
        assert PLAIN in written.read_text()
        assert mode(written) == 0o600 and mode(written.parent) == 0o700


def test_database_password_is_escaped_as_libpq_wants_it(tmp_path: Path) -> None:
    server(tmp_path)
    written = Path(noted(tmp_path)[1]["PGPASSFILE"]).read_text()
    assert written == "*:*:*:*:" + PASSWORD.replace("\\", "\\\\").replace(":", "\\:") + "\n"


def test_text_of_any_database_is_read_as_text(tmp_path: Path) -> None:
    """`tests/e2e/test_cluster.py` runs MLflow on one that was made without a locale."""
    server(tmp_path)
    assert noted(tmp_path)[1]["PGCLIENTENCODING"] == "UTF8"


def test_form_key_is_new_each_time_unless_a_file_has_one(tmp_path: Path) -> None:
    keys = []
    for more in ({}, {}, {"MLFLOW_SECRET_KEY_FILE": secret(tmp_path, "key", "k" * 64)}):
        server(tmp_path, **more)
        keys.append(noted(tmp_path)[1]["MLFLOW_FLASK_SERVER_SECRET_KEY"])
    assert keys[0] != keys[1] and len(keys[0]) == 64
    assert keys[2] == "k" * 64


def test_a_password_that_the_artifact_proxy_would_refuse_is_refused_at_once(tmp_path: Path) -> None:
    done = server(tmp_path, MLFLOW_ADMIN_PASSWORD_FILE=secret(tmp_path, "umlaut", "pässword"))
    assert done.returncode == 2 and "ASCII" in done.stderr and "pässword" not in done.stderr
    assert not (tmp_path / "arguments").exists()


def test_commands_on_the_head_are_somebody_to_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "RAY_TOKEN_FILE": secret(tmp_path, "token"),
        "MLFLOW_TRACKING_USERNAME": "admin",
        "MLFLOW_TRACKING_PASSWORD_FILE": secret(tmp_path, "password"),
    }
    assert start("head.sh", tmp_path, **given).returncode == 0
    credentials = tmp_path / ".mlflow" / "credentials"
    assert mode(credentials) == 0o600
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    assert read_mlflow_creds() == ("admin", PASSWORD)


@pytest.mark.parametrize("script", ["head.sh", "worker.sh"])
def test_nodes_ask_for_the_token_and_do_not_show_it(script: str, tmp_path: Path) -> None:
    done = start(
        script, tmp_path, RAY_TOKEN_FILE=secret(tmp_path, "token", PLAIN), HEAD_ADDRESS="10.0.0.1:6379", CPUS="0"
    )
    arguments, environment = noted(tmp_path)
    assert environment["RAY_AUTH_MODE"] == "token"
    assert Path(environment["RAY_AUTH_TOKEN_PATH"]).read_text() == PLAIN
    assert PLAIN not in " ".join([*arguments, *environment.values(), done.stdout, done.stderr])
    assert {"--block", "--node-ip-address=10.0.0.1", "--num-cpus=0"} <= set(arguments)
    assert not any(argument.startswith("--object-store-memory") for argument in arguments)


@pytest.mark.parametrize("readers", [0o640, 0o604])
@pytest.mark.parametrize(
    ("script", "name"),
    [
        ("head.sh", "RAY_TOKEN_FILE"),
        ("head.sh", "MLFLOW_TRACKING_PASSWORD_FILE"),
        ("worker.sh", "RAY_TOKEN_FILE"),
        ("mlflow.sh", "MLFLOW_DATABASE_PASSWORD_FILE"),
        ("mlflow.sh", "MLFLOW_ADMIN_PASSWORD_FILE"),
        ("mlflow.sh", "MLFLOW_SECRET_KEY_FILE"),
    ],
)
def test_a_secret_that_others_can_read_is_refused(script: str, name: str, readers: int, tmp_path: Path) -> None:
    given = {
        "MLFLOW_DATABASE": "postgresql://mlflow@db:5432/mlflow",
        "MLFLOW_ARTIFACTS": "/artifacts",
        "MLFLOW_ADMIN_USER": "admin",
        "MLFLOW_ADMIN_PASSWORD_FILE": secret(tmp_path, "admin"),
        "MLFLOW_TRACKING_USERNAME": "admin",
        "RAY_TOKEN_FILE": secret(tmp_path, "token"),
        "HEAD_ADDRESS": "10.0.0.1:6379",
    }
    file = secret(tmp_path, "open")
    assert start(script, tmp_path, **given | {name: file}).returncode == 0
    (tmp_path / "arguments").unlink()
    Path(file).chmod(readers)
    done = start(script, tmp_path, **given | {name: file})
    assert done.returncode == 2 and f"{file}: others can read this secret" in done.stderr
    assert not (tmp_path / "arguments").exists()


def rays_folder(tmp_path: Path) -> Path:
    arguments, _ = noted(tmp_path)
    return Path(next(word for word in arguments if word.startswith("--temp-dir=")).removeprefix("--temp-dir="))


@AS_ROOT
@pytest.mark.parametrize("script", ["head.sh", "worker.sh"])
def test_others_cannot_reach_rays_folder_though_ray_opens_it_to_all(script: str, tmp_path: Path) -> None:
    with open_folder() as shared:
        given = {"RAY_TOKEN_FILE": secret(tmp_path, "token"), "HEAD_ADDRESS": "10.0.0.1:6379", "TEMP_DIR": str(shared)}
        for _ in range(2):  # the second time the folder is there
            assert start(script, tmp_path, **given).returncode == 0
        try_to_create_directory(rays_folder(tmp_path))
        assert mode(rays_folder(tmp_path)) == 0o777
        assert rays_folder(tmp_path).is_relative_to(shared)
        assert seen_by_a_stranger(shared) == [shared, rays_folder(tmp_path).parent]


@AS_ROOT
@pytest.mark.parametrize("kind", ["open", "of somebody else", "link"])
def test_a_folder_that_others_have_made_or_can_reach_is_not_given_to_ray(kind: str, tmp_path: Path) -> None:
    private = tmp_path / f"ray-{os.getuid()}"
    if kind == "link":
        (tmp_path / "theirs").mkdir(mode=0o700)
        private.symlink_to(tmp_path / "theirs")
    else:
        private.mkdir(mode=0o755 if kind == "open" else 0o700)
        os.chown(private, os.getuid() if kind == "open" else pwd.getpwnam("nobody").pw_uid, -1)
    done = start("head.sh", tmp_path, RAY_TOKEN_FILE=secret(tmp_path, "token"))
    assert done.returncode == 2 and f"{private}: " in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "arguments").exists()


def test_the_token_that_the_guide_makes_is_for_its_owner_alone(tmp_path: Path) -> None:
    (line,) = re.findall(r"^.*ray get-auth-token.*$", (ROOT / "docs" / "cluster.md").read_text(), re.MULTILINE)
    surroundings = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    subprocess.run(["sh", "-c", f"umask 022; {line}"], env=surroundings, check=True, timeout=120)
    token = tmp_path / ".ray" / "auth_token"
    assert len(token.read_text()) >= 64
    assert (mode(token), mode(token.parent)) == (0o600, 0o700)


@pytest.mark.parametrize(
    ("script", "missing"),
    [("mlflow.sh", "MLFLOW_DATABASE"), ("head.sh", "RAY_TOKEN_FILE"), ("worker.sh", "RAY_TOKEN_FILE")],
)
def test_what_is_missing_is_named_and_nothing_starts(script: str, missing: str, tmp_path: Path) -> None:
    done = start(script, tmp_path)
    assert done.returncode == 2 and f"{missing}: is not set" in done.stderr
    assert not (tmp_path / "arguments").exists()


def make_secrets(docker: Path) -> None:
    subprocess.run(["sh", docker / "make-secrets.sh"], check=True, capture_output=True)


def test_secrets_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    shutil.copy(DOCKER / "make-secrets.sh", tmp_path)
    make_secrets(tmp_path)
    made = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    assert set(made) == {"ray_token", "postgres_password", "mlflow_password", "mlflow_secret_key"}
    assert len(set(made.values())) == 4 and all(len(value) == 64 for value in made.values())
    assert all(mode(file) == 0o600 for file in (tmp_path / "secrets").iterdir())
    assert mode(tmp_path / "secrets") == 0o700
    owner = (tmp_path / "secrets" / "ray_token").stat().st_uid
    assert owner != 0 and (tmp_path / ".env").read_text() == f"CONTAINER_UID={owner}\n"

    (tmp_path / ".env").write_text("BIND=127.0.0.2\n")
    (tmp_path / "secrets" / "ray_token").write_text("mine")
    make_secrets(tmp_path)
    assert (tmp_path / "secrets" / "ray_token").read_text() == "mine"
    assert (tmp_path / "secrets" / "mlflow_password").read_text() == made["mlflow_password"]
    assert (tmp_path / ".env").read_text() == f"BIND=127.0.0.2\nCONTAINER_UID={owner}\n"
