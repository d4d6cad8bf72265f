"""A batch in parts: the training of the large batch where no layer mixes images, in the memory of a part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from gan_core.config.conflicts import cautions
from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.training.applied_settings import differences
from gan_core.training.trainer import Trainer

Small = Callable[..., TrialConfig]
WGAN_GP = {"model.family": "wgan_gp", "loss.n_critic": 2}
DCGAN = {"model.discriminator_norm": "layer", "loss.name": "hinge"}
RESIDUAL = {
    "model.width": 4,
    "model.init": "glorot",
    "stabilizers.spectral_norm": False,
    "loss.n_critic": 1,
    "batch_size": 8,
    "optimizer.lr": 1e-3,
}
"""SNGAN without its spectral norm, which moves on with each forward pass."""


def trained(config: TrialConfig, few: ImageSet, batch_statistics: bool = False) -> tuple[Trainer, list[dict[str, Any]]]:
    """Two steps, and what they measured. G's batch norm uses its running averages, unless with `batch_statistics`."""
    trainer = Trainer(config, few)
    trainer.generator.train(batch_statistics)
    measured = []
    for step in range(2):
        trainer.updates.set_inputs(step)
        measured.append({name: float(value) for name, value in trainer.updates.update_both().means.items()})
    return trainer, measured


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        (WGAN_GP, 2),
        (DCGAN, 8),
        (DCGAN | {"stabilizers.r1": 1.0, "stabilizers.packing": 2}, 4),
        ({"model.family": "sngan_projection", "stabilizers.r2": 1.0} | RESIDUAL, 4),
        ({"model.family": "r3gan", "model.init": "msr", "batch_size": 8}, 4),
    ],
    ids=["wgan_gp", "hinge", "r1_packed", "sngan_projection", "r3gan"],
)
def test_it_is_the_training_of_the_large_batch(
    small: Small, few: ImageSet, settings: dict[str, Any], parts: int
) -> None:
    settings = {"model.init": "pytorch", "optimizer.name": "sgd", "optimizer.lr": 0.1} | settings
    whole, expected = trained(small(settings), few)
    in_parts, found = trained(small(settings | {"accumulate": parts}), few)
    for player in ("generator", "discriminator"):
        ours, theirs = (trainer.updates.networks[player].state_dict() for trainer in (in_parts, whole))
        for name, tensor in ours.items():
            torch.testing.assert_close(tensor, theirs[name], rtol=1e-4, atol=1e-6)
    for ours, theirs in zip(found, expected, strict=True):
        same = {name: value for name, value in theirs.items() if name != "accuracy/auc"}
        assert {name: ours[name] for name in same} == pytest.approx(same, rel=1e-3, abs=1e-5)
    moved = (
        ~torch.isclose(new, old) for new, old in zip(*map(weights, (whole, Trainer(whole.config, few))), strict=True)
    )
    assert all(bool(changed.any()) for changed in moved)


def weights(trainer: Trainer) -> list[torch.Tensor]:
    return [weight.detach() for network in trainer.updates.networks.values() for weight in network.parameters()]


@pytest.mark.parametrize("settings", [WGAN_GP, {"model.family": "acgan"}, {}], ids=["wgan_gp", "acgan", "dcgan"])
def test_no_network_sees_more_than_a_part_and_both_are_updated_once(
    small: Small, few: ImageSet, settings: dict[str, Any]
) -> None:
    config = small(settings | {"accumulate": 4, "stabilizers.ema": 0.9})
    trainer = Trainer(config, few)
    seen: list[int] = []
    for network in trainer.updates.networks.values():
        network.register_forward_hook(lambda _m, inputs, _o: seen.append(len(inputs[0])))
    trainer.updates.set_inputs(0)
    trainer.updates.update_both()
    assert set(seen) == {4}
    assert differences(config, trainer.applied()) == []  # the count of D's updates for each of G's, too
    assert trainer.applied()["stabilizers"]["accumulate"] == 4


def test_batch_norm_makes_another_training_of_it_and_that_is_said(small: Small, few: ImageSet) -> None:
    settings = {"optimizer.name": "sgd", "model.init": "pytorch"}
    (_, expected), (_, found) = (trained(small(settings | {"accumulate": parts}), few, True) for parts in (0, 4))
    assert abs(found[0]["loss/discriminator"] - expected[0]["loss/discriminator"]) > 1e-4
    assert any("accumulate with batch norm in the discriminator" in text for text in cautions(small({"accumulate": 4})))
    of_generator = [text for text in cautions(small(DCGAN | {"accumulate": 4})) if "accumulate" in text]
    assert len(of_generator) == 1 and of_generator[0].startswith("batch norm in the generator with accumulate")
    assert not any("accumulate" in text for text in cautions(small({"model.family": "r3gan", "accumulate": 4})))
    for name in ("minibatch_std", "dragan"):
        texts = cautions(
            small(DCGAN | {"accumulate": 4, f"stabilizers.{name}": True if name == "minibatch_std" else 1.0})
        )
        assert any("sees one part of the batch at a time" in text for text in texts)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"accumulate": 3}, "accumulate: 3 parts do not divide a batch of 16"),
        ({"accumulate": 16}, "accumulate: 16 parts of a batch of 16 have one image each"),
        ({"accumulate": 4, "stabilizers.packing": 8}, "accumulate: packs of 8 images do not divide a part of 4"),
    ],
)
def test_parts_that_do_not_fit_are_refused(small: Small, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(settings)


def test_flips_mirror_half_of_the_real_images_and_nothing_else(small: Small, few: ImageSet) -> None:
    config = small({"data.flip": True})
    flipping, plain = Trainer(config, few), Trainer(small(), few)
    flipped = 0
    for _ in range(8):
        index = torch.arange(16)
        (ours, labels), (theirs, same_labels) = flipping.batches.at(index), plain.batches.at(index)
        mirrored = (ours == theirs.flip(3)).flatten(1).all(1)
        assert bool((mirrored | (ours == theirs).flatten(1).all(1)).all())
        assert labels is not None and same_labels is not None and torch.equal(labels, same_labels)
        flipped += int(mirrored.sum())
    assert 40 < flipped < 88  # 64 expected of 128, with a standard deviation of 5.7
    assert "flip" not in flipping.applied()["stabilizers"]
    flipping.step()
    assert differences(config, flipping.applied()) == []
    assert differences(small(), flipping.applied()) == ["stabilizers ran with {'flip': True}, asked for {}"]
