"""Every loss against its equation, worked out by hand."""

from __future__ import annotations

import inspect
import math
from typing import get_args

import pytest
import torch
from torch import Tensor

from gan_core.config.sections import LossName
from gan_core.objective import losses, relativistic
from gan_core.objective.losses import ADVERSARIAL_LOSSES as LOSSES
from gan_core.objective.losses import Targets

REAL, FAKE = torch.tensor([0.0, math.log(3)]), torch.tensor([0.0, -math.log(4)])  # sigmoids 1/2, 3/4 and 1/2, 1/5


def of_generator(name: str, fake: Tensor) -> Tensor:
    """G's loss; that of a relativistic one with as many real logits."""
    loss = LOSSES[name]
    if loss.relative is None:
        return loss.generator(fake)
    return loss.generator(fake, torch.linspace(0, 2, len(fake)).to(fake) if len(fake) != len(REAL) else REAL)


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


def test_targets_weigh_both_sides_of_the_cross_entropy_for_each_image() -> None:
    real, fake = losses.bce_discriminator(REAL, FAKE, Targets(torch.tensor([0.9, 0.0]), torch.tensor([0.0, 0.9])))
    assert real.item() == pytest.approx(-(0.9 * math.log(1 / 2) + 0.1 * math.log(1 / 2) + math.log(1 - 3 / 4)) / 2)
    assert fake.item() == pytest.approx(-(math.log(1 / 2) + 0.9 * math.log(1 / 5) + 0.1 * math.log(4 / 5)) / 2)


def test_smoothed_real_half_is_least_where_the_sigmoid_is_the_target() -> None:
    best = torch.tensor([math.log(0.9 / 0.1)], requires_grad=True)
    losses.bce_discriminator(best, FAKE, Targets(torch.tensor([0.9]), torch.zeros(2)))[0].backward()
    assert best.grad is not None
    assert best.grad.item() == pytest.approx(0, abs=1e-6)


def test_hinge_is_free_beyond_the_margin_of_one() -> None:
    real, fake = losses.hinge_discriminator(torch.tensor([-1.0, 0.5, 3.0]), torch.tensor([-3.0, -0.5, 2.0]))
    assert real.item() == pytest.approx((2 + 0.5 + 0) / 3)
    assert fake.item() == pytest.approx((0 + 0.5 + 3) / 3)


def test_hinge_generator_has_no_margin() -> None:
    assert losses.hinge_generator(torch.tensor([-3.0, 9.0])).item() == pytest.approx(-3)


def test_least_squares_are_half_the_squared_distances_from_the_targets() -> None:
    logits = torch.tensor([3.0, 0.0])
    real, fake = losses.least_squares_discriminator(logits, logits)
    assert real.item() == pytest.approx((2**2 + 1**2) / 2 / 2)
    assert fake.item() == pytest.approx(3**2 / 2 / 2)
    assert losses.least_squares_generator(logits).item() == pytest.approx((2**2 + 1**2) / 2 / 2)


def test_least_squares_take_the_targets_of_each_image() -> None:
    targets = Targets(torch.tensor([0.9, 0.0]), torch.tensor([0.0, 0.9]))
    real, fake = losses.least_squares_discriminator(torch.tensor([3.0, 2.0]), torch.tensor([1.0, 5.0]), targets)
    assert real.item() == pytest.approx((2.1**2 + 2**2) / 2 / 2)
    assert fake.item() == pytest.approx((1 + 4.1**2) / 2 / 2)


def test_wasserstein_halves_are_means_of_opposite_sign() -> None:
    real, fake = losses.wasserstein_critic(torch.tensor([3.0, 5.0]), torch.tensor([-1.0, 2.0]))
    assert (real.item(), fake.item()) == pytest.approx((-4.0, 0.5))
    assert losses.wasserstein_generator(torch.tensor([-1.0, 2.0])).item() == pytest.approx(-0.5)


def test_critic_loss_ignores_the_offset_of_its_scores() -> None:
    real, fake = torch.tensor([3.0, 5.0]), torch.tensor([-1.0, 2.0])
    shifted = sum(losses.wasserstein_critic(real + 7, fake + 7))
    assert float(shifted) == pytest.approx(float(sum(losses.wasserstein_critic(real, fake))))


