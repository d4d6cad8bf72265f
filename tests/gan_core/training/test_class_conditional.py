"""A discriminator that is told classes gets those of the images that it looks at, everywhere in a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.training.applied_settings import differences
from gan_core.training.trainer import Trainer

Small = Callable[..., TrialConfig]
PROJECTION = {"model.family": "sngan_projection", "model.width": 4, "loss.n_critic": 1}
RESIDUAL: list[dict[str, Any]] = [
    PROJECTION,
    {"model.family": "sngan", "model.width": 4, "loss.n_critic": 2},
    {"model.family": "wgan_gp", "model.networks": "resnet", "model.width": 4, "loss.n_critic": 2},
]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("settings", RESIDUAL, ids=str)
def test_a_step_runs_as_asked(small: Small, few: ImageSet, settings: dict[str, Any], precision: str) -> None:
    config = small(settings | {"precision": precision})
    trainer = Trainer(config, few)
    trainer.step()
    assert differences(config, trainer.applied()) == []
    for network in (trainer.generator, trainer.discriminator):
        assert all(weight.isfinite().all() for weight in network.parameters())


@pytest.mark.parametrize("settings", RESIDUAL, ids=str)
def test_other_norms_are_found_in_the_critic_and_not_in_the_generator(
    small: Small, few: ImageSet, settings: dict[str, Any]
) -> None:
    for norm in ("layer", "instance", "none"):
        trainer = Trainer(small(settings | {"model.discriminator_norm": norm}), few)
        assert trainer.applied()["discriminator_norm"] == norm


def test_classes_reach_the_discriminator_with_their_images(small: Small, few: ImageSet) -> None:
    """Real images with theirs, generated ones with those that G was asked for, and each penalty with its points'."""
    assert few.labels is not None
    settings = PROJECTION | {"loss.gradient_penalty": 1.0, "stabilizers.spectral_norm": False}
    trainer = Trainer(small(settings), few)
    asked: list[Tensor] = []
    trainer.generator.register_forward_pre_hook(lambda _network, inputs: asked.append(inputs[1]))
    told: list[Tensor] = []
    trainer.discriminator.register_forward_pre_hook(lambda _network, inputs: told.append(inputs[1]))
    trainer.updates.set_inputs(0)
    real = few.labels[trainer.updates._indices[0]]
    trainer.updates.update_both()
    of_real, of_fake, of_interpolates, of_fake_for_g = told
    assert len(asked) == 1 and not torch.equal(real, asked[0])
    assert torch.equal(of_real, real) and torch.equal(of_interpolates, real)
    assert torch.equal(of_fake, asked[0]) and torch.equal(of_fake_for_g, asked[0])


def test_r2_looks_at_generated_images_with_their_own_classes(small: Small, few: ImageSet) -> None:
    trainer = Trainer(small(PROJECTION | {"stabilizers.r1": 1.0, "stabilizers.r2": 1.0}), few)
    told: list[Tensor] = []
    trainer.discriminator.register_forward_pre_hook(lambda _network, inputs: told.append(inputs[1]))
    trainer.updates.set_inputs(0)
    trainer.updates.update_both()
    real, fake, r1, r2, _ = told
    assert torch.equal(r1, real) and torch.equal(r2, fake) and not torch.equal(real, fake)


def test_consistency_keeps_the_classes(small: Small, few: ImageSet) -> None:
    trainer = Trainer(small(PROJECTION | {"stabilizers.bcr": 1.0}), few)
    told: list[Tensor] = []
    trainer.discriminator.register_forward_pre_hook(lambda _network, inputs: told.append(inputs[1]))
    trainer.updates.set_inputs(0)
    trainer.updates.update_both()
    real, fake, moved_real, moved_fake, _ = told
    assert torch.equal(moved_real, real) and torch.equal(moved_fake, fake)


def test_the_papers_defaults(small: Small) -> None:
    for family in ("sngan", "sngan_projection"):
        config = TrialConfig.model_validate({"model": {"family": family}})
        assert (config.loss.name, config.loss.n_critic, config.stabilizers.spectral_norm) == ("hinge", 5, True)
        assert (config.optimizer.lr, config.optimizer.betas, config.model.latent_dim) == (2e-4, (0.0, 0.9), 128)
        assert (config.model.init, config.model.discriminator_norm) == ("glorot", "none")
    resnet = TrialConfig.model_validate({"model": {"family": "wgan_gp", "networks": "resnet"}})
    assert (resnet.model.init, resnet.model.discriminator_norm, resnet.model.latent_dim) == ("glorot", "none", 128)
    assert (resnet.optimizer.lr, resnet.optimizer.betas) == (2e-4, (0.0, 0.9))
    assert TrialConfig.model_validate({"model": {"family": "wgan_gp"}}).optimizer.lr == 1e-4
    larger = TrialConfig.model_validate(
        {"model": {"family": "wgan_gp", "networks": "resnet"}, "data": {"image_size": 64}}
    )
    assert (larger.model.init, larger.model.discriminator_norm, larger.model.latent_dim) == ("glorot", "layer", 128)
    assert (larger.optimizer.lr, larger.optimizer.betas) == (1e-4, (0.0, 0.9))


@pytest.mark.parametrize(
    ("settings", "path", "message"),
    [
        ({"model.networks": "resnet"}, "model.networks", "use standard"),
        (PROJECTION | {"model.networks": "resnet"}, "model.networks", "standard networks are residual"),
        (RESIDUAL[2] | {"data.image_size": 128}, "data.image_size", "32 or 64 pixels"),
        (PROJECTION | {"model.init": "pytorch"}, "model.init", "glorot or normal"),
        ({"model.init": "glorot"}, "model.init", "for residual networks"),
        (PROJECTION | {"stabilizers.packing": 2}, "stabilizers.packing", "is told the class of one image"),
        (PROJECTION | {"loss.auxiliary_weight": 1.0}, "loss.auxiliary_weight", "predicts classes"),
    ],
)
def test_what_residual_networks_cannot_do_is_refused(
    small: Small, settings: dict[str, Any], path: str, message: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        small(settings)
    (error,) = refused.value.errors()
    assert [p for p, text in error["ctx"]["error"].problems if message in text] == [path]
