"""Temporary files do not outlive their command, however it ends."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from ray._common.utils import try_to_create_directory
from support.strangers import AS_ROOT, seen_by_a_stranger

from orchestrator.store import temp_folder
from orchestrator.store.temp_folder import command_temp_folder


def test_the_folder_is_the_temporary_folder_in_the_context_and_deleted_after_it() -> None:
    before = tempfile.gettempdir()
    with command_temp_folder() as folder:
        assert tempfile.gettempdir() == str(folder)
        assert os.environ["TMPDIR"] == str(folder)
        (folder / "left").write_text("x")
    assert not folder.exists()
    assert tempfile.gettempdir() == before


@AS_ROOT
def test_others_cannot_reach_it_though_ray_opens_it_to_all() -> None:
    before = os.umask(0)
    try:
        with command_temp_folder() as folder:
            try_to_create_directory(folder)  # as Ray does it with the folder that it is given
            try_to_create_directory(folder / "session" / "sockets")
            assert stat.S_IMODE(folder.stat().st_mode) == 0o777
            assert seen_by_a_stranger(folder.parent) == [folder.parent]
    finally:
        os.umask(before)
    assert not folder.parent.exists()


@pytest.fixture
def ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """The id of a process that has ended; temporary folders are in `tmp_path`."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(temp_folder, "MAX_PARENT_LENGTH", 1000)
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_folders_of_killed_commands_are_deleted_and_those_of_running_ones_are_not(tmp_path: Path, ended: int) -> None:
    dead, living = tmp_path / f"orchestrate-{ended}-abc", tmp_path / f"orchestrate-{os.getppid()}-abc"
    dead.mkdir()
    living.mkdir()
    with command_temp_folder():
        pass
    assert not dead.exists()
    assert living.exists()


def test_a_folder_of_another_container_whose_process_is_not_seen_here_stays(
    ended: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(os, "getpid", lambda: ended)  # as the process is numbered in its container
        folder = temp_folder.private_folder()
    assert temp_folder.orphaned_folders() == []
    temp_folder.delete_with_parent(folder / "r")
    folder.mkdir()
    assert temp_folder.orphaned_folders() == [folder]


def test_a_temporary_folder_too_deep_for_rays_sockets_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "very" / "deep" / "indeed"))
    with command_temp_folder() as folder:
        assert folder.parent.parent == Path("/tmp")
