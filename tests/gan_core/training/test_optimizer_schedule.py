"""Learning rates and betas that change: values by hand, and proof of what ran."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch

from gan_core.config.optimizer_sections import OptimizerConfig, ScheduleConfig
from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.training.applied_settings import differences, requested
from gan_core.training.optimizer_schedule import share_of_rate, values_at
from gan_core.training.trainer import Trainer

Small = Callable[..., TrialConfig]


@pytest.mark.parametrize(
    ("settings", "end", "shares"),
    [
        ({"lr": "linear"}, 4, [1, 0.75, 0.5, 0.25, 0, 0]),
        ({"lr": "linear", "final": 0.5}, 4, [1, 0.875, 0.75, 0.625, 0.5, 0.5]),
        ({"lr": "cosine"}, 4, [1, 0.853553, 0.5, 0.146447, 0, 0]),
        ({"lr": "cosine", "final": 0.2}, 4, [1, 0.882843, 0.6, 0.317157, 0.2]),
        ({"warm_up": 4}, 8, [0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1]),
        ({"lr": "cosine", "warm_up": 2}, 6, [0.5, 1, 1, 0.853553, 0.5, 0.146447, 0]),
        ({"lr": "linear", "warm_up": 1}, 3, [1, 1, 0.5, 0]),
    ],
)
def test_shares_by_hand(settings: dict[str, Any], end: int, shares: list[float]) -> None:
    schedule = ScheduleConfig(**settings)
    found = [share_of_rate(schedule, step, end) for step in range(len(shares))]
    assert found == pytest.approx(shares, abs=1e-6)


def test_betas_move_by_half_a_cosine_and_stay() -> None:
    """R3GAN's burn-in on CIFAR-10: from 0.9 to 0.99, the learning rate from 2e-4 to a quarter of it."""
    schedule = ScheduleConfig(lr="cosine", final=0.25, beta2=0.99, until=4)
    config = OptimizerConfig(lr=2e-4, betas=(0.0, 0.9), schedule=schedule)
    values = [values_at(config, "generator", step, 100) for step in (0, 1, 2, 4, 50)]
    assert [value["beta1"] for value in values] == [0.0] * 5
    assert [value["beta2"] for value in values] == pytest.approx([0.9, 0.91318, 0.945, 0.99, 0.99], abs=1e-5)
    assert [value["lr"] for value in values] == pytest.approx([2e-4, 1.78033e-4, 1.25e-4, 5e-5, 5e-5], rel=1e-5)


COSINE = {"optimizer.schedule.lr": "cosine", "optimizer.schedule.warm_up": 1}
BURN_IN = COSINE | {"optimizer.schedule.beta2": 0.5, "optimizer.discriminator.lr": 1e-3}


@pytest.mark.parametrize(
    ("name", "moving"),
    [("adam", BURN_IN), ("adam", COSINE), ("adamw", BURN_IN), ("rmsprop", COSINE), ("sgd", COSINE)],
)
def test_every_optimiser_trains_with_it_and_proves_it(
    small: Small, few: ImageSet, name: str, moving: dict[str, Any]
) -> None:
    config = small({"optimizer.name": name, "steps": 3} | moving)
    trainer = Trainer(config, few)
    before = [weight.clone() for weight in trainer.generator.parameters()]
    for _ in trainer.fit():
        pass
    applied = trainer.applied()
    assert differences(config, applied) == []
    ran = applied["generator"]["schedule"]
    assert ran["steps"] == 3
    assert ran["lr"] == pytest.approx([2e-4, 1e-4])  # the last of three steps is at half of what is left after step 1
    assert all(not torch.equal(*pair) for pair in zip(before, trainer.generator.parameters(), strict=True))


def test_each_step_trains_with_the_rate_of_that_step(small: Small, few: ImageSet) -> None:
    """SGD without momentum moves a weight by its rate times its gradient."""
    config = small({"optimizer.name": "sgd", "steps": 4, "optimizer.schedule.lr": "linear"})
    trainer = Trainer(config, few)
    for share in (1, 0.75, 0.5, 0.25):
        weight = next(trainer.generator.parameters())
        before = weight.detach().clone()
        trainer.step()
        assert weight.grad is not None
        torch.testing.assert_close(weight.detach(), before - 2e-4 * share * weight.grad, rtol=0, atol=1e-8)


def test_a_rate_that_stood_still_is_found(small: Small, few: ImageSet) -> None:
    config = small(COSINE)
    trainer = Trainer(config, few)
    trainer.step()
    trainer.optimizers["generator"].param_groups[0]["lr"] = 2e-4  # as in Ray's example: the schedule sets another one
    trainer.step()
    trainer.step()
    (line,) = differences(config, trainer.applied())
    assert line.startswith("generator ran with {'schedule': {'lr': [0.00019") and "asked for" in line


def test_a_trial_that_ends_early_is_asked_for_the_rate_of_its_last_step(small: Small, few: ImageSet) -> None:
    config = small(COSINE | {"steps": 9})
    trainer = Trainer(config, few)
    trainer.step()
    trainer.step()
    assert differences(config, trainer.applied()) == []
    assert requested(config)["generator"] != requested(config, 2)["generator"]


@pytest.mark.parametrize("name", ["adamw", "rmsprop", "sgd"])
def test_optimiser_is_read_from_what_trains(small: Small, few: ImageSet, name: str) -> None:
    settings = {"optimizer.name": name, "optimizer.weight_decay": 0.1}
    settings |= {} if name == "adamw" else {"optimizer.momentum": 0.5}
    config, plain = small(settings), Trainer(small(), few)
    plain.step()
    (generator, discriminator) = differences(config, plain.applied())
    assert f"'name': '{name}'" in generator.split("asked for")[1] and "'weight_decay': 0.1" in discriminator
    trainer = Trainer(config, few)
    trainer.step()
    assert differences(config, trainer.applied()) == []
    assert ("betas" in trainer.applied()["generator"]) == (name == "adamw")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"momentum": 0.5}, "optimizer.momentum: adam has betas instead"),
        ({"name": "sgd", "betas": [0.5, 0.9]}, "optimizer.betas: sgd has no betas; leave this out, or use adam"),
        ({"name": "rmsprop", "generator": {"betas": [0.5, 0.9]}}, "optimizer.generator.betas: rmsprop has no betas"),
        ({"name": "sgd", "schedule": {"beta2": 0.9}}, "optimizer.schedule.beta2: sgd has no betas; leave this out"),
        ({"schedule": {"final": 0.1}}, "optimizer.schedule.final: is where a falling learning rate ends"),
        ({"schedule": {"until": 5, "warm_up": 2}}, "optimizer.schedule.until: is when a schedule ends"),
        ({"schedule": {"warm_up": 4}}, "optimizer.schedule.warm_up: 4 is not less than steps, 4"),
        (
            {"schedule": {"warm_up": 4, "lr": "cosine", "until": 3}},
            "optimizer.schedule.warm_up: 4 is not less than optimizer.schedule.until, 3",
        ),
    ],
)
def test_what_cannot_act_is_refused(small: Small, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        small({"optimizer": settings})


def test_a_configuration_without_betas_reads_its_own_file(small: Small) -> None:
    config = small({"optimizer.name": "sgd"})
    assert TrialConfig.model_validate(config.model_dump(mode="json")) == config and config.optimizer.betas is None
