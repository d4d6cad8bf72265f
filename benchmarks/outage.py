"""Whether training is slower while MLflow hangs or is down: undisturbed and disturbed sweeps in turn, medians.

    python benchmarks/outage.py [--rounds 3] [--steps 200]

Each sweep has an MLflow server and a home folder of its own. `hang`: the server is stopped (SIGSTOP) once the first
trial is in it, so it accepts and never answers; `down`: it is killed. What is compared is the trials' own seconds of
training, and the time from the first step to the last.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.proxy import free_port, start_server  # noqa: E402

from orchestrator.store.sweep_folder import SweepFolder  # noqa: E402
from orchestrator.tracking.mirror_file import run_ids  # noqa: E402

SIGNALS = {"undisturbed": None, "hang": signal.SIGSTOP, "down": signal.SIGKILL}


def main() -> None:
    parser = argparse.ArgumentParser(description="Whether training is slower while MLflow does not answer.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in SIGNALS}
    for number in range(options.rounds):
        for name, disturbance in SIGNALS.items():
            found[name].append(measure(disturbance, options.steps))
            training, wall = found[name][-1]
            print(f"round {number + 1} {name}: training {training:.1f} s, {wall:.1f} s on the wall", flush=True)
    usual = [statistics.median(values) for values in zip(*found["undisturbed"], strict=True)]
    for name in ("hang", "down"):
        median = [statistics.median(values) for values in zip(*found[name], strict=True)]
        print(f"{name}: training {median[0] / usual[0]:.3f}, wall {median[1] / usual[1]:.3f} of undisturbed")


def measure(disturbance: signal.Signals | None, steps: int) -> tuple[float, float]:
    """(the trials' seconds of training, seconds from the first trial's beginning to the last one's end)."""
    with tempfile.TemporaryDirectory() as scratch:
        place, port = Path(scratch), free_port()
        server = start_server(place, port)
        command = [sys.executable, "-m", "orchestrator", "sweep"]
        command += [str(ROOT / "experiments" / "smoke.yaml"), "--home", str(place / "home"), "--set"]
        command += [f"trial.steps={steps}", "--tracking-uri", f"http://127.0.0.1:{port}"]
        folder = SweepFolder(place / "home", "smoke")
        try:
            sweep = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            while not run_ids(folder) and sweep.poll() is None:
                time.sleep(0.1)
            if disturbance:
                os.killpg(server.pid, disturbance)
            if sweep.wait():
                raise SystemExit("the sweep failed")
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
        records = [folder.trial(trial["key"]).record() for trial in folder.document()["trials"]]
    began = min(record.attempts[0]["began"] for record in records)
    ended = max(record.attempts[-1]["ended"] for record in records)
    return sum(record.seconds for record in records), (ended - began) / 1000


if __name__ == "__main__":
    main()
