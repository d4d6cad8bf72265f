"""Every loss and every stabiliser of the configuration trains, acts and is echoed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.history import Row
from gan_core.training import applied_settings
from gan_core.training.trainer import Trainer

Small = Callable[..., TrialConfig]
ON: dict[str, Any] = {
    "label_smoothing": 0.1,
    "label_flipping": 0.2,
    "instance_noise": 0.1,
    "gradient_penalty": 10.0,
    "r1": 5.0,
    "r2": 4.0,
    "dragan": 10.0,
    "spectral_norm": True,
    "ema": 0.9,
    "diff_augment": True,
    "minibatch_std": True,
    "packing": 2,
    "cr": 10.0,
    "bcr": 10.0,
    "top_k": 0.5,
    "feature_matching": 1.0,
    "ada": 0.6,
}
IN_NETWORK = ("spectral_norm", "minibatch_std")
AFTER_D = ("ema", "top_k", "feature_matching", "ada")
"""Those that leave what D learns in the first step as it is: they act on G, or begin with a probability of 0."""


def setting(name: str) -> dict[str, Any]:
    return {"loss.gradient_penalty" if name == "gradient_penalty" else f"stabilizers.{name}": ON[name]}


def first_row(trainer: Trainer) -> Row:
    return next(row for row in trainer.step().rows if "loss/discriminator" in row)


def logits_of_discriminator(trainer: Trainer) -> list[Tensor]:
    """Its logits, call by call: of real images, of generated ones, ..., of generated ones in G's update."""
    logits: list[Tensor] = []
    trainer.discriminator.register_forward_hook(lambda _m, _i, output: logits.append(output.logits.detach().clone()))
    return logits


@pytest.mark.parametrize("name", ON)
def test_stabiliser_trains_acts_and_is_echoed_once_it_ran(small: Small, few: ImageSet, name: str) -> None:
    config = small({"model.init": "pytorch"} | setting(name))
    trainer, plain = Trainer(config, few), Trainer(small({"model.init": "pytorch"}), few)
    echo = {name: ON[name]}
    assert trainer.applied()["stabilizers"] == (echo if name in IN_NETWORK else {})
    row, without = first_row(trainer), first_row(plain)
    assert trainer.applied()["stabilizers"] == echo == applied_settings.requested(config)["stabilizers"]
    assert plain.applied()["stabilizers"] == {}
    assert applied_settings.differences(config, trainer.applied()) == []
    assert all(torch.isfinite(torch.tensor(list(row.values()))))
    same = row["gradient_norm/discriminator"] == without["gradient_norm/discriminator"]
    assert same == (name in AFTER_D)


@pytest.mark.parametrize("family", ["dcgan", "acgan", "wgan_gp", "sngan_projection", "r3gan"])
def test_stabilisers_that_can_be_combined_train_together(small: Small, few: ImageSet, family: str) -> None:
    without_targets = ["label_smoothing", "label_flipping"]
    left_out = {
        "dcgan": ["gradient_penalty", "dragan", "cr", "ada"],
        "acgan": ["gradient_penalty", "r1", "r2", "packing", "bcr", "diff_augment"],
        "wgan_gp": [*without_targets, "r1", "r2", "dragan", "cr", "ada"],
        "sngan_projection": [*without_targets, "gradient_penalty", "dragan", "packing", "bcr", "diff_augment"],
        "r3gan": [*without_targets, "gradient_penalty", "dragan", "cr", "ada", "spectral_norm", "top_k"],
    }
    names = [name for name in ON if name not in left_out[family]]
    settings = {path: value for name in names for path, value in setting(name).items()}
    config = small(settings | {"model.family": family, "loss.n_critic": 1, "steps": 2})
    trainer = Trainer(config, few)
    rows = [row for progress in trainer.fit() for row in progress.rows]
    assert trainer.applied()["stabilizers"] == {name: ON[name] for name in names}
    assert applied_settings.differences(config, trainer.applied()) == []
    assert all(torch.isfinite(torch.tensor(list(row.values()))).all() for row in rows)


@pytest.mark.parametrize("name", ["gradient_penalty", "r1", "r2", "dragan"])
@pytest.mark.parametrize("summed", [False, True])
def test_penalty_is_weighed_against_the_sum_of_the_halves(small: Small, few: ImageSet, name: str, summed: bool) -> None:
    settings = {"model.init": "pytorch", "loss.sum_of_halves": summed}
    row = first_row(Trainer(small(settings | setting(name)), few))
    adversarial = row["loss/discriminator_real"] + row["loss/discriminator_fake"]
    assert row[f"loss/{name}"] > 0
    whole = adversarial + ON[name] * row[f"loss/{name}"]
    assert row["loss/discriminator"] == pytest.approx(whole if summed else whole / 2, rel=1e-5)


LOSSES: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor], Callable[[Tensor], Tensor], float]] = {
    "bce": (lambda real: F.softplus(-real), F.softplus, lambda fooled: F.softplus(-fooled), 0.0),
    "hinge": (lambda real: F.relu(1 - real), lambda fake: F.relu(1 + fake), lambda fooled: -fooled, 0.0),
    "least_squares": (lambda x: (x - 1) ** 2 / 2, lambda x: x**2 / 2, lambda x: (x - 1) ** 2 / 2, 0.5),
}


