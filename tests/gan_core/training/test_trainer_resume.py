"""A run that was interrupted and resumed is the run that was not, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from gan_core import checkpoint
from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.history import Row
from gan_core.training.generator_evaluation import Snapshot
from gan_core.training.trainer import Trainer

Small = Callable[..., TrialConfig]
CLOCK = ("time", "speed/images_per_second")
STEPS = {"steps": 8, "log_every": 4, "evaluation.every": 3}  # interrupted at 5: inside the window of 5 to 8
NOISE = {"stabilizers.instance_noise.std": 0.1, "stabilizers.instance_noise.anneal": True}
LAYERS = {
    "stabilizers.spectral_norm": True,
    "stabilizers.ema": 0.9,
    "stabilizers.diff_augment": True,
    "stabilizers.minibatch_std": True,
}
RESIDUAL = {"model.width": 4, "loss.n_critic": 1, "batch_size": 8}
REGULARISERS: dict[str, Any] = {
    "batch_size": 4,
    "accumulate": 2,
    "data.flip": True,
    "optimizer.schedule": {"lr": "cosine", "warm_up": 2, "beta2": 0.9},
    "stabilizers.ada": {"target": 0.1, "speed": 0.2},
    "stabilizers.ema": 0.9,
    "stabilizers.feature_matching": 1.0,
}
LAZY = {"stabilizers.r1": 1.0, "stabilizers.r2": 1.0, "stabilizers.penalty_every": 3}
TRIALS: dict[str, dict[str, Any]] = {
    "dcgan": {"stabilizers.label_smoothing": 0.1} | NOISE,
    "acgan": {"model.family": "acgan"},
    "wgan_gp": {"model.family": "wgan_gp", "loss.n_critic": 3} | NOISE,
    "dcgan_bfloat16": {"precision": "bfloat16"},
    "acgan_64": {"model.family": "acgan", "data.image_size": 64, "batch_size": 4},
    "dcgan_original": {"model.networks": "original"},
    "dcgan_everything": NOISE
    | {
        "stabilizers.label_smoothing": 0.1,
        "stabilizers.label_flipping": 0.2,
        "stabilizers.r1": 1.0,
        "stabilizers.penalty_every": 4,
        "stabilizers.packing": 2,
    }
    | LAYERS,
    "acgan_everything": NOISE
    | {"model.family": "acgan", "stabilizers.label_flipping": 0.2, "stabilizers.dragan": 1.0}
    | LAYERS,
    "wgan_gp_everything": NOISE | {"model.family": "wgan_gp", "loss.n_critic": 2, "stabilizers.packing": 2} | LAYERS,
    "hinge": {"loss.name": "hinge", "stabilizers.spectral_norm": True},
    "least_squares": {"loss.name": "least_squares", "stabilizers.ema": 0.9},
    "rmsprop_linear": {
        "optimizer.name": "rmsprop",
        "optimizer.momentum": 0.5,
        "optimizer.schedule.lr": "linear",
        "optimizer.schedule.warm_up": 2,
    },
    "sgd": {"optimizer.name": "sgd", "optimizer.momentum": 0.9, "optimizer.weight_decay": 0.01},
    "adamw_cosine": {
        "optimizer.name": "adamw",
        "optimizer.weight_decay": 0.01,
        "optimizer.schedule.lr": "cosine",
        "optimizer.schedule.warm_up": 3,
    },
    "burn_in": {
        "model.family": "wgan_gp",
        "loss.n_critic": 2,
        "optimizer.schedule": {"lr": "cosine", "final": 0.25, "beta1": 0.5, "beta2": 0.99, "until": 6},
    },
    "in_parts": {"accumulate": 4, "data.flip": True, "stabilizers.ema": 0.9, "stabilizers.instance_noise": 0.1},
    "rpgan": {
        "loss.name": "rpgan",
        "stabilizers.r1": 1.0,
        "stabilizers.r2": 1.0,
        "model.discriminator_norm": "none",
        "loss.n_critic": 2,
    }
    | NOISE,
    "ada_and_cr": {"stabilizers.ada": {"target": 0.6, "speed": 0.2}, "stabilizers.cr": 10.0},
    "acgan_matching_and_bcr": {
        "model.family": "acgan",
        "stabilizers.feature_matching": 1.0,
        "stabilizers.bcr": 10.0,
        "stabilizers.top_k": 0.5,
    }
    | NOISE,
    "rpgan_lazy_and_ada": {
        "loss.name": "rpgan",
        "loss.n_critic": 3,
        "stabilizers.r1": 1.0,
        "stabilizers.r2": 1.0,
        "stabilizers.penalty_every": 4,
        "stabilizers.ada": {"target": 0.1, "speed": 0.2},
    },
    "ragan": {"loss.name": "ragan", "stabilizers.diff_augment": True},
    "r3gan": {"model.family": "r3gan"},
    "r3gan_everything": NOISE
    | {"model.family": "r3gan", "batch_size": 4, "stabilizers.packing": 2}
    | LAYERS
    | {"precision": "bfloat16", "stabilizers.spectral_norm": False},
    "dcgan_128": {"data.image_size": 128, "batch_size": 4, "model.width": 4},
    "sngan": {"model.family": "sngan", "stabilizers.ema": 0.9} | RESIDUAL | NOISE,
    "sngan_projection": {
        "model.family": "sngan_projection",
        "precision": "bfloat16",
        "stabilizers.r1": 1.0,
        "stabilizers.ema": 0.9,
        "stabilizers.minibatch_std": True,
    }
    | RESIDUAL,
    "wgan_gp_resnet": {
        "model.family": "wgan_gp",
        "model.networks": "resnet",
        "model.discriminator_norm": "layer",
        "stabilizers.packing": 2,
    }
    | RESIDUAL,
    "wgan_gp_original": {"model.family": "wgan_gp", "model.networks": "original", "loss.n_critic": 1},
    "sngan_projection_regularised": {
        "model.family": "sngan_projection",
        "stabilizers.top_k": 0.5,
        "stabilizers.bcr": 10.0,
    }
    | RESIDUAL
    | REGULARISERS
    | LAZY,
    "r3gan_regularised": {"model.family": "r3gan", "stabilizers.bcr": 10.0} | REGULARISERS | LAZY,
    "wgan_gp_resnet_regularised": {
        "model.family": "wgan_gp",
        "model.networks": "resnet",
        "stabilizers.cr": 10.0,
        "stabilizers.top_k": 0.5,
    }
    | RESIDUAL
    | REGULARISERS
    | {"stabilizers.ada": 0.0, "stabilizers.diff_augment": True},
}


def differences(one: Any, other: Any, place: str = "state") -> list[str]:
    """Where two states are not the same, bit for bit."""
    if type(one) is not type(other):
        return [f"{place}: {type(one).__name__} and {type(other).__name__}"]
    if isinstance(one, dict):
        if list(one) != list(other):
            return [f"{place}: {list(one)} and {list(other)}"]
        return [difference for key in one for difference in differences(one[key], other[key], f"{place}.{key}")]
    if isinstance(one, list | tuple):
        if len(one) != len(other):
            return [f"{place}: {len(one)} and {len(other)} long"]
        return [
            difference
            for i, pair in enumerate(zip(one, other, strict=True))
            for difference in differences(*pair, f"{place}.{i}")
        ]
    same = torch.equal(one, other) and one.dtype == other.dtype if isinstance(one, torch.Tensor) else one == other
    return [] if same else [place]


def run(trainer: Trainer, until: int) -> tuple[list[Row], list[Snapshot]]:
    rows: list[Row] = []
    snapshots: list[Snapshot] = []
    while trainer.step_count < until:
        progress = trainer.step()
        rows += [{name: value for name, value in row.items() if name not in CLOCK} for row in progress.rows]
        snapshots += [progress.snapshot] if progress.snapshot else []
    return rows, snapshots


def images_for(config: TrialConfig, few: ImageSet) -> ImageSet:
    times = config.data.image_size // 32
    if times == 1:
        return few
    return replace(few, images=few.images.repeat_interleave(times, 2).repeat_interleave(times, 3))


@pytest.mark.parametrize("trial", TRIALS)
def test_resumed_run_equals_uninterrupted_run(small: Small, few: ImageSet, tmp_path: Path, trial: str) -> None:
    config = small(STEPS | TRIALS[trial])
    images = images_for(config, few)
    whole = Trainer(config, images)
    expected = run(whole, 8)

    first = Trainer(config, images)
    before = run(first, 5)
    assert len(first.window.rows) == 1  # in the middle of a window
    checkpoint.save(tmp_path / "last.ckpt", first.state_dict())
    del first
    second = Trainer(config, images)
    second.load_state_dict(checkpoint.load(tmp_path / "last.ckpt"))
    after = run(second, 8)

    assert differences(whole.state_dict(), second.state_dict()) == []
    assert whole.applied() == second.applied()
    assert differences(expected[0], before[0] + after[0], "rows") == []
    assert differences(expected[1], before[1] + after[1], "snapshots") == []
    assert [row["step"] for row in expected[0]] == [0, 3, 4, 6, 8, 8]


def test_run_interrupted_at_every_step_equals_uninterrupted_run(small: Small, few: ImageSet, tmp_path: Path) -> None:
    config = small(STEPS | TRIALS["dcgan_everything"])
    whole = Trainer(config, few)
    expected = run(whole, 8)[0]
    rows: list[Row] = []
    checkpoint.save(tmp_path / "last.ckpt", Trainer(config, few).state_dict())
    for step in range(1, 9):
        trainer = Trainer(config, few)
        trainer.load_state_dict(checkpoint.load(tmp_path / "last.ckpt"))
        rows += run(trainer, step)[0]
        checkpoint.save(tmp_path / "last.ckpt", trainer.state_dict())
    assert differences(expected, rows, "rows") == []
    assert differences(whole.state_dict(), trainer.state_dict()) == []


def test_state_says_everything_that_a_step_changes(small: Small, few: ImageSet, tmp_path: Path) -> None:
    """Without any one part of the state, the resumed run is another, or says that it ran with something else."""
    config = small(STEPS | TRIALS["dcgan_everything"])
    first = Trainer(config, few)
    fresh = Trainer(config, few).state_dict()
    run(first, 5)
    checkpoint.save(tmp_path / "last.ckpt", first.state_dict())
    ran = first.applied()
    whole = run(first, 8)[0]
    for part in fresh.keys() - {"channels", "classes"}:  # the two that describe the data
        state = checkpoint.load(tmp_path / "last.ckpt")
        resumed = Trainer(config, few)
        resumed.load_state_dict(state | {part: fresh[part]})
        same = resumed.applied() == ran
        assert differences(whole, run(resumed, 8)[0], "rows") != [] or not same, part


def test_run_repeated_equals_itself_and_not_that_of_another_seed(small: Small, few: ImageSet) -> None:
    one, same, other = (run(Trainer(small(STEPS | {"seed": seed}), few), 8)[0] for seed in (0, 0, 1))
    assert differences(one, same) == []
    assert differences(one, other) != []


def test_finished_run_has_nothing_left_to_do(small: Small, few: ImageSet) -> None:
    trainer = Trainer(small({"steps": 2}), few)
    assert len(list(trainer.fit())) == 2
    resumed = Trainer(small({"steps": 2}), few)
    resumed.load_state_dict(trainer.state_dict())
    assert list(resumed.fit()) == []
