"""Consistency regularisation: the transformation, the penalty by hand, and which sides it is on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.objective import consistency
from gan_core.training.trainer import Trainer

Small = Callable[..., TrialConfig]


def test_penalty_is_the_mean_squared_difference_of_the_logits() -> None:
    assert consistency.penalty(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 5.0])).item() == pytest.approx((1 + 4) / 2)


def test_images_are_mirrored_and_moved_by_up_to_an_eighth() -> None:
    """An image of its own coordinates says where each pixel came from."""
    side, count = 16, 400
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    images = torch.stack([rows, columns]).float().expand(count, 2, side, side)
    moved = consistency.transformed(images, torch.Generator().manual_seed(0))
    assert moved.shape == images.shape
    inner = moved[:, :, 4:12, 4:12]
    down = inner[:, 0, 0, 0] - 4
    is_mirrored = inner[:, 1, 0, 1] < inner[:, 1, 0, 0]
    right = torch.where(is_mirrored, 11 - inner[:, 1, 0, 0], inner[:, 1, 0, 0] - 4)
    for shift in (down, right):
        assert sorted(shift.unique().tolist()) == [-2, -1, 0, 1, 2]
        assert shift.unique(return_counts=True)[1].min() > 50
    assert 160 < is_mirrored.sum() < 240
    expected = torch.where(is_mirrored[:, None], 15 - torch.arange(4, 12), torch.arange(4, 12)).float()
    sign = torch.where(is_mirrored, -1, 1)
    assert torch.equal(inner[:, 1, 0], expected + (sign * right)[:, None])
    assert torch.equal(inner[:, 0, :, 0], torch.arange(4, 12) + down[:, None])


@pytest.mark.parametrize(("name", "calls"), [("cr", 4), ("bcr", 5)])
def test_discriminator_pays_on_the_sides_of_the_paper(small: Small, few: ImageSet, name: str, calls: int) -> None:
    config = small({f"stabilizers.{name}": 7.0, "model.init": "pytorch", "model.discriminator_norm": "none"})
    trainer = Trainer(config, few)
    said: list[Tensor] = []
    trainer.discriminator.register_forward_hook(lambda _m, _i, output: said.append(output.logits.detach().clone()))
    row = next(row for row in trainer.step().rows if f"loss/{name}" in row)
    assert len(said) == calls
    pairs = [(0, 2), (1, 3)][: calls - 3]
    value = sum((said[i] - said[j]).square().mean().item() for i, j in pairs)
    assert row[f"loss/{name}"] == pytest.approx(value, rel=1e-4) and value > 0
    adversarial = row["loss/discriminator_real"] + row["loss/discriminator_fake"]
    assert row["loss/discriminator"] == pytest.approx((adversarial + 7.0 * row[f"loss/{name}"]) / 2, rel=1e-5)
