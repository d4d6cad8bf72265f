"""Images per second of several trials that share a GPU, against those of one trial alone.

    python benchmarks/one_gpu.py [--families dcgan acgan wgan_gp] [--together 1 2 4 8] [--seconds 15] [--device cuda]

Each trial is a process, as a worker is, with the papers' networks of width 32 and batches of 64 on the bundled digits.
Images per second are the sum over the trials, measured after all have taken their first steps.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from typing import Any

import torch
from goals import GoalResult
from one_trial import FAMILIES, config

from gan_core.config.trial import TrialConfig
from gan_core.data import datasets
from gan_core.training.cuda_graph import WARM_UP_STEPS
from gan_core.training.trainer import Trainer

GOAL = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--families", nargs="+", default=FAMILIES, choices=FAMILIES)
    parser.add_argument("--together", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--device", default="cuda")
    options = parser.parse_args()
    for family in options.families:
        speeds = {count: together(count, family, options.seconds, options.device) for count in options.together}
        speeds_text = ", ".join(f"{count}: {speed:,.0f}" for count, speed in speeds.items())
        ratio = max(speeds.values()) / speeds[min(speeds)]
        print(f"{family}, images/s by number of trials: {speeds_text}")
        print(
            GoalResult(
                "    the best against the smallest number of trials",
                f"{ratio:.2f}x",
                f"at least {GOAL}x",
                ratio >= GOAL,
            )
        )


def together(count: int, family: str, seconds: float, device: str) -> float:
    """Images per second of `count` trials at once."""
    spawn = multiprocessing.get_context("spawn")
    ready, queue = spawn.Barrier(count), spawn.SimpleQueue()
    processes = [spawn.Process(target=train, args=(family, seconds, device, ready, queue)) for _ in range(count)]
    for process in processes:
        process.start()
    speeds = [queue.get() for _ in processes]
    for process in processes:
        process.join()
    return sum(speeds)


def train(family: str, seconds: float, device: str, ready: Any, speeds: Any) -> None:
    torch.set_num_threads(1)
    trainer = Trainer(config(family), datasets.load(TrialConfig().data), device)
    for _ in range(WARM_UP_STEPS + 2):
        trainer.step()
    first = trainer.step_count
    ready.wait()
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        trainer.step()
        if device != "cpu" and trainer.step_count % 50 == 0:
            torch.cuda.synchronize()
    if device != "cpu":
        torch.cuda.synchronize()
    images = (trainer.step_count - first) * trainer.config.batch_size * trainer.config.loss.n_critic
    speeds.put(images / (time.perf_counter() - began))


if __name__ == "__main__":
    main()
