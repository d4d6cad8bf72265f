"""Where Ray's token for a cluster is found."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
import ray

from orchestrator.cluster.job_client import connect
from orchestrator.cluster.ray_environment import has_token, join
from orchestrator.errors import UserError


@pytest.mark.parametrize("readers", [0o640, 0o604])
@pytest.mark.parametrize("is_named", [True, False])
def test_a_token_that_others_can_read_is_not_used(
    is_named: bool, readers: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    token = tmp_path / ".ray" / "auth_token"
    token.parent.mkdir()
    token.write_text("secret")
    token.chmod(readers)
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "elsewhere" if is_named else tmp_path))
    if is_named:
        monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(token))
    with socket.create_server(("127.0.0.1", 0)) as head:
        address = f"127.0.0.1:{head.getsockname()[1]}"
        for refuse in (lambda: join(address), lambda: connect(f"http://{address}")):
            with pytest.raises(UserError, match=f"others can read the cluster's token in {token}.*chmod 600"):
                refuse()


def test_auto_is_the_cluster_of_this_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whose head was started by docker/start/head.sh, and not any Ray of the machine."""
    monkeypatch.setenv("TEMP_DIR", str(tmp_path))
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    folder = tmp_path / f"ray-{os.getuid()}" / "ray"
    folder.mkdir(parents=True)
    (folder / "ray_current_cluster").write_text("127.0.0.9:6379\n")
    addresses: list[str] = []
    monkeypatch.setattr(ray, "init", lambda address, **_: addresses.append(address))
    join("auto")
    (folder / "ray_current_cluster").unlink()
    join("auto")
    assert addresses == ["127.0.0.9:6379", "auto"]


def test_a_token_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(UserError, match=f"{tmp_path / 'none'} cannot be read .*RAY_AUTH_TOKEN_PATH"):
        join("127.0.0.1:1")


def test_a_token_is_found_where_ray_looks_for_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not has_token()
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("secret")
    assert has_token()
    monkeypatch.setenv("HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    assert has_token()
