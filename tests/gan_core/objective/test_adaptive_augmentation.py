"""Adaptive augmentation: what it does to images, how often, and how its probability follows D."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.objective import adaptive_augmentation
from gan_core.objective.adaptive_augmentation import AdaptiveProbability, augment
from gan_core.training.trainer import Trainer

Small = Callable[..., TrialConfig]


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int, channels: int = 3, side: int = 16) -> Tensor:
    return torch.rand(count, channels, side, side, generator=stream(1)) * 2 - 1


@pytest.mark.parametrize("channels", [1, 3])
def test_without_probability_images_stay_as_they_are(channels: int) -> None:
    images = pictures(8, channels)
    torch.testing.assert_close(augment(images, torch.tensor(0.0), stream()), images, rtol=0, atol=1e-4)


def test_as_many_numbers_are_drawn_whatever_the_probability() -> None:
    states = []
    for p in (0.0, 0.3, 1.0):
        generator = stream()
        augment(pictures(4), torch.tensor(p), generator)
        states.append(generator.get_state())
    assert torch.equal(states[0], states[1]) and torch.equal(states[1], states[2])


def test_share_of_images_that_change_is_that_of_eleven_transformations() -> None:
    """Flip, quarter turns and inverted luma draw what changes nothing in 1/2, 1/4 and 1/2 of the cases; rotation is p
    once for both; on grey images hue and saturation do not act."""
    p, images = 0.1, pictures(3000, 1)
    changed = (augment(images, torch.tensor(p), stream()) - images).abs().amax(dim=(1, 2, 3)) > 1e-3
    same = (
        (1 - p / 2) * (1 - 3 / 4 * p) * (1 - p / 2) * (1 - p) ** 7
    )  # shift, scale, rotation, aniso, fraction, colours
    assert changed.float().mean().item() == pytest.approx(1 - same, abs=0.03)


def test_colours_of_a_flat_image_are_an_affine_map_about_grey() -> None:
    """Grey stays grey whatever hue and saturation do; brightness, contrast and luma have the authors' spread."""
    flat = torch.full((4000, 3, 4, 4), 0.5)
    colour = augment(flat, torch.tensor(1.0), stream())[:, :, 1, 1]
    torch.testing.assert_close(colour[:, 0], colour[:, 1], rtol=0, atol=1e-4)
    torch.testing.assert_close(colour[:, 0], colour[:, 2], rtol=0, atol=1e-4)
    # c (0.5 + b) with log2 c of spread 0.5 and b of spread 0.2, of either sign
    assert (colour[:, 0] < 0).float().mean().item() == pytest.approx(0.5, abs=0.03)
    second = (0.5**2 + 0.2**2) * math.exp(2 * (0.5 * math.log(2)) ** 2)
    assert colour[:, 0].square().mean().item() == pytest.approx(second, rel=0.08)


def test_hue_turns_about_grey_and_saturation_scales() -> None:
    red = torch.zeros(2000, 3, 4, 4)
    red[:, 0] = 1.0
    colour = augment(red, torch.tensor(1.0), stream())[:, :, 1, 1]
    plane = colour - colour.mean(dim=1, keepdim=True)
    angles = torch.atan2((plane[:, 1] - plane[:, 2]) / math.sqrt(2), plane[:, 0] * math.sqrt(3 / 2))
    assert angles.sin().mean().abs() < 0.06 and angles.cos().mean().abs() < 0.06  # every direction
    lengths = (plane.norm(dim=1) / math.sqrt(2 / 3)).log2()  # of contrast times saturation
    assert lengths.std().item() == pytest.approx(math.hypot(0.5, 1.0), rel=0.06)


def test_quarter_turns_flips_and_whole_shifts_move_pixels_without_blurring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adaptive_augmentation, "SCALE_STD", 0.0)
    monkeypatch.setattr(adaptive_augmentation, "_recolour", lambda images, draws: images)
    real = adaptive_augmentation._Draws.applied
    order: list[int] = []

    def only_blits(self: object, value: Tensor, neutral: float = 0.0, p: Tensor | None = None) -> Tensor:
        order.append(1)
        return real(self, value, neutral, p if len(order) <= 3 else torch.tensor(0.0))  # type: ignore[arg-type]

    monkeypatch.setattr(adaptive_augmentation._Draws, "applied", only_blits)
    images = pictures(40, 1)
    moved = augment(images, torch.tensor(1.0), stream())
    values = images.flatten(1)
    for image, before in zip(moved, values, strict=True):
        inner = image[0, 4:12, 4:12].flatten()
        assert (inner[:, None] - before[None]).abs().min(dim=1).values.max() < 1e-3
    assert (moved - images).abs().amax(dim=(1, 2, 3)).gt(0.1).float().mean() > 0.9


def test_gradient_goes_through_to_the_images() -> None:
    images = pictures(4).requires_grad_()
    augment(images, torch.tensor(0.7), stream()).sum().backward()
    assert images.grad is not None and images.grad.abs().sum() > 0


def test_probability_rises_while_d_is_surer_than_the_target_and_falls_after() -> None:
    """Every fourth update, by 4 x 25 of 1,000 images: 0.1."""
    adaptive = AdaptiveProbability(target=0.6, speed=1.0, images=25, device=torch.device("cpu"))
    sure, unsure = torch.ones(10), torch.tensor([1.0, -1.0])
    seen = []
    for logits in [sure] * 8 + [unsure] * 4 + [sure] * 2 + [unsure] * 10:
        adaptive.observe(logits)
        seen.append(round(adaptive.p.item(), 4))
    assert seen[2::4] == [0.0, 0.1, 0.2, 0.1, 0.0, 0.0]
    assert seen[3::4] == [0.1, 0.2, 0.1, 0.0, 0.0, 0.0]  # the fourth four have r_t = 0.5, and p is never below 0


def test_probability_is_never_above_one() -> None:
    adaptive = AdaptiveProbability(target=0.6, speed=0.1, images=60, device=torch.device("cpu"))
    for _ in range(8):
        adaptive.observe(torch.ones(3))
    assert adaptive.p.item() == 1.0


def test_training_shows_the_probability_that_each_update_used(small: Small, few: ImageSet) -> None:
    """16 x 4 images of the 320 are a fifth. The logits of a new D are as often above 0 as the target asks."""
    settings = {"stabilizers.ada": {"target": 0.01, "speed": 0.32}, "steps": 9, "loss.name": "rpgan"}
    trainer = Trainer(small(settings | {"optimizer.lr": 2e-3}), few)
    said: list[Tensor] = []
    trainer.discriminator.register_forward_hook(lambda _m, _i, output: said.append(output.logits.detach().clone()))
    rows = [row for progress in trainer.fit() for row in progress.rows if "ada/probability" in row]
    p, expected = 0.0, []
    for first in (0, 4, 8):
        expected += [p] * 4
        signs = [(said[4 * step] - said[4 * step + 1]).sign().mean().item() for step in range(first, min(first + 4, 9))]
        p = min(1.0, max(0.0, p + math.copysign(0.2, sum(signs) / len(signs) - 0.01)))
    assert [row["ada/probability"] for row in rows] == pytest.approx(expected[:9])
    assert max(expected) > 0
