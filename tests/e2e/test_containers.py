"""`docker/compose.yaml` on a real engine: a sweep from outside, through a killed worker and a restarted database."""

from __future__ import annotations

import csv
import io
import json
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from support.commands import COMMAND, SMOKE
from support.container_files import ROOT, services
from support.containers import IMAGE, Stack, docker, host_of, missing, stack
from support.endings import LONGER
from support.topology import TRAINER
from support.waiting import wait_until

from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.tracking import run_content
from orchestrator.tracking.mirror_file import run_ids

pytestmark = [pytest.mark.e2e, pytest.mark.containers]
OURS = [name for name, service in services().items() if "build" in service and "profiles" not in service]
RECORDS = 'for file in /runs/sweeps/smoke/trials/*/record.json; do [ ! -e $file ] || { cat $file; printf "\\0"; }; done'
LARGEST_CPU_IMAGE = 2_500_000_000


@dataclass
class Ended:
    """The containers after the sweep.

    `home`: a copy of the storage folder; `killed`: the host of the killed worker; `lost`: the trial that ran there;
    `third`: the host that joined; `output`: of the sweep's command.
    """

    containers: Stack
    home: Path
    killed: str
    lost: str
    third: str
    output: str

    @property
    def folder(self) -> SweepFolder:
        return SweepFolder(self.home, "smoke")

    def trials(self) -> list[TrialFolder]:
        return [self.folder.trial(trial["key"]) for trial in self.folder.document()["trials"]]


def records(containers: Stack) -> list[dict[str, Any]]:
    return [json.loads(text) for text in containers.execute("head", "sh", "-c", RECORDS).split("\0")[:-1]]


def hosts_of(records: list[dict[str, Any]]) -> set[str]:
    return {attempt["host"] for record in records for attempt in record["attempts"]}


def trained_on(containers: Stack, hosts: set[str]) -> tuple[str, str] | None:
    """A host of these on which a trial that runs has a checkpoint, and that trial."""
    for record in records(containers):
        if record["status"] == "running" and record["step"] and record["attempts"][-1]["host"] in hosts:
            return record["attempts"][-1]["host"], record["key"]
    return None


def every_trainer(container: str, action: str) -> None:
    """`suspend` or `resume` all that trains in a container."""
    trainers = f"[p for p in psutil.process_iter() if p.name().startswith({TRAINER[:15]!r})]"
    code = f"import psutil; trainers = {trainers}; assert trainers; [p.{action}() for p in trainers]"
    docker("exec", container, "python", "-c", code)


def disturb(containers: Stack, sweep: subprocess.Popen[bytes]) -> tuple[str, str, str]:
    """Meanwhile a third worker joins, one is killed, and the database restarts.

    The trainers of the two are frozen at a checkpoint, so that they are in the middle of their trials however fast this
    machine is. Returns the host that was killed, the trial that ran there, and the host that joined.
    """
    names = {host_of(name): name for name in containers.containers("worker")}
    lost: dict[str, str] = {}
    while left := set(names) - set(lost):
        host, trial = wait_until(lambda: trained_on(containers, left), "a checkpoint", process=sweep)
        every_trainer(names[host], "suspend")
        lost[host] = trial
    containers.up(workers=3)
    (third,) = {host_of(name) for name in containers.containers("worker")} - set(names)
    wait_until(lambda: third in hosts_of(records(containers)), "a trial on the third worker", process=sweep)
    killed, kept = names
    docker("kill", names[killed])
    containers.compose("restart", "postgres")
    every_trainer(names[kept], "resume")
    return killed, lost[killed], third


@pytest.fixture(scope="module", autouse=True)
def engine() -> None:
    if reason := missing():
        pytest.skip(reason)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    folder = tmp_path_factory.mktemp("containers")
    with stack(folder / "docker", workers=2) as containers:
        command = [*COMMAND, "sweep", str(SMOKE), *LONGER, "--address", containers.dashboard]
        log = folder / "sweep.log"
        with open(log, "w") as file:
            sweep = subprocess.Popen(command, stdout=file, stderr=file, env=containers.client_environment())
        try:
            killed, lost, third = disturb(containers, sweep)
            assert sweep.wait(timeout=1200) == 0
        except AssertionError as error:
            raise AssertionError(f"{error}\n{log.read_text()}\n{containers.logs()}") from None
        finally:
            sweep.kill()
        (folder / "home").mkdir()
        containers.compose("cp", "head:/runs/sweeps", folder / "home")
        yield Ended(containers, folder / "home", killed, lost, third, log.read_text())


