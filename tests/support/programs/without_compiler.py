"""Trains with every kind of step, an evaluation by a classifier that is trained first, and a state that is saved and
read. Ends with 1 if torch's compiler was imported for it, which takes seconds."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gan_core.config.sections import DataConfig
from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import load
from gan_core.evaluation import classifier, evaluator, features
from gan_core.training.trainer import Trainer

COMMON: dict[str, Any] = {
    "data": {"classes": (0, 1)},
    "batch_size": 8,
    "steps": 2,
    "evaluation": {"every": 1, "samples": 80},
}
FAMILIES: tuple[dict[str, Any], ...] = (
    {"model": {"family": "dcgan", "width": 4}, "stabilizers": {"ema": 0.9, "spectral_norm": True, "r1": 1.0}},
    {"model": {"family": "acgan", "width": 4}, "optimizer": {"name": "sgd", "momentum": 0.5}},
    {"model": {"family": "dcgan", "width": 4}, "optimizer": {"name": "rmsprop"}},
    {"model": {"family": "dcgan", "width": 4}, "optimizer": {"schedule": {"lr": "cosine", "beta2": 0.9}}},
    {"model": {"family": "wgan_gp", "width": 4}, "loss": {"n_critic": 1}},
)


def main() -> None:
    classifier.EPOCHS = 1
    images = load(DataConfig(classes=(0, 1)))
    with TemporaryDirectory() as folder:
        for settings in FAMILIES:
            config = TrialConfig.model_validate(COMMON | settings)
            trained = features.classifier(images, Path(folder) / "classifier.pt")
            trainer = Trainer(config, images, "cpu", evaluator.build(config.evaluation, images, trained))
            trainer.step()
            trainer.load_state_dict(trainer.state_dict())
            trainer.step()
    sys.exit("torch._dynamo" in sys.modules)


if __name__ == "__main__":
    main()
