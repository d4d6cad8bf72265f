"""What the whole job costs around the training: one line for each goal, with the measured value and whether it is met.

    python benchmarks/whole_job.py [--rounds 3] [--without help plan start empty report overhead]

Every number comes from a real command in its own process; short commands are repeated, and the median counts. Imports
are compiled (`.pyc`), as after the first use of an installation. Other programs that run at the same time change the
numbers.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import report_of_many_trials
import scale  # which finds `support`
from goals import GoalResult
from support.postgres import postgres_on_loopback

from gan_core import metric_names

ORCHESTRATE = [sys.executable, "-m", "orchestrator"]
SMOKE = Path(__file__).resolve().parents[1] / "experiments" / "smoke.yaml"
FAST = {
    "sweep": "fast", "seeds": [0, 1], "groups": [{"name": "dcgan"}],
    "trial": {"model": {"family": "dcgan", "width": 4}, "batch_size": 8, "steps": 1000, "log_every": 10,
              "evaluation": {"features": "random", "samples": 80}},
}  # fmt: skip
"""Networks so small that a row is written every few hundredths of a second."""
HALF_MINUTES = {
    "sweep": "half-minutes", "seeds": list(range(20)), "groups": [{"name": "dcgan"}],
    "trial": {"model": {"family": "dcgan"}, "steps": 500},
}  # fmt: skip
PLANNED, EMPTY, REPORTED, ROWS = 10_000, 300, 1000, 50
SENT_TO_POSTGRES = 200
"""Number of the reported trials that are also sent to PostgreSQL."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="repetitions of short commands")
    parser.add_argument("--without", nargs="+", default=[], choices=list(PARTS), help="parts to leave out")
    options = parser.parse_args()
    for result in results(options.rounds, options.without):
        print(result, flush=True)


