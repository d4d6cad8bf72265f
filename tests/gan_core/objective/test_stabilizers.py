"""What keeps a GAN in balance does what its paper says, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gan_core.config.trial import TrialConfig
from gan_core.data import pixels
from gan_core.data.datasets import ImageSet
from gan_core.objective import stabilizers
from gan_core.training.trainer import Trainer

Small = Callable[..., TrialConfig]


def watch(trainer: Trainer) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """What D is shown and what it says, and what G draws in training, call by call."""
    shown: list[Tensor] = []
    logits: list[Tensor] = []
    drawn: list[Tensor] = []

    def on_discriminator(_module: object, inputs: tuple[Tensor], output: Any) -> None:
        shown.append(inputs[0].detach().clone())
        logits.append(output.logits.detach().clone())

    trainer.discriminator.register_forward_hook(on_discriminator)

    def on_generator(module: torch.nn.Module, _inputs: object, output: Tensor) -> None:
        if module.training:
            drawn.append(output.detach().clone())

    trainer.generator.register_forward_hook(on_generator)
    return shown, logits, drawn


def test_annealing_falls_linearly_from_the_whole_to_nothing() -> None:
    assert [stabilizers.annealed(0.4, step, 8) for step in (0, 2, 4, 8)] == pytest.approx([0.4, 0.3, 0.2, 0.0])


def test_instance_noise_has_the_standard_deviation_asked_for() -> None:
    images = torch.full((64, 1, 32, 32), 0.5)
    noise = stabilizers.instance_noise(images, 0.3, torch.Generator().manual_seed(0)) - images
    assert noise.std().item() == pytest.approx(0.3, rel=0.02)
    assert noise.mean().item() == pytest.approx(0.0, abs=0.006)
    assert noise.flatten(1).std(dim=0).min() > 0.1  # every pixel of every image has its own


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_smoothing_is_one_sided(smoothing: float) -> None:
    real, fake = stabilizers.targets(3, smoothing, 0.0, seeded())
    assert torch.equal(real, torch.full((3,), 1 - smoothing))
    assert torch.equal(fake, torch.zeros(3))


def test_flipped_image_is_told_the_other_target() -> None:
    real, fake = stabilizers.targets(1000, 0.1, 0.3, seeded())
    for images in (real, fake):
        assert torch.equal(images.unique(), torch.tensor([0.0, 0.9]))
    assert (real == 0).double().mean().item() == pytest.approx(0.3, abs=0.05)
    assert (fake == 0).double().mean().item() == pytest.approx(0.7, abs=0.05)


def test_each_image_is_flipped_by_itself() -> None:
    real, fake = stabilizers.targets(4000, 0.0, 0.5, seeded())
    flipped_real, flipped_fake = (real == 0).double(), (fake == 1).double()
    assert (flipped_real * flipped_fake).mean().item() == pytest.approx(0.25, abs=0.03)
    assert (flipped_real[1:] * flipped_real[:-1]).mean().item() == pytest.approx(0.25, abs=0.03)


def test_flips_are_those_of_the_generator_and_without_flipping_it_is_left_alone() -> None:
    first, again = (stabilizers.targets(64, 0.1, 0.3, seeded(1)) for _ in range(2))
    assert torch.equal(first.real, again.real) and torch.equal(first.fake, again.fake)
    generator = seeded()
    before = generator.get_state()
    stabilizers.targets(64, 0.1, 0.0, generator)
    assert torch.equal(generator.get_state(), before)
    stabilizers.targets(64, 0.1, 0.3, generator)
    assert not torch.equal(generator.get_state(), before)


def test_pack_puts_neighbours_of_the_batch_into_the_channels_of_one() -> None:
    images = torch.arange(6 * 3 * 2 * 2).reshape(6, 3, 2, 2)
    packs = stabilizers.pack(images, 2)
    assert packs.shape == (3, 6, 2, 2)
    for i in range(3):
        assert torch.equal(packs[i], torch.cat([images[2 * i], images[2 * i + 1]]))


def test_packs_that_do_not_divide_the_batch_are_refused() -> None:
    with pytest.raises(RuntimeError, match="size of dim 0"):
        stabilizers.pack(torch.zeros(5, 1, 2, 2), 2)


def test_smoothing_never_reaches_the_generator(small: Small, few: ImageSet) -> None:
    trainer = Trainer(small({"stabilizers.label_smoothing": 0.3}), few)
    _, logits, _ = watch(trainer)
    _, row = trainer.step().rows  # the first is the untrained generator's evaluation
    real, fake, fooled = logits
    assert row["loss/discriminator_real"] == pytest.approx(
        (0.7 * F.softplus(-real) + 0.3 * F.softplus(real)).mean().item(), rel=1e-5
    )
    assert row["loss/discriminator_fake"] == pytest.approx(F.softplus(fake).mean().item(), rel=1e-5)
    assert row["loss/generator"] == pytest.approx(F.softplus(-fooled).mean().item(), rel=1e-5)


def test_flipping_never_reaches_the_generator(small: Small, few: ImageSet) -> None:
    trainer = Trainer(small({"stabilizers.label_flipping": 0.4}), few)
    _, logits, _ = watch(trainer)
    _, row = trainer.step().rows  # the first is the untrained generator's evaluation
    real, _, fooled = logits
    assert abs(row["loss/discriminator_real"] - F.softplus(-real).mean().item()) > 1e-4
    assert row["loss/generator"] == pytest.approx(F.softplus(-fooled).mean().item(), rel=1e-5)


@pytest.mark.parametrize("fake_only", [False, True])
def test_fake_only_leaves_real_images_untouched(small: Small, few: ImageSet, fake_only: bool) -> None:
    trainer = Trainer(
        small({"stabilizers.instance_noise.std": 0.5, "stabilizers.instance_noise.fake_only": fake_only}), few
    )
    order = trainer.batches.state_dict()["order"].clone()
    shown, _, drawn = watch(trainer)
    trainer.step()
    real = pixels.to_unit(few.images[order[:16]])
    if fake_only:
        assert torch.equal(shown[0], real)
    else:
        assert (shown[0] - real).std().item() == pytest.approx(0.5, rel=0.05)
    for seen in shown[1:]:  # once in D's update, once in G's
        assert (seen - drawn[0]).std().item() == pytest.approx(0.5, rel=0.05)
    assert not torch.equal(shown[1], shown[2])


def test_annealed_noise_falls_with_the_steps_of_the_run(small: Small, few: ImageSet) -> None:
    noise = {"stabilizers.instance_noise.std": 0.4, "stabilizers.instance_noise.anneal": True}
    trainer = Trainer(small(noise | {"steps": 4}), few)
    shown, _, drawn = watch(trainer)
    for _ in range(3):
        trainer.step()
    fakes = [shown[i] for i in range(len(shown)) if i % 3]  # real, fake, fake of G
    strengths = [(seen - drawn[i // 2]).std().item() for i, seen in enumerate(fakes)]
    assert strengths == pytest.approx([0.4, 0.4, 0.3, 0.3, 0.2, 0.2], rel=0.05)
