"""What a worker holds resident, and what brings it.

    python benchmarks/worker_memory.py

In one process, step by step, what a worker does: imports, the digits, their evaluator, a DCGAN in training.
"""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path

import psutil


def main() -> None:
    tell("Python and psutil")
    for name in ("torch", "ray.tune", "orchestrator.scheduling.trainable"):
        importlib.import_module(name)
        tell(f"import {name}")

    from gan_core.config.trial import TrialConfig
    from gan_core.data import datasets
    from gan_core.evaluation import evaluator, features
    from gan_core.training.trainer import Trainer

    settings = TrialConfig()
    images = datasets.load(settings.data)
    with tempfile.TemporaryDirectory() as folder:
        measure = evaluator.build(settings.evaluation, images, features.classifier(images, Path(folder) / "kept.pt"))
    tell("data and evaluator")
    trainer = Trainer(settings, images, "cpu", measure)
    for _ in range(20):
        trainer.step()
    trainer.evaluate()
    tell("20 steps and evaluations")


def tell(what: str) -> None:
    """`shared`: pages of files, which all processes of a machine have together."""
    held = psutil.Process().memory_info()
    print(f"{what:<30}{held.rss / 1e6:6.0f} MB, of which shared {held.shared / 1e6:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
