"""Many tiny trials in one command: do its memory, open files and threads stay constant, and does it clean up?

    python benchmarks/soak.py [--trials 300]

Prints memory, open files and threads of the command at each tenth of the trials, and what its temporary folder leaves.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.commands import start

from orchestrator.store.temp_folder import temp_parent

SWEEP = """
sweep: soak
trial: {{steps: 2, log_every: 1, batch_size: 8, model: {{width: 4}}, evaluation: {{every: 2, samples: 80, features: random}}}}
seeds: [{seeds}]
groups:
  - name: dcgan
"""  # noqa: E501


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "soak.yaml"
        file.write_text(SWEEP.format(seeds=", ".join(map(str, range(options.trials)))))
        began = time.monotonic()
        process = start("sweep", file, "--quiet", home=Path(name) / "home")
        print("trials ended   MiB   open files   threads")
        watch(process, Path(name) / "home", options.trials)
        output, _ = process.communicate()
        print(f"{options.trials} trials in {time.monotonic() - began:.0f} s, exit code {process.returncode}")
        if process.returncode:
            raise SystemExit(output)
    left = list(temp_parent().glob(f"orchestrate-{process.pid}-*"))
    print(f"left in the temporary folder: {', '.join(map(str, left)) or 'nothing'}")


def watch(process: subprocess.Popen[str], home: Path, trials: int) -> None:
    command, next_print = psutil.Process(process.pid), 0
    while process.poll() is None:
        ended = len(list(home.glob("sweeps/soak/trials/*/generator.pt")))
        if ended >= next_print and ended:
            try:
                usage = (command.memory_info().rss / 2**20, command.num_fds(), command.num_threads())
            except psutil.NoSuchProcess:
                return
            print(f"{ended:12} {usage[0]:5.0f} {usage[1]:12} {usage[2]:9}", flush=True)
            next_print += max(1, trials // 10)
        time.sleep(0.5)


if __name__ == "__main__":
    main()
