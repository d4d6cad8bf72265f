"""The user's own defaults: a file, below the environment, below the options of a command."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.commands import invoke

import orchestrator as orch
from orchestrator.command_hints import default_home
from orchestrator.commands import user_config

VARIABLES = [setting.variable for setting in user_config.SETTINGS.values()]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file, in a folder of the test; the environment is as it was afterwards."""
    before = {variable: os.environ.pop(variable, None) for variable in VARIABLES}
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(user_config, "_from_file", {})
    path = user_config.config_file()
    path.parent.mkdir(parents=True)
    yield path
    for variable, value in before.items():
        os.environ.pop(variable, None)
        if value is not None:
            os.environ[variable] = value


def shown() -> dict[str, tuple[str | None, str]]:
    done = invoke("config", "--json")
    assert done.returncode == 0, done.stderr
    return {name: (each["value"], each["from"]) for name, each in json.loads(done.stdout)["settings"].items()}


def test_without_a_file_the_defaults_count(file: Path) -> None:
    assert shown() == {
        "home": ("runs", "default"),
        "tracking_uri": ("sqlite:///HOME/mlflow.db", "default"),
        "notify": (None, "default"),
        "price_per_hour": (None, "default"),
        "slurm": (None, "default"),
    }
    assert f"{file} does not exist" in invoke("config").stdout


def test_a_file_is_below_the_environment_and_an_option_above_both(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(
        f"home: {tmp_path / 'from-file'}\nprice_per_hour: 0.4\nnotify: [ntfy://one, 'slack://a/secret-1/c']\n"
    )
    monkeypatch.setenv("ORCHESTRATE_PRICE_PER_HOUR", "2")
    assert shown() == {
        "home": (str(tmp_path / "from-file"), "file"),
        "tracking_uri": ("sqlite:///HOME/mlflow.db", "default"),
        "notify": ("ntfy://... slack://...", "file"),
        "price_per_hour": ("2", "environment"),
        "slurm": (None, "default"),
    }
    assert "secret" not in invoke("config").stdout
    assert str(tmp_path / "from-file") in invoke("status").stdout
    assert str(tmp_path / "option") in invoke("status", home=tmp_path / "option").stdout


def test_no_password_of_mlflow_is_shown(file: Path) -> None:
    file.write_text("tracking_uri: http://me:secret-5d2e@HOME.example.org:5000\n")
    assert shown()["tracking_uri"] == ("http://HOME.example.org:5000", "file")


def test_the_file_counts_for_programs_and_for_the_commands_that_are_suggested(file: Path, tmp_path: Path) -> None:
    file.write_text(f"home: {tmp_path / 'mine'}\n")
    sweep = {"sweep": "tiny", "trial": {"steps": 4}, "groups": [{"name": "dcgan"}]}
    assert list(orch.plan(sweep)["status"]) == ["pending"]
    assert default_home() == tmp_path / "mine"


def test_a_home_may_begin_with_a_tilde(file: Path) -> None:
    file.write_text("home: ~/gan-runs\n")
    assert shown()["home"] == (str(Path.home() / "gan-runs"), "file")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("hom: /tmp", "unknown key, did you mean home?"),
        ("home: runs", "depends on the folder one is in"),
        ("home: 3", "write a text"),
        ("tracking_uri: []", "write a text"),
        ("price_per_hour: cheap", "is no price"),
        ("price_per_hour: -1", "is no price"),
        ("price_per_hour: .nan", "is no price"),
        ("notify: {a: 1}", "a list of addresses"),
        ("notify: ['ntfy://a b']", "a list of addresses"),
        ("- home", "a mapping is needed, with some of the keys home, tracking_uri"),
        ("home: [", "not valid YAML"),
    ],
)
def test_a_mistake_is_one_clear_line(file: Path, content: str, message: str) -> None:
    file.write_text(content + "\n")
    done = invoke("config")
    assert done.returncode == 2
    assert done.stderr.startswith(str(file)) and message in done.stderr and done.stderr.count("\n") == 1
