"""What a sweep costs apart from its training, and how that cost grows with the number of trials.

    python benchmarks/scale.py [--trials 1000 3000 10000] [--store postgres|sqlite] [--workers 4] [--home FOLDER]

It runs sweeps of trials that train nothing (`empty_trial.py`) on a local Ray; everything else is the product: plan, Ray
Tune, records, histories, mirror, MLflow. Then it runs `plan`, `status` and `report` on each sweep, and `mirror`: what
`orchestrate sync` sends to an empty store, which shows how fast MLflow takes rows. On a busy machine the CPU seconds of
the command say more than the seconds by the clock.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from support.postgres import Postgres, postgres_on_loopback  # noqa: E402

SEEDS = 5
SETTINGS = {
    "optimizer.lr": (1e-4, 1e-4), "stabilizers.label_smoothing": (0.0, 0.1), "stabilizers.instance_noise": (0.0, 0.1),
    "stabilizers.label_flipping": (0.0, 0.05), "stabilizers.r1": (0.0, 5.0), "stabilizers.ema": (0.0, 0.9),
    "batch_size": (32, 32),
}  # fmt: skip
"""setting -> (first level, distance to the next level). The number of levels of each setting is a prime factor of the
number of configurations."""


@dataclass(frozen=True)
class Cost:
    """The cost of one command.

    `seconds`: by the clock. `cpu`: seconds of CPU. `memory`: peak, in MB. `points`: metric values that MLflow received.
    `busy`: the seconds in which it received them.
    """

    seconds: float
    cpu: float
    memory: float
    points: int = 0
    busy: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description="What a sweep costs apart from its training, and how that grows.")
    parser.add_argument("--trials", type=int, nargs="+", default=[1000, 3000, 10000])
    parser.add_argument("--store", choices=["postgres", "sqlite"], default="postgres")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--reports", type=int, default=1, help="how often each trial reports to the command")
    parser.add_argument("--rows", type=int, default=5, help="of each history, of 11 points each")
    parser.add_argument("--home", type=Path, help="where to keep everything (default: nowhere)")
    parser.add_argument("--without", nargs="+", default=[], metavar="COMMAND", help="commands to leave out")
    parser.add_argument("--in-process", type=Path, metavar="FILE", help=argparse.SUPPRESS)
    parser.add_argument("--mirror-in-process", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.in_process:
        sweep_in_process(options.in_process, options.home, options.workers)
        return
    if options.mirror_in_process:
        mirror_in_process(options.home)
        return
    with ExitStack() as stack:
        base = options.home or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(postgres_on_loopback()) if options.store == "postgres" else None
        costs = {}
        for trials in sorted(options.trials):
            print(f"\n{trials:,} trials", flush=True)
            costs[trials] = measure(trials, base / str(trials), server, options)
        print_growth(costs)


def measure(trials: int, home: Path, server: Postgres | None, options: argparse.Namespace) -> dict[str, Cost]:
    """The costs of a sweep of this size in an empty home folder, and of the commands on it."""
    home.mkdir(parents=True)
    file = home / "empty.yaml"
    file.write_text(json.dumps(sweep_of(trials, options.reports, options.rows)))
    orchestrate, home_option = [sys.executable, "-m", "orchestrator"], ["--home", str(home)]
    this_script = [sys.executable, __file__, *home_option, "--workers", str(options.workers)]
    store, empty_store = (_store(server, home, f"{name}_{trials}") for name in ("swept", "synced"))
    commands = {
        "plan before": ([*orchestrate, "plan", str(file), *home_option], store),
        "sweep": ([*this_script, "--in-process", str(file)], store),
        "plan after": ([*orchestrate, "plan", str(file), *home_option], store),
        "status": ([*orchestrate, "status", "empty", *home_option], store),
        "report": ([*orchestrate, "report", "empty", *home_option], store),
        "mirror": ([*this_script, "--mirror-in-process"], empty_store),
    }
    costs = {}
    for name, (words, environment) in commands.items():
        if name not in options.without:
            costs[name] = cost(words, environment)
            print_cost(trials, name, costs[name])
    if server:
        ((size,),) = server.rows("SELECT pg_database_size(%s)", f"swept_{trials}")
        print(f"  database            {size / 1e6:8.1f} MB", flush=True)
    return costs


def sweep_of(trials: int, reports: int = 1, rows: int = 5) -> dict[str, Any]:
    """A sweep file with a grid of so many trials, with networks that need little memory.

    Each prime factor of the number of configurations is the number of levels of one setting.
    """
    sizes = prime_factors(trials // SEEDS)
    if trials % SEEDS or len(sizes) > len(SETTINGS) or max(sizes) > 7:
        sys.exit(f"{trials} trials: give {SEEDS} times a product of at most {len(SETTINGS)} numbers from 2 to 7")
    grid = {
        setting: [round(first + i * step, 6) for i in range(levels)]
        for (setting, (first, step)), levels in zip(SETTINGS.items(), sizes, strict=False)
    }
    intervals = {"steps": 100 * reports, "checkpoint_every": 100, "log_every": 100 * reports // rows}
    shared = {"data": {"name": "digits"}, **intervals, "evaluation": {"features": "random"}}
    groups = [{"name": "dcgan", "trial": {"model": {"family": "dcgan", "width": 4}}, "grid": grid}]
    return {"sweep": "empty", "seeds": list(range(SEEDS)), "trial": shared, "groups": groups}


def prime_factors(number: int) -> list[int]:
    """The largest first."""
    factors: list[int] = []
    for divisor in itertools.count(2):
        while number % divisor == 0:
            factors.insert(0, divisor)
            number //= divisor
        if number == 1:
            return factors
    raise AssertionError


def sweep_in_process(file: Path, home: Path, workers: int) -> None:
    """`orchestrate sweep` of empty trials, without the report: that is measured on its own."""
    from rich.console import Console

    from orchestrator.commands import finalize, sweep, sweep_options
    from orchestrator.planning.plan import Plan
    from orchestrator.scheduling import sweep_runner
    from orchestrator.sweepfile import loader
    from orchestrator.tracking.client import RunStatus
    from orchestrator.tracking.mirror import Mirror

    mirrors, walls = list[Mirror](), list[float]()

    def finalize_without_report(mirror: Mirror, status: RunStatus, *_: Any) -> finalize.FinalResult:
        mirror.end_parent_run(status, "", None)
        mirrors.append(mirror)
        return finalize.FinalResult()

    class EmptySweepRunner(sweep_runner.SweepRunner):
        def train(self, plan: Plan) -> None:
            from empty_trial import EmptyTrial  # Ray must not be imported before the sweep has prepared it

            from orchestrator.scheduling import tune_run

            tune_run.TrialTrainable = EmptyTrial  # type: ignore[assignment, misc]
            super().train(plan)
            walls.append(self.utilization.wall)

    sweep.SweepRunner, finalize.finalize = EmptySweepRunner, finalize_without_report  # type: ignore[misc, assignment]
    options = sweep_options.SweepOptions(home, os.environ["MLFLOW_TRACKING_URI"], workers=workers)
    with open(home / "output.txt", "w") as output:
        exit_code = sweep.run_sweep(loader.load(file), options, Console(file=output)).exit_code
    print_measurements(exit_code, mirrors[0].sent["points"], sum(walls))


def mirror_in_process(home: Path) -> None:
    """What `orchestrate sync` does before it writes the report, into an empty store."""
    from orchestrator.store.sweep_folder import SweepFolder
    from orchestrator.tracking.mirror import Mirror

    folder = SweepFolder(home, "empty")
    mirror = Mirror(folder, os.environ["MLFLOW_TRACKING_URI"], folder.document(), compare_all=True)
    mirror.open()
    began = time.monotonic()
    mirror.sync()
    print_measurements(0, mirror.sent["points"], time.monotonic() - began)


def print_measurements(exit_code: int, points: int, busy: float) -> None:
    """Print the line that `cost` reads: it counts this process's CPU alone, without that of Ray's processes."""
    if exit_code:
        sys.exit(exit_code)
    own = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"points": points, "busy": busy, "cpu": own.ru_utime + own.ru_stime}))


def cost(words: list[str], environment: dict[str, str]) -> Cost:
    """Run a command to its end. Its peak memory is that of the largest process that it waited for."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(words, stdout=output, env={**os.environ, **environment})
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode()
    if process.returncode:
        sys.exit(f"{' '.join(words)} ended with code {process.returncode}\n{text[-2000:]}")
    measured = json.loads(text.splitlines()[-1]) if text.rstrip().endswith("}") else {}
    own = {"cpu": usage.ru_utime + usage.ru_stime, **measured}
    return Cost(time.monotonic() - began, memory=usage.ru_maxrss / 1000, **own)


