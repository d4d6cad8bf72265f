"""One command at a time runs a sweep, and others learn which."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support.commands import program
from support.small_disks import read_only

from orchestrator.errors import UserError
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import hold, is_held, read_holder


def test_a_held_sweep_names_its_holder_and_refuses_others(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path, "x")
    assert not is_held(folder.lock_file)
    assert read_holder(folder) is None
    with hold(folder):
        assert is_held(folder.lock_file)
        holder = read_holder(folder)
        assert holder is not None and holder.process == os.getpid()
        with pytest.raises(UserError, match=f"process {os.getpid()} .*orchestrate stop x"), hold(folder):
            pass
    assert not is_held(folder.lock_file)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"process": 1}', '{"process": "x", "host": "one", "since": "now"}']
)
def test_a_holder_file_that_is_not_understood_names_no_holder(content: str, tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path, "x")
    folder.folder.mkdir(parents=True)
    folder.holder_file.write_text(content)
    assert read_holder(folder) is None


def test_the_lock_of_a_killed_command_is_taken_over_and_its_temporary_files_are_deleted(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path, "x")
    command = program("holds_sweep", tmp_path, "x")
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None and other.stdout.readline() == "held\n"
    with pytest.raises(UserError, match=rf"process {other.pid} on \S+ since \d{{4}}-"), hold(folder):
        pass
    half = folder.folder / f".sweep.json.{other.pid}.tmp"
    half.write_text('{"name": ')
    other.kill()
    other.wait()
    with hold(folder):
        holder = read_holder(folder)
        assert holder is not None and holder.process == os.getpid()
        assert not half.exists()


def test_who_may_only_read_sees_that_a_sweep_is_held(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path / "home", "x")
    with hold(folder):
        pass
    with read_only(tmp_path / "home"):
        assert not is_held(folder.lock_file)
    other = subprocess.Popen(
        program("holds_sweep", tmp_path / "home", "x"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None and other.stdout.readline() == b"held\n"
    with read_only(tmp_path / "home"):
        assert is_held(folder.lock_file)
    other.communicate()