@pytest.mark.parametrize("name", LOSSES)
def test_both_players_train_with_the_loss_of_that_name(small: Small, few: ImageSet, name: str) -> None:
    """Each player pays what the equations say of D's logits, and D is right beyond the loss's own boundary."""
    trainer = Trainer(small({"loss.name": name, "model.init": "pytorch"}), few)
    logits = logits_of_discriminator(trainer)
    before = [weight.detach().clone() for weight in trainer.discriminator.parameters()]
    row = first_row(trainer)
    real, fake, fooled = logits
    of_real, of_fake, of_generator, boundary = LOSSES[name]
    expected = (of_real(real).mean() + of_fake(fake).mean()) / 2
    assert row["loss/discriminator"] == pytest.approx(expected.item(), rel=1e-5)
    assert row["loss/generator"] == pytest.approx(of_generator(fooled).mean().item(), rel=1e-5)
    assert row["accuracy/real"] == (real > boundary).float().mean().item()
    assert row["accuracy/fake"] == (fake <= boundary).float().mean().item()
    moved = [not torch.equal(old, new) for old, new in zip(before, trainer.discriminator.parameters(), strict=True)]
    assert all(moved)


@pytest.mark.parametrize("name", LOSSES)
def test_sum_of_halves_doubles_what_the_discriminator_pays_and_nothing_of_the_generators(
    small: Small, few: ImageSet, name: str
) -> None:
    settings = {"loss.name": name, "model.init": "pytorch"}
    trainers = [Trainer(small(settings | {"loss.sum_of_halves": on}), few) for on in (False, True)]
    logits = [logits_of_discriminator(trainer) for trainer in trainers]
    mean, total = map(first_row, trainers)
    assert total["loss/discriminator"] == pytest.approx(2 * mean["loss/discriminator"], rel=1e-5)
    norm = "gradient_norm/discriminator"
    assert total[norm] == pytest.approx(2 * mean[norm], rel=1e-4)
    for half in ("real", "fake"):
        assert total[f"loss/discriminator_{half}"] == mean[f"loss/discriminator_{half}"]
    of_generator = LOSSES[name][2]
    for row, (*_, fooled) in zip((mean, total), logits, strict=True):
        assert row["loss/generator"] == pytest.approx(of_generator(fooled).mean().item(), rel=1e-5)


def test_sum_of_halves_is_the_sum_of_what_an_acgan_pays_on_real_and_on_generated_images(
    small: Small, few: ImageSet
) -> None:
    settings = {"model.family": "acgan", "loss.auxiliary_weight": 0.6, "model.init": "pytorch"}
    mean, total = (first_row(Trainer(small(settings | {"loss.sum_of_halves": on}), few)) for on in (False, True))
    assert total["loss/discriminator"] == pytest.approx(2 * mean["loss/discriminator"], rel=1e-5)
    halves = [total[f"loss/discriminator_{half}"] + 0.6 * total[f"loss/class_{half}"] for half in ("real", "fake")]
    assert total["loss/discriminator"] == pytest.approx(sum(halves), rel=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_auxiliary_real_share_is_the_part_that_real_images_have_in_the_class_loss(
    small: Small, few: ImageSet, share: float
) -> None:
    settings = {"model.family": "acgan", "loss.auxiliary_real_share": share, "model.init": "pytorch"}
    row = first_row(Trainer(small(settings | {"loss.auxiliary_weight": 0.6}), few))
    adversarial = (row["loss/discriminator_real"] + row["loss/discriminator_fake"]) / 2
    named = share * row["loss/class_real"] + (1 - share) * row["loss/class_fake"]
    assert row["loss/class_real"] != row["loss/class_fake"]
    assert row["loss/discriminator"] == pytest.approx(adversarial + 0.6 * named, rel=1e-5)


@pytest.mark.parametrize(("shared", "epsilons"), [(False, 16), (True, 1)])
def test_shared_epsilon_is_one_for_the_whole_batch(small: Small, few: ImageSet, shared: bool, epsilons: int) -> None:
    trainer = Trainer(small({"model.family": "wgan_gp", "loss.n_critic": 1, "loss.shared_epsilon": shared}), few)
    seen: list[Tensor] = []
    trainer.discriminator.register_forward_hook(lambda _m, inputs, _o: seen.append(inputs[0].detach().flatten(1)))
    trainer.step()
    real, fake, between = (batch.double() for batch in seen[:3])
    along = ((between - fake) * (real - fake)).sum(1) / (real - fake).square().sum(1)
    torch.testing.assert_close(between, fake + along[:, None] * (real - fake), rtol=0, atol=1e-5)
    assert len(along.mul(1e4).round().unique()) == epsilons


def test_one_sided_penalty_leaves_slopes_below_one_free(small: Small, few: ImageSet) -> None:
    """The critic starts flat, at N(0, 0.02): its slopes are near 0."""
    settings = {"model.family": "wgan_gp", "loss.n_critic": 1}
    two, one = (first_row(Trainer(small(settings | {"loss.one_sided_penalty": on}), few)) for on in (False, True))
    assert two["loss/gradient_penalty"] == pytest.approx(1.0, abs=0.1)
    assert one["loss/gradient_penalty"] == 0.0


def test_a_pack_is_judged_once(small: Small, few: ImageSet) -> None:
    trainer = Trainer(small({"stabilizers.packing": 4}), few)
    shapes: list[tuple[int, ...]] = []
    trainer.discriminator.register_forward_hook(lambda _m, inputs, _o: shapes.append(tuple(inputs[0].shape)))
    logits = logits_of_discriminator(trainer)
    row = first_row(trainer)
    assert shapes == [(4, 4, 32, 32)] * 3  # real, fake, fake in G's update
    assert [len(batch) for batch in logits] == [4, 4, 4]
    assert row["images/discriminator"] == 16
