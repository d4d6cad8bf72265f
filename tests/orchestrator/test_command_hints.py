"""Commands that messages name can be typed as they stand."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from orchestrator.command_hints import (
    client_path,
    job_environment,
    orchestrate_command,
    sweep_command,
    with_override,
)


@pytest.fixture
def in_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a submitted job, whose client sent a file along."""
    for name, value in job_environment("http://head:8265", ["folder/my sweep.yaml"]).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ORCHESTRATE_HOME", "/shared/runs")


@pytest.mark.usefixtures("in_a_job")
def test_what_a_job_names_is_to_be_typed_outside() -> None:
    home = Path("/shared/runs")
    assert orchestrate_command("status x", home) == "orchestrate status x --address http://head:8265"
    assert (
        orchestrate_command("status x", Path("/mine")) == "orchestrate status x --home /mine --address http://head:8265"
    )
    hint = sweep_command("my sweep.yaml", ["seeds=[0]"], home, "plan --pilot")
    words = ["orchestrate", "plan", "--pilot", "folder/my sweep.yaml", "--set", "seeds=[0]"]
    assert shlex.split(hint) == [*words, "--address", "http://head:8265"]
    assert client_path("other.yaml") == "other.yaml"


@pytest.mark.usefixtures("in_a_job")
@pytest.mark.parametrize("words", ["ui", "sample x 1", "datasets prepare mnist"])
def test_what_cannot_be_asked_from_outside_is_to_be_typed_on_the_head(words: str) -> None:
    assert orchestrate_command(words, Path("/shared/runs")) == f"orchestrate {words} (on the head)"


def test_every_command_that_can_go_there_is_known() -> None:
    from typer.main import get_command

    from orchestrator.cli.app import app
    from orchestrator.command_hints import REMOTE_COMMANDS

    commands = get_command(app).commands  # type: ignore[attr-defined]
    with_address = {
        name for name, subcommand in commands.items() if any(option.name == "address" for option in subcommand.params)
    }
    assert set(REMOTE_COMMANDS) == with_address


def test_the_usual_home_is_left_out_and_another_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORCHESTRATE_HOME", raising=False)
    assert (
        orchestrate_command("status x", Path("runs"))
        == orchestrate_command("status x", Path("runs").absolute())
        == "orchestrate status x"
    )
    assert orchestrate_command("status x", tmp_path) == f"orchestrate status x --home {tmp_path}"
    monkeypatch.setenv("ORCHESTRATE_HOME", str(tmp_path))
    assert orchestrate_command("status x", tmp_path) == "orchestrate status x"
    assert orchestrate_command("status x", Path("runs")).endswith("--home runs")


def test_settings_and_odd_names_survive_the_shell(tmp_path: Path) -> None:
    hint = sweep_command("my sweep.yaml", ["seeds=[0, 1]"], tmp_path / "a home", "plan --pilot")
    words = ["orchestrate", "plan", "--pilot", "my sweep.yaml", "--set", "seeds=[0, 1]"]
    assert shlex.split(hint) == [*words, "--home", str(tmp_path / "a home")]


def test_a_setting_stands_once_in_a_command(tmp_path: Path) -> None:
    overrides = ["seeds=[0]", "trial.steps=5", "seeds = [0, 1]"]
    assert shlex.split(sweep_command("s.yaml", overrides, tmp_path))[3:7] == [
        "--set",
        "seeds = [0, 1]",
        "--set",
        "trial.steps=5",
    ]
    command = ["orchestrate", "sweep", "s.yaml", "--set", "seeds=[0]", "--set", "trial.steps=5", "--home", "h"]
    words = ["orchestrate", "sweep", "s.yaml", "--home", "h", "--set", "seeds=[0, 1]", "--set", "trial.steps=5"]
    assert shlex.split(with_override(command, "seeds=[0, 1]")) == words
