"""Temporary files do not outlive their command, however it ends."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

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


def test_folders_of_killed_commands_are_deleted_and_those_of_running_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(temp_folder, "MAX_PARENT_LENGTH", 1000)
    done = subprocess.Popen(["true"])
    done.wait()
    dead, living = tmp_path / f"orchestrate-{done.pid}-abc", tmp_path / f"orchestrate-{os.getppid()}-abc"
    dead.mkdir()
    living.mkdir()
    with command_temp_folder():
        pass
    assert not dead.exists()
    assert living.exists()


def test_a_temporary_folder_too_deep_for_rays_sockets_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "very" / "deep" / "indeed"))
    with command_temp_folder() as folder:
        assert folder.parent == Path("/tmp")
