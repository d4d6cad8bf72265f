"""The moving average of the generator is what is evaluated, drawn from and kept; training does not notice it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from gan_core import sampling
from gan_core.config.sections import EvaluationConfig
from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.evaluation.evaluator import Evaluator, build
from gan_core.evaluation.features import random_features
from gan_core.history import Row
from gan_core.training.trainer import Trainer

Small = Callable[..., TrialConfig]
DECAY = 0.8
EMA = {"stabilizers.ema": DECAY, "optimizer.lr": 1e-2}


@pytest.fixture(scope="module")
def evaluator(few: ImageSet) -> Evaluator:
    return build(EvaluationConfig(samples=16, features="random"), few, random_features(few.channels))


def numbers(network: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name; batch norm's count of batches, which nothing reads, left out."""
    state = network.state_dict().items()
    return {name: tensor.clone() for name, tensor in state if tensor.is_floating_point()}


def evaluated(trainer: Trainer) -> Row:
    return [row for progress in trainer.fit() for row in progress.rows if "diversity/ratio" in row][-1]


def test_without_an_average_the_product_is_the_generator(small: Small, few: ImageSet) -> None:
    trainer = Trainer(small(), few)
    assert trainer.eval_generator is trainer.generator and trainer.state_dict()["ema"] is None


@pytest.mark.parametrize("family", ["dcgan", "acgan"])
def test_average_is_a_copy_at_first_and_then_moves_by_the_decay_buffers_too(
    small: Small, few: ImageSet, family: str
) -> None:
    trainer = Trainer(small(EMA | {"model.family": family, "steps": 4}), few)
    assert trainer.eval_generator is not trainer.generator
    trainer.step()
    expected = numbers(trainer.generator)
    assert {name.rsplit(".", 1)[1] for name in expected} >= {"weight", "bias", "running_mean", "running_var"}
    for _ in range(3):
        found = numbers(trainer.eval_generator)
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value, rtol=1e-5, atol=1e-7, msg=name)
        trainer.step()
        now = numbers(trainer.generator)
        assert all(not torch.equal(now[name], found[name]) for name in now)
        expected = {name: DECAY * found[name] + (1 - DECAY) * now[name] for name in now}


def test_training_does_not_notice_the_average(small: Small, few: ImageSet) -> None:
    with_it, without = (Trainer(small(EMA | {"steps": 3, "stabilizers.ema": ema}), few) for ema in (DECAY, 0.0))
    for trainer in (with_it, without):
        list(trainer.fit())
    for player in ("generator", "discriminator"):
        one, other = numbers(getattr(with_it, player)), numbers(getattr(without, player))
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_what_is_drawn_and_measured_is_the_average(small: Small, few: ImageSet, evaluator: Evaluator) -> None:
    trainer = Trainer(small(EMA), few, evaluator=evaluator)
    row = evaluated(trainer)
    grid = sampling.fixed_latents(64, 100)
    average, raw = (sampling.generate(network, grid) for network in (trainer.eval_generator, trainer.generator))
    assert not torch.equal(average, raw)
    assert torch.equal(trainer.snapshot().images, average)
    samples = sampling.generate(trainer.eval_generator, sampling.fixed_latents(16, 100))
    assert row["diversity/samples"] == sampling.diversity(samples)
    measured = evaluator.measure(samples)
    assert {name: row[name] for name in measured} == measured


def test_the_generator_itself_is_measured_beside_its_average_and_only_there(
    small: Small, few: ImageSet, evaluator: Evaluator
) -> None:
    trainer = Trainer(small(EMA), few, evaluator=evaluator)
    row = evaluated(trainer)
    itself = evaluator.measure(sampling.generate(trainer.generator, sampling.fixed_latents(16, 100)))
    assert {name: value for name, value in row.items() if name.startswith("raw_")} == {
        f"raw_{name}": value for name, value in itself.items()
    }
    assert row[f"raw_frechet/{evaluator.id}"] != row[f"frechet/{evaluator.id}"]
    plain = evaluated(Trainer(small(), few, evaluator=evaluator))
    assert f"frechet/{evaluator.id}" in plain
    assert not [name for name in plain if name.startswith("raw_")]


def test_without_an_evaluator_only_variety_is_measured(small: Small, few: ImageSet) -> None:
    row = evaluated(Trainer(small(EMA), few))
    assert set(row) == {"step", "time", "diversity/samples", "diversity/ratio"}


def test_each_class_is_asked_for_as_often_as_any_other(small: Small, few: ImageSet) -> None:
    config = small({"model.family": "acgan", "evaluation.samples": 32})
    images, asked = Trainer(config, few).evaluation.draw(Trainer(config, few).eval_generator)
    assert len(images) == 32
    assert asked is not None
    assert sorted(asked.bincount(minlength=10).tolist()) == [3] * 8 + [4] * 2
