"""DiracGAN: what converges and what does not (Mescheder et al. 2018, "Which Training Methods for GANs do actually
Converge?", sections 2 and 3).

The data is the one point 0, the generator the one point theta, the discriminator D(x) = psi x. The equilibrium is psi =
theta = 0. Trained by plain gradient descent through the losses, penalties and noise that GANs are trained with here.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gan_core.objective import gradient_penalties, stabilizers
from gan_core.objective.losses import ADVERSARIAL_LOSSES

Critic = Callable[[Tensor], Tensor]
Penalty = Callable[[Critic, Tensor, Tensor], Tensor]


def distances(
    loss: str,
    start: tuple[float, float],
    alternating: bool,
    steps: int = 500,
    rate: float = 0.1,
    n_critic: int = 1,
    penalty: Penalty | None = None,
    noise: float = 0.0,
    batch: int = 1,
) -> Tensor:
    """[steps + 1]: sqrt(psi^2 + theta^2) from `start` (psi, theta) on, after every update of both players.

    Simultaneous: G's gradient is taken before D's last update. Alternating: after it.
    """
    psi, theta = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in start)
    generator = torch.Generator().manual_seed(0)
    data = torch.zeros(batch, 1, 1, 1, dtype=torch.float64)

    def critic(images: Tensor) -> Tensor:
        return (psi * images).flatten()

    def seen(images: Tensor) -> Tensor:
        return stabilizers.instance_noise(images, noise, generator) if noise else images

    def gradient_of_discriminator() -> Tensor:
        real, fake = seen(data), seen(data + theta.detach())
        real_half, fake_half = ADVERSARIAL_LOSSES[loss].discriminator(critic(real), critic(fake), None)
        total = real_half + fake_half
        if penalty is not None:
            total = total + penalty(critic, real, fake)
        return torch.autograd.grad(total, psi)[0]

    def gradient_of_generator() -> Tensor:
        adversarial, real = ADVERSARIAL_LOSSES[loss], () if loss != "rpgan" else (critic(seen(data)),)
        return torch.autograd.grad(adversarial.generator(critic(seen(data + theta)), *real), theta)[0]

    path = [start]
    for _ in range(steps):
        for _ in range(n_critic - 1):
            psi.data -= rate * gradient_of_discriminator()
        before = None if alternating else gradient_of_generator()
        psi.data -= rate * gradient_of_discriminator()
        theta.data -= rate * (gradient_of_generator() if before is None else before)
        path.append((psi.item(), theta.item()))
    return torch.tensor(path, dtype=torch.float64).norm(dim=1)


def r1(critic: Critic, real: Tensor, _fake: Tensor) -> Tensor:
    """R1 with gamma = 1."""
    return 1.0 * gradient_penalties.r1(critic, real)


def r1_and_r2(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
    """R1 and R2 with gamma = 1/2 each."""
    return 0.5 * (gradient_penalties.r1(critic, real) + gradient_penalties.r2(critic, fake))


def wgan_gp(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
    """The penalty of WGAN-GP with lambda = 1."""
    return 1.0 * gradient_penalties.gradient_penalty(
        critic, gradient_penalties.interpolates(real, fake, torch.full_like(real, 0.5))
    )


both_orders = pytest.mark.parametrize("alternating", [False, True], ids=["simultaneous", "alternating"])


@both_orders
@pytest.mark.parametrize(("loss", "start"), [("bce", (0.1, 0.1)), ("wasserstein", (1.0, 1.0))])
def test_unregularised_gan_circles_the_equilibrium_and_does_not_come_nearer(
    loss: str, start: tuple[float, float], alternating: bool
) -> None:
    """Section 2: the eigenvalues at the equilibrium are imaginary. Simultaneous descent moves away from it, alternating
    descent circles it (under the non-saturating loss from nearby; from afar that comes in, but ever more slowly), in as
    many steps as bring R1 from 1.4 to less than 1e-6."""
    distance = distances(loss, start, alternating)
    assert distance[250:].min() > 0.9 * distance[0]
    if not alternating:
        assert distance[500] > 1.5 * distance[0]
        assert distance[500] > distance[250] > distance[0]


@both_orders
@pytest.mark.parametrize("loss", ["bce", "wasserstein"])
def test_r1_converges(loss: str, alternating: bool) -> None:
    """Section 3 and theorem 4.1: a gradient penalty with its centre at zero makes the same game converge linearly."""
    distance = distances(loss, (1.0, 1.0), alternating, penalty=r1)
    assert distance[500] < 1e-6 and distance[500] < distance[250] / 100 < distance[100] / 1000


@both_orders
def test_relativistic_pairing_circles_too_and_converges_with_r1_and_r2(alternating: bool) -> None:
    """Huang et al. 2024, section 2.2: RpGAN alone does not always converge, with R1 and R2 it does, locally."""
    assert distances("rpgan", (0.1, 0.1), alternating)[250:].min() > 0.09
    assert distances("rpgan", (1.0, 1.0), alternating, 1000, penalty=r1_and_r2)[1000] < 1e-6


@both_orders
def test_instance_noise_converges(alternating: bool) -> None:
    """Section 3: noise on real and generated data gives the eigenvalues a negative real part. What is left is the
    sampling error of 4096 examples."""
    distance = distances("bce", (1.0, 1.0), alternating, 400, noise=1.0, batch=4096)
    assert distance[0] > 1.4 and distance[300:].max() < 0.02


@both_orders
@pytest.mark.parametrize("n_critic", [1, 5])
@pytest.mark.parametrize("psi", [-0.1, 0.1])
def test_wgan_gp_does_not_converge_and_stays_in_a_bounded_neighbourhood(
    psi: float, n_critic: int, alternating: bool
) -> None:
    """Section 3: with a fixed number of updates of D, WGAN-GP does not converge to the equilibrium, as the slope is
    held to 1, not to the 0 it has there. It leaves even a close neighbourhood and does not come back; but at |theta| =
    2 the penalty of weight 1 balances what D gains, so that it goes no further."""
    distance = distances("wasserstein", (psi, 0.1), alternating, 250, n_critic=n_critic, penalty=wgan_gp)
    assert distance[0] < 0.15
    assert distance[100:].min() > 0.5
    assert distance.max() < 2.2