def _store(server: Postgres | None, home: Path, name: str) -> dict[str, str]:
    """The environment variables that name a new, empty store for MLflow."""
    if server is None:
        return {"MLFLOW_TRACKING_URI": f"sqlite:///{home / name}.db"}
    server.create(name)
    return {"MLFLOW_TRACKING_URI": server.uri(name), "PGPASSWORD": server.password}


def print_cost(trials: int, name: str, cost: Cost) -> None:
    rate = f", {cost.points:,} points at {cost.points / cost.busy:,.0f} a second" if cost.busy else ""
    each = f"{1000 * cost.seconds / trials:8.2f} ms and {1000 * cost.cpu / trials:6.2f} ms of CPU a trial"
    print(f"  {name:<20}{cost.seconds:8.1f} s {cost.cpu:8.1f} s of CPU {cost.memory:7.0f} MB{each}{rate}", flush=True)


def print_growth(costs: dict[int, dict[str, Cost]]) -> None:
    """Print what a trial costs in each size, divided by its cost in the smallest sweep: 1 is linear growth."""
    first = min(costs)
    for trials in sorted(costs)[1:]:
        print(f"\na trial of {trials:,} over one of {first:,}")
        for name, cost in costs[trials].items():
            smallest = costs[first][name]
            ratios = (cost.seconds / smallest.seconds, cost.cpu / smallest.cpu, cost.memory / smallest.memory)
            texts = [f"{ratio * first / trials:6.2f}" for ratio in ratios]
            print(f"  {name:<20}seconds {texts[0]}  CPU {texts[1]}  memory {texts[2]}")


if __name__ == "__main__":
    main()
