"""The home folder is for its owner alone, and a path that cannot be one is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestrator.cli import app
from orchestrator.errors import UserError
from orchestrator.store.sweep_folder import make_home


def mode(folder: Path) -> int:
    return folder.stat().st_mode & 0o777


def test_a_new_home_is_for_its_owner_alone_and_an_existing_one_keeps_its_mode(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o775)
    before = os.umask(0)
    try:
        for home in (tmp_path / "deep" / "new", shared):
            make_home(home)
    finally:
        os.umask(before)
    assert mode(tmp_path / "deep" / "new") == 0o700
    assert mode(shared) == 0o775


def test_a_home_that_cannot_be_made_is_a_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"below cannot be written \(File exists\); choose another --home"):
        make_home(tmp_path / "file" / "below")


@pytest.mark.parametrize(
    ("home", "cause"),
    [("file", "not a folder"), ("file/below", "Not a directory"), ("x" * 5000, "too long")],
    ids=["a file", "below a file", "too long"],
)
def test_a_path_that_cannot_be_a_home_is_a_users_mistake(home: str, cause: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(app.app, ["status", "--home", str(tmp_path / home)])
    assert isinstance(done.exception, app.UserError), done.exception
    assert "(or $ORCHESTRATE_HOME) cannot be used" in str(done.exception)
    assert cause in str(done.exception)


def test_a_home_of_the_environment_is_used_and_checked_as_well(tmp_path: Path) -> None:
    done = CliRunner().invoke(app.app, ["status"], env={"ORCHESTRATE_HOME": str(tmp_path)})
    assert f"no sweep in {tmp_path}" in done.output
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(app.app, ["status"], env={"ORCHESTRATE_HOME": str(tmp_path / "file")})
    assert isinstance(done.exception, app.UserError)
