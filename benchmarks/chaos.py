"""A sweep under random kills at random moments, and the same command after each: does it end as if undisturbed?

    python benchmarks/chaos.py --rounds 100

A round is one fault: kill -9 of a worker, of the command (with or without a file that is cut off then), of Ray's own
processes or of the MLflow server (which comes back on the same port), SIGTERM to a worker, Ctrl-C. A sweep that is done
in spite of them is compared with an undisturbed one (weights, optimisers and streams; curves on disk and in MLflow,
each point once; each trial finished once), and the next one begins. Prints how often each fault was met, and ends with
1 at the first difference.
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

from support.commands import SMOKE, orchestrate, start  # noqa: E402
from support.endings import LONGER, assert_ended_like  # noqa: E402
from support.proxy import free_port, start_server  # noqa: E402

EXIT_CODES = (0, 1, 2, 130)
"""A command that was disturbed may end with any of these, but not with a crash. 2: MLflow was away when it began."""


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
        family = [*psutil.Process(self.process.pid).children(recursive=True), self.process]
        for process in family:
            process.kill()
        self.process.wait()


class Chaos:
    """`moments`: the source of all randomness."""

    def __init__(self, folder: Path, server: Server, reference: Path, moments: random.Random):
        self.folder, self.server, self.reference, self.moments = folder, server, reference, moments
        self.met: Counter[str] = Counter()
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
        while self.met.total() < rounds:
            process = self._command()
            name = self.moments.choice(list(self.faults))
            self._wait_for_a_moment(process)
            if process.poll() is not None:
                self._ended(process)
            elif self.faults[name]():
                self.met[name] += 1
                print(f"round {self.met.total()}: {name}", flush=True)
        if self.process is not None:
            self._ended(self.process)
        if self.home.exists():
            self._compare()

    def _command(self) -> subprocess.Popen[str]:
        if self.process is None:
            words = ("sweep", SMOKE, *LONGER, "--tracking-uri", self.server.uri, "--quiet")
            self.process = start(*words, home=self.home)
        return self.process

    def _wait_for_a_moment(self, process: subprocess.Popen[str]) -> None:
        """Any time from the command's start, or while trials run: starting takes long, and would get most kills."""
        if self.moments.random() < 0.7:
            while process.poll() is None and not self._running():
                time.sleep(0.1)
        until = time.monotonic() + self.moments.uniform(1, 6)  # before that, Python answers Ctrl-C
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)

    def _ended(self, process: subprocess.Popen[str]) -> None:
        output, _ = process.communicate(timeout=600)
        self.process = None
        self.codes[process.returncode] += 1
        if process.returncode not in (*EXIT_CODES, -signal.SIGKILL) or "Traceback" in output:
            raise SystemExit(f"the command ended with {process.returncode}:\n{output}")
        if process.returncode == 0:
            self._compare()

    def _compare(self) -> None:
        """Once more without a fault, which sends what MLflow missed; then everything must be as in the reference."""
        done = orchestrate("sweep", SMOKE, *LONGER, "--tracking-uri", self.server.uri, home=self.home)
        if done.returncode != 0:
            raise SystemExit(f"undisturbed, the command ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        assert_ended_like(self.home, self.reference, self.server.uri)
        for record in self._records():
            assert [attempt["outcome"] for attempt in record["attempts"]].count("finished") == 1, record["attempts"]
        self.sweeps += 1
        print(f"sweep {self.sweeps} ended as if undisturbed", flush=True)

    def _records(self) -> list[dict[str, Any]]:
        found = []
        for file in self.home.glob("sweeps/smoke/trials/*/record.json"):
            with suppress(ValueError):  # cut off
                found.append(json.loads(file.read_text()))
        return found

    def _running(self) -> list[int]:
        """The processes of the trials that run now."""
        attempts = [r["attempts"][-1] for r in self._records() if r["status"] == "running"]
        return [a["process"] for a in attempts if psutil.pid_exists(a["process"])]

    # The faults: each says whether there was something to hit

    def _signal_worker(self, number: signal.Signals) -> bool:
        workers = self._running()
        if not workers:
            return False
        try:
            os.kill(self.moments.choice(workers), number)
        except ProcessLookupError:
            return False
        return True

    def _signal_command(self, number: signal.Signals) -> bool:
        assert self.process is not None
        family = self._family()
        os.kill(self.process.pid, number)
        self._leaves(family)
        return True

    def _kill_and_cut(self) -> bool:
        self._signal_command(signal.SIGKILL)
        unfinished = [record["key"] for record in self._records() if record["status"] != "finished"]
        trials = [self.home / "sweeps/smoke/trials" / key for key in unfinished]
        files = [trial / name for trial in trials for name in ("checkpoint.pt", "record.json", "history.jsonl")]
        there = [file for file in files if file.exists() and file.stat().st_size]
        if not there:
            return False
        victim = self.moments.choice(there)
        os.truncate(victim, self.moments.randrange(victim.stat().st_size))
        return True

    def _kill_ray(self, name: str) -> bool:
        family = self._family()
        found = [process for process in family if process.name() == name]
        if not found:
            return False
        found[0].kill()
        self._leaves(family)
        return True

    def _kill_server(self) -> bool:
        self.server.kill()
        time.sleep(self.moments.uniform(0, 5))
        self.server.start()
        return True

    def _family(self) -> list[psutil.Process]:
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def _leaves(self, family: list[psutil.Process]) -> None:
        """The command ends, and all that it started."""
        assert self.process is not None
        self._ended(self.process)
        _, alive = psutil.wait_procs(family, timeout=20)
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                words = " ".join(process.cmdline())
                if "agent" not in words.lower():
                    raise SystemExit(f"left behind: {process}: {words}")
                process.kill()  # Ray's agents notice a kill -9 after a minute or two


def torment(rounds: int, seed: int, folder: Path, reference: Path) -> Chaos:
    """So many faults; raises at the first sweep that does not end like `reference`, a home of the longer sweep."""
    server = Server(folder / "mlflow")
    try:
        chaos = Chaos(folder, server, reference, random.Random(seed))
        chaos.run(rounds)
        return chaos
    finally:
        server.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20, help="how many faults")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31), help="of all randomness")
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        done = orchestrate("sweep", SMOKE, *LONGER, home=folder / "reference")
        if done.returncode != 0:
            raise SystemExit(done.stdout + done.stderr)
        began = time.monotonic()
        chaos = torment(asked.rounds, asked.seed, folder, folder / "reference")
    print(
        f"{asked.rounds} faults in {(time.monotonic() - began) / 60:.0f} min; {chaos.sweeps} sweeps, all as undisturbed"
    )
    for fault, count in sorted(chaos.met.items()):
        print(f"{count:5}  {fault}")
    print("exit codes:", ", ".join(f"{code}: {count}" for code, count in sorted(chaos.codes.items())))


if __name__ == "__main__":
    main()
