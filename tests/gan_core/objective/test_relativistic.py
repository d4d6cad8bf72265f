"""Relativistic losses by hand, and in a training: what G's update gets of real images, and when D is right."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.objective import relativistic
from gan_core.objective.losses import ADVERSARIAL_LOSSES
from gan_core.training.trainer import Trainer

Small = Callable[..., TrialConfig]
REAL, FAKE = torch.tensor([0.0, math.log(6)]), torch.tensor([-math.log(3), math.log(2)])  # differ by log 3 both


def test_a_pair_costs_minus_log_of_the_probability_that_the_real_one_is_more_real() -> None:
    halves = relativistic.pairing_discriminator(REAL, FAKE)
    assert [half.item() for half in halves] == pytest.approx([-math.log(3 / 4) / 2] * 2)
    assert relativistic.pairing_generator(FAKE, REAL).item() == pytest.approx(-math.log(1 / 4))


def test_average_compares_with_the_mean_of_the_other_side() -> None:
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([-1.0, 2.0])  # means 2 and 0.5
    halves = relativistic.average_discriminator(real, fake)
    of_real = (math.log1p(math.exp(-0.5)) + math.log1p(math.exp(-2.5))) / 2
    of_fake = (math.log1p(math.exp(-3.0)) + math.log1p(math.exp(0.0))) / 2
    assert [half.item() for half in halves] == pytest.approx([of_real, of_fake])
    as_fake = (math.log1p(math.exp(0.5)) + math.log1p(math.exp(2.5))) / 2
    as_real = (math.log1p(math.exp(3.0)) + math.log1p(math.exp(0.0))) / 2
    assert relativistic.average_generator(fake, real).item() == pytest.approx((as_fake + as_real) / 2)


@pytest.mark.parametrize("name", ["rpgan", "ragan"])
def test_zero_of_the_logits_is_arbitrary(name: str) -> None:
    """A shift of all logits changes neither a loss nor who is right."""
    loss, real, fake = ADVERSARIAL_LOSSES[name], torch.tensor([0.3, 1.0]), torch.tensor([-0.4, 2.0])
    for shift in (5.0, -7.0):
        moved = (real + shift, fake + shift)
        torch.testing.assert_close(loss.discriminator(*moved, None), loss.discriminator(real, fake, None))
        torch.testing.assert_close(loss.generator(moved[1], moved[0]), loss.generator(fake, real))
        torch.testing.assert_close(loss.judged(*moved), loss.judged(real, fake))
    judged_real, judged_fake = loss.judged(real, fake)
    assert (judged_real > 0).tolist() == {"rpgan": [True, False], "ragan": [False, True]}[name]
    assert (judged_fake <= 0).tolist() == {"rpgan": [True, False], "ragan": [True, False]}[name]


def outputs_of(trainer: Trainer) -> tuple[list[Tensor], list[Tensor]]:
    """What D is given and what it says, call by call."""
    given: list[Tensor] = []
    said: list[Tensor] = []

    def note(_module: Any, inputs: tuple[Tensor, ...], output: Any) -> None:
        given.append(inputs[0].detach().clone())
        said.append(output.logits.detach().clone())

    trainer.discriminator.register_forward_hook(note)
    return given, said


@pytest.mark.parametrize("name", ["rpgan", "ragan"])
def test_generator_is_compared_with_the_real_images_of_the_last_update_of_d(
    small: Small, few: ImageSet, name: str
) -> None:
    trainer = Trainer(small({"loss.name": name, "loss.n_critic": 2, "model.init": "pytorch"}), few)
    given, said = outputs_of(trainer)
    row = next(row for row in trainer.step().rows if "loss/generator" in row)
    assert len(given) == 6  # real and generated, twice; then generated and real for G
    assert torch.equal(given[5], given[2]) and not torch.equal(given[5], given[0])
    assert not torch.equal(said[5], said[2])  # D has moved since
    loss = ADVERSARIAL_LOSSES[name]
    assert row["loss/generator"] == pytest.approx(loss.generator(said[4], said[5]).item(), rel=1e-5)
    sums = [sum(loss.discriminator(real, fake, None)) for real, fake in (said[0:2], said[2:4])]
    scale = 1.0 if name == "rpgan" else 0.5
    assert row["loss/discriminator"] == pytest.approx(scale * sum(map(float, sums)) / 2, rel=1e-5)


def test_accuracy_counts_the_pairs_in_which_the_real_image_is_more_real(small: Small, few: ImageSet) -> None:
    trainer = Trainer(small({"loss.name": "rpgan", "model.init": "pytorch"}), few)
    _, said = outputs_of(trainer)
    row = next(row for row in trainer.step().rows if "accuracy/real" in row)
    assert row["accuracy/real"] == (said[0] > said[1]).float().mean().item() == row["accuracy/discriminator"]
    assert 0 < row["accuracy/real"] < 1
    assert row["loss/pairing"] == pytest.approx(F.softplus(said[1] - said[0]).mean().item(), rel=1e-5)


def test_packs_are_paired(small: Small, few: ImageSet) -> None:
    trainer = Trainer(small({"loss.name": "rpgan", "stabilizers.packing": 4, "model.init": "pytorch"}), few)
    _, said = outputs_of(trainer)
    row = next(row for row in trainer.step().rows if "loss/generator" in row)
    assert [len(logits) for logits in said] == [4] * 4
    assert row["loss/generator"] == pytest.approx(F.softplus(said[3] - said[2]).mean().item(), rel=1e-5)


def test_r1_and_r2_are_the_slopes_on_either_side_and_weigh_as_in_r3gan(small: Small, few: ImageSet) -> None:
    """Huang et al. 2024, equation 2 with algorithm 1: the loss plus gamma / 2 of both squared slopes."""
    settings = {"loss.name": "rpgan", "stabilizers.r1": 3.0, "stabilizers.r2": 2.0, "model.init": "pytorch"}
    config = small(settings | {"model.discriminator_norm": "none"})
    trainer = Trainer(config, few)
    given, _ = outputs_of(trainer)
    untrained = {name: value.clone() for name, value in trainer.discriminator.state_dict().items()}
    row = next(row for row in trainer.step().rows if "loss/r2" in row)
    trainer.discriminator.load_state_dict(untrained)
    for name, images in (("r1", given[0]), ("r2", given[1])):
        points = images.clone().requires_grad_()
        (slopes,) = torch.autograd.grad(trainer.discriminator(points).logits.sum(), points)
        assert row[f"loss/{name}"] == pytest.approx(slopes.square().flatten(1).sum(1).mean().item() / 2, rel=1e-4)
    whole = row["loss/pairing"] + 3.0 * row["loss/r1"] + 2.0 * row["loss/r2"]
    assert row["loss/discriminator"] == pytest.approx(whole, rel=1e-5)
    assert trainer.applied()["stabilizers"] == {"r1": 3.0, "r2": 2.0}


def test_class_loss_of_an_acgan_weighs_as_much_as_with_a_mean_of_halves(small: Small, few: ImageSet) -> None:
    settings = {"model.family": "acgan", "loss.name": "rpgan", "loss.auxiliary_weight": 0.6, "model.init": "pytorch"}
    row = next(row for row in Trainer(small(settings), few).step().rows if "loss/class_real" in row)
    named = (row["loss/class_real"] + row["loss/class_fake"]) / 2
    assert row["loss/discriminator"] == pytest.approx(row["loss/pairing"] + 0.6 * named, rel=1e-5)
