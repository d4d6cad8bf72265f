"""What keeps a GAN in balance does what its paper says, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gan_core import sampling, stabilizers
from gan_core.config import TrialConfig
from gan_core.datasets import ImageSet
from gan_core.training import Trainer

Small = Callable[..., TrialConfig]


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def cubic(images: Tensor) -> Tensor:
    """A critic whose gradient, x^2, is different at every point between two images."""
    return (images**3 / 3).flatten(1).sum(dim=1)


def watch(trainer: Trainer) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """What D is shown and what it says, and what G draws, call by call."""
    shown: list[Tensor] = []
    said: list[Tensor] = []
    drawn: list[Tensor] = []

    def on_discriminator(_module: object, inputs: tuple[Tensor], output: Any) -> None:
        shown.append(inputs[0].detach().clone())
        said.append(output.logits.detach().clone())

    trainer.discriminator.register_forward_hook(on_discriminator)
    trainer.generator.register_forward_hook(lambda _module, _inputs, output: drawn.append(output.detach().clone()))
    return shown, said, drawn


@pytest.mark.parametrize("length", [0.25, 1.0, 3.0])
def test_penalty_of_a_linear_critic_is_its_slope_less_one_squared(length: float) -> None:
    weights = draw(1, 4, 4)
    weights *= length / weights.norm()
    real, fake, epsilon = draw(3, 1, 4, 4, seed=1), draw(3, 1, 4, 4, seed=2), torch.rand(3, 1, 1, 1).double()
    penalty = stabilizers.gradient_penalty(lambda x: (x * weights).flatten(1).sum(1), real, fake, epsilon)
    assert penalty.item() == pytest.approx((length - 1) ** 2, abs=1e-12)


def test_penalty_gradient_is_that_of_finite_differences() -> None:
    real, fake, epsilon = draw(3, 1, 3, 3, seed=1), draw(3, 1, 3, 3, seed=2), torch.rand(3, 1, 1, 1).double()

    def penalty(first: Tensor, second: Tensor) -> Tensor:
        def critic(x: Tensor) -> Tensor:
            return torch.tanh(x.flatten(1) @ first) @ second

        return stabilizers.gradient_penalty(critic, real, fake, epsilon)

    weights = draw(9, 5, seed=3).requires_grad_(), draw(5, seed=4).requires_grad_()
    assert torch.autograd.gradcheck(penalty, weights)


def test_penalty_of_a_flat_critic_is_one_and_its_gradient_finite() -> None:
    weights = torch.zeros(9, requires_grad=True)
    real, fake = torch.randn(2, 1, 3, 3), torch.randn(2, 1, 3, 3)
    penalty = stabilizers.gradient_penalty(lambda x: x.flatten(1) @ weights, real, fake, torch.rand(2, 1, 1, 1))
    penalty.backward()
    assert penalty.item() == 1
    assert weights.grad is not None and bool(torch.isfinite(weights.grad).all())


def test_each_example_is_mixed_by_its_own_epsilon() -> None:
    real, fake = draw(4, 1, 3, 3, seed=1), draw(4, 1, 3, 3, seed=2)
    epsilon = torch.tensor([0.1, 0.4, 0.6, 0.9]).double().view(4, 1, 1, 1)

    def alone(i: int, mix: float) -> float:
        x = mix * real[i] + (1 - mix) * fake[i]
        return float(((x**2).norm() - 1) ** 2)

    parts = [alone(i, float(epsilon[i])) for i in range(4)]
    before = stabilizers.gradient_penalty(cubic, real, fake, epsilon).item()
    assert before == pytest.approx(sum(parts) / 4)
    epsilon[1] = 0.8
    change = stabilizers.gradient_penalty(cubic, real, fake, epsilon).item() - before
    assert change == pytest.approx((alone(1, 0.8) - parts[1]) / 4)
    assert abs(change) > 1e-3


def test_trainer_draws_one_epsilon_an_example(small: Small, few: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[Tensor] = []
    real_penalty = stabilizers.gradient_penalty

    def spy(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
        used.append(epsilon)
        return real_penalty(critic, real, fake, epsilon)

    monkeypatch.setattr(stabilizers, "gradient_penalty", spy)
    Trainer(small({"model.family": "wgan_gp", "loss.n_critic": 2}), few).step()
    assert [tuple(epsilon.shape) for epsilon in used] == [(16, 1, 1, 1)] * 2
    assert len(torch.cat(used).unique()) == 32
    assert torch.cat(used).min() >= 0 and torch.cat(used).max() < 1


def test_annealing_falls_linearly_from_the_whole_to_nothing() -> None:
    assert [stabilizers.annealed(0.4, step, 8) for step in (0, 2, 4, 8)] == pytest.approx([0.4, 0.3, 0.2, 0.0])


def test_instance_noise_has_the_standard_deviation_asked_for() -> None:
    images = torch.full((64, 1, 32, 32), 0.5)
    noise = stabilizers.instance_noise(images, 0.3, torch.Generator().manual_seed(0)) - images
    assert noise.std().item() == pytest.approx(0.3, rel=0.02)
    assert noise.mean().item() == pytest.approx(0.0, abs=0.006)
    assert noise.flatten(1).std(dim=0).min() > 0.1  # every pixel of every image has its own


def test_smoothed_target_is_one_less_the_smoothing() -> None:
    assert [stabilizers.smoothed_target(s) for s in (0.0, 0.1)] == pytest.approx([1.0, 0.9])


def test_smoothing_never_reaches_the_generator(small: Small, few: ImageSet) -> None:
    trainer = Trainer(small({"stabilizers.label_smoothing": 0.3}), few)
    _, said, _ = watch(trainer)
    row = trainer.step().rows[0]
    real, fake, fooled = said
    assert row["loss/discriminator_real"] == pytest.approx(
        (0.7 * F.softplus(-real) + 0.3 * F.softplus(real)).mean().item(), rel=1e-5
    )
    assert row["loss/discriminator_fake"] == pytest.approx(F.softplus(fake).mean().item(), rel=1e-5)
    assert row["loss/generator"] == pytest.approx(F.softplus(-fooled).mean().item(), rel=1e-5)


@pytest.mark.parametrize("fake_only", [False, True])
def test_fake_only_leaves_real_images_untouched(small: Small, few: ImageSet, fake_only: bool) -> None:
    trainer = Trainer(
        small({"stabilizers.instance_noise.std": 0.5, "stabilizers.instance_noise.fake_only": fake_only}), few
    )
    order = trainer._order.clone()
    shown, _, drawn = watch(trainer)
    trainer.step()
    real = sampling.to_unit(few.images[order[:16]])
    if fake_only:
        assert torch.equal(shown[0], real)
    else:
        assert (shown[0] - real).std().item() == pytest.approx(0.5, rel=0.05)
    for seen, made in zip(shown[1:], drawn, strict=True):  # once for D's update, once for G's
        assert (seen - made).std().item() == pytest.approx(0.5, rel=0.05)


def test_annealed_noise_falls_with_the_steps_of_the_run(small: Small, few: ImageSet) -> None:
    noise = {"stabilizers.instance_noise.std": 0.4, "stabilizers.instance_noise.anneal": True}
    trainer = Trainer(small(noise | {"steps": 4}), few)
    shown, _, drawn = watch(trainer)
    for _ in range(3):
        trainer.step()
    fakes = [shown[i] for i in range(len(shown)) if i % 3]  # real, fake, fake of G
    strengths = [(seen - made).std().item() for seen, made in zip(fakes, drawn, strict=True)]
    assert strengths == pytest.approx([0.4, 0.4, 0.3, 0.3, 0.2, 0.2], rel=0.05)
