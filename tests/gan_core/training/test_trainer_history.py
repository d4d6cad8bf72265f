"""The history is means over exactly its windows; what is not finite is noticed at once and named."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.history import Row, Window, roc_auc
from gan_core.training.divergence import Diverged
from gan_core.training.trainer import Trainer

Small = Callable[..., TrialConfig]
CLOCK = ("time", "speed/images_per_second")
COUNTED = ("step", "images/discriminator", "images/generator")
NAN = float("nan")


def windows(trainer: Trainer) -> list[Row]:
    rows = [row for progress in trainer.fit() for row in progress.rows]
    return [row for row in rows if "loss/generator" in row]


def plant(trainer: Trainer, player: str) -> None:
    network: torch.nn.Module = getattr(trainer, player)
    with torch.no_grad():
        next(network.parameters())[0, 0, 0, 0] = NAN


def run_until_bad(trainer: Trainer, step: int, player: str = "discriminator") -> Diverged:
    """Steps with a NaN planted before `step`; what was raised."""
    while trainer.step_count < step - 1:
        trainer.step()
    plant(trainer, player)
    with pytest.raises(Diverged) as caught:
        trainer.step()
    return caught.value


@pytest.mark.parametrize("family", ["dcgan", "acgan", "wgan_gp"])
def test_rows_are_means_over_exactly_their_window(small: Small, few: ImageSet, family: str) -> None:
    settings: dict[str, Any] = {"model.family": family, "steps": 7, "loss.n_critic": 2}
    every = windows(Trainer(small(settings), few))
    rows = windows(Trainer(small(settings | {"log_every": 3}), few))
    assert [row["step"] for row in every] == [1, 2, 3, 4, 5, 6, 7]
    assert [row["step"] for row in rows] == [3, 6, 7]
    for row, window in zip(rows, (every[:3], every[3:6], every[6:]), strict=True):
        assert list(row) == list(every[0])
        for name in set(row) - {*CLOCK, *COUNTED}:
            assert row[name] == pytest.approx(np.mean([one[name] for one in window]), rel=1e-12, abs=1e-15), name


@pytest.mark.parametrize(("family", "n_critic"), [("dcgan", 1), ("wgan_gp", 3)])
def test_images_seen_are_counted_from_the_first_step(small: Small, few: ImageSet, family: str, n_critic: int) -> None:
    settings = {"model.family": family, "steps": 5, "log_every": 2, "loss.n_critic": n_critic}
    rows = windows(Trainer(small(settings), few))
    assert [row["images/generator"] for row in rows] == [32, 64, 80]
    assert [row["images/discriminator"] for row in rows] == [32 * n_critic, 64 * n_critic, 80 * n_critic]


def test_discriminator_row_holds_the_parts_of_its_loss(small: Small, few: ImageSet) -> None:
    bce = windows(Trainer(small({"steps": 1}), few))[0]
    assert bce["loss/discriminator"] == pytest.approx(
        (bce["loss/discriminator_real"] + bce["loss/discriminator_fake"]) / 2
    )
    assert bce["accuracy/discriminator"] == pytest.approx((bce["accuracy/real"] + bce["accuracy/fake"]) / 2)

    critic = windows(Trainer(small({"model.family": "wgan_gp", "loss.gradient_penalty": 7, "steps": 1}), few))[0]
    assert critic["loss/wasserstein"] == pytest.approx(critic["score/fake"] - critic["score/real"], abs=1e-6)
    expected = critic["loss/wasserstein"] + 7 * critic["loss/gradient_penalty"]
    assert critic["loss/discriminator"] == pytest.approx(expected, rel=1e-5)

    ac = windows(Trainer(small({"model.family": "acgan", "loss.auxiliary_weight": 0.6, "steps": 1}), few))[0]
    adversarial = (ac["loss/discriminator_real"] + ac["loss/discriminator_fake"]) / 2
    named = (ac["loss/class_real"] + ac["loss/class_fake"]) / 2
    assert ac["loss/discriminator"] == pytest.approx(adversarial + 0.6 * named, rel=1e-5)
    expected = ac["loss/generator_adversarial"] + 0.6 * ac["loss/generator_class"]
    assert ac["loss/generator"] == pytest.approx(expected, rel=1e-5)


def test_row_measures_the_batches_that_the_discriminator_saw(small: Small, few: ImageSet) -> None:
    trainer = Trainer(small({"model.init": "pytorch", "steps": 1}), few)
    logits: list[torch.Tensor] = []
    trainer.discriminator.register_forward_hook(lambda _m, _i, output: logits.append(output.logits.detach().clone()))
    row = windows(trainer)[0]
    real, fake = logits[:2]
    assert row["score/real"] == pytest.approx(real.mean().item(), rel=1e-5)
    assert row["score/fake"] == pytest.approx(fake.mean().item(), rel=1e-5)
    assert row["accuracy/real"] == pytest.approx((real > 0).float().mean().item())
    assert row["accuracy/fake"] == pytest.approx((fake <= 0).float().mean().item())
    truth = np.r_[np.ones(16), np.zeros(16)]
    assert row["accuracy/auc"] == pytest.approx(roc_auc_score(truth, torch.cat([real, fake]).numpy()), abs=1e-6)
    assert len({row["accuracy/real"], row["accuracy/fake"], row["accuracy/auc"], 0.5}) == 4  # no two mistaken


@pytest.mark.parametrize("step", [1, 3, 4, 6])
def test_divergence_is_noticed_at_once_with_its_step_and_tensor(small: Small, few: ImageSet, step: int) -> None:
    diverged = run_until_bad(Trainer(small({"steps": 8, "log_every": 4}), few), step)
    assert (diverged.step, diverged.tensor) == (step, "score/real")
    assert str(step) in str(diverged) and diverged.tensor in str(diverged)


def test_divergence_of_the_generator_alone_is_named_as_its_own(small: Small, few: ImageSet) -> None:
    trainer = Trainer(small({"steps": 8, "log_every": 4}), few)
    trainer.step()
    weight = trainer.generator.get_parameter("layers.3.weight")
    trainer.optimizers["generator"].state[weight]["exp_avg"].fill_(NAN)  # its next update is not finite
    with pytest.raises(Diverged) as caught:
        trainer.step()
    assert (caught.value.step, caught.value.tensor) == (2, "weight of generator.layers.3.weight")


def test_first_bad_step_is_named_where_only_windows_are_checked(small: Small, few: ImageSet) -> None:
    trainer = Trainer(small({"steps": 8, "log_every": 4}), few)
    for _ in range(3):
        trainer.step()
    trainer.window.rows[1][0] = NAN
    trainer.device = torch.device("cuda")  # where reading every step would wait for the device
    with pytest.raises(Diverged) as caught:
        trainer.step()
    assert (caught.value.step, caught.value.tensor) == (2, "score/real")


def test_divergence_after_resuming_inside_a_window_has_the_right_step(small: Small, few: ImageSet) -> None:
    config = small({"steps": 8, "log_every": 4})
    first, second = Trainer(config, few), Trainer(config, few)
    first.step()
    first.step()
    second.load_state_dict(first.state_dict())
    assert run_until_bad(second, 3).step == 3


@pytest.mark.parametrize(
    ("bad_step", "kept"), [(3, [1, 2]), (4, [1, 2, 3]), (6, [5]), (8, [5, 6, 7]), (1, []), (5, [])]
)
def test_unfinished_window_keeps_the_finite_steps(small: Small, few: ImageSet, bad_step: int, kept: list[int]) -> None:
    every = windows(Trainer(small({"steps": 8}), few))
    trainer = Trainer(small({"steps": 8, "log_every": 4}), few)
    run_until_bad(trainer, bad_step)
    rows = trainer.unfinished_window()
    assert trainer.step_count == bad_step - 1
    assert len(rows) == bool(kept)
    for row in rows:
        assert (row["step"], row["images/generator"]) == (kept[-1], kept[-1] * 16)
        for name in set(row) - {*CLOCK, *COUNTED}:
            assert row[name] == pytest.approx(np.mean([every[step - 1][name] for step in kept]), rel=1e-12), name
    assert trainer.unfinished_window() == []


def test_window_names_the_first_bad_value_of_the_first_bad_step() -> None:
    window = Window()
    window.add({"a": torch.tensor(1.0), "b": torch.tensor(2.0)})
    assert window.first_not_finite() is None
    window.add({"a": torch.tensor(3.0), "b": torch.tensor(math.inf)})
    window.add({"a": torch.tensor(NAN), "b": torch.tensor(1.0)})
    assert window.first_not_finite() == (1, "b")


def test_window_is_empty_after_its_means() -> None:
    window = Window()
    window.add({"a": torch.tensor(1.0)})
    window.add({"a": torch.tensor(4.0)})
    assert window.means() == {"a": 2.5}
    window.add({"a": torch.tensor(7.0)})
    assert window.means() == {"a": 7.0}


@pytest.mark.parametrize("values", [2, 5, 1000])
@pytest.mark.parametrize("seed", [0, 1])
def test_roc_auc_is_that_of_scikit_learn_ties_included(values: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    real = torch.randint(values, (40,), generator=generator).float() + values / 5
    fake = torch.randint(values, (30,), generator=generator).float()
    truth = np.r_[np.ones(40), np.zeros(30)]
    expected = roc_auc_score(truth, torch.cat([real, fake]).numpy())
    assert roc_auc(real, fake).item() == pytest.approx(expected, abs=1e-6)


def test_roc_auc_of_apart_equal_and_inverted_scores() -> None:
    low, high = torch.tensor([0.0, 1.0]), torch.tensor([2.0, 3.0])
    assert [roc_auc(*pair).item() for pair in ((high, low), (low, high), (low, low))] == [1.0, 0.0, 0.5]
