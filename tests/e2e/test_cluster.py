"""A sweep on a cluster of real servers, through joins, restarts, a dead node and one that is cut off.

One sweep meets it all. Trainers are frozen at a checkpoint while the rest is arranged, so that what is disturbed is in
the middle of its trial however fast this machine is.
"""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from mlflow import MlflowClient
from support.commands import COMMAND, SMOKE, environment, program
from support.endings import LONGER, assert_ended_like
from support.topology import ADMIN, TRAINER, Topology, topology
from support.waiting import wait_until

from orchestrator.store.record import Attempt
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.tracking import run_content
from orchestrator.tracking.mirror_file import run_ids

pytestmark = pytest.mark.e2e


@dataclass
class Ended:
    """The cluster after the sweep.

    `lost`: host -> the trial that was disturbed there; `joined`: processes of the new node; `job`: what the command
    that did not wait said; `output`: by the one that did; `refused`: address -> what somebody without a token was told.
    """

    cluster: Topology
    lost: dict[str, str]
    joined: set[int]
    job: str
    output: str
    refused: dict[str, str]

    @property
    def folder(self) -> SweepFolder:
        return SweepFolder(self.cluster.home, "smoke")

    def on_the_new_node(self, attempt: Attempt) -> bool:
        """By its name; hosts of the loopback share one."""
        return attempt.host == "three" or attempt.process in self.joined

    def trials(self) -> list[TrialFolder]:
        return [self.folder.trial(trial["key"]) for trial in self.folder.document()["trials"]]


def trained_on(cluster: Topology, host: str) -> str | None:
    """The key of a trial that has a checkpoint and runs on this host."""
    processes = {process.pid for process in cluster.hosts[host].processes()}
    for file in cluster.home.glob("sweeps/smoke/trials/*/checkpoint.pt"):
        record = TrialFolder(file.parent).record()
        if record.status == "running" and record.step and record.attempts[-1].process in processes:
            return record.key
    return None


def first_trained(cluster: Topology, hosts: Iterable[str]) -> tuple[str, str] | None:
    """A host on which a trial has a checkpoint, and that trial: waiting for one host must not let the other finish."""
    return next(((host, trial) for host in hosts if (trial := trained_on(cluster, host))), None)


@pytest.fixture(scope="module")
def ended() -> Iterator[Ended]:
    joined: set[int] = set()
    with topology(["one", "two", "three"]) as cluster:
        hosts = cluster.hosts
        cluster.start_head()
        cluster.start_worker("one")
        cluster.start_worker("two")
        cluster.start_tracking()
        cluster.wait_for("one", "two")
        outside = f"ray://{hosts['head'].address}:10001"
        strangers = {address: stranger(address) for address in (cluster.head, outside)}
        log = cluster.folder / "sweep.log"
        command = [*COMMAND, "sweep", str(SMOKE), *LONGER, "--address", outside]
        allowed = cluster.client_environment()
        left = subprocess.run([*command, "--detach"], capture_output=True, text=True, env=allowed, timeout=300)
        assert left.returncode == 0, left.stderr + cluster.logs()
        with open(log, "w") as file:
            sweep = subprocess.Popen(command, stdout=file, stderr=file, env=allowed)
        try:
            lost = disturb(cluster, lambda: sweep.poll() is None)
            while sweep.poll() is None:
                joined |= {process.pid for process in hosts["three"].processes()}
                time.sleep(0.2)
            assert sweep.returncode == 0
        except AssertionError as error:
            raise AssertionError(f"{error}\n{log.read_text()}\n{cluster.logs()}") from None
        finally:
            sweep.kill()
            refused = {address: answer_of(process) for address, process in strangers.items()}
        yield Ended(cluster, lost, joined, left.stdout, log.read_text(), refused)


def disturb(cluster: Topology, runs: Callable[[], bool]) -> dict[str, str]:
    """All that happens to the sweep; host -> the trial that was in the middle there. `runs`: whether it still does."""

    def wait_for(true: Callable[[], Any], description: str) -> Any:
        def look() -> Any:
            assert runs(), f"the command ended before {description}"
            return true()

        return wait_until(look, description)

    hosts, lost = cluster.hosts, {}
    while left := {"one", "two"} - lost.keys():
        host, trial = wait_for(partial(first_trained, cluster, left), f"a checkpoint on {' or '.join(sorted(left))}")
        hosts[host].freeze(TRAINER)
        lost[host] = trial
    wait_for(lambda: run_ids(SweepFolder(cluster.home, "smoke")), "runs in MLflow")
    cluster.start_worker("three")
    cluster.kill_tracking()
    cluster.start_tracking()
    cluster.wait_for("three")
    hosts["two"].kill()
    if hosts["one"].namespace:
        hosts["one"].cut_off()
        hosts["one"].wake(TRAINER)  # it does not know
    else:
        hosts["one"].kill()
    return lost