def test_losses_are_found_by_the_names_of_the_configuration() -> None:
    pairs = {name: (loss.discriminator(REAL, FAKE, None), of_generator(name, FAKE)) for name, loss in LOSSES.items()}
    assert set(pairs) == set(get_args(LossName))
    assert pairs == {
        "bce": (losses.bce_discriminator(REAL, FAKE), losses.bce_generator(FAKE)),
        "hinge": (losses.hinge_discriminator(REAL, FAKE), losses.hinge_generator(FAKE)),
        "least_squares": (losses.least_squares_discriminator(REAL, FAKE), losses.least_squares_generator(FAKE)),
        "wasserstein": (losses.wasserstein_critic(REAL, FAKE), losses.wasserstein_generator(FAKE)),
        "rpgan": (relativistic.pairing_discriminator(REAL, FAKE), relativistic.pairing_generator(FAKE, REAL)),
        "ragan": (relativistic.average_discriminator(REAL, FAKE), relativistic.average_generator(FAKE, REAL)),
    }


def test_every_loss_sends_real_logits_up_and_generated_ones_down_and_its_generator_the_other_way() -> None:
    for name, loss in LOSSES.items():
        logits = torch.full((2,), 0.2, requires_grad=True)
        signs = [
            torch.autograd.grad(value, logits)[0].sign().unique().tolist()
            for value in (loss.discriminator(logits, FAKE, None)[0], loss.discriminator(REAL, logits, None)[1])
        ]
        signs.append(torch.autograd.grad(of_generator(name, logits), logits)[0].sign().unique().tolist())
        assert signs == [[-1], [1], [-1]], name


@pytest.mark.parametrize("name", ["bce", "hinge", "least_squares"])
def test_at_the_boundary_a_logit_costs_the_same_on_either_side(name: str) -> None:
    undecided = torch.tensor([LOSSES[name].boundary])
    real, fake = LOSSES[name].discriminator(undecided, undecided, None)
    assert real.item() == pytest.approx(fake.item())


@pytest.mark.parametrize("name", ["bce", "least_squares"])
def test_targets_of_one_and_zero_are_what_no_targets_mean(name: str) -> None:
    loss_with_targets = LOSSES[name].discriminator(REAL, FAKE, Targets(torch.ones(2), torch.zeros(2)))
    assert loss_with_targets == LOSSES[name].discriminator(REAL, FAKE, None)


@pytest.mark.parametrize("name", ["hinge", "wasserstein", "rpgan", "ragan"])
def test_losses_without_targets_refuse_them(name: str) -> None:
    with pytest.raises(ValueError, match="no targets"):
        LOSSES[name].discriminator(REAL, FAKE, Targets(torch.ones(2), torch.zeros(2)))


def test_no_generator_loss_can_be_told_targets() -> None:
    for name, loss in LOSSES.items():
        assert len(inspect.signature(loss.generator).parameters) == (1 if loss.relative is None else 2), name


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


def test_double_softmax_takes_probabilities_for_logits_and_never_gets_below_its_floor() -> None:
    by_hand = math.log(sum(map(math.exp, (1 / 8, 2 / 8, 5 / 8)))) - 5 / 8
    assert losses.double_softmax(LOGITS[:1], LABELS[:1]).item() == pytest.approx(by_hand)
    sure = losses.double_softmax(torch.tensor([[100.0, 0.0, 0.0]]), torch.tensor([0])).item()
    assert sure == pytest.approx(math.log(1 + 2 / math.e), abs=1e-6)


def test_class_losses_are_found_by_the_names_of_the_configuration() -> None:
    double = losses.double_softmax(LOGITS[:1], LABELS[:1]).item()
    by_hand = {"cross_entropy": -math.log(5 / 8), "nll_of_probabilities": -5 / 8, "double_softmax": double}
    values = {name: loss(LOGITS[:1], LABELS[:1]).item() for name, loss in losses.CLASS_LOSSES.items()}
    assert values == pytest.approx(by_hand)


TOLD = Targets(torch.tensor([0.8, 0.0, 0.8, 0.8, 0.8]).double(), torch.tensor([0.0, 0.8, 0.0, 0.0, 0.0]).double())


@pytest.mark.parametrize(
    ("name", "targets"), [*((name, None) for name in LOSSES), ("bce", TOLD), ("least_squares", TOLD)]
)
def test_gradients_of_discriminator_losses_are_those_of_finite_differences(name: str, targets: Targets | None) -> None:
    real, fake = wide(5), (wide(5) - 0.3).detach().requires_grad_()
    assert torch.autograd.gradcheck(lambda *logits: LOSSES[name].discriminator(*logits, targets), (real, fake))


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_of_generator_losses_are_those_of_finite_differences(name: str) -> None:
    assert torch.autograd.gradcheck(lambda fake: of_generator(name, fake), (wide(5),))


@pytest.mark.parametrize("name", ["cross_entropy", "nll_of_probabilities"])
def test_gradients_of_class_losses_are_those_of_finite_differences(name: str) -> None:
    labels = torch.tensor([0, 2, 1, 2])
    assert torch.autograd.gradcheck(lambda logits: losses.CLASS_LOSSES[name](logits, labels), (wide(4, 3),))