def results(rounds: int = 3, without: tuple[str, ...] | list[str] = ()) -> Iterator[GoalResult]:
    """The result of each goal, as soon as it is measured."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        for name in ("MLFLOW_TRACKING_URI", "RAY_ADDRESS", "ORCHESTRATE_HOME"):
            os.environ.pop(name, None)
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(Path(scratch) / "compiled"))
        for name, part in PARTS.items():
            if name not in without:
                yield from part(Path(scratch) / name, rounds)


def repeated(words: list[str], rounds: int, environment: dict[str, str] | None = None) -> list[scale.Cost]:
    """The costs of a command, `rounds` times after a first time that is not counted."""
    return [scale.cost(words, environment or {}) for _ in range(rounds + 1)][1:]


def at_most(name: str, values: list[float], limit: float, unit: str, more: str = "") -> GoalResult:
    return GoalResult(name, f"{median(values):.3g} {unit}{more}", f"at most {limit:g} {unit}", median(values) <= limit)


def help_(home: Path, rounds: int) -> Iterator[GoalResult]:
    costs = repeated([*ORCHESTRATE, "--help"], rounds)
    yield at_most("orchestrate --help", [cost.seconds for cost in costs], 0.4, "s")


def plan(home: Path, rounds: int) -> Iterator[GoalResult]:
    home.mkdir()
    file = home / "plan.yaml"
    file.write_text(json.dumps(scale.sweep_of(PLANNED)))
    costs = repeated([*ORCHESTRATE, "plan", str(file), "--home", str(home)], rounds)
    cpu = f", {median(cost.cpu for cost in costs):.3g} s of CPU"
    yield at_most(f"plan of {PLANNED:,} trials", [cost.seconds for cost in costs], 2, "s", cpu)
    yield at_most("its memory", [cost.memory for cost in costs], 300, "MB")


def start(home: Path, rounds: int) -> Iterator[GoalResult]:
    """Seconds from the start of the command to the end of the first step of a trial, on two workers."""
    delays: dict[str, list[float]] = {"empty": [], "kept": []}
    for number in range(rounds + 1):
        own = home / str(number)
        for seed, (kind, seconds) in enumerate(delays.items()):  # the same trials would be copied
            began = time.time()
            run_sweep(SMOKE, own, f"sweep={kind}", f"seeds=[{seed}]", "trial.log_every=1")
            first = min(row["time"] for rows in histories(own, kind) for row in rows if row["step"] == 1)
            seconds.append(first / 1000 - began)
    yield at_most("sweep to its first step", [*delays["kept"][1:]], 12, "s")
    yield at_most("the same from an empty home folder", [*delays["empty"][1:]], 12, "s")


def empty(home: Path, rounds: int) -> Iterator[GoalResult]:
    home.mkdir()
    file = home / "empty.yaml"
    file.write_text(json.dumps(scale.sweep_of(EMPTY)))
    words = [sys.executable, scale.__file__, "--home", str(home), "--workers", "2", "--in-process", str(file)]
    cost = scale.cost(words, {"MLFLOW_TRACKING_URI": f"sqlite:///{home}/mlflow.db"})
    more = f", {cost.cpu / EMPTY:.2g} s of CPU"
    yield at_most(f"{EMPTY} empty trials, each of", [cost.seconds / EMPTY], 0.1, "s", more)


def overhead(home: Path, rounds: int) -> Iterator[GoalResult]:
    """Wall time of a sweep of half-minute trials, divided by their training time per worker; memory of a worker."""
    home.mkdir()
    file = home / "half-minutes.yaml"
    file.write_text(json.dumps(HALF_MINUTES))
    cost = run_sweep(file, home, more=("--system-metrics",))
    records = [json.loads(path.read_text()) for path in home.glob("sweeps/half-minutes/trials/*/record.json")]
    seconds = [record["seconds"] for record in records]
    ratio, each = cost.seconds / (sum(seconds) / 2), median(seconds)
    yield at_most(f"sweep of {len(seconds)} trials, wall over training", [ratio], 1.05, "", f"({each:.0f} s a trial)")
    memory = [
        row.get(metric_names.system("worker_memory_megabytes"), 0)
        for rows in histories(home, "half-minutes")
        for row in rows
    ]
    yield at_most("memory of a worker", [max(memory)], 700, "MB")


def report(home: Path, rounds: int) -> Iterator[GoalResult]:
    """Time of a report, and the speed of the mirror: it fills the store that the report reads."""
    home.mkdir()
    document = report_of_many_trials.write_folders(home, REPORTED, ROWS)
    speeds = {"SQLite": report_of_many_trials.send(home, f"sqlite:///{home}/mlflow.db", document)}
    cost = scale.cost([*ORCHESTRATE, "report", "many", "--home", str(home)], {})
    yield at_most(f"report of {REPORTED:,} trials", [cost.seconds], 12, "s")
    yield at_most("its memory", [cost.memory], 500, "MB")
    with ExitStack() as stack:
        if server := postgres(stack):
            server.create("points")
            os.environ["PGPASSWORD"] = server.password
            part = {**document, "trials": document["trials"][:SENT_TO_POSTGRES]}
            speeds["PostgreSQL"] = report_of_many_trials.send(home, server.uri("points"), part)
    for kind, sweep in {"smoke": SMOKE, "very small networks": FAST}.items():
        produced = points_a_second(sweep, home / kind.split()[0])
        for store, speed in speeds.items():
            goal = f"more than {produced:,.0f} a second"
            yield GoalResult(f"points to {store} ({kind})", f"{speed:,.0f} a second", goal, speed > produced)


def postgres(stack: ExitStack) -> Any:
    """A new server; None if PostgreSQL is not installed."""
    import pytest  # its exception says that PostgreSQL is missing

    try:
        return stack.enter_context(postgres_on_loopback())
    except pytest.skip.Exception as reason:
        print(f"without PostgreSQL: {reason}", file=sys.stderr)
        return None


def points_a_second(sweep: Path | dict[str, Any], home: Path) -> float:
    """The metric values that two trials together write in a second."""
    home.mkdir()
    file = sweep if isinstance(sweep, Path) else home / "made.yaml"
    if isinstance(sweep, dict):
        file.write_text(json.dumps(sweep))
    run_sweep(file, home, "sweep=made")
    long_enough = [rows for rows in histories(home, "made") if len(rows) > 1]
    speeds = [
        sum(len(row) - 2 for row in rows[1:]) * 1000 / (rows[-1]["time"] - rows[0]["time"]) for rows in long_enough
    ]
    return 2 * max(speeds)


def run_sweep(file: Path, home: Path, *settings: str, more: tuple[str, ...] = ()) -> scale.Cost:
    overrides = [word for setting in settings for word in ("--set", setting)]
    words = ["sweep", str(file), "--home", str(home), "--workers", "2", "--quiet", *overrides, *more]
    return scale.cost([*ORCHESTRATE, *words], {})


def histories(home: Path, sweep: str) -> list[list[dict[str, float]]]:
    """The rows of each trial."""
    files = home.glob(f"sweeps/{sweep}/trials/*/history.jsonl")
    return [[json.loads(line) for line in file.read_text().splitlines()] for file in files]


PARTS: dict[str, Callable[[Path, int], Iterator[GoalResult]]] = {
    "help": help_, "plan": plan, "start": start, "empty": empty, "report": report, "overhead": overhead,
}  # fmt: skip


if __name__ == "__main__":
    main()
