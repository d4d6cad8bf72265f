"""`--slurm` without a Slurm: the script that would be submitted, and what is refused. A real one: tests/e2e."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from support.commands import SMOKE, invoke

from orchestrator.commands.slurm import forwarded


@pytest.fixture(autouse=True)
def no_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")


def refused(home: Path, *words: str) -> str:
    """The one line that is said; nothing was made."""
    done = invoke("sweep", SMOKE, *words, home=home)
    assert done.returncode == 2
    assert not (home / "sweeps").exists()
    (line,) = done.stderr.splitlines()
    return line


def test_a_dry_run_prints_the_script_and_makes_nothing(tmp_path: Path) -> None:
    done = invoke("sweep", SMOKE, "--slurm", "--dry-run", "--set", "slurm.partition=gpu", home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("#!/bin/bash\n#SBATCH --job-name=smoke\n#SBATCH --partition=gpu\n")
    assert not (tmp_path / "home").exists()


def test_a_machine_without_slurm_says_what_to_do(tmp_path: Path) -> None:
    line = invoke("sweep", SMOKE, "--slurm", home=tmp_path).stderr
    assert line.startswith("there is no sbatch on this machine") and "login node" in line
    assert not list(tmp_path.glob("sweeps/*"))


def test_what_does_not_go_together_is_refused(tmp_path: Path) -> None:
    assert "--slurm and --detach" in refused(tmp_path, "--slurm", "--detach")
    assert "--slurm and --part" in refused(tmp_path, "--slurm", "--part", "1/2")
    assert "orchestrate plan FILE" in refused(tmp_path, "--dry-run")
    assert "slurm.nodes is 2" in refused(tmp_path, "--slurm-array", "2", "--set", "slurm.nodes=2")
    until = ("--until-answered", "--set", "seeds={first: 3, most: 9}")
    assert "need one command" in refused(tmp_path, "--slurm-array", "2", *until)
    assert "need one command" in refused(tmp_path, "--part", "1/2", *until)
    for part in ("3/2", "0/2", "2", "a/b", "1/0"):
        assert f"--part '{part}' is no part" in refused(tmp_path, "--part", part)


def test_the_profile_counts_below_the_sweep_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = {"partition": "cpu", "account": "mine"}
    monkeypatch.setitem(os.environ, "ORCHESTRATE_SLURM", json.dumps(profile))
    words = ("sweep", SMOKE, "--slurm", "--dry-run", "--set", "slurm.partition=gpu")
    script = invoke(*words, home=tmp_path).stdout
    assert "--partition=gpu\n" in script and "--account=mine\n" in script
    monkeypatch.setitem(os.environ, "ORCHESTRATE_SLURM", '{"nodes": 0}')
    assert "$ORCHESTRATE_SLURM: nodes: 0 is not allowed" in refused(tmp_path, "--slurm")
    monkeypatch.setitem(os.environ, "ORCHESTRATE_SLURM", "partition: gpu")
    assert "is not valid JSON" in refused(tmp_path, "--slurm")


def test_the_job_gets_the_words_of_the_command_and_a_home_that_all_nodes_find() -> None:
    home = ["--home", str(Path("runs").absolute())]
    words = ["sweep", "a.yaml", "--slurm", "--home", "runs", "--set", "seeds=[0]", "--slurm-array", "3", "--dry-run"]
    assert forwarded(words, Path("runs")) == ["sweep", *home, "a.yaml", "--set", "seeds=[0]"]
    assert forwarded(["sweep", "--slurm-array=3", "--home=runs", "--", "a.yaml"], Path("runs")) == [
        *("sweep", *home, "--", "a.yaml")
    ]


def test_addresses_that_may_be_secret_are_not_in_the_script(tmp_path: Path) -> None:
    secrets = ("--notify", "ntfy://SECRET", "--notify=slack://SECRET", "--tracking-uri", "http://u:SECRET@host")
    done = invoke("sweep", SMOKE, "--slurm", "--dry-run", *secrets, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "SECRET" not in done.stdout


def test_what_parts_cannot_do_is_refused_before_anything_is_submitted(tmp_path: Path) -> None:
    assert "leave --fail-fast out" in refused(tmp_path, "--slurm-array", "2", "--fail-fast")
    assert "in a --storage" in refused(tmp_path, "--slurm-array", "2", "--storage", "s3://bucket/here")
    assert "--register" in refused(tmp_path, "--slurm", "--register", "a/b:c")
    assert "--detach" in refused(tmp_path, "--detach", "--part", "2/2")
