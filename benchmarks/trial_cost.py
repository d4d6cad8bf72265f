"""How far is the model of a trial's cost (`orchestrator/planning/trial_cost.py`) off on this machine?

    python benchmarks/trial_cost.py

It times steps and an evaluation of many configurations, on one thread, by the processor's time. A configuration's
slowness is measured over modelled seconds. Only the spread of the slowness matters: `plan` scales one configuration's
time from another's.
"""

from __future__ import annotations

import time
from statistics import median
from typing import Any

import torch

from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import load
from gan_core.evaluation.evaluator import build
from gan_core.evaluation.features import random_features
from gan_core.training.trainer import Trainer
from orchestrator.planning.trial_cost import evaluation_seconds, step_seconds

SECONDS_A_CONFIGURATION, MIN_STEPS = 2.5, 3

CONFIGURATIONS: dict[str, dict[str, Any]] = {
    **{f"dcgan, width {width}": {"model": {"width": width}} for width in (8, 16, 32, 64)},
    **{f"dcgan, batch {batch}": {"batch_size": batch} for batch in (16, 128)},
    "dcgan, 64 pixels": {"data": {"image_size": 64}},
    "dcgan, original networks": {"model": {"networks": "original"}, "batch_size": 128},
    **{f"acgan, width {width}": {"model": {"family": "acgan", "width": width}} for width in (8, 16, 32)},
    "acgan, width 8, batch 16": {"model": {"family": "acgan", "width": 8}, "batch_size": 16},
    "wgan_gp, width 8, 2 critic steps": {"model": {"family": "wgan_gp", "width": 8}, "loss": {"n_critic": 2}},
    "wgan_gp, 2 critic steps": {"model": {"family": "wgan_gp"}, "loss": {"n_critic": 2}},
    "wgan_gp": {"model": {"family": "wgan_gp"}},
    "wgan_gp, width 16": {"model": {"family": "wgan_gp", "width": 16}},
    "dcgan, 128 pixels, batch 16": {"data": {"image_size": 128}, "batch_size": 16},
    **{f"r3gan, width {width}": {"model": {"family": "r3gan", "width": width}} for width in (8, 16, 32)},
    "r3gan, width 8, 64 pixels": {"model": {"family": "r3gan", "width": 8}, "data": {"image_size": 64}},
    **{
        f"{family}, width {width}": {"model": {"family": family, "width": width}, "loss": {"n_critic": 2}}
        for family in ("sngan", "sngan_projection")
        for width in (8, 16)
    },
    **{
        f"wgan_gp, resnet, width {width}": {
            "model": {"family": "wgan_gp", "networks": "resnet", "width": width},
            "loss": {"n_critic": 2},
        }
        for width in (8, 16)
    },
    "wgan_gp, original networks": {"model": {"family": "wgan_gp", "networks": "original"}, "batch_size": 128},
}


def measure(config: TrialConfig) -> tuple[float, float]:
    """(seconds of a step, of an evaluation)."""
    images = load(config.data)
    evaluator = build(config.evaluation, images, random_features(images.channels))
    return seconds_of(Trainer(config, images, torch.device("cpu"), evaluator))


def seconds_of(trainer: Trainer) -> tuple[float, float]:
    """(seconds of a step, of an evaluation), of the processor's time."""
    trainer.step()  # evaluates the untrained generator
    steps: list[float] = []
    while sum(steps) < SECONDS_A_CONFIGURATION or len(steps) < MIN_STEPS:
        begin = time.process_time()
        trainer.step()
        steps.append(time.process_time() - begin)
    begin = time.process_time()
    trainer.evaluate()
    trainer.snapshot()
    return median(steps), time.process_time() - begin


def main() -> None:
    torch.set_num_threads(1)
    slowness = {}
    print(f"{'configuration':34} {'step':>9} {'model':>9} {'evaluation':>11} {'model':>8}")
    for name, settings in CONFIGURATIONS.items():
        config = TrialConfig.model_validate(settings)
        step, evaluation = measure(config)
        slowness[name] = step / step_seconds(config)
        print(
            f"{name:34} {1000 * step:6.1f} ms {1000 * step_seconds(config):6.1f} ms "
            f"{evaluation:9.2f} s {evaluation_seconds(config):6.2f} s",
            flush=True,
        )
    typical = median(slowness.values())
    print(f"slowness of a step: median {typical:.2f}; furthest from it:")
    for name in sorted(slowness, key=lambda name: abs(slowness[name] / typical - 1))[-3:]:
        print(f"  {name}: {slowness[name] / typical:.2f} times")


if __name__ == "__main__":
    main()