@pytest.fixture
def mlflow(ended: Ended, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    """A client with the password."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", ended.containers.mlflow)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", ended.containers.secret("mlflow_password"))
    return MlflowClient()


def test_the_trial_of_a_killed_worker_goes_on_elsewhere_from_its_checkpoint(ended: Ended) -> None:
    first, second = ended.folder.trial(ended.lost).record().attempts
    assert (first.host, first.outcome, second.outcome) == (ended.killed, "lost", "finished")
    assert second.host != ended.killed
    assert second.from_step >= 20


def test_all_trials_end_and_a_worker_that_joins_halfway_gets_work(ended: Ended) -> None:
    assert [folder.record().status for folder in ended.trials()] == ["finished"] * 4
    assert ended.third in {attempt.host for folder in ended.trials() for attempt in folder.record().attempts}


def test_a_restart_of_the_database_loses_no_point_and_doubles_none(ended: Ended) -> None:
    query = "COPY (SELECT run_uuid, key, value, timestamp, step FROM metrics) TO STDOUT (FORMAT csv)"
    answer = ended.containers.execute("postgres", "psql", "--username=mlflow", f"--command={query}")
    rows = list(csv.reader(io.StringIO(answer)))
    runs = run_ids(ended.folder)
    assert len(runs) == 4
    for folder in ended.trials():
        due = [point for row in folder.history() for point in run_content.row_points(row)]
        due += run_content.end_points(folder.record())
        sent = Counter(
            (key, float(value), int(at), int(step)) for run, key, value, at, step in rows if run == runs[folder.key]
        )
        assert sent == Counter(due)


def test_artifacts_come_through_the_server(ended: Ended, mlflow: MlflowClient, tmp_path: Path) -> None:
    folder = ended.trials()[0]
    run = mlflow.get_run(run_ids(ended.folder)[folder.key])
    got = Path(mlflow.download_artifacts(run.info.run_id, "generator.pt", str(tmp_path)))
    assert got.read_bytes() == folder.generator_file.read_bytes()


def test_the_guides_commands_work_on_the_head(ended: Ended, tmp_path: Path) -> None:
    assert "finished" in ended.containers.execute("head", "orchestrate", "status", "smoke")
    ended.containers.compose("cp", "head:/runs/sweeps/smoke/report", tmp_path / "report")
    assert list((tmp_path / "report").rglob("*.html"))


def test_records_and_runs_are_kept_when_the_containers_are_made_anew(ended: Ended, mlflow: MlflowClient) -> None:
    ended.containers.compose("down", "--timeout", "30")
    ended.containers.up(workers=1)
    status = json.loads(ended.containers.execute("head", "orchestrate", "status", "smoke", "--json"))
    assert [trial["status"] for trial in status["trials"]] == ["finished"] * 4
    for run in run_ids(ended.folder).values():
        assert mlflow.get_run(run).info.status == "FINISHED"


def test_no_container_of_ours_runs_as_root_or_shows_a_secret(ended: Ended) -> None:
    secrets = [file.read_text() for file in (ended.containers.folder / "secrets").iterdir()]
    assert len(secrets) == 4
    shown = docker("inspect", *ended.containers.containers()) + docker("history", "--no-trunc", IMAGE) + ended.output
    assert not [secret for secret in secrets if secret in shown + ended.containers.logs()]
    for name in ended.containers.containers(*OURS):
        processes = docker("top", name, "-eo", "pid,user").splitlines()[1:]
        assert processes and "root" not in {line.split()[1] for line in processes}, name


def test_the_database_is_for_mlflow_alone(ended: Ended) -> None:
    ask = "import socket; socket.create_connection(('postgres', 5432), timeout=10); print('reached')"
    assert "reached" in ended.containers.execute("mlflow", "python", "-c", ask)
    for service in ("head", "worker"):
        with pytest.raises(AssertionError, match="gaierror"):
            ended.containers.execute(service, "python", "-c", ask)


def test_ports_are_open_on_one_address_alone(ended: Ended) -> None:
    for port in (5000, 8265, 10001):
        socket.create_connection((ended.containers.address, port), timeout=10).close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((ended.containers.address.removesuffix("1") + "2", port), timeout=10)


def test_one_container_without_a_network_runs_a_sweep_to_its_report() -> None:
    words = f"orchestrate sweep /app/experiments/{SMOKE.name} && cat /runs/sweeps/smoke/report/report.html"
    assert "<html" in docker("run", "--rm", "--network", "none", "--shm-size", "1g", IMAGE, "sh", "-c", words)


def test_an_image_for_processors_alone_is_below_two_and_a_half_gigabytes() -> None:
    if "+cpu" not in docker(
        "run", "--rm", "--network", "none", IMAGE, "python", "-c", "import torch; print(torch.__version__)"
    ):
        pytest.skip("the image was built without TORCH_INDEX, so it has CUDA's libraries")
    assert int(docker("image", "inspect", "--format", "{{.Size}}", IMAGE)) < LARGEST_CPU_IMAGE


def test_the_image_has_the_code_that_is_tested_here() -> None:
    digest = sha256()
    for name in ("gan_core", "orchestrator"):
        for file in sorted((ROOT / name).rglob("*.py"), key=str):
            digest.update(file.read_bytes())
    files = (
        "cd /opt/venv/lib/python3*/site-packages && find gan_core orchestrator -name '*.py' -print0 | LC_ALL=C sort -z"
    )
    assert (
        docker("run", "--rm", IMAGE, "sh", "-c", f"{files} | xargs -0 cat | sha256sum").split()[0] == digest.hexdigest()
    )
