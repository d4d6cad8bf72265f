"""How long the report of many trials takes, and how much memory: from a local MLflow store to the page in a browser.

    python benchmarks/report_of_many_trials.py [--trials 1000] [--points 500] [--copies 10] [--home FOLDER]

The trials are made up (their histories are random walks of 8 metrics). Everything that reads them is the product:
folders -> mirror -> MLflow on SQLite -> report -> Chromium, if there is one. `--copies`: each run is in MLflow so many
times, with other seeds. The copies are made in the database, which takes seconds: sending 10,000 trials takes long.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gan_core import metric_names
from orchestrator.store.record import Attempt, Record, RecordedVerdict
from orchestrator.store.sweep_document import SweepDocument, TrialDocument
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.trial_status import AttemptOutcome, TrialStatus
from orchestrator.tracking.client import KEY_TAG, RunStatus
from orchestrator.tracking.mirror import Mirror

EVALUATOR: dict[str, Any] = {
    "id": "random-00000000", "features": "random", "weights": "made up", "accuracy": None, "samples": 512,
    "compared": 512, "real": 1000, "split": "train", "preprocessing": "made up", "kept_out": None,
}  # fmt: skip
METRICS = [
    metric_names.LOSS_GENERATOR,
    metric_names.LOSS_DISCRIMINATOR,
    metric_names.ACCURACY_DISCRIMINATOR,
    metric_names.ACCURACY_AUC,
    metric_names.DIVERSITY_RATIO,
    metric_names.SPEED,
    metric_names.frechet(EVALUATOR["id"]),
    metric_names.coverage(EVALUATOR["id"]),
]
LEVELS: dict[str, list[float]] = {
    "optimizer.lr": [1e-4, 2e-4, 1e-3, 2e-3, 1e-2],
    "stabilizers.label_smoothing": [0.0, 0.1],
    "stabilizers.instance_noise.std": [0.0, 0.1],
    "loss.gradient_penalty": [1, 3, 10, 30, 100],
}


def main() -> None:
    parser = argparse.ArgumentParser(description="How long the report of many trials takes.")
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--home", type=Path, help="where to keep the store, to measure it again (default: nowhere)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = options.home or Path(scratch)
        if not (home / "mlflow.db").exists():
            began = time.monotonic()
            send(home, f"sqlite:///{home}/mlflow.db", write_folders(home, options.trials, options.points))
            copy_runs(home, options.copies)
            print(f"store of {options.trials * options.copies} trials made in {time.monotonic() - began:.0f} s")
        measure(home)


def write_folders(home: Path, trials: int, points: int) -> SweepDocument:
    """Write the folders of a finished sweep; returns the content of its sweep.json."""
    folder, rng = SweepFolder(home, "many"), np.random.default_rng(0)
    combinations = list(itertools.product(*LEVELS.values()))
    documents: list[TrialDocument] = []
    for number in range(trials):
        levels = combinations[number % len(combinations)]
        factors = dict(zip(LEVELS, levels, strict=True))
        configuration = "dcgan " + " ".join(map(str, levels))
        seed, key = number // len(combinations), f"{number:016x}"
        documents.append({
            "key": key, "data": "0", "name": f"{configuration} seed={seed}", "group": "dcgan",
            "configuration": configuration, "seed": seed, "factors": factors, "steps": 10 * points, "loss": "bce",
            "confirms": False,
        })  # fmt: skip
        write_trial(folder, key, points, rng)
    return {"name": "many", "question": "Can many trials be read?", "file": "many.yaml", "seeds": [0],
            "overrides": [], "cautions": [], "data": {}, "trials": documents}  # fmt: skip


def send(home: Path, uri: str, document: SweepDocument) -> float:
    """Send the whole sweep to MLflow; returns the points sent per second."""
    mirror = Mirror(SweepFolder(home, "many"), uri, document)
    mirror.open()
    began = time.monotonic()
    mirror.sync()
    speed = mirror.sent["points"] / (time.monotonic() - began)
    mirror.end_parent_run(RunStatus.FINISHED, "", None)
    return speed


def write_trial(folder: SweepFolder, key: str, points: int, rng: np.random.Generator) -> None:
    trial_folder = folder.trial(key)
    trial_folder.samples.mkdir(parents=True)
    walks = rng.normal(size=(points, len(METRICS))).cumsum(axis=0)
    rows = [
        {"step": 10 * (i + 1), "time": 1_700_000_000_000 + i, **dict(zip(METRICS, row, strict=True))}
        for i, row in enumerate(walks.tolist())
    ]
    trial_folder.history_file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    picture = Image.fromarray(rng.integers(0, 255, (274, 274), dtype=np.uint8))
    picture.save(trial_folder.real_images_file)
    picture.save(trial_folder.sample_file(10 * points))
    stable = bool(rng.random() < 0.7)
    verdict: RecordedVerdict = {
        "name": "stable" if stable else "collapsed", "reason": "made up", "since": None if stable else 500,
        "evidence": {},
    }  # fmt: skip
    record = Record(
        key,
        TrialStatus.FINISHED,
        10 * points,
        verdict,
        rows[-1],
        applied={"precision": "float32"},
        evaluator=EVALUATOR,
        environment={"processor": "made up", "python": "3", "packages": {}, "git_commit": None},
        seconds=1.0,
        attempts=[Attempt(1_700_000_000_000, 0, outcome=AttemptOutcome.FINISHED, ended=1_700_000_001_000)],
    )
    trial_folder.write_record(record)


def copy_runs(home: Path, copies: int) -> None:
    """Copy each trial's run in MLflow's database with its tags, parameters and last metrics, and name it in sweep.json.

    A copy has the artifacts of its original, and a run id and a key of its own, which end with its number.
    """
    (file,) = (home / "mlartifacts").glob("**/sweep.json")
    document = json.loads(file.read_text())
    originals, seeds = list(document["trials"]), 1 + max(trial["seed"] for trial in document["trials"])
    with closing(sqlite3.connect(home / "mlflow.db")) as database, database:
        database.execute("CREATE TEMP TABLE originals AS SELECT run_uuid FROM tags WHERE key = 'mlflow.parentRunId'")
        for copy in range(1, copies):
            run_id = f"run_uuid || '-{copy}'"
            tag = f"CASE WHEN key = '{KEY_TAG}' THEN value || '-{copy}' ELSE value END"
            for table in ("runs", "params", "latest_metrics", "tags"):
                changed = {"run_uuid": run_id, **({"value": tag} if table == "tags" else {})}
                columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
                values = ", ".join(changed.get(column, f'"{column}"') for column in columns)
                of_originals = f"SELECT {values} FROM {table} WHERE run_uuid IN (SELECT run_uuid FROM originals)"
                database.execute(f"INSERT INTO {table} {of_originals}")
            for trial in originals:
                seed = trial["seed"] + copy * seeds
                name = f"{trial['configuration']} {seed=}"
                document["trials"].append({**trial, "key": f"{trial['key']}-{copy}", "seed": seed, "name": name})
    file.write_text(json.dumps(document))


def measure(home: Path) -> None:
    command = [str(Path(sys.executable).with_name("orchestrate")), "report", "many", "--home", str(home)]
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    took, memory = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    page = home / "sweeps/many/report/report.html"
    print(f"report: {took:.1f} s, {memory:.2f} GiB at most; {page.stat().st_size / 2**20:.1f} MiB of page")
    if browser := shutil.which("chromium") or shutil.which("google-chrome"):
        print(f"in the browser: {opened(page, browser)}")


def opened(page: Path, browser: str) -> str:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        tab = chromium.new_page(viewport={"width": 1280, "height": 900})
        began = time.monotonic()
        tab.goto(page.as_uri())
        loaded = time.monotonic() - began
        tab.evaluate("document.getElementById('curves-title').scrollIntoView()")
        tab.wait_for_selector("#curves .chart svg.main-svg")
        drawn = time.monotonic() - began
        began = time.monotonic()
        tab.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
        tab.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        scrolled = time.monotonic() - began
        chromium.close()
    return f"open after {loaded:.1f} s, curves drawn after {drawn:.1f} s, a jump to the end takes {scrolled:.1f} s"


if __name__ == "__main__":
    main()
