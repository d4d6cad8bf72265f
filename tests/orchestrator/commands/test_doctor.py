"""What the doctor finds on this machine, and on one where something is wrong."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from orchestrator.cli import app
from orchestrator.commands.doctor import print_checks, tracking_error
from orchestrator.commands.doctor_checks import Check, State

NAMES = {
    *("Python", "torch", "GPU", "Ray", "disk", "temporary disk", "shared memory"),
    *("home", "temporary", "open files", "tracking", "data"),
}


def run_doctor(home: Path, *words: str) -> tuple[int, dict[str, dict[str, str]]]:
    """The exit code and the checks by name."""
    result = CliRunner(env={"MLFLOW_TRACKING_URI": "", "RAY_ADDRESS": ""}).invoke(
        app.app, ["doctor", "--json", "--home", str(home), *words]
    )
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, {check["name"]: check for check in json.loads(result.stdout)}


def test_every_check_is_made_and_leaves_nothing_behind(tmp_path: Path) -> None:
    home = tmp_path / "none" / "home"
    code, checks = run_doctor(home)
    assert checks.keys() - {"CUDA MPS"} == NAMES
    assert ("CUDA MPS" in checks) == (checks["GPU"]["found"] != "none; trials run on the CPU")
    assert code == int(any(check["state"] == "wrong" for check in checks.values()))
    assert {checks[name]["state"] for name in ("Python", "torch", "Ray", "home", "tracking", "data")} == {"ok"}
    assert not home.parent.exists()


def test_what_does_not_answer_is_wrong_and_the_exit_code_says_so(tmp_path: Path) -> None:
    code, checks = run_doctor(tmp_path, "--tracking-uri", "http://127.0.0.1:9", "--address", "127.0.0.1:9")
    assert code == 1
    assert checks["tracking"]["state"] == checks["Ray"]["state"] == "wrong"
    assert "127.0.0.1:9" in checks["tracking"]["found"]


def test_a_home_that_cannot_be_made_is_wrong() -> None:
    code, checks = run_doctor(Path("/proc/none/home"))
    assert (code, checks["home"]["state"]) == (1, "wrong")


def test_a_damaged_database_is_found(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    uri = f"sqlite:///{file}"
    assert tracking_error(uri) == ""  # it will be made
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE x (y)")
    assert tracking_error(uri) == ""
    file.write_bytes(b"not a database, whatever its name says" * 100)
    assert "cannot be read as a database" in tracking_error(uri)


def test_people_read_a_line_a_check_and_what_comes_next(tmp_path: Path) -> None:
    result = CliRunner(env={"MLFLOW_TRACKING_URI": "", "RAY_ADDRESS": ""}).invoke(
        app.app, ["doctor", "--home", str(tmp_path), "--tracking-uri", "runs"]
    )
    assert result.exit_code == 1
    assert all(name in result.output for name in NAMES)
    assert "1 error, " in result.output
    assert "->" in result.output


@pytest.mark.parametrize(
    ("states", "line"),
    [
        (["wrong", "wrong", "warning"], "2 errors, 1 warning; see the arrows above"),
        (["ok", "warning", "warning"], "no errors, 2 warnings; next: "),
        (["ok"], "no problems; next: "),
    ],
)
def test_the_last_line_counts_errors_and_warnings(
    states: list[State], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    checks = [Check(f"check {number}", state, "x") for number, state in enumerate(states)]
    assert print_checks(checks, Console(width=200), as_json=False) == ("wrong" in states)
    assert capsys.readouterr().out.splitlines()[-1].startswith(line)
