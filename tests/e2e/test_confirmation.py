"""The best again on fresh seeds, and two sweeps against each other, by the real command."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from commands import Done, orchestrate, trials
from mlflow import MlflowClient

pytestmark = pytest.mark.e2e


def small_sweep(folder: Path, name: str, batch_size: int) -> Path:
    """Two configurations on two seeds."""
    file = folder / f"{name}.yaml"
    file.write_text(
        f"sweep: {name}\nquestion: What of {name}?\nseeds: [0, 1]\n"
        f"trial: {{steps: 6, log_every: 2, batch_size: {batch_size}, model: {{width: 4}}, "
        "evaluation: {every: 3, samples: 80, features: random}}\n"
        "groups:\n  - {name: dcgan, grid: {stabilizers.label_smoothing: [0.0, 0.1]}}\n"
    )
    return file


@pytest.fixture(scope="module")
def confirmed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """A home in which `first --confirm 1` and `second` ran, and what the former said."""
    home = tmp_path_factory.mktemp("confirmed")
    done = orchestrate("sweep", small_sweep(home, "first", 8), "--confirm", "1", home=home)
    orchestrate("sweep", small_sweep(home, "second", 4), home=home)
    return home, done


def test_one_command_runs_the_sweep_and_then_its_best_on_fresh_seeds(confirmed: tuple[Path, Done]) -> None:
    home, done = confirmed
    assert done.returncode == 0, done.stdout + done.stderr
    found = trials("first", home)
    assert all(trial["status"] == "finished" and trial["verdict"] for trial in found)
    assert [trial["seed"] for trial in found] == [0, 1, 0, 1, 2, 3, 4]
    best = {trial["configuration"] for trial in found[4:]}
    assert len(best) == 1
    assert f"Again, on fresh seeds: {best.pop()}" in done.stdout
    report = home / "sweeps/first/report"
    assert "The best again, on fresh seeds</h2>" in (report / "report.html").read_text()
    assert len(pd.read_csv(report / "trials.csv")) == 7


def test_mlflow_tells_what_was_selected_from_what_confirms_it(confirmed: tuple[Path, Done]) -> None:
    home, _ = confirmed
    client = MlflowClient(tracking_uri=f"sqlite:///{home / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("first")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], "tags.`orchestrate.kind` = 'trial'")
    assert Counter(run.data.tags["stage"] for run in runs) == {"selection": 4, "confirmation": 3}
    assert all(run.info.status == "FINISHED" for run in runs)


def test_the_same_command_again_repeats_nothing(confirmed: tuple[Path, Done]) -> None:
    home, _ = confirmed
    records = {file: file.stat().st_mtime_ns for file in home.glob("sweeps/first/trials/*/record.json")}
    again = orchestrate("sweep", home / "first.yaml", "--confirm", "1", home=home)
    assert again.returncode == 0, again.stderr
    assert "starting Ray" not in again.stdout
    assert records == {file: file.stat().st_mtime_ns for file in home.glob("sweeps/first/trials/*/record.json")}
    assert "Again, on fresh seeds:" in again.stdout


def test_two_sweeps_are_compared_in_pairs(confirmed: tuple[Path, Done], tmp_path: Path) -> None:
    home, _ = confirmed
    done = orchestrate("report", "first", "second", "--output", tmp_path, home=home)
    assert done.returncode == 0, done.stderr
    assert "of 8 runs were stable" in done.stdout
    effects = pd.read_csv(tmp_path / "effects.csv").set_index("factor")
    assert tuple(effects.loc["sweep", ["before", "after", "pairs", "seeds"]]) == ("first", "second", 4, 2)
    page = (tmp_path / "report.html").read_text()
    assert "How do first and second differ?" in page
    assert "first: dcgan smoothing=0.1 seed=0" in page
    for picture in ("effects.png", "curves.png", "samples.png"):
        assert (tmp_path / picture).exists()
        assert f"({picture})" in (tmp_path / "report.md").read_text()
