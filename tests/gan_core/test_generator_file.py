"""The generator that a trial leaves behind draws what it drew in training, without the data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gan_core import checkpoint, sampling
from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.generator_file import from_checkpoint, from_generator_file, save
from gan_core.training.trainer import Trainer

MODELS: list[dict[str, Any]] = [
    {"model.family": family} | networks
    for family in ("dcgan", "acgan", "wgan_gp")
    for networks in ({"model.networks": "original"}, {"model.width": 4})
] + [
    {"stabilizers.ema": 0.9, "stabilizers.packing": 2},
    {"model.family": "sngan", "model.width": 4, "loss.n_critic": 1},
    {"model.family": "sngan_projection", "model.width": 4, "loss.n_critic": 1, "stabilizers.ema": 0.9},
    {"model.family": "wgan_gp", "model.networks": "resnet", "model.width": 4, "loss.n_critic": 1},
]


@pytest.mark.parametrize("settings", MODELS, ids=str)
def test_the_kept_generator_draws_what_the_trainer_drew(
    settings: dict[str, Any], small: Callable[..., TrialConfig], few: ImageSet, tmp_path: Path
) -> None:
    trainer = Trainer(small(settings), few)
    trainer.step()
    config = trainer.config
    save(tmp_path / "g.pt", config, few.channels, trainer.classes, trainer.eval_generator.state_dict())
    checkpoint.save(tmp_path / "c.pt", trainer.state_dict())
    kept = from_generator_file(tmp_path / "g.pt")
    running, step = from_checkpoint(tmp_path / "c.pt", config)
    assert step == 1
    assert kept.classes == running.classes == trainer.classes
    drawn = trainer.snapshot().images
    for product in (kept, running):
        inputs = sampling.grid_inputs(config.model.latent_dim, product.classes)
        assert torch.equal(sampling.generate(product.generator, *inputs), drawn)


def test_a_damaged_generator_is_refused(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "g.pt", {"config": {}, "state": {"w": torch.zeros(3)}})
    content = bytearray((tmp_path / "g.pt").read_bytes())
    content[-1] ^= 1
    (tmp_path / "g.pt").write_bytes(content)
    with pytest.raises(checkpoint.CheckpointError, match="damaged"):
        from_generator_file(tmp_path / "g.pt")
