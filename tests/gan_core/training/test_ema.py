"""The moving average of the generator is what is evaluated, drawn from and kept; training does not notice it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gan_core import metric_names, sampling
from gan_core.config.length_cautions import steps_of_ramp_up
from gan_core.config.sections import EvaluationConfig
from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.evaluation.evaluator import Evaluator, build
from gan_core.evaluation.features import random_features
from gan_core.history import Row
from gan_core.training import ema
from gan_core.training.trainer import Trainer

Small = Callable[..., TrialConfig]
DECAY = 0.2
"""Reached at the third update, after 0.1 and 2 / 11."""
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
def test_average_begins_as_a_copy_and_moves_by_a_decay_that_ramps_up_buffers_too(
    small: Small, few: ImageSet, family: str
) -> None:
    trainer = Trainer(small(EMA | {"model.family": family, "steps": 4}), few)
    assert trainer.eval_generator is not trainer.generator
    expected = numbers(trainer.generator)
    assert {name.rsplit(".", 1)[1] for name in expected} >= {"weight", "bias", "running_mean", "running_var"}
    for decay in (0.1, 2 / 11, DECAY, DECAY):
        before = numbers(trainer.eval_generator)
        for name, value in expected.items():
            torch.testing.assert_close(before[name], value, rtol=1e-5, atol=1e-7, msg=name)
        trainer.step()
        now = numbers(trainer.generator)
        assert all(not torch.equal(now[name], before[name]) for name in now)
        expected = {name: decay * before[name] + (1 - decay) * now[name] for name in now}


def test_after_a_short_run_the_average_is_near_the_generator_and_not_the_untrained_one(
    small: Small, few: ImageSet
) -> None:
    """With a constant decay of 0.999, 97% of the average of 30 updates would be the untrained generator."""
    trainer = Trainer(small(EMA | {"stabilizers.ema": 0.999, "steps": 30}), few)
    untrained = numbers(trainer.generator)
    list(trainer.fit())
    average, trained = numbers(trainer.eval_generator), numbers(trainer.generator)
    name = next(name for name in trained if name.endswith("weight"))
    assert (average[name] - trained[name]).norm() < 0.5 * (average[name] - untrained[name]).norm()


def test_a_checkpoint_of_the_average_without_ramp_up_goes_on_from_the_count_of_its_updates(
    small: Small, few: ImageSet
) -> None:
    """Earlier versions saved torch's own average, updated with a constant decay."""
    config = small(EMA | {"stabilizers.ema": 0.9, "steps": 5})
    whole, resumed = Trainer(config, few), Trainer(config, few)
    earlier = AveragedModel(whole.generator, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    for _ in range(3):
        whole.step()
        earlier.update_parameters(whole.generator)
    resumed.load_state_dict(deepcopy(whole.state_dict() | {"ema": earlier.state_dict()}))
    before = numbers(resumed.eval_generator)
    for trainer in (whole, resumed):
        trainer.step()
    raw, average = numbers(resumed.generator), numbers(resumed.eval_generator)
    assert all(torch.equal(value, raw[name]) for name, value in numbers(whole.generator).items())
    for name, value in before.items():
        expected = 4 / 13 * value + 9 / 13 * raw[name]
        torch.testing.assert_close(average[name], expected, rtol=1e-5, atol=1e-7, msg=name)


def test_training_does_not_notice_the_average_and_the_raw_metrics_are_those_of_the_run_without(
    small: Small, few: ImageSet, evaluator: Evaluator
) -> None:
    with_it, without = (
        Trainer(small(EMA | {"steps": 3, "stabilizers.ema": decay}), few, evaluator=evaluator) for decay in (DECAY, 0.0)
    )
    averaged, plain = evaluated(with_it), evaluated(without)
    for player in ("generator", "discriminator"):
        one, other = numbers(getattr(with_it, player)), numbers(getattr(without, player))
        assert all(torch.equal(one[name], other[name]) for name in one)
    expected = {f"raw_{name}": value for name, value in metric_names.without_position(plain).items()}
    assert {name: value for name, value in averaged.items() if name.startswith("raw_")} == expected
    assert {"raw_diversity/ratio", "raw_diversity/samples", f"raw_frechet/{evaluator.id}"} <= set(expected)


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
    samples = sampling.generate(trainer.generator, sampling.fixed_latents(16, 100))
    itself = evaluator.measure(samples) | {"diversity/samples": sampling.diversity(samples)}
    assert {name: row[f"raw_{name}"] for name in itself} == itself
    assert row[f"raw_frechet/{evaluator.id}"] != row[f"frechet/{evaluator.id}"]
    plain = evaluated(Trainer(small(), few, evaluator=evaluator))
    assert f"frechet/{evaluator.id}" in plain
    assert not [name for name in plain if name.startswith("raw_")]


def test_without_an_evaluator_only_variety_is_measured(small: Small, few: ImageSet) -> None:
    row = evaluated(Trainer(small(EMA), few))
    variety = {"diversity/samples", "diversity/ratio"}
    assert set(row) == {"step", "time"} | variety | {f"raw_{name}" for name in variety}


def test_each_class_is_asked_for_as_often_as_any_other(small: Small, few: ImageSet) -> None:
    config = small({"model.family": "acgan", "evaluation.samples": 32})
    images, asked = Trainer(config, few).evaluation.draw(Trainer(config, few).eval_generator)
    assert len(images) == 32
    assert asked is not None
    assert sorted(asked.bincount(minlength=10).tolist()) == [3] * 8 + [4] * 2


@pytest.mark.parametrize("decay", [0.05, 0.5, 0.9, 0.99, 0.999])
def test_the_decay_is_reached_after_the_steps_that_the_caution_names(decay: float) -> None:
    steps = steps_of_ramp_up(decay)
    assert ema.decay_of_update(decay, steps) == decay
    assert not steps or ema.decay_of_update(decay, steps - 1) < decay
