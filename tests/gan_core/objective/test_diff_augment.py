"""Each part of DiffAugment does what the paper's code does, with the draws of its generator and no others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gan_core.objective import diff_augment
from gan_core.objective.diff_augment import brightness, contrast, cutout, saturation, translation

Part = Callable[[Tensor, torch.Generator], Tensor]
PARTS = (brightness, saturation, contrast, translation, cutout)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draw(*shape: int, seed: int = 7) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=seeded(seed))


def assert_uniform(values: Tensor, low: float, high: float) -> None:
    """`found` [many] has the bounds and the mean of numbers uniform on [low, high)."""
    width = high - low
    assert low <= values.min() < low + 0.02 * width and high - 0.02 * width < values.max() <= high
    assert values.mean().item() == pytest.approx((low + high) / 2, abs=0.04 * width)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("part", [*PARTS, diff_augment.diff_augment])
def test_shape_stays_and_the_generator_decides(part: Part, channels: int) -> None:
    images = draw(8, channels, 32, 32)
    global_state = torch.get_rng_state()
    first, again, other = (part(images, seeded(seed)) for seed in (0, 0, 1))
    assert first.shape == images.shape and first.dtype == images.dtype
    assert torch.equal(first, again)
    assert torch.equal(first, other) == (part is saturation and channels == 1)
    assert torch.equal(torch.get_rng_state(), global_state)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("part", [*PARTS, diff_augment.diff_augment])
def test_gradients_with_respect_to_the_images_are_those_of_finite_differences(part: Part, channels: int) -> None:
    images = draw(2, channels, 8, 8).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: part(x, seeded()), (images,), fast_mode=True)


def test_diff_augment_is_colour_then_translation_then_cutout() -> None:
    images = draw(16, 3, 32, 32)
    generator, expected = seeded(), images
    for part in (brightness, saturation, contrast, translation, cutout):
        expected = part(expected, generator)
    assert torch.equal(diff_augment.diff_augment(images, seeded()), expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_stay_channels_last(channels: int) -> None:
    images = draw(4, channels, 32, 32).contiguous(memory_format=torch.channels_last)
    assert diff_augment.diff_augment(images, seeded()).is_contiguous(memory_format=torch.channels_last)


def test_brightness_adds_one_number_an_image() -> None:
    images = draw(1000, 3, 4, 4)
    added = (brightness(images, seeded()) - images).flatten(1)
    torch.testing.assert_close(added, added[:, :1].expand_as(added))
    assert_uniform(added[:, 0], -0.5, 0.5)


def test_saturation_scales_the_distance_from_grey() -> None:
    images = draw(1000, 3, 4, 4)
    changed = saturation(images, seeded())
    grey = images.mean(dim=1, keepdim=True)
    torch.testing.assert_close(changed.mean(dim=1, keepdim=True), grey)
    scale = ((changed - grey) / (images - grey)).flatten(1)
    torch.testing.assert_close(scale, scale[:, :1].expand_as(scale))
    assert_uniform(scale[:, 0], 0, 2)


def test_saturation_of_one_channel_is_the_image() -> None:
    images = draw(8, 1, 16, 16).float()
    assert torch.equal(saturation(images, seeded()), images)


def test_contrast_scales_the_distance_from_the_mean_of_the_image() -> None:
    images = draw(1000, 3, 4, 4) + 2
    changed = contrast(images, seeded())
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    torch.testing.assert_close(changed.mean(dim=(1, 2, 3), keepdim=True), mean)
    scale = ((changed - mean) / (images - mean)).flatten(1)
    torch.testing.assert_close(scale, scale[:, :1].expand_as(scale))
    assert_uniform(scale[:, 0], 0.5, 1.5)


def test_translation_moves_each_image_by_up_to_an_eighth_and_fills_with_zeros() -> None:
    images = draw(1, 2, 16, 8).expand(2000, 2, 16, 8)
    moved = translation(images, seeded())
    padded = F.pad(images[0], (1, 1, 2, 2))
    counts = {}
    for down in range(5):
        for right in range(3):
            shifted = padded[:, down : down + 16, right : right + 8]
            counts[down, right] = int((moved == shifted).all(dim=(1, 2, 3)).sum())
    assert sum(counts.values()) == 2000
    assert min(counts.values()) > 0.6 * 2000 / 15 and max(counts.values()) < 1.4 * 2000 / 15


def covered_by_the_authors(side: int, offset: int) -> list[int]:
    """Rows that the authors' code sets to zero for a centre at `offset`: each row of the hole, clamped to the image."""
    half = side // 2
    return sorted({min(max(i + offset - half // 2, 0), side - 1) for i in range(half)})


@pytest.mark.parametrize("side", [8, 6])  # a hole of even and of odd length
def test_cutout_sets_a_rectangle_of_half_the_side_to_zero_wherever_its_centre_falls(side: int) -> None:
    kept = cutout(torch.ones(4000, 2, side, side), seeded())
    assert torch.equal(kept[:, 0], kept[:, 1])
    hole = kept[:, 0] == 0
    rows, columns = hole.any(dim=2), hole.any(dim=1)
    assert torch.equal(hole, rows[:, :, None] & columns[:, None, :])
    centres = range(side + 1 - (side // 2) % 2)
    for covered in (rows, columns):
        positions = [tuple(row.nonzero().flatten().tolist()) for row in covered]
        allowed = [tuple(covered_by_the_authors(side, centre)) for centre in centres]
        assert set(positions) == set(allowed)
        for choice in set(allowed):
            share = allowed.count(choice) / len(allowed)
            assert positions.count(choice) / 4000 == pytest.approx(share, abs=0.03)
    assert abs(torch.corrcoef(torch.stack([rows[:, 0], columns[:, 0]]).double())[0, 1].item()) < 0.06


def test_cutout_leaves_the_rest_of_the_image_as_it_is() -> None:
    images = draw(16, 3, 32, 32)
    kept = cutout(images, seeded())
    assert torch.equal(kept[kept != 0], images[kept != 0])
    assert 16 * 3 * 32 * 32 / 2 < int((kept != 0).sum()) < 16 * 3 * 32 * 32
