"""Top-k: which images G learns from, and how many of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.objective import top_k
from gan_core.objective.losses import ADVERSARIAL_LOSSES
from gan_core.training.trainer import Trainer

Small = Callable[..., TrialConfig]


@pytest.mark.parametrize(
    ("epoch", "kept"), [(0, 64), (1, 63), (2, 62), (68, 32), (69, 32), (500, 32)]
)  # 64 * 0.99 = 63.36; 0.99^68 = 0.505
def test_k_falls_by_a_hundredth_an_epoch_to_the_share(epoch: int, kept: int) -> None:
    assert top_k.count_kept(0.5, 64, epoch) == kept


def test_one_image_is_always_kept() -> None:
    assert top_k.count_kept(0.01, 8, 1000) == 1


@pytest.mark.parametrize("name", ["bce", "hinge", "least_squares", "wasserstein"])
def test_loss_is_that_of_the_images_that_d_finds_most_real(name: str) -> None:
    logits = torch.tensor([0.3, -2.0, 1.5, 0.2], requires_grad=True)
    loss = ADVERSARIAL_LOSSES[name].generator
    best = top_k.loss_of_best(loss, logits, torch.tensor(2.0))
    assert best.item() == pytest.approx(loss(torch.tensor([0.3, 1.5])).item())
    (gradient,) = torch.autograd.grad(best, logits)
    assert (gradient != 0).tolist() == [True, False, True, False]
    assert top_k.loss_of_best(loss, logits, torch.tensor(4.0)).item() == pytest.approx(loss(logits).item())


def test_of_equal_images_as_many_are_kept() -> None:
    best = top_k.loss_of_best(lambda logits: logits.mean(), torch.ones(5), torch.tensor(3.0))
    assert best.item() == pytest.approx(1.0)


def test_generator_learns_from_fewer_images_in_a_later_epoch(small: Small, few: ImageSet) -> None:
    """40 images are 2 batches of 16, so the third step is of the second epoch: 15 of 16 images."""
    trainer = Trainer(small({"stabilizers.top_k": 0.5, "model.init": "pytorch"}), few)
    said: list[Tensor] = []
    trainer.discriminator.register_forward_hook(lambda _m, _i, output: said.append(output.logits.detach().clone()))
    rows = [row for progress in trainer.fit() for row in progress.rows if "loss/generator" in row]
    assert [row["top_k/share"] for row in rows] == pytest.approx([1, 1, 15 / 16, 15 / 16])
    for step, row in enumerate(rows):
        fooled = said[3 * step + 2].sort(descending=True).values[: 16 if step < 2 else 15]
        assert row["loss/generator"] == pytest.approx(F.softplus(-fooled).mean().item(), rel=1e-5)


def test_packs_are_counted(small: Small, few: ImageSet) -> None:
    trainer = Trainer(small({"stabilizers.top_k": 0.5, "stabilizers.packing": 4}), few)
    trainer.updates.set_inputs(2 * 100)  # of epoch 100
    assert trainer.updates.objective.kept.item() == 2
