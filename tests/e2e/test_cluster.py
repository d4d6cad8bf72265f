"""A sweep on a cluster of real servers, through joins, restarts, a dead node and one that is cut off.

One sweep meets it all. Trainers are frozen at a checkpoint while the rest is arranged, so that what is disturbed is in
the middle of its trial however fast this machine is.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from commands import COMMAND, SMOKE, environment
from endings import LONGER, assert_ended_like
from mlflow import MlflowClient
from topology import ADMIN, TRAINER, Topology, topology, wait_until

from orchestrator import description
from orchestrator.store import SweepFolder, TrialFolder
from orchestrator.tracking import runs_of

pytestmark = pytest.mark.e2e

STRANGER = "import ray, sys; ray.init(sys.argv[1], log_to_driver=False); print('I am', 'inside', ray.nodes())"


@dataclass
class Ended:
    """The cluster after the sweep: what the command and those without a token were told; records by key."""

    cluster: Topology
    said: str
    refused: list[str]

    @property
    def folder(self) -> SweepFolder:
        return SweepFolder(self.cluster.home, "smoke")

    def trials(self) -> list[TrialFolder]:
        return [self.folder.trial(trial["key"]) for trial in self.folder.sweep()["trials"]]

    def attempts(self, host: str) -> list[tuple[str, str]]:
        """(key, outcome) of every attempt on this host."""
        found = [(place.key, one) for place in self.trials() for one in place.record().attempts]
        return [(key, one["outcome"]) for key, one in found if one["host"] == host]


def trained_by(cluster: Topology, host: str) -> str | None:
    """The key of a trial that has a checkpoint and runs on this host."""
    for file in cluster.home.glob("sweeps/smoke/trials/*/checkpoint.pt"):
        record = TrialFolder(file.parent).record()
        if record.status == "running" and record.step and record.attempts[-1]["host"] == cluster.hosts[host].name:
            return record.key
    return None


@pytest.fixture(scope="module")
def ended() -> Iterator[Ended]:
    with topology(["one", "two", "three"]) as cluster:
        cluster.start_head()
        cluster.start_worker("one")
        cluster.start_worker("two")
        cluster.start_tracking()
        cluster.wait_for("one", "two")
        log = cluster.folder / "sweep.log"
        words = ["sweep", SMOKE, *LONGER, "--address", cluster.head, "--home", cluster.home]
        sweep = cluster.hosts["head"].start(*COMMAND, *words, log=log, env=cluster.client_environment())
        strangers = [stranger(address) for address in (cluster.head, f"ray://{cluster.head_address}:10001")]

        def arranged(true: Any, what: str) -> Any:
            def look() -> Any:
                assert sweep.poll() is None, f"the command ended before {what}: {log.read_text()}"
                return true()

            return wait_until(look, what)

        arranged(lambda: runs_of(SweepFolder(cluster.home, "smoke")), "runs in MLflow")
        for host in ("one", "two"):
            arranged(lambda host=host: trained_by(cluster, host), f"a checkpoint on {host}")
            cluster.hosts[host].freeze(TRAINER)
        cluster.kill_tracking()
        cluster.start_worker("three")
        arranged(lambda: trained_by(cluster, "three"), "a checkpoint on a node that joined")
        cluster.start_tracking()
        cluster.hosts["two"].kill()
        if cluster.hosts["one"].namespace:
            cluster.hosts["one"].cut_off()
            cluster.hosts["one"].wake(TRAINER)
        else:
            cluster.hosts["one"].kill()
        code = sweep.wait(300)
        assert code == 0, log.read_text()
        yield Ended(cluster, log.read_text(), [heard(one) for one in strangers])


def stranger(address: str) -> subprocess.Popen[str]:
    """Somebody without a token who tries to join Ray."""
    command = [sys.executable, "-c", STRANGER, address]
    return subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def heard(asks: subprocess.Popen[str]) -> str:
    """What it was told; it has had all the time of the sweep, and its client may still be trying."""
    asks.kill()
    return asks.communicate()[0]


def test_trials_of_a_dead_node_and_of_one_that_is_cut_off_go_on_elsewhere_as_if_undisturbed(
    ended: Ended, reference: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for host in ("one", "two"):
        ((key, outcome),) = ended.attempts(host)
        assert outcome == "lost"
        record = ended.folder.trial(key).record()
        assert [one["outcome"] for one in record.attempts] == ["lost", "finished"]
        assert record.attempts[-1]["host"] == ended.cluster.hosts["three"].name
        assert record.attempts[-1]["from_step"] >= 25
    for name, value in ended.cluster.client_environment().items():
        if name.startswith("MLFLOW_"):
            monkeypatch.setenv(name, value)
    assert_ended_like(ended.cluster.home, reference, ended.cluster.mlflow)


def test_a_node_that_joins_halfway_gets_work(ended: Ended) -> None:
    """All that the two nodes of the beginning did not have, and then what they lost."""
    assert Counter(outcome for _, outcome in ended.attempts("three")) == {"finished": 4}


def test_a_restart_of_mlflow_and_postgresql_loses_no_point_and_doubles_none(ended: Ended) -> None:
    assert "no report" not in ended.said
    runs = runs_of(ended.folder)
    assert len(runs) == 4
    for place in ended.trials():
        due = [point for row in place.history() for point in description.row_points(row)]
        due += description.end_points(place.record())
        query = "SELECT key, value, timestamp, step FROM metrics WHERE run_uuid = %s"
        assert Counter(ended.cluster.postgres.rows(query, runs[place.key])) == Counter(due)


def test_artifacts_come_through_the_server_for_those_who_have_the_password(
    ended: Ended, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in ended.cluster.client_environment().items():
        if name.startswith("MLFLOW_"):
            monkeypatch.setenv(name, value)
    client = MlflowClient(ended.cluster.mlflow)
    for place in ended.trials():
        run = runs_of(ended.folder)[place.key]
        assert client.get_run(run).info.artifact_uri.startswith("mlflow-artifacts:")
        got = Path(client.download_artifacts(run, "generator.pt", str(tmp_path)))
        assert got.read_bytes() == place.generator_file.read_bytes()
        got.unlink()


@pytest.mark.parametrize("password", [None, "guessed"])
def test_mlflow_tells_nothing_without_the_password(ended: Ended, password: str | None) -> None:
    run = next(iter(runs_of(ended.folder).values()))
    for path in (f"api/2.0/mlflow/runs/get?run_id={run}", f"get-artifact?run_id={run}&path=generator.pt"):
        headers = {}
        if password:
            headers = {"Authorization": "Basic " + base64.b64encode(f"{ADMIN}:{password}".encode()).decode()}
        with pytest.raises(HTTPError) as refusal:
            urlopen(Request(f"{ended.cluster.mlflow}/{path}", headers=headers), timeout=30)
        assert refusal.value.code == 401


def test_ray_takes_nobody_without_the_token(ended: Ended) -> None:
    for said in ended.refused:
        assert "I am inside" not in said
        assert "token" in said.lower() or "unauthenticated" in said.lower()


@pytest.mark.parametrize("token", [None, "0" * 64])
def test_ray_takes_no_job_without_the_token(ended: Ended, token: str | None) -> None:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    job = Request(f"{ended.cluster.dashboard}/api/jobs/", json.dumps({"entrypoint": "id"}).encode(), headers)
    with pytest.raises(HTTPError) as refusal:
        urlopen(job, timeout=30)
    assert refusal.value.code in (401, 403)