def stranger(address: str) -> subprocess.Popen[str]:
    """Somebody without a token who tries to join Ray."""
    return subprocess.Popen(
        program("joins_ray", address),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def answer_of(joining: subprocess.Popen[str]) -> str:
    """What it was told; it has had all the time of the sweep, and its client may still be trying."""
    joining.kill()
    return joining.communicate()[0]


@pytest.fixture
def mlflow(ended: Ended, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    """A client with the password."""
    for name, value in ended.cluster.mlflow_environment().items():
        monkeypatch.setenv(name, value)
    return MlflowClient()


@pytest.mark.parametrize("host", ["one", "two"])
def test_the_trial_of_a_node_that_is_lost_goes_on_elsewhere_from_its_checkpoint(ended: Ended, host: str) -> None:
    """One is cut off and lives on for minutes; two is killed with all that runs there."""
    if host == "one" and ended.cluster.hosts["one"].namespace is None:
        pytest.skip("only root may make hosts that can be cut off")
    first, second = ended.folder.trial(ended.lost[host]).record().attempts
    assert (first.outcome, second.outcome) == ("lost", "finished")
    assert second.from_step >= 20
    assert ended.on_the_new_node(second)


def test_a_command_that_does_not_wait_leaves_a_job_that_the_same_command_follows(ended: Ended) -> None:
    (started,) = [line for line in ended.output.splitlines() if "Running entrypoint for job" in line]
    assert ended.job.split()[1] in started
    assert "unfinished" in ended.output


def test_what_a_job_names_as_the_next_command_can_be_typed_outside(ended: Ended) -> None:
    words = [*COMMAND, "stop", "smoke", "--address", ended.cluster.dashboard]
    done = subprocess.run(words, capture_output=True, text=True, env=ended.cluster.client_environment(), timeout=300)
    assert done.returncode == 2, done.stdout + done.stderr
    remote_option = f"--address {ended.cluster.dashboard}`"
    assert f"`orchestrate status smoke {remote_option} says where it stands" in done.stdout
    assert f"`orchestrate sweep {SMOKE} --set " in done.stdout and f"{remote_option} goes on with it" in done.stdout


def test_a_gpu_that_no_node_has_is_refused_from_outside_too(ended: Ended) -> None:
    command = [*COMMAND, "sweep", str(SMOKE), "--device", "gpu", "--set", "sweep=other"]
    words = [*command, "--address", ended.cluster.dashboard]
    done = subprocess.run(words, capture_output=True, text=True, env=ended.cluster.client_environment(), timeout=300)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "--device gpu: Ray finds no GPU" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_wrong_token_ends_in_one_line_that_says_so(ended: Ended, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.touch(mode=0o600)
    token.write_text("0" * 64)
    wrong = ended.cluster.client_environment() | {"RAY_AUTH_TOKEN_PATH": str(token)}
    words = [*COMMAND, "status", "smoke", "--address", ended.cluster.dashboard]
    done = subprocess.run(words, capture_output=True, text=True, env=wrong, timeout=300)
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    assert "it requires the cluster's token" in line


def test_a_node_that_joins_halfway_gets_work(ended: Ended) -> None:
    """All that the two nodes of the beginning did not have, and then what they lost."""
    for trial_folder in ended.trials():
        assert ended.on_the_new_node(trial_folder.record().attempts[-1])
        assert (len(trial_folder.record().attempts) == 2) == (trial_folder.key in ended.lost.values())


def test_it_all_ends_as_on_one_undisturbed_machine(ended: Ended, reference: Path, mlflow: MlflowClient) -> None:
    assert_ended_like(ended.cluster.home, reference, mlflow.tracking_uri)


def test_a_restart_of_mlflow_and_postgresql_loses_no_point_and_doubles_none(ended: Ended) -> None:
    assert "no report: " not in ended.output  # a silent trial has "no report from" it
    runs = run_ids(ended.folder)
    assert len(runs) == 4
    for trial_folder in ended.trials():
        due = [point for row in trial_folder.history() for point in run_content.row_points(row)]
        due += run_content.end_points(trial_folder.record())
        query = "SELECT key, value, timestamp, step FROM metrics WHERE run_uuid = %s"
        assert Counter(ended.cluster.postgres.rows(query, runs[trial_folder.key])) == Counter(due)


def test_artifacts_come_through_the_server(ended: Ended, mlflow: MlflowClient, tmp_path: Path) -> None:
    trial_folder = ended.trials()[0]
    run = mlflow.get_run(run_ids(ended.folder)[trial_folder.key])
    assert run.info.artifact_uri.startswith("mlflow-artifacts:")
    got = Path(mlflow.download_artifacts(run.info.run_id, "generator.pt", str(tmp_path)))
    assert got.read_bytes() == trial_folder.generator_file.read_bytes()


@pytest.mark.parametrize("password", [None, "guessed"])
def test_mlflow_tells_nothing_without_the_password(ended: Ended, password: str | None) -> None:
    run = next(iter(run_ids(ended.folder).values()))
    for path in (f"api/2.0/mlflow/runs/get?run_id={run}", f"get-artifact?run_id={run}&path=generator.pt"):
        headers = {}
        if password:
            headers = {"Authorization": "Basic " + base64.b64encode(f"{ADMIN}:{password}".encode()).decode()}
        with pytest.raises(HTTPError) as refusal:
            urlopen(Request(f"{ended.cluster.mlflow}/{path}", headers=headers), timeout=30)
        assert refusal.value.code == 401


def test_ray_takes_nobody_without_the_token(ended: Ended) -> None:
    """The client server does not say why; that it answers at all those who have the token, the sweep has shown."""
    assert not [output for output in ended.refused.values() if "joined" in output]
    by_nodes, by_client_server = ended.refused.values()
    assert "token" in by_nodes.lower() or "unauthenticated" in by_nodes.lower()
    assert "ConnectionError" in by_client_server


@pytest.mark.parametrize("token", [None, "0" * 64])
def test_ray_takes_no_job_without_the_token(ended: Ended, token: str | None) -> None:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    job = Request(f"{ended.cluster.dashboard}/api/jobs/", json.dumps({"entrypoint": "id"}).encode(), headers)
    with pytest.raises(HTTPError) as refusal:
        urlopen(job, timeout=30)
    assert refusal.value.code in (401, 403)
