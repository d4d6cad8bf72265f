"""A sweep under random kills at random moments, each followed by the same command: does it end as if undisturbed?

    python benchmarks/chaos.py --rounds 100

A round is one fault: kill -9 of a worker, of the command (with or without a truncated file), of Ray's own processes or
of the MLflow server (which comes back on the same port), SIGTERM to a worker, Ctrl-C. When a sweep has finished, it is
compared with trials that were trained alone, without Ray (weights, optimisers and random streams; curves on disk and in
MLflow, each point once; each trial finished once), and the next sweep begins. It prints how often each fault happened,
and exits with 1 at the first difference.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from support.commands import SMOKE, invoke, start  # noqa: E402
from support.endings import LONGER, assert_ended_like, train_alone  # noqa: E402
from support.ports import free_port  # noqa: E402
from support.proxy import start_server  # noqa: E402

from orchestrator.signals import FINISHED, INTERRUPTED, SOME_FAILED, WRONG_REQUEST  # noqa: E402
from orchestrator.store.trial_status import AttemptOutcome, TrialStatus  # noqa: E402

EXIT_CODES = (FINISHED, SOME_FAILED, WRONG_REQUEST, INTERRUPTED)
"""The exit codes that a disturbed command may have. WRONG_REQUEST: MLflow did not answer when the command began."""


class Server:
    """An MLflow server on loopback that comes back at the same port."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder, free_port()
        folder.mkdir()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        self.process = start_server(self.folder, self.port)

    def kill(self) -> None:
        children = [*psutil.Process(self.process.pid).children(recursive=True), self.process]
        for process in children:
            process.kill()
        self.process.wait()


