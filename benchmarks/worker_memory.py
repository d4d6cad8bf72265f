"""The resident memory of a worker, and which imports and objects take it.

    python benchmarks/worker_memory.py

It does in one process, step by step, what a worker does: imports, the digits, their evaluator, a DCGAN in training.
"""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path

import psutil


def main() -> None:
    print_memory("Python and psutil")
    for name in ("torch", "ray.tune", "orchestrator.scheduling.trainable"):
        importlib.import_module(name)
        print_memory(f"import {name}")

    from gan_core.config.trial import TrialConfig
    from gan_core.data import datasets
    from gan_core.evaluation import evaluator, features
    from gan_core.training.trainer import Trainer

    settings = TrialConfig()
    images = datasets.load(settings.data)
    with tempfile.TemporaryDirectory() as folder:
        quality = evaluator.build(settings.evaluation, images, features.classifier(images, Path(folder) / "kept.pt"))
    print_memory("data and evaluator")
    trainer = Trainer(settings, images, "cpu", quality)
    for _ in range(20):
        trainer.step()
    trainer.evaluate()
    print_memory("20 steps and evaluations")


def print_memory(step: str) -> None:
    """Print the memory after a step. Shared: pages of files, which a machine holds once for all processes."""
    memory = psutil.Process().memory_info()
    print(f"{step:<30}{memory.rss / 1e6:6.0f} MB, of which shared {memory.shared / 1e6:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
