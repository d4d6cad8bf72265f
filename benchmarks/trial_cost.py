"""How far is the model of a trial's cost (`orchestrator/planning/trial_cost.py`) off on this machine?

    python benchmarks/trial_cost.py

It times steps and an evaluation of many configurations, on one thread, by the processor's time. A configuration's
slowness is measured over modelled seconds. Only the spread of the slowness matters: `plan` scales one configuration's
time from another's.

First it times a step of each of `ADDED` beside a plain one, in turn: their ratio is that of the same moments, and
changes little on a machine that has other work.
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

PLAIN: dict[str, Any] = {"model": {"width": 16}}
ADDED: dict[str, dict[str, Any]] = {
    "nothing": {},
    **{f"accumulate {parts}": {"accumulate": parts} for parts in (2, 4)},
    **{name: {"loss": {"name": name}} for name in ("rpgan", "ragan", "hinge")},
    **{name: {"stabilizers": {name: 10.0}} for name in ("cr", "bcr", "dragan", "r1")},
    "r1 and r2": {"stabilizers": {"r1": 1.0, "r2": 1.0}},
    "r1 every 16": {"stabilizers": {"r1": 1.0, "penalty_every": 16}},
    "r1, no batch norm": {"stabilizers": {"r1": 1.0}, "model": {"width": 16, "discriminator_norm": "none"}},
    **{name: {"stabilizers": {name: 0.5}} for name in ("top_k", "feature_matching")},
    "ada": {"stabilizers": {"ada": {"target": 0.6}}},
    **{name: {"stabilizers": {name: True}} for name in ("diff_augment", "spectral_norm", "minibatch_std")},
    **{
        f"{family}, width {width}, {n_critic} critic steps": {
            "model": {"family": family, "width": width},
            "loss": {"n_critic": n_critic},
        }
        for family, width, n_critic in (("sngan", 8, 1), ("sngan", 8, 2), ("sngan", 16, 2), ("sngan_projection", 8, 2))
    },
    "wgan_gp, resnet, width 8": {
        "model": {"family": "wgan_gp", "networks": "resnet", "width": 8},
        "loss": {"n_critic": 2},
    },
    "r3gan, width 8": {"model": {"family": "r3gan", "width": 8}},
}
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
    "wgan_gp, resnet, width 8, 64 pixels": {
        "model": {"family": "wgan_gp", "networks": "resnet", "width": 8},
        "loss": {"n_critic": 2},
        "batch_size": 16,
        "data": {"image_size": 64},
    },
    "wgan_gp, original networks": {"model": {"family": "wgan_gp", "networks": "original"}, "batch_size": 128},
}


def trainer_of(config: TrialConfig) -> Trainer:
    images = load(config.data)
    evaluator = build(config.evaluation, images, random_features(images.channels))
    return Trainer(config, images, torch.device("cpu"), evaluator)


def step_of(trainer: Trainer) -> float:
    begin = time.process_time()
    trainer.step()
    return time.process_time() - begin


def seconds_in_turn(one: Trainer, other: Trainer) -> tuple[float, float]:
    """Seconds of a step of each."""
    for trainer in (one, other):
        trainer.step()  # may evaluate the untrained generator
    steps: list[tuple[float, float]] = []
    while sum(map(sum, steps)) < 2 * SECONDS_A_CONFIGURATION or len(steps) < MIN_STEPS:
        steps.append((step_of(one), step_of(other)))
    first, second = map(median, zip(*steps, strict=True))
    return first, second


def seconds_of(trainer: Trainer) -> tuple[float, float]:
    """(seconds of a step, of an evaluation), of the processor's time."""
    trainer.step()  # evaluates the untrained generator
    steps: list[float] = []
    while sum(steps) < SECONDS_A_CONFIGURATION or len(steps) < MIN_STEPS:
        steps.append(step_of(trainer))
    begin = time.process_time()
    trainer.evaluate()
    trainer.snapshot()
    return median(steps), time.process_time() - begin


def print_added() -> None:
    """How many times a plain step one of each of `ADDED` takes, measured and by the model."""
    plain = TrialConfig.model_validate(PLAIN)
    beside = trainer_of(plain)
    print(f"{'added to dcgan, width 16':34} {'measured':>9} {'model':>9}")
    for name, settings in ADDED.items():
        config = TrialConfig.model_validate(PLAIN | settings)
        one, other = seconds_in_turn(beside, trainer_of(config))
        print(f"{name:34} {other / one:9.2f} {step_seconds(config) / step_seconds(plain):9.2f}", flush=True)


def main() -> None:
    torch.set_num_threads(1)
    print_added()
    slowness = {}
    print(f"{'configuration':34} {'step':>9} {'model':>9} {'evaluation':>11} {'model':>8}")
    for name, settings in CONFIGURATIONS.items():
        config = TrialConfig.model_validate(settings)
        step, evaluation = seconds_of(trainer_of(config))
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