class ChaosRun:
    """Runs sweeps under random faults. `rng`: the source of all randomness."""

    def __init__(self, folder: Path, server: Server, reference: Path, rng: random.Random):
        self.folder, self.server, self.reference, self.rng = folder, server, reference, rng
        self.fault_counts: Counter[str] = Counter()
        self.codes: Counter[int] = Counter()
        self.sweeps = 0
        self.process: subprocess.Popen[str] | None = None
        self.faults: dict[str, Callable[[], bool]] = {
            "worker killed": lambda: self._signal_worker(signal.SIGKILL),
            "worker preempted": lambda: self._signal_worker(signal.SIGTERM),
            "command killed": lambda: self._signal_command(signal.SIGKILL),
            "command interrupted": lambda: self._signal_command(signal.SIGINT),
            "raylet killed": lambda: self._kill_ray("raylet"),
            "gcs_server killed": lambda: self._kill_ray("gcs_server"),
            "MLflow killed": self._kill_server,
            "command killed, a file cut off": self._kill_and_cut,
        }

    @property
    def home(self) -> Path:
        return self.folder / f"home-{self.sweeps}"

    def run(self, rounds: int) -> None:
        while self.fault_counts.total() < rounds:
            process = self._command()
            name = self.rng.choice(list(self.faults))
            self._wait_randomly(process)
            if process.poll() is not None:
                self._check_exit_code(process)
            elif self.faults[name]():
                self.fault_counts[name] += 1
                print(f"round {self.fault_counts.total()}: {name}", flush=True)
        if self.process is not None:
            self._check_exit_code(self.process)
        if self.home.exists():
            self._check_exit_code(self._command())  # undisturbed
            if self.home.exists():
                raise SystemExit("undisturbed, the command did not end with 0")

    def _command(self) -> subprocess.Popen[str]:
        if self.process is None:
            words = ("sweep", SMOKE, *LONGER, "--tracking-uri", self.server.uri, "--quiet")
            self.process = start(*words, home=self.home)
        return self.process

    def _wait_randomly(self, process: subprocess.Popen[str]) -> None:
        """Wait for a random moment. In 7 of 10 rounds trials run then: otherwise most faults would hit the start."""
        if self.rng.random() < 0.7:
            while process.poll() is None and not self._running():
                time.sleep(0.1)
        until = time.monotonic() + self.rng.uniform(1, 6)  # before that, Python answers Ctrl-C
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)

    def _check_exit_code(self, process: subprocess.Popen[str]) -> None:
        output, _ = process.communicate(timeout=600)
        self.process = None
        self.codes[process.returncode] += 1
        if process.returncode not in (*EXIT_CODES, -signal.SIGKILL) or "Traceback" in output:
            raise SystemExit(f"the command ended with {process.returncode}:\n{output}")
        if process.returncode == 0:
            self._compare()

    def _compare(self) -> None:
        """Compare the finished sweep with the reference, once the same command has sent what MLflow may lack."""
        done = invoke("sweep", SMOKE, *LONGER, "--tracking-uri", self.server.uri, home=self.home)
        if done.returncode != 0:
            raise SystemExit(f"of a finished sweep, it ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        assert_ended_like(self.home, self.reference, self.server.uri)
        for record in self._records():
            assert [attempt["outcome"] for attempt in record["attempts"]].count(AttemptOutcome.FINISHED) == 1, record[
                "attempts"
            ]
        self.sweeps += 1
        print(f"sweep {self.sweeps} ended as if undisturbed", flush=True)

    def _records(self) -> list[dict[str, Any]]:
        records = []
        for file in self.home.glob("sweeps/smoke/trials/*/record.json"):
            with suppress(ValueError):  # cut off
                records.append(json.loads(file.read_text()))
        return records

    def _running(self) -> list[int]:
        """The processes of the trials that run now."""
        attempts = [r["attempts"][-1] for r in self._records() if r["status"] == TrialStatus.RUNNING]
        return [a["process"] for a in attempts if psutil.pid_exists(a["process"])]

    # The faults: each returns whether there was something to hit

    def _signal_worker(self, number: signal.Signals) -> bool:
        workers = self._running()
        if not workers:
            return False
        try:
            os.kill(self.rng.choice(workers), number)
        except ProcessLookupError:
            return False
        return True

    def _signal_command(self, number: signal.Signals) -> bool:
        assert self.process is not None
        children = self._children()
        os.kill(self.process.pid, number)
        self._check_end(children)
        return True

    def _kill_and_cut(self) -> bool:
        self._signal_command(signal.SIGKILL)
        unfinished = [record["key"] for record in self._records() if record["status"] != TrialStatus.FINISHED]
        trials = [self.home / "sweeps/smoke/trials" / key for key in unfinished]
        files = [trial / name for trial in trials for name in ("checkpoint.pt", "record.json", "history.jsonl")]
        candidates = [file for file in files if file.exists() and file.stat().st_size]
        if not candidates:
            return False
        victim = self.rng.choice(candidates)
        os.truncate(victim, self.rng.randrange(victim.stat().st_size))
        return True

    def _kill_ray(self, name: str) -> bool:
        children = self._children()
        processes = [process for process in children if process.name() == name]
        if not processes:
            return False
        processes[0].kill()
        self._check_end(children)
        return True

    def _kill_server(self) -> bool:
        self.server.kill()
        time.sleep(self.rng.uniform(0, 5))
        self.server.start()
        return True

    def _children(self) -> list[psutil.Process]:
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def _check_end(self, children: list[psutil.Process]) -> None:
        """Check that the command ends with all processes that it started."""
        assert self.process is not None
        self._check_exit_code(self.process)
        _, alive = psutil.wait_procs(children, timeout=20)
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                words = " ".join(process.cmdline())
                if "agent" not in words.lower():
                    raise SystemExit(f"left behind: {process}: {words}")
                process.kill()  # Ray's agents notice a kill -9 after a minute or two


def inject_faults(rounds: int, seed: int, folder: Path, reference: Path) -> ChaosRun:
    """Inject so many faults. Raises at the first sweep that does not end like the one in the home `reference`."""
    server = Server(folder / "mlflow")
    try:
        chaos = ChaosRun(folder, server, reference, random.Random(seed))
        chaos.run(rounds)
        return chaos
    finally:
        server.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20, help="number of faults")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31), help="seed of all randomness")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train_alone(folder / "reference")
        began = time.monotonic()
        chaos = inject_faults(options.rounds, options.seed, folder, folder / "reference")
    minutes = (time.monotonic() - began) / 60
    print(f"{options.rounds} faults in {minutes:.0f} min; {chaos.sweeps} sweeps, all as undisturbed")
    for fault, count in sorted(chaos.fault_counts.items()):
        print(f"{count:5}  {fault}")
    print("exit codes:", ", ".join(f"{code}: {count}" for code, count in sorted(chaos.codes.items())))


if __name__ == "__main__":
    main()
