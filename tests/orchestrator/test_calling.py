"""Commands that messages name can be typed as they stand."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from orchestrator.calling import command, sweep_command


def test_the_usual_home_is_left_out_and_another_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORCHESTRATE_HOME", raising=False)
    assert command("status x", Path("runs")) == command("status x", Path("runs").absolute()) == "orchestrate status x"
    assert command("status x", tmp_path) == f"orchestrate status x --home {tmp_path}"
    monkeypatch.setenv("ORCHESTRATE_HOME", str(tmp_path))
    assert command("status x", tmp_path) == "orchestrate status x"
    assert command("status x", Path("runs")).endswith("--home runs")


def test_settings_and_odd_names_survive_the_shell(tmp_path: Path) -> None:
    said = sweep_command("my sweep.yaml", ["seeds=[0, 1]"], tmp_path / "a home", "plan --pilot")
    words = ["orchestrate", "plan", "--pilot", "my sweep.yaml", "--set", "seeds=[0, 1]"]
    assert shlex.split(said) == [*words, "--home", str(tmp_path / "a home")]
