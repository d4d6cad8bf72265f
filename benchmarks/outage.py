"""Whether training is slower while MLflow hangs or is down: undisturbed and disturbed sweeps in turn, medians.

    python benchmarks/outage.py [--rounds 3] [--steps 200]

Each sweep has its own MLflow server and home folder. `hang`: once the first trial is in MLflow, the server is stopped
(SIGSTOP), so that it accepts requests and never answers. `down`: it is killed. The seconds of training that the trials
report are compared, and the time from the first step to the last.
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

from support.ports import free_port  # noqa: E402
from support.proxy import start_server  # noqa: E402

from orchestrator.store.sweep_folder import SweepFolder  # noqa: E402
from orchestrator.tracking.mirror_file import run_ids  # noqa: E402

SIGNALS = {"undisturbed": None, "hang": signal.SIGSTOP, "down": signal.SIGKILL}


def main() -> None:
    parser = argparse.ArgumentParser(description="Whether training is slower while MLflow does not answer.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args()
    measurements: dict[str, list[tuple[float, float]]] = {name: [] for name in SIGNALS}
    for number in range(options.rounds):
        for name, disturbance in SIGNALS.items():
            measurements[name].append(measure(disturbance, options.steps))
            training, wall = measurements[name][-1]
            print(f"round {number + 1} {name}: training {training:.1f} s, {wall:.1f} s on the wall", flush=True)
    undisturbed = [statistics.median(values) for values in zip(*measurements["undisturbed"], strict=True)]
    for name in ("hang", "down"):
        median = [statistics.median(values) for values in zip(*measurements[name], strict=True)]
        print(
            f"{name}: training {median[0] / undisturbed[0]:.3f}, wall {median[1] / undisturbed[1]:.3f} of undisturbed"
        )


def measure(disturbance: signal.Signals | None, steps: int) -> tuple[float, float]:
    """(seconds of training of all trials, seconds from the beginning of the first trial to the end of the last)."""
    with tempfile.TemporaryDirectory() as scratch:
        scratch_folder, port = Path(scratch), free_port()
        server = start_server(scratch_folder, port)
        command = [sys.executable, "-m", "orchestrator", "sweep"]
        command += [str(ROOT / "experiments" / "smoke.yaml"), "--home", str(scratch_folder / "home"), "--set"]
        command += [f"trial.steps={steps}", "--tracking-uri", f"http://127.0.0.1:{port}"]
        folder = SweepFolder(scratch_folder / "home", "smoke")
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
    began = min(record.attempts[0].began for record in records)
    ended = max(record.attempts[-1].ended or 0 for record in records)
    return sum(record.seconds for record in records), (ended - began) / 1000


if __name__ == "__main__":
    main()
