"""A real map that is killed, interrupted and made larger: its points are those of one that nothing disturbed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from support.commands import invoke, orchestrate, start, trials
from support.explored import MAP, finished_in, plan_of
from support.tiny import run_to_end
from support.waiting import wait_until

from orchestrator.commands.queued_training import queue_of
from orchestrator.store.sweep_document import PointDocument
from orchestrator.store.sweep_folder import SweepFolder

pytestmark = pytest.mark.e2e

TEXT = MAP.replace("trials: 12", "trials: 16")
"""Beyond the spread points that it begins with."""
TWO_WORKERS = ("--workers", "2")


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


def test_a_map_that_is_killed_interrupted_and_made_larger_has_the_points_of_an_undisturbed_one(tmp_path: Path) -> None:
    """kill -9 of the command, then Ctrl-C, then the same command with more trials."""
    file, home = tmp_path / "map.yaml", tmp_path / "home"
    file.write_text(TEXT)
    folder = SweepFolder(home, "tiny")

    process = start("sweep", file, *TWO_WORKERS, home=home)
    wait_until(lambda: len(finished_in(folder)) >= 3, "three trials that have ended", process=process)
    process.kill()
    process.communicate(timeout=60)
    killed = folder.document()["explored"]
    assert killed["lag"] == 4 and 3 <= len(killed["points"]) < 16
    shown = invoke("status", "tiny", home=home).stdout
    assert f"{len(killed['points'])} of 16 trials are chosen so far" in shown and "goes on with it" in shown

    process = start("sweep", file, *TWO_WORKERS, home=home)
    wait_until(lambda: len(finished_in(folder)) >= 9, "nine trials that have ended", process=process)
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and "the same command goes on from here" in output, output
    assert "Traceback" not in output

    done = orchestrate("sweep", file, "--set", "map.trials=18", *TWO_WORKERS, home=home)
    assert done.returncode == 0, done.stdout + done.stderr
    points = folder.document()["explored"]["points"]
    assert points == undisturbed(tmp_path / "alone") and len(points) == 18
    assert points[: len(killed["points"])] == killed["points"]
    assert [row["status"] for row in trials("tiny", home)] == ["finished"] * 18
    assert all(row["attempts"] == 1 for row in trials("tiny", home)[:3]), "what has ended is not trained again"
    page = folder.report_file.read_text()
    assert 'id="map"' in page and 'id="drawn"' not in page

    nothing = orchestrate("sweep", file, "--set", "map.trials=18", *TWO_WORKERS, home=home)
    assert nothing.returncode == 0 and "starting Ray" not in nothing.stdout, nothing.stdout + nothing.stderr
