"""Whether an MPS daemon runs is read from its socket alone. The sockets are real; no daemon of NVIDIA's is needed."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.commands.cuda_mps import VARIABLE, MpsDaemon, find

NOBODY = 65534


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[socket.socket]:
    """A process that listens as NVIDIA's daemon does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(str(tmp_path / "control"))
        listening.listen()
        listening.setblocking(False)
        yield listening


def look(folder: Path) -> MpsDaemon:
    return find({VARIABLE: str(folder)})


def test_a_daemon_that_listens_runs_and_is_not_disturbed(tmp_path: Path, daemon: socket.socket) -> None:
    assert look(tmp_path) == MpsDaemon(str(tmp_path), runs=True)
    with pytest.raises(BlockingIOError):
        daemon.accept()


def test_a_daemon_that_has_ended_does_not_run_though_its_socket_is_there(tmp_path: Path, daemon: socket.socket) -> None:
    daemon.close()
    assert (tmp_path / "control").exists()
    assert look(tmp_path) == MpsDaemon(str(tmp_path), runs=False)


def test_where_there_is_no_folder_no_daemon_runs(tmp_path: Path) -> None:
    assert look(tmp_path / "none") == MpsDaemon(str(tmp_path / "none"), runs=False)


def test_a_file_of_that_name_is_no_daemon(tmp_path: Path) -> None:
    (tmp_path / "control").touch()
    assert not look(tmp_path).runs


def test_without_the_variable_cudas_own_folder_counts() -> None:
    assert find({}).folder == find({VARIABLE: ""}).folder == "/tmp/nvidia-mps"


def test_the_daemon_of_another_user_serves_that_user_alone(
    tmp_path: Path, daemon: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = (tmp_path / "control").stat().st_uid
    if owner == 0:
        os.chown(tmp_path / "control", NOBODY, -1)
    monkeypatch.setattr(os, "getuid", lambda: NOBODY + 1)
    found = look(tmp_path)
    assert found.runs
    assert found.other_user
    daemon.close()
    assert look(tmp_path) == MpsDaemon(str(tmp_path), runs=False)


def test_the_daemon_of_root_serves_every_user(
    tmp_path: Path, daemon: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    if (tmp_path / "control").stat().st_uid != 0:
        pytest.skip("needs root")
    monkeypatch.setattr(os, "getuid", lambda: NOBODY)
    assert look(tmp_path) == MpsDaemon(str(tmp_path), runs=True)


def test_a_socket_that_only_another_user_may_use_is_of_another_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError

    (tmp_path / "control").touch()
    monkeypatch.setattr("orchestrator.commands.cuda_mps._listens", refuse)
    assert look(tmp_path).other_user
