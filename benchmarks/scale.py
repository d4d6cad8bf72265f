"""What a sweep costs beside its training, and how that grows with its size.

    python benchmarks/scale.py [--trials 1000 3000 10000] [--store postgres|sqlite] [--workers 4] [--home FOLDER]

Sweeps of trials that train nothing (`empty_trial.py`) on a local Ray; all else is the product: plan, Ray Tune, records,
histories, mirror, MLflow. Then `plan`, `status` and `report` of each, as commands of their own, and `mirror`, what
`orchestrate sync` sends to an empty store: how fast MLflow takes rows when nothing else is waited for. On a busy
machine the processor's seconds, which are the command's own, say more than the clock's.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from support.hosts import Host  # noqa: E402
from support.postgres import Postgres  # noqa: E402
from support.proxy import free_port  # noqa: E402

SEEDS = 5
SETTINGS = {
    "optimizer.lr": (1e-4, 1e-4), "stabilizers.label_smoothing": (0.0, 0.1), "stabilizers.instance_noise": (0.0, 0.1),
    "stabilizers.label_flipping": (0.0, 0.05), "stabilizers.r1": (0.0, 5.0), "stabilizers.ema": (0.0, 0.9),
    "batch_size": (32, 32),
}  # fmt: skip
"""Each takes one prime factor of the number of configurations as its number of levels: the first one, and the step to
the next."""


@dataclass(frozen=True)
class Cost:
    """Of one command: seconds by the clock and of CPU, peak memory in MB; points that MLflow got, and in what time."""

    seconds: float
    cpu: float
    memory: float
    points: int = 0
    busy: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description="What a sweep costs beside its training, and how that grows.")
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
        server = stack.enter_context(postgres()) if options.store == "postgres" else None
        found = {}
        for trials in sorted(options.trials):
            print(f"\n{trials:,} trials", flush=True)
            found[trials] = measure(trials, base / str(trials), server, options)
        show_growth(found)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """On loopback, with durable writes as installed, in a folder that goes with it."""
    host = Host("database", "127.0.0.1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)  # its user passes through
        (folder / "data").mkdir()
        secret = folder / "secret"
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_hex(16))
        server = Postgres(host, folder / "data", secret, folder / "log", free_port())
        server.start()
        try:
            yield server
        finally:
            host.kill()


def measure(trials: int, home: Path, server: Postgres | None, options: argparse.Namespace) -> dict[str, Cost]:
    """Runs a sweep of this size in an empty home folder, and the commands on it."""
    home.mkdir(parents=True)
    file = home / "empty.yaml"
    file.write_text(json.dumps(sweep_of(trials, options.reports, options.rows)))
    orchestrate, at_home = [sys.executable, "-m", "orchestrator"], ["--home", str(home)]
    ourselves = [sys.executable, __file__, *at_home, "--workers", str(options.workers)]
    store, empty = (_store(server, home, f"{name}_{trials}") for name in ("swept", "synced"))
    commands = {
        "plan before": ([*orchestrate, "plan", str(file), *at_home], store),
        "sweep": ([*ourselves, "--in-process", str(file)], store),
        "plan after": ([*orchestrate, "plan", str(file), *at_home], store),
        "status": ([*orchestrate, "status", "empty", *at_home], store),
        "report": ([*orchestrate, "report", "empty", *at_home], store),
        "mirror": ([*ourselves, "--mirror-in-process"], empty),
    }
    found = {}
    for name, (words, environment) in commands.items():
        if name not in options.without:
            found[name] = cost(words, environment)
            show(trials, name, found[name])
    if server:
        ((size,),) = server.rows("SELECT pg_database_size(%s)", f"swept_{trials}")
        print(f"  database            {size / 1e6:8.1f} MB", flush=True)
    return found


def sweep_of(trials: int, reports: int = 1, rows: int = 5) -> dict[str, Any]:
    """A grid with a factor for each prime factor of the number of configurations, of networks that need little room."""
    sizes = prime_factors(trials // SEEDS)
    if trials % SEEDS or len(sizes) > len(SETTINGS) or max(sizes) > 7:
        sys.exit(f"{trials} trials: give {SEEDS} times a product of at most {len(SETTINGS)} numbers from 2 to 7")
    grid = {
        setting: [round(first + i * step, 6) for i in range(levels)]
        for (setting, (first, step)), levels in zip(SETTINGS.items(), sizes, strict=False)
    }
    often = {"steps": 100 * reports, "checkpoint_every": 100, "log_every": 100 * reports // rows}
    shared = {"data": {"name": "digits"}, **often, "evaluation": {"features": "random"}}
    groups = [{"name": "dcgan", "trial": {"model": {"family": "dcgan", "width": 4}}, "grid": grid}]
    return {"sweep": "empty", "seeds": list(range(SEEDS)), "trial": shared, "groups": groups}


def prime_factors(number: int) -> list[int]:
    """The largest first."""
    found: list[int] = []
    for divisor in itertools.count(2):
        while number % divisor == 0:
            found.insert(0, divisor)
            number //= divisor
        if number == 1:
            return found
    raise AssertionError


def sweep_in_process(file: Path, home: Path, workers: int) -> None:
    """`orchestrate sweep` of empty trials, without the report, which is measured apart."""
    from rich.console import Console

    from orchestrator.commands import finalize, sweep, sweep_options
    from orchestrator.planning.plan import Plan
    from orchestrator.scheduling import sweep_runner
    from orchestrator.tracking.mirror import Mirror

    mirrors, walls = list[Mirror](), list[float]()

    def finalize_without_report(mirror: Mirror, status: str, *_: Any) -> finalize.FinalResult:
        mirror.finish(status, "", None)
        mirrors.append(mirror)
        return finalize.FinalResult()

    class EmptySweepRunner(sweep_runner.SweepRunner):
        def train(self, plan: Plan) -> None:
            from empty_trial import EmptyTrial  # Ray must not be imported before the sweep has prepared it

            from orchestrator.scheduling import tune_run

            tune_run.TrialTrainable = EmptyTrial  # type: ignore[assignment, misc]
            super().train(plan)
            walls.append(self.wall)

    sweep.SweepRunner, finalize.finalize = EmptySweepRunner, finalize_without_report  # type: ignore[misc, assignment]
    options = sweep_options.SweepOptions(home, os.environ["MLFLOW_TRACKING_URI"], workers=workers)
    with open(home / "said.txt", "w") as said:
        code = sweep.run_sweep(file, [], options, Console(file=said))
    tell(code, mirrors[0].sent["points"], sum(walls))


def mirror_in_process(home: Path) -> None:
    """What `orchestrate sync` does before it writes the report, into a store that holds nothing."""
    from orchestrator.store.sweep_folder import SweepFolder
    from orchestrator.tracking.mirror import Mirror

    folder = SweepFolder(home, "empty")
    mirror = Mirror(folder, os.environ["MLFLOW_TRACKING_URI"], folder.sweep(), rebuild=True)
    mirror.open()
    began = time.monotonic()
    mirror.sync()
    tell(0, mirror.sent["points"], time.monotonic() - began)


def tell(code: int, points: int, busy: float) -> None:
    """The last line, for `cost`. Ray's own processes are children of the command, whose CPU is not its own."""
    if code:
        sys.exit(code)
    own = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"points": points, "busy": busy, "cpu": own.ru_utime + own.ru_stime}))


