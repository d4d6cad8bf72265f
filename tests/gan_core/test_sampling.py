"""Pictures of a generator are always drawn at the same latents, and each depends on its own only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from gan_core import sampling
from gan_core.config.sections import ModelConfig
from gan_core.config.stabilizer_sections import StabilizerConfig
from gan_core.config.trial import TrialConfig
from gan_core.data import pixels
from gan_core.data.datasets import ImageSet
from gan_core.networks.build import build_networks
from gan_core.training.trainer import Trainer


@pytest.fixture
def generator() -> torch.nn.Module:
    model = ModelConfig(width=8, init="pytorch", discriminator_norm="batch")
    return build_networks(model, StabilizerConfig(), channels=1, classes=0, image_size=32, seed=0)[0]


def test_fixed_latents_do_not_depend_on_the_random_state() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = sampling.fixed_latents(64, 10)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(sampling.fixed_latents(64, 10), first)
    assert first.mean().item() == pytest.approx(0, abs=0.15) and first.std().item() == pytest.approx(1, abs=0.1)


def test_grids_of_two_seeds_show_the_same_latents(small: Callable[..., TrialConfig], few: ImageSet) -> None:
    one, other = (Trainer(small({"seed": seed}), few) for seed in (0, 1))
    assert not torch.equal(one.snapshot().images, other.snapshot().images)
    other.generator.load_state_dict(one.generator.state_dict())
    assert torch.equal(one.snapshot().images, other.snapshot().images)


def test_grid_without_classes_is_eight_by_eight() -> None:
    latents, labels = sampling.grid_inputs(5, classes=0)
    assert latents.shape == (64, 5) and labels is None
    assert len(latents.unique(dim=0)) == 64


def test_grid_with_classes_has_a_row_a_class_of_the_same_latents() -> None:
    latents, labels = sampling.grid_inputs(5, classes=3)
    assert labels is not None
    assert labels.view(3, 8).tolist() == [[0] * 8, [1] * 8, [2] * 8]
    rows = latents.view(3, 8, 5)
    assert torch.equal(rows[0], rows[1]) and torch.equal(rows[0], rows[2])
    assert len(rows[0].unique(dim=0)) == 8


@pytest.mark.parametrize("training", [True, False])
def test_generate_puts_the_mode_back_and_leaves_the_statistics(generator: torch.nn.Module, training: bool) -> None:
    generator.train(training)
    before = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    sampling.generate(generator, sampling.fixed_latents(4, 100))
    assert all(module.training is training for module in generator.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in generator.state_dict().items())


def test_images_do_not_depend_on_the_batch_they_were_drawn_in(generator: torch.nn.Module) -> None:
    latents = sampling.fixed_latents(10, 100)
    whole = sampling.generate(generator, latents, batch_size=64).int()
    assert whole.float().std() > 1  # not one flat grey
    for batch_size in (1, 3, 10):
        apart = sampling.generate(generator, latents, batch_size=batch_size).int()
        assert (apart - whole).abs().max() <= 1  # another kernel may round the last bit otherwise
    shuffled = sampling.generate(generator, latents.flip(0)).int().flip(0)
    assert (shuffled - whole).abs().max() <= 1


def test_labels_go_with_their_latents_into_every_batch() -> None:
    class Echo(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.anchor = torch.nn.Parameter(torch.zeros(()))

        def forward(self, z: Tensor, labels: Tensor) -> Tensor:
            return ((labels + z[:, 0].long()) / 127.5 - 1)[:, None, None, None]

    latents, labels = torch.arange(7.0)[:, None], torch.arange(7) * 10
    images = sampling.generate(Echo(), latents, labels, batch_size=3)
    assert images.flatten().tolist() == [0, 11, 22, 33, 44, 55, 66]


def test_bytes_and_units_undo_each_other() -> None:
    every = torch.arange(256).to(torch.uint8)
    assert torch.equal(pixels.to_uint8(pixels.to_unit(every)), every)
    assert pixels.to_unit(every)[[0, -1]].tolist() == [-1, 1]


def test_what_is_not_in_range_is_clamped_and_what_is_no_number_is_black() -> None:
    odd = torch.tensor([-3.0, 3.0, float("nan"), float("inf"), float("-inf")])
    assert pixels.to_uint8(odd).tolist() == [0, 255, 0, 255, 0]


def test_spread_takes_evenly_from_the_whole() -> None:
    assert pixels.evenly_spaced(101, 5).tolist() == [0, 25, 50, 75, 100]
    assert pixels.evenly_spaced(3, 16).tolist() == [0, 1, 2]


def test_equal_images_have_no_diversity() -> None:
    image = torch.randint(256, (1, 3, 8, 8), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    assert sampling.diversity(image.repeat(20, 1, 1, 1)) == pytest.approx(0, abs=1e-6)


def test_diversity_is_the_root_mean_square_distance_from_the_mean_image() -> None:
    black, white = torch.zeros(1, 1, 4, 4), torch.full((1, 1, 4, 4), 255)
    half_white = torch.cat([black, white]).to(torch.uint8)
    assert sampling.diversity(half_white) == pytest.approx(1.0)  # -1 and 1 around a mean of 0
    one_of_four = torch.cat([black, black, black, white]).to(torch.uint8)
    assert sampling.diversity(one_of_four) == pytest.approx(np.sqrt(3) / 2)  # 2 sqrt(p (1 - p))
    left = white.clone()
    left[..., :2] = 0
    assert sampling.diversity(torch.cat([white, left]).to(torch.uint8)) == pytest.approx(np.sqrt(1 / 2))


def test_diversity_is_the_root_of_the_trace_of_the_covariance_a_pixel() -> None:
    images = torch.randint(256, (30, 1, 3, 3), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    flat = pixels.to_unit(images).flatten(1).double().numpy()
    assert sampling.diversity(images) == pytest.approx(np.sqrt(np.trace(np.cov(flat.T, bias=True)) / 9), rel=1e-5)


def test_diversity_of_a_trial_is_a_share_of_its_datas_own(small: Callable[..., TrialConfig], few: ImageSet) -> None:
    row = Trainer(small({"evaluation.samples": 40}), few).evaluate()
    assert row["diversity/ratio"] == pytest.approx(row["diversity/samples"] / sampling.diversity(few.images))
    assert row["diversity/samples"] > 0


def test_diversity_of_an_acgan_is_measured_on_every_class_alike(
    small: Callable[..., TrialConfig], few: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Tensor] = []
    draw = sampling.generate

    def spy(generator: torch.nn.Module, latents: Tensor, labels: Tensor, batch_size: int) -> Tensor:
        asked.append(labels)
        return draw(generator, latents, labels, batch_size)

    monkeypatch.setattr(sampling, "generate", spy)
    Trainer(small({"model.family": "acgan", "evaluation.samples": 30}), few).evaluate()
    assert torch.cat(asked).bincount().tolist() == [3] * 10


@pytest.mark.parametrize("channels", [1, 3])
def test_grid_puts_images_row_by_row_between_grey_gaps(channels: int) -> None:
    images = torch.arange(10).to(torch.uint8)[:, None, None, None].repeat(1, channels, 6, 5)
    picture = sampling.grid(images, columns=4, gap=2)
    assert picture.shape == (3 * (6 + 2) + 2, 4 * (5 + 2) + 2, channels)
    assert picture.dtype == np.uint8
    for number in range(10):
        top, left = 2 + number // 4 * 8, 2 + number % 4 * 7
        assert (picture[top : top + 6, left : left + 5] == number).all()
    assert (picture[:2] == 128).all() and (picture[:, :2] == 128).all()


def test_another_seed_draws_other_latents_and_zero_is_that_of_training() -> None:
    assert torch.equal(sampling.fixed_latents(4, 10, seed=0), sampling.fixed_latents(4, 10))
    assert not torch.equal(sampling.fixed_latents(4, 10, seed=1), sampling.fixed_latents(4, 10))


def test_spherical_interpolation_goes_from_end_to_end_at_an_even_angle() -> None:
    start, end = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    assert torch.allclose(sampling.slerp(start, end, 0.0), start, atol=1e-6)
    assert torch.allclose(sampling.slerp(start, end, 1.0), end, atol=1e-6)
    third = sampling.slerp(start, end, 1 / 3)
    assert torch.allclose(third, 2 * torch.tensor([[3**0.5 / 2, 0.5]]), atol=1e-6)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_between_latents_on_one_line_the_line_is_taken(sign: float) -> None:
    start = torch.tensor([[1.0, 2.0, 3.0]])
    middle = sampling.slerp(start, sign * 3 * start, 0.5)
    assert torch.allclose(middle, start * (1 + 3 * sign) / 2, atol=1e-4)


def test_interpolated_rows_keep_the_norm_that_a_straight_line_loses() -> None:
    rows = sampling.interpolated_latents(100).unflatten(0, (8, 8))
    straight = (rows[:, 0] + rows[:, -1]) / 2
    between = rows[:, 1:-1].norm(dim=2)
    ends = rows[:, [0, -1]].norm(dim=2)
    assert between.min() > 0.95 * ends.min()
    assert straight.norm(dim=1).mean() < 0.85 * ends.mean()
    assert len({tuple(row.tolist()) for row in rows.flatten(0, 1)}) == 64


@pytest.mark.parametrize(
    ("classes", "size", "rows"), [(10, 256, 10), (1000, 64, 1000), (1000, 128, 355), (1000, 256, 90), (0, 256, 0)]
)
def test_grid_of_very_many_classes_has_as_many_rows_as_a_report_can_read(classes: int, size: int, rows: int) -> None:
    assert sampling.classes_in_grid(classes, size) == rows


def test_diversity_of_many_images_is_computed_part_by_part_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.randint(256, (20, 3, 16, 16), dtype=torch.uint8)
    whole = sampling.diversity(images)
    monkeypatch.setattr(sampling, "MAX_FLOATS", 20 * 100)  # 100 of 768 pixels at once
    assert sampling.diversity(images) == whole
