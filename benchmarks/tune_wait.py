"""What one event costs Ray Tune's loop where many trials run: it shuffles the futures of all and waits for one of them.

    python benchmarks/tune_wait.py [--running 16 256 1024 4096]

This is what `RayActorManager.next` of ray 2.60 does at each event, with nothing else; the futures are those of an actor
that never answers.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from typing import Any

import ray

EVENTS = 100


@ray.remote
class Trials:
    async def train(self) -> None:
        await asyncio.sleep(1e6)

    async def report(self) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description="What one event costs Ray Tune's loop where many trials run.")
    parser.add_argument("--running", type=int, nargs="+", default=[16, 256, 1024, 4096])
    options = parser.parse_args()
    ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    silent, trials = Trials.remote(), Trials.remote()  # type: ignore[attr-defined]
    futures = [silent.train.remote() for _ in range(max(options.running))]
    for running in options.running:
        seconds, cpu = event(trials, futures[:running])
        print(f"{running:6} running: {1000 * seconds:7.2f} ms and {1000 * cpu:7.2f} ms of CPU an event", flush=True)
    ray.shutdown()


def event(trials: Any, futures: list[Any]) -> tuple[float, float]:
    """Seconds by the clock and of this process's CPU for an event, of a trial that has reported already."""
    took = cpu = 0.0
    for _ in range(EVENTS):
        report = trials.report.remote()
        ray.get(report)
        began, processor = time.monotonic(), time.process_time()
        waiting = [*futures, report]
        random.shuffle(waiting)
        ray.wait(waiting, num_returns=1, timeout=0.1)
        took, cpu = took + time.monotonic() - began, cpu + time.process_time() - processor
    return took / EVENTS, cpu / EVENTS


if __name__ == "__main__":
    main()
