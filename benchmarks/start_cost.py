"""The processor time of a small sweep, process by process: what a start costs, wherever it is spent.

    python benchmarks/start_cost.py [--rounds 3]

It runs `experiments/smoke.yaml` (four trials of 20 steps, two workers) in a home that has seen it once, and looks at
the command and all that it starts every 50 ms. A process is counted up to the last look before its end. On a busy
machine these seconds say more than those by the clock.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median

import psutil

SMOKE = Path(__file__).resolve().parents[1] / "experiments" / "smoke.yaml"
SECONDS_BETWEEN_LOOKS = 0.05
KINDS = {
    "default_worker": "workers", "gcs_server": "GCS", "raylet/raylet": "raylet",
    "dashboard/agent": "node's agent", "runtime_env/agent": "environments' agent", "dashboard/dashboard": "dashboard",
    "log_monitor": "log monitor", "monitor.py": "autoscaler's monitor",
}  # fmt: skip
"""Part of the first words of a command line -> what it is."""
OTHER = "other"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as home:
        costs = [cost(home, number) for number in range(rounds + 1)][1:]
    for name in sorted({name for each in costs for name in each}):
        print(f"{name:<22}{median(each[name] for each in costs):6.2f} s of CPU")
    print(f"{'all':<22}{median(each.total() for each in costs):6.2f} s of CPU")


def cost(home: str, seed: int) -> Counter[str]:
    """CPU seconds by kind of process."""
    settings = ["--set", f"sweep=smoke-{seed}", "--set", f"seeds=[{seed}]"]  # the same trials would be copied
    words = ["sweep", str(SMOKE), "--home", home, "--workers", "2", "--quiet", *settings]
    kinds, seconds = dict[psutil.Process, str](), dict[psutil.Process, float]()
    with subprocess.Popen([sys.executable, "-m", "orchestrator", *words], stdout=subprocess.DEVNULL) as run:
        command = psutil.Process(run.pid)
        while run.poll() is None:
            for process in [command, *command.children(recursive=True)]:
                try:
                    used, first = process.cpu_times(), process.cmdline()[:4]
                except psutil.Error:
                    continue
                kind = "command" if process == command else kind_of(first)
                if kinds.get(process, OTHER) in (OTHER, "raylet") and kind != OTHER:
                    kinds[process] = kind  # the raylet's forks have its name at first, and later names are titles
                seconds[process] = used.user + used.system
            time.sleep(SECONDS_BETWEEN_LOOKS)
    if run.returncode not in (0, 1):
        sys.exit(f"the sweep ended with code {run.returncode}")
    spent = Counter[str]()
    for process, used in seconds.items():
        spent[kinds.get(process, OTHER)] += used
    return spent


def kind_of(words: list[str]) -> str:
    return next((kind for part, kind in KINDS.items() if any(part in word for word in words)), OTHER)


if __name__ == "__main__":
    main()
