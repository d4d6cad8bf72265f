"""Sweeps as jobs of a real Slurm of two nodes, from a login node that is neither of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import slurm
from support.commands import SMOKE, environment, orchestrate, trials
from support.endings import LONGER, assert_ended_like
from support.mirrors import with_database
from support.slurm import Slurm
from support.topology import QUICK_HEALTH_CHECKS
from support.waiting import wait_until

from orchestrator.store.sweep_folder import SweepFolder

pytestmark = pytest.mark.e2e

TRIALS = "ray::Resource"
"""How the processes begin their names in which Ray Tune trains trials."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Slurm]:
    if reason := slurm.why_not():
        pytest.skip(reason)
    health_checks = {f"RAY_health_check_{name}": value for name, value in QUICK_HEALTH_CHECKS.items()}
    with slurm.running(["n1", "n2"], environment() | health_checks) as running:
        yield running


def submit(cluster: Slurm, home: Path, *words: str) -> str:
    """Submit the smoke sweep; returns the id of the job."""
    done = orchestrate("sweep", SMOKE, *words, home=home, env=cluster.environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("job ")
    return done.stdout.split()[1]


def outputs(home: Path) -> str:
    """What the sweep, Slurm and Ray said, for the message of a failed test."""
    return "\n".join(f"== {file.name}\n{file.read_text()}" for file in sorted(home.glob("sweeps/smoke/*.log")))


def wait_for_end(cluster: Slurm, job: str, home: Path) -> None:
    def has_ended() -> bool:
        assert "PENDING (BeginTime)" not in state(cluster, job), outputs(home)
        return state(cluster, job) == ""

    wait_until(has_ended, "the end of the job", 600)


def state(cluster: Slurm, job: str) -> str:
    return cluster.ask("squeue", "--noheader", "--jobs", job, "--format", "%T (%r)")


def begun_trials(home: Path) -> int:
    return len(list(home.glob("sweeps/smoke/trials/*/checkpoint.pt")))


def on_second_node(folder: SweepFolder) -> bool:
    """Whether a trial runs there since the job was queued again."""
    records = [folder.trial(trial["key"]).record() for trial in folder.document()["trials"]]
    return any(record.status == "running" and record.attempts[-1].host == "n2" for record in records)


def test_a_job_on_two_nodes_outlives_its_time_limit_and_a_dead_node(
    cluster: Slurm, reference: Path, tmp_path: Path
) -> None:
    """It ends with the same weights as a sweep that nothing disturbed."""
    job = submit(cluster, with_database(tmp_path), "--slurm", "--set", "slurm={nodes: 2, time: 50}", *LONGER)
    again = orchestrate("sweep", SMOKE, "--slurm", *LONGER, home=tmp_path, env=cluster.environment)
    assert again.returncode == 2 and f"smoke is job {job} already" in again.stderr
    wait_until(lambda: begun_trials(tmp_path) >= 2, "two trials with a checkpoint", 400)
    status = orchestrate("status", "smoke", home=tmp_path, env=cluster.environment)
    assert f"job {job} of Slurm is running" in status.stdout

    folder = SweepFolder(tmp_path, "smoke")
    cluster.freeze(TRIALS)  # so that the limit finds them in their middle, however fast this machine is
    elapsed = cluster.ask("squeue", "--noheader", "--jobs", job, "--format", "%M").split(":")
    minutes = int(elapsed[-2]) + 2  # between one and two minutes from now: Slurm tells the job two before
    cluster.ask("scontrol", "update", f"JobId={job}", f"TimeLimit={minutes}")
    wait_until(lambda: "stopping: every running trial" in folder.output_file.read_text(), "the signal", 120)
    cluster.wake(TRIALS)
    wait_until(lambda: state(cluster, job).startswith("PENDING"), "the job queued again", 200)
    output = folder.output_file.read_text()
    assert "interrupted with" in output and f"the time of job {job} is over; it is queued again" in output
    assert any(trial["step"] for trial in trials("smoke", tmp_path))

    cluster.ask("scontrol", "update", f"JobId={job}", "TimeLimit=50", "StartTime=now")
    wait_until(lambda: on_second_node(folder), "a trial on the second node", 400)
    cluster.nodes["n2"].kill()
    wait_for_end(cluster, job, tmp_path)
    assert "is gone; 1 worker now" in folder.output_file.read_text(), outputs(tmp_path)
    cluster.start_node("n2")
    assert_ended_like(tmp_path, reference)
    assert folder.report_file.exists()


def test_an_array_trains_a_sweep_in_parts_and_stop_ends_it(cluster: Slurm, tmp_path: Path) -> None:
    wait_until(lambda: cluster.states() == {"idle"}, "two idle nodes", 120)
    words = ("--slurm-array", "2", *LONGER)
    job = submit(cluster, tmp_path, *words)
    wait_until(lambda: begun_trials(tmp_path) >= 2, "a trial of each part", 400)
    stopped = orchestrate("stop", "smoke", home=tmp_path, env=cluster.environment)
    assert stopped.returncode == 0, stopped.stderr
    assert f"asked job {job} to stop" in stopped.stdout and "saved " in stopped.stdout
    assert state(cluster, job) == ""

    submit(cluster, tmp_path, *words)
    folder = SweepFolder(tmp_path, "smoke")
    wait_until(folder.report_file.exists, "the report", 500)
    ended = trials("smoke", tmp_path)
    assert {trial["status"] for trial in ended} == {"finished"}, outputs(tmp_path)
    hosts = {attempt.host for trial in ended for attempt in folder.trial(trial["key"]).record().attempts}
    assert hosts == {"n1", "n2"}


def test_what_slurm_refuses_is_said_in_a_line_and_nothing_is_left(cluster: Slurm, tmp_path: Path) -> None:
    done = orchestrate(
        "sweep", SMOKE, "--slurm", "--set", "slurm.partition=nowhere", home=tmp_path, env=cluster.environment
    )
    assert done.returncode == 2
    assert done.stderr == "Slurm did not take the job: Invalid partition name specified; nothing was submitted\n"
    assert not list(tmp_path.glob("sweeps/*"))
