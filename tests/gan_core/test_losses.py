"""Every loss against its equation, worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gan_core import losses

REAL, FAKE = torch.tensor([0.0, math.log(3)]), torch.tensor([0.0, -math.log(4)])  # sigmoids 1/2, 3/4 and 1/2, 1/5


def wide(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()


def test_discriminator_pays_minus_log_of_what_it_should_have_said() -> None:
    real, fake = losses.bce_discriminator(REAL, FAKE)
    assert real.item() == pytest.approx(-(math.log(1 / 2) + math.log(3 / 4)) / 2)
    assert fake.item() == pytest.approx(-(math.log(1 - 1 / 2) + math.log(1 - 1 / 5)) / 2)


def test_generator_pays_minus_log_of_passing_as_real() -> None:
    assert losses.bce_generator(FAKE).item() == pytest.approx(-(math.log(1 / 2) + math.log(1 / 5)) / 2)


def test_generator_loss_does_not_saturate_where_the_discriminator_is_sure() -> None:
    logits = torch.tensor([-50.0], requires_grad=True)
    losses.bce_generator(logits).backward()
    assert logits.grad is not None
    assert logits.grad.item() == pytest.approx(-1)


def test_smoothing_touches_the_real_half_only() -> None:
    plain_real, plain_fake = losses.bce_discriminator(REAL, FAKE)
    real, fake = losses.bce_discriminator(REAL, FAKE, real_target=0.9)
    by_hand = [-(0.9 * math.log(p) + 0.1 * math.log(1 - p)) for p in (1 / 2, 3 / 4)]
    assert real.item() == pytest.approx(sum(by_hand) / 2)
    assert real.item() != pytest.approx(plain_real.item(), abs=1e-3)
    assert torch.equal(fake, plain_fake)


def test_smoothed_real_half_is_least_where_the_sigmoid_is_the_target() -> None:
    best = torch.tensor([math.log(0.9 / 0.1)], requires_grad=True)
    losses.bce_discriminator(best, FAKE, real_target=0.9)[0].backward()
    assert best.grad is not None
    assert best.grad.item() == pytest.approx(0, abs=1e-6)


def test_wasserstein_losses_are_differences_of_means() -> None:
    real, fake = torch.tensor([3.0, 5.0]), torch.tensor([-1.0, 2.0])
    assert losses.wasserstein_critic(real, fake).item() == pytest.approx(0.5 - 4.0)
    assert losses.wasserstein_generator(fake).item() == pytest.approx(-0.5)


def test_critic_loss_ignores_the_offset_of_its_scores() -> None:
    real, fake = torch.tensor([3.0, 5.0]), torch.tensor([-1.0, 2.0])
    shifted = losses.wasserstein_critic(real + 7, fake + 7)
    assert shifted.item() == pytest.approx(losses.wasserstein_critic(real, fake).item())


LOGITS = torch.tensor([[0.0, math.log(2), math.log(5)], [math.log(7), 0.0, math.log(2)]])  # 1 2 5 and 7 1 2, of 8, 10
LABELS = torch.tensor([2, 1])


def test_cross_entropy_is_minus_log_of_the_probability_of_the_label() -> None:
    by_hand = -(math.log(5 / 8) + math.log(1 / 10)) / 2
    assert losses.cross_entropy(LOGITS, LABELS).item() == pytest.approx(by_hand)


def test_nll_of_probabilities_is_minus_the_probability_of_the_label() -> None:
    assert losses.nll_of_probabilities(LOGITS, LABELS).item() == pytest.approx(-(5 / 8 + 1 / 10) / 2)


@pytest.mark.parametrize("sure", [-100.0, 100.0])
def test_nll_of_probabilities_stays_between_minus_one_and_zero(sure: float) -> None:
    value = losses.nll_of_probabilities(torch.tensor([[sure, 0.0]]), torch.tensor([0])).item()
    assert value == pytest.approx(-1.0 if sure > 0 else 0.0, abs=1e-6)


def test_class_losses_are_found_by_the_names_of_the_configuration() -> None:
    by_hand = {"cross_entropy": -math.log(5 / 8), "nll_of_probabilities": -5 / 8}
    found = {name: loss(LOGITS[:1], LABELS[:1]).item() for name, loss in losses.CLASS_LOSSES.items()}
    assert found == pytest.approx(by_hand)


@pytest.mark.parametrize(
    "loss",
    [
        lambda real, fake: losses.bce_discriminator(real, fake),
        lambda real, fake: losses.bce_discriminator(real, fake, real_target=0.8),
        losses.wasserstein_critic,
    ],
)
def test_gradients_of_two_sided_losses_are_those_of_finite_differences(loss: Callable[..., Tensor]) -> None:
    real, fake = wide(5), (wide(5) - 0.3).detach().requires_grad_()
    assert torch.autograd.gradcheck(loss, (real, fake))


@pytest.mark.parametrize("loss", [losses.bce_generator, losses.wasserstein_generator])
def test_gradients_of_generator_losses_are_those_of_finite_differences(loss: Callable[..., Tensor]) -> None:
    assert torch.autograd.gradcheck(loss, (wide(5),))


@pytest.mark.parametrize("name", ["cross_entropy", "nll_of_probabilities"])
def test_gradients_of_class_losses_are_those_of_finite_differences(name: str) -> None:
    labels = torch.tensor([0, 2, 1, 2])
    assert torch.autograd.gradcheck(lambda logits: losses.CLASS_LOSSES[name](logits, labels), (wide(4, 3),))
