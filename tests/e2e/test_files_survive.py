"""A real sweep that is killed and whose disk fills up, a damaged classifier, and two sweeps in one home at once, one
of them with a trial that fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from support.commands import PLUGINS, SMOKE, invoke, orchestrate, start, trials
from support.endings import ON_ONE_WORKER, assert_ended_like, wait_for_checkpoints
from support.families import assert_gone, family_of
from support.inbox import Inbox, open_inbox
from support.mirrors import with_database
from support.ports import free_port
from support.small_disks import MakeDisk, full
from support.waiting import wait_until

from gan_core import checkpoint
from gan_core.config.sections import DataConfig
from gan_core.data.datasets import load
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import is_held

pytestmark = pytest.mark.e2e


def test_a_sweep_that_is_killed_and_whose_disk_fills_up_goes_on_and_ends_as_if_undisturbed(
    make_disk: MakeDisk, reference: Path
) -> None:
    """kill -9 of the command first; then its disk fills up, until there is room again."""
    home = with_database(make_disk("800m"))
    process = start("sweep", SMOKE, *ON_ONE_WORKER, home=home)
    wait_for_checkpoints(home, process, count=1)
    family = [member for member in family_of(process) if "agent" not in " ".join(member.cmdline()).lower()]
    process.kill()
    process.communicate(timeout=60)
    assert_gone(family)  # but for Ray's agents, which notice it after a minute or two

    process = start("sweep", SMOKE, *ON_ONE_WORKER, home=home)
    wait_for_checkpoints(home, process, count=2)
    with full(home):
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 130, output
        assert "stopping: " in output and "make room" in output
        assert "the same command goes on from here" in output
        assert "Traceback" not in output
        rows = trials("smoke", home)
        assert {trial["status"] for trial in rows} <= {"interrupted", "finished", "pending"}
        for file in home.glob("sweeps/smoke/trials/*/checkpoint.pt"):
            checkpoint.payload_of(file)  # raises where it is not whole
        refused = invoke("sweep", SMOKE, *ON_ONE_WORKER, home=home)
        assert refused.returncode == 2, refused.stdout
        assert "Traceback" not in refused.stderr and len(refused.stderr.strip().splitlines()) == 1, refused.stderr

    resumed = orchestrate("sweep", SMOKE, *ON_ONE_WORKER, home=home)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert_ended_like(home, reference)


def test_a_damaged_classifier_is_named_before_mlflow_has_a_run(tmp_path: Path) -> None:
    """It is read while Ray starts. A whole command, so that its exit code and its one line are the real ones."""
    file = tmp_path / "evaluators" / f"{load(DataConfig()).fingerprint}.pt"
    file.parent.mkdir()
    file.write_text("half a page of something else")
    done = orchestrate("sweep", SMOKE, home=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert str(file) in done.stderr and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}").get_experiment_by_name("smoke") is None
    assert list(tmp_path.glob("sweeps/smoke/trials/*")) == []


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with open_inbox() as server:
        yield server


WITH_A_FAILURE = """\
sweep: bad
trial: {steps: 6, log_every: 2, batch_size: 8, model: {width: 4}, evaluation: {every: 3, samples: 80, features: random}}
groups:
  - name: raises
    trial: {model: {family: raises}}
  - name: dcgan
"""


@pytest.fixture
def raising_family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installs a package for the commands, whose family `raises` raises when it is built."""
    info = tmp_path / "package" / "badly-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: badly\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[gan_core.families]\nraises = failing_families:raises")
    monkeypatch.setenv("PYTHONPATH", f"{info.parent}:{PLUGINS}:{os.environ.get('PYTHONPATH', '')}")


@pytest.mark.usefixtures("raising_family")
def test_two_sweeps_run_side_by_side_in_one_home_one_without_a_terminal_and_one_with_a_trial_that_fails(
    tmp_path: Path, inbox: Inbox
) -> None:
    """That one is tried again and told with its cause (`test_real_ray.py` has one that ends its worker).

    Its sweep tells two addresses of its end; at one of them nobody is.
    """
    bad = tmp_path / "bad.yaml"
    bad.write_text(WITH_A_FAILURE)
    home = tmp_path / "home"
    nowhere = f"json://user:secret-71c3@127.0.0.1:{free_port()}"
    waited_for = start("sweep", bad, "--workers", "1", "--notify", inbox.url, "--notify", nowhere, home=home)
    detached = orchestrate("sweep", SMOKE, "--workers", "1", "--detach", home=home)
    assert detached.returncode == 0, detached.stdout + detached.stderr
    left = SweepFolder(home, "smoke")
    assert str(left.output_file) in detached.stdout
    again = invoke("sweep", SMOKE, "--detach", home=home)
    assert again.returncode == 2 and "is being run by process" in again.stderr
    outputs = [waited_for.communicate(timeout=400)[0]]
    assert waited_for.returncode == 1, outputs
    wait_until(lambda: not is_held(left.lock_file), "the end of the detached sweep")
    outputs.append(left.output_file.read_text())
    for output in outputs:
        assert "report.html" in output
        assert "no report: " not in output and "Traceback" not in output
    (raised,) = [SweepFolder(home, "bad").trial(row["key"]) for row in trials("bad", home) if row["group"] == "raises"]
    assert [attempt.outcome for attempt in raised.record().attempts] == ["exception", "exception"]
    error = raised.record().error or ""
    assert error.startswith("Traceback") and "as badly as can be" in error and "as badly as can be" in outputs[0]
    client = MlflowClient(tracking_uri=f"sqlite:///{home / 'mlflow.db'}")
    for name, expected in (("smoke", [5, 10, 15, 20]), ("bad", [2, 4, 6])):
        rows = [row for row in trials(name, home) if row["group"] != "raises"]
        assert {trial["status"] for trial in rows} == {"finished"}
        for trial in rows:
            steps = [point.step for point in client.get_metric_history(trial["run_id"], "loss/generator")]
            assert sorted(steps) == expected
    assert not list(home.rglob("*.tmp"))
    (told,) = inbox.messages
    assert told["title"] == "bad: ended, and 1 trial failed" and "report.html" in told["message"]
    assert "the message was not taken; the sweep goes on" in outputs[0] and "secret" not in outputs[0]
