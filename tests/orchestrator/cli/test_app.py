"""The command line itself."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.commands import program
from support.tiny import TINY
from typer.testing import CliRunner

from orchestrator.cli import app
from orchestrator.planning.plan import Plan
from orchestrator.signals import INTERRUPTED, WRONG_REQUEST
from orchestrator.store.json_files import write_json
from orchestrator.version import __version__

COMMANDS = ["sweep", "plan", "status", "report", "ui", "train"]
UPKEEP = ["sample", "logs", "stop", "sync", "clean", "datasets", "datasets prepare", "datasets check", "doctor"]


def output_without(packages: set[str], *words: str) -> str:
    """The output of the command in a process of its own. Fails if it has imported one of the packages."""
    command = program("imports_of_command", ",".join(packages), *words)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


HEAVY = {"torch", "ray", "mlflow", "pandas", "plotly", "sklearn", "scipy"}


def test_help_needs_no_heavy_package() -> None:
    output = output_without(HEAVY | {"numpy", "pydantic", "ruamel"}, "--help")
    assert all(command in output for command in [*COMMANDS, *UPKEEP[:6], "doctor"])


def test_a_plan_needs_no_heavy_package(tmp_path: Path) -> None:
    """It counts the data's images and takes their fingerprint, with numpy."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    assert "4 trials: 4 pending" in output_without(
        HEAVY, "plan", str(tmp_path / "tiny.yaml"), "--home", str(tmp_path / "home")
    )


def test_a_sweep_is_refused_before_torch_is_imported(tmp_path: Path) -> None:
    """So it is told after a second, and Ray starts while torch is imported."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    words = ["sweep", str(tmp_path / "tiny.yaml"), "--home", str(tmp_path / "home"), "--set", "trial.batch_size=5000"]
    done = subprocess.run(program("imports_of_command", "torch,ray,mlflow", *words), capture_output=True, text=True)
    assert done.returncode == WRONG_REQUEST, done.stdout + done.stderr
    assert "5000 is more than the" in done.stderr


def test_status_and_logs_need_no_heavy_package(tiny_plan: Callable[[], Plan]) -> None:
    plan = tiny_plan()
    plan.folder.folder.mkdir(parents=True)
    write_json(plan.folder.sweep_file, plan.to_document())
    home = str(plan.folder.home)
    assert "4 trials: 4 pending" in output_without(HEAVY, "status", "tiny", "--home", home)
    assert plan.trials[0].trial.name in output_without(HEAVY, "logs", "tiny", "1", "--home", home)


def completions(*words: str) -> list[str]:
    """What bash offers for the last of these words."""
    line = {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    done = CliRunner().invoke(
        app.app, [], env={"_ORCHESTRATE_COMPLETE": "complete_bash", **line}, prog_name="orchestrate"
    )
    return done.output.split()


def test_a_shell_completes_sweeps_and_keys_of_trials(tiny_plan: Callable[[], Plan]) -> None:
    plan = tiny_plan()
    plan.folder.folder.mkdir(parents=True)
    write_json(plan.folder.sweep_file, plan.to_document())
    home = str(plan.folder.home)
    keys = [planned.key[:8] for planned in plan.trials]
    for command in ("status", "logs", "sample", "stop", "sync", "clean", "report"):
        assert completions("orchestrate", command, "--home", home, "ti") == ["tiny"]
        assert completions("orchestrate", command, "--home", home, "other") == []
    for command in ("logs", "sample"):
        assert completions("orchestrate", command, "--home", home, "tiny", keys[1][:5]) == [keys[1]]
        assert completions("orchestrate", command, "--home", home, "none", keys[1][:5]) == []


@pytest.mark.parametrize("command", COMMANDS + UPKEEP)
def test_every_command_explains_itself(command: str) -> None:
    done = CliRunner().invoke(app.app, [*command.split(), "--help"])
    assert done.exit_code == 0
    assert "--home" in done.output or command == "datasets check"  # which needs no home


@pytest.mark.parametrize("command", [command for command in COMMANDS + UPKEEP if command != "report"])
def test_help_has_an_example(command: str) -> None:
    assert f"Example: orchestrate {command}" in CliRunner().invoke(app.app, [*command.split(), "--help"]).output


def test_only_one_layout_of_samples_at_a_time(tmp_path: Path) -> None:
    words = ["sample", "x", "1", "--by-class", "--interpolate", "--home", str(tmp_path)]
    done = CliRunner().invoke(app.app, words)
    assert isinstance(done.exception, app.UserError)
    assert "choose one" in str(done.exception)


def test_the_home_of_datasets_may_stand_before_prepare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    homes = []
    monkeypatch.setattr("orchestrator.commands.datasets.prepare", lambda name, home, console: homes.append(home))
    for words in (["--home", str(tmp_path), "prepare", "mnist"], ["prepare", "mnist", "--home", str(tmp_path)]):
        assert CliRunner().invoke(app.app, ["datasets", *words]).exit_code == 0
    assert homes == [tmp_path, tmp_path]


def test_the_version_is_printed() -> None:
    assert __version__ in CliRunner().invoke(app.app, ["--version"]).output


def test_status_of_an_empty_home_says_what_to_do(tmp_path: Path) -> None:
    done = CliRunner().invoke(app.app, ["status", "--home", str(tmp_path)])
    assert "orchestrate sweep FILE" in done.output


def test_a_broken_set_is_a_users_mistake(tmp_path: Path) -> None:
    done = CliRunner().invoke(app.app, ["plan", "experiments/smoke.yaml", "--set", "novalue", "--home", str(tmp_path)])
    assert isinstance(done.exception, app.UserError)
    assert "path=value" in str(done.exception)


def test_a_deleted_working_folder_is_a_users_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for words in (["status"], ["plan", "x.yaml"], ["sweep", "x.yaml"], ["ui"], ["doctor"]):
        assert app.run_command(words) == WRONG_REQUEST
        assert capsys.readouterr().err == "the folder that you are in has been deleted; cd to another one\n"


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("orchestrator.commands.stop.stop", ["stop", "s"]),
        ("orchestrator.commands.sync.sync", ["sync", "s"]),
        ("orchestrator.commands.logs.print_logs", ["logs", "s", "1", "--follow"]),
        ("orchestrator.cli.app._check_working_folder", ["status"]),  # before a command begins
    ],
)
def test_ctrl_c_has_one_exit_code_in_every_command(
    function: str, words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(function, interrupt)
    assert app.run_command(words) == INTERRUPTED
    assert capsys.readouterr() == ("", "")
