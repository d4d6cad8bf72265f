"""The batch script: what it asks Slurm for, and shell that says what was meant."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support.waiting import wait_until

from orchestrator.slurm.script import Job, batch_script
from orchestrator.sweepfile.slurm import SlurmSettings

ODD = Path("/home/a b/it's $HOME 100%")


def job(folder: Path = Path("/runs/sweeps/s"), parts: int = 0) -> Job:
    words = ["sweep", "my file.yaml", "--set", "trial.steps=10"]
    return Job("s", words, folder, folder / "output.log", folder / "ray_token", Path("/venv/bin/python"), parts)


def options(script: str) -> list[str]:
    return [line.removeprefix("#SBATCH ") for line in script.splitlines() if line.startswith("#SBATCH ")]


def variable(script: str, name: str, **values: str) -> str:
    """What bash makes of the line that sets it."""
    (line,) = re.findall(rf"^(?:export )?{name}=.*$", script, re.MULTILINE)
    done = subprocess.run(
        ["bash", "-c", f'{line}\nprintf %s "${name}"'], capture_output=True, text=True, check=True, env=values
    )
    return done.stdout


def test_one_node_asks_for_what_the_settings_say() -> None:
    asked = options(batch_script(job(), SlurmSettings("gpu", "mine", "2:00:00", 1, 8, 2, "32G", ("--nice=10",))))
    for option in ("partition=gpu", "account=mine", "time=2:00:00", "nodes=1", "cpus-per-task=8", "gpus-per-node=2"):
        assert f"--{option}" in asked
    assert "--mem=32G" in asked and "--requeue" in asked and "--signal=B:TERM@120" in asked
    assert asked[-1] == "--nice=10"
    assert "--exclusive" not in asked and not any(option.startswith("--array") for option in asked)


def test_several_nodes_are_its_own_and_one_that_dies_does_not_end_the_job() -> None:
    asked = options(batch_script(job(), SlurmSettings(nodes=3)))
    assert {"--nodes=3", "--exclusive", "--no-kill"} <= set(asked)


def test_each_job_of_an_array_trains_its_part_with_an_output_of_its_own() -> None:
    script = batch_script(job(parts=4), SlurmSettings())
    assert "--array=1-4" in options(script)
    assert variable(script, "command", SLURM_ARRAY_TASK_ID="3").endswith(
        "orchestrator sweep --part 3/4 'my file.yaml' --set trial.steps=10"
    )
    assert variable(script, "log", SLURM_ARRAY_TASK_ID="3") == "/runs/sweeps/s/output-3.log"


def test_names_with_spaces_quotes_and_dollars_stay_what_they_are() -> None:
    script = batch_script(job(ODD), SlurmSettings(setup=("module load cuda",)))
    assert variable(script, "log") == str(ODD / "output.log")
    assert variable(script, "token") == str(ODD / "ray_token")
    assert shlex.split(variable(script, "command"))[-3:] == ["my file.yaml", "--set", "trial.steps=10"]
    assert "100%%" in next(option for option in options(script) if option.startswith("--output"))
    assert script.index("module load cuda") < script.index("export PATH")


@pytest.mark.parametrize("setup", ["true", "false", "if false; then :; fi"])
def test_a_line_of_setup_that_fails_ends_the_job_with_a_word(tmp_path: Path, setup: str) -> None:
    script = batch_script(job(tmp_path), SlurmSettings(setup=("set -u", setup)))
    until_here = script[: script.index("export PATH")] + "echo goes on\n"
    done = subprocess.run(["bash", "-c", until_here], capture_output=True, text=True, check=False)
    if setup == "false":
        assert done.returncode == 1 and (tmp_path / "output.log").read_text() == "setup failed: false\n"
    else:
        assert done.returncode == 0 and done.stdout == "goes on\n"


WAITS = """\
#!/bin/bash
trap 'exit 143' TERM
sleep 0.1
$TRAINS mkdir -p trials/a
$TRAINS touch trials/a/record.json
touch began
while :; do sleep 0.05; done
"""
"""Stands for the sweep: it begins a trial, unless $TRAINS is a colon, and is interrupted."""


@pytest.mark.parametrize(
    ("restarts", "trains", "queued"), [("", False, True), ("1", False, True), ("2", False, False), ("2", True, True)]
)
def test_a_job_whose_time_is_over_is_queued_again_unless_no_trial_begins_in_three_starts(
    tmp_path: Path, restarts: str, trains: bool, queued: bool
) -> None:
    programs = {"python": WAITS, "squeue": "#!/bin/sh\necho RUNNING\n", "scontrol": "#!/bin/sh\necho $* >asked\n"}
    for name, text in programs.items():
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o700)
    (tmp_path / "trials" / "before").mkdir(parents=True)
    (tmp_path / "trials" / "before" / "record.json").touch()
    slurm = {"SLURM_JOB_ID": "7", "SLURM_JOB_NUM_NODES": "1"} | ({"SLURM_RESTART_COUNT": restarts} if restarts else {})
    words = Job("s", ["sweep"], tmp_path, tmp_path / "output.log", tmp_path / "t", tmp_path / "bin" / "python")
    environment = {**os.environ, **slurm, "TRAINS": "" if trains else ":"}
    with subprocess.Popen(["bash", "-c", batch_script(words, SlurmSettings())], cwd=tmp_path, env=environment) as shell:
        wait_until((tmp_path / "began").exists, "the sweep")
        shell.terminate()
    asked = tmp_path / "asked"
    assert (asked.read_text() if asked.exists() else "") == ("requeue 7\n" if queued else "")
    log = (tmp_path / "output.log").read_text()
    assert ("it is queued again" in log, "a longer slurm.time" in log) == (queued, not queued)


@pytest.mark.parametrize("parts", [0, 2])
def test_shellcheck_finds_nothing(tmp_path: Path, parts: int) -> None:
    file = tmp_path / "job.sh"
    file.write_text(batch_script(job(parts=parts), SlurmSettings(nodes=1 if parts else 2)))
    shellcheck = Path(sys.executable).parent / "shellcheck"
    done = subprocess.run([shellcheck, "--severity=warning", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
