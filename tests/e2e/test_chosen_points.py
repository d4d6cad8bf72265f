"""A real map that is killed, interrupted and made larger from another home has the points of an undisturbed one.

Its trials live in an S3 server. `test_point_queue.py` has the same of a map in one home, without Ray.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from support.commands import invoke, orchestrate, start, trials
from support.explored import LR, MAP, finished_in, plan_of
from support.mirrors import with_database
from support.s3_server import S3
from support.tiny import run_to_end
from support.waiting import wait_until

from orchestrator.commands.queued_training import queue_of
from orchestrator.store.sweep_document import PointDocument
from orchestrator.store.sweep_folder import SweepFolder

pytestmark = pytest.mark.e2e

TEXT = MAP.replace("trials: 12", "trials: 16")
"""Beyond the spread points that it begins with."""


def undisturbed(folder: Path) -> list[PointDocument]:
    """The points of the larger map, trained in this process one after the other, without Ray or MLflow."""
    plan = plan_of(folder, TEXT, ["map.trials=18"])
    plan.folder.folder.mkdir(parents=True)
    queue = queue_of(plan)
    assert queue
    queue.begin(2)
    while not queue.is_over:
        planned = queue.peek(2)
        assert planned
        queue.give(planned)
        run_to_end(plan, planned)
        queue.take_back(planned.key)
    explored = queue.plan_so_far().explored
    assert explored
    return explored["points"]


def test_a_map_that_is_killed_interrupted_and_made_larger_elsewhere_has_the_points_of_an_undisturbed_one(
    s3: S3, tmp_path: Path
) -> None:
    """kill -9 of the command, then Ctrl-C, then the same command with more trials from a home that knows nothing."""
    file, home, other = tmp_path / "map.yaml", with_database(tmp_path / "home"), with_database(tmp_path / "other")
    file.write_text(TEXT)
    s3.make_bucket("map")
    words = ("sweep", file, "--workers", "2", "--storage", s3.uri("map/runs"))
    folder, found = SweepFolder(home, "tiny"), SweepFolder(other, "tiny")

    process = start(*words, home=home)
    wait_until(lambda: len(finished_in(folder)) >= 3, "three trials that have ended", process=process)
    process.kill()
    process.communicate(timeout=60)
    killed, ended_before_the_kill = folder.document()["explored"], finished_in(folder)
    assert killed["lag"] == 4 and 3 <= len(killed["points"]) < 16
    shown = invoke("status", "tiny", home=home).stdout
    assert f"{len(killed['points'])} of 16 trials are chosen so far" in shown and "goes on with it" in shown

    process = start(*words, home=home)
    wait_until(lambda: len(finished_in(folder)) >= 9, "nine trials that have ended", process=process)
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130 and "the same command goes on from here" in output, output
    assert "Traceback" not in output
    interrupted = folder.document()["explored"]["points"]
    attempts = {key: folder.trial(key).record().attempts for key in finished_in(folder)}
    assert len(attempts) >= 9 and all(len(attempts[key]) == 1 for key in ended_before_the_kill), "none is trained again"

    done = orchestrate(*words, "--set", "map.trials=18", home=other)
    assert done.returncode == 0, done.stdout + done.stderr
    points = found.document()["explored"]["points"]
    assert points == undisturbed(tmp_path / "alone") and len(points) == 18
    assert points[: len(killed["points"])] == killed["points"] and points[: len(interrupted)] == interrupted
    assert [row["status"] for row in trials("tiny", other)] == ["finished"] * 18
    assert attempts == {key: found.trial(key).record().attempts for key in attempts}, "nor from another home"
    page = found.report_file.read_text()
    assert 'id="map"' in page and 'id="drawn"' not in page
    shown = invoke("map", file, "--at", f"{LR}=1e-2", "--at", "stabilizers.label_smoothing=0.1", home=other).stdout
    assert "of runs are expected to be stable" in shown

    nothing = invoke(*words, "--set", "map.trials=18", home=other)
    assert nothing.returncode == 0 and "starting Ray" not in nothing.stdout, nothing.stdout + nothing.stderr