def cost(words: list[str], environment: dict[str, str]) -> Cost:
    """Runs a command to its end. Its peak memory is that of the largest of its processes that it waited for."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(words, stdout=said, env={**os.environ, **environment})
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().decode()
    if process.returncode:
        sys.exit(f"{' '.join(words)} ended with code {process.returncode}\n{text[-2000:]}")
    told = json.loads(text.splitlines()[-1]) if text.rstrip().endswith("}") else {}
    own = {"cpu": usage.ru_utime + usage.ru_stime, **told}
    return Cost(time.monotonic() - began, memory=usage.ru_maxrss / 1000, **own)


def _store(server: Postgres | None, home: Path, name: str) -> dict[str, str]:
    """A new store for MLflow, as a command's environment names it."""
    if server is None:
        return {"MLFLOW_TRACKING_URI": f"sqlite:///{home / name}.db"}
    server.create(name)
    return {"MLFLOW_TRACKING_URI": server.uri(name), "PGPASSWORD": server.password}


def show(trials: int, name: str, one: Cost) -> None:
    rate = f", {one.points:,} points at {one.points / one.busy:,.0f} a second" if one.busy else ""
    each = f"{1000 * one.seconds / trials:8.2f} ms and {1000 * one.cpu / trials:6.2f} ms of CPU a trial"
    print(f"  {name:<20}{one.seconds:8.1f} s {one.cpu:8.1f} s of CPU {one.memory:7.0f} MB{each}{rate}", flush=True)


def show_growth(found: dict[int, dict[str, Cost]]) -> None:
    """What a trial costs in each size over what it costs in the smallest: 1 is linear, less is start-up."""
    first = min(found)
    for trials in sorted(found)[1:]:
        print(f"\na trial of {trials:,} over one of {first:,}")
        for name, one in found[trials].items():
            before = found[first][name]
            ratios = (one.seconds / before.seconds, one.cpu / before.cpu, one.memory / before.memory)
            shown = [f"{ratio * first / trials:6.2f}" for ratio in ratios]
            print(f"  {name:<20}seconds {shown[0]}  CPU {shown[1]}  memory {shown[2]}")


if __name__ == "__main__":
    main()
