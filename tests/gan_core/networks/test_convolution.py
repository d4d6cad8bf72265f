"""Our convolutions against PyTorch's own: values, gradients, and gradients of gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_core.networks.activations import Dropout, LeakyReLU
from gan_core.networks.convolution import Conv2d, ConvTranspose2d, differentiated_twice

CONVOLUTIONS = [
    (1, 6, 4, 2, 1, 0, 32),
    (3, 6, 3, 2, 1, 0, 16),
    (4, 6, 4, 2, 1, 0, 8),
    (4, 6, 3, 1, 1, 0, 5),
    (4, 6, 4, 2, 0, 0, 15),
    (4, 1, 4, 3, 0, 0, 6),
    (4, 2, 4, 1, 0, 0, 4),
]
"""in and out channels, kernel, stride, padding, output padding, side of the image."""
TRANSPOSED = [
    (5, 6, 4, 1, 0, 0, 1),
    (5, 6, 3, 2, 0, 0, 1),
    (6, 1, 4, 2, 1, 0, 8),
    (6, 3, 5, 2, 2, 1, 8),
    (6, 4, 5, 2, 2, 1, 4),
    (6, 1, 4, 2, 0, 0, 15),
    (6, 4, 4, 2, 1, 0, 8),
]
KINDS = {Conv2d: nn.Conv2d, ConvTranspose2d: nn.ConvTranspose2d}
GROUPED = [
    (8, 12, 3, 1, 1, 4, 5),
    (6, 6, 4, 2, 1, 6, 8),
    (6, 9, 3, 1, 0, 3, 3),
]
"""in and out channels, kernel, stride, padding, groups, side of the image."""
CASES = [(Conv2d, *case) for case in CONVOLUTIONS] + [(ConvTranspose2d, *case) for case in TRANSPOSED]


def pair(kind, before, after, kernel, stride, padding, more, dtype=torch.float64):
    """Our layer, and PyTorch's with the same weights, as networks have them: channels last."""
    options = {"stride": stride, "padding": padding} | ({"output_padding": more} if kind is ConvTranspose2d else {})
    torch.manual_seed(0)
    theirs = KINDS[kind](before, after, kernel, **options).to(dtype=dtype, memory_format=torch.channels_last)
    ours = kind(before, after, kernel, **options).to(dtype=dtype, memory_format=torch.channels_last)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def grouped_pair(before, after, kernel, stride, padding, groups):
    torch.manual_seed(0)
    ours, theirs = (
        kind(before, after, kernel, stride=stride, padding=padding, groups=groups).to(
            dtype=torch.float64, memory_format=torch.channels_last
        )
        for kind in (Conv2d, nn.Conv2d)
    )
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def images(channels: int, side: int, dtype=torch.float64) -> Tensor:
    torch.manual_seed(1)
    made = torch.randn(3, channels, side, side, dtype=dtype).to(memory_format=torch.channels_last)
    return made.requires_grad_()


@pytest.mark.parametrize(("before", "after", "kernel", "stride", "padding", "groups", "side"), GROUPED)
def test_grouped_ones_are_pytorchs_with_gradients_of_gradients(before, after, kernel, stride, padding, groups, side):
    ours, theirs = grouped_pair(before, after, kernel, stride, padding, groups)
    at = images(before, side)

    def derivatives(layer: nn.Module) -> list[Tensor]:
        made = layer(at)
        (slope,) = torch.autograd.grad((made**3).sum(), at, create_graph=True)
        return [made, slope, *torch.autograd.grad((slope**2).sum(), [at, *layer.parameters()])]

    expected = derivatives(theirs)
    with differentiated_twice():
        twice = derivatives(ours)
    for ours_is, theirs_is in zip(twice, expected, strict=True):
        torch.testing.assert_close(ours_is, theirs_is)
    for ours_is, theirs_is in zip(first_derivatives(ours, at), first_derivatives(theirs, at), strict=True):
        torch.testing.assert_close(ours_is, theirs_is)


def first_derivatives(layer: nn.Module, at: Tensor) -> list[Tensor]:
    made = layer(at)
    return [made, *torch.autograd.grad((made**3).sum(), [at, *layer.parameters()])]


@pytest.mark.parametrize(("kind", "before", "after", "kernel", "stride", "padding", "more", "side"), CASES)
@pytest.mark.parametrize("twice", [False, True])
def test_values_and_gradients_are_pytorchs(kind, before, after, kernel, stride, padding, more, side, twice):
    ours, theirs = pair(kind, before, after, kernel, stride, padding, more)
    at = images(before, side)
    expected = first_derivatives(theirs, at)
    if twice:
        with differentiated_twice():
            gradients = first_derivatives(ours, at)
    else:
        gradients = first_derivatives(ours, at)
    for ours_is, theirs_is in zip(gradients, expected, strict=True):
        torch.testing.assert_close(ours_is, theirs_is)


@pytest.mark.parametrize(("kind", "before", "after", "kernel", "stride", "padding", "more", "side"), CASES)
def test_gradients_of_gradients_are_pytorchs(kind, before, after, kernel, stride, padding, more, side):
    ours, theirs = pair(kind, before, after, kernel, stride, padding, more)
    at = images(before, side)

    def second(layer: nn.Module) -> tuple[Tensor, ...]:
        (slope,) = torch.autograd.grad((layer(at) ** 3).sum(), at, create_graph=True)
        return torch.autograd.grad((slope**2).sum(), [at, *layer.parameters()])

    expected = second(theirs)
    with differentiated_twice():
        gradients = second(ours)
    for ours_is, theirs_is in zip(gradients, expected, strict=True):
        torch.testing.assert_close(ours_is, theirs_is)


@pytest.mark.parametrize(("kind", "before", "after", "kernel", "stride", "padding", "more", "side"), CASES)
@pytest.mark.parametrize("twice", [False, True])
def test_under_autocast_they_differ_from_float32_as_much_as_pytorchs(
    kind, before, after, kernel, stride, padding, more, side, twice
):
    ours, theirs = pair(kind, before, after, kernel, stride, padding, more, torch.float32)
    at = images(before, side, torch.float32)
    exact = first_derivatives(theirs, at)
    with torch.autocast("cpu", torch.bfloat16):
        made = ours(at)
        if twice:
            with differentiated_twice():
                made = ours(at)
    assert made.dtype is torch.bfloat16
    gradients = [made, *torch.autograd.grad((made.float() ** 3).sum(), [at, *ours.parameters()])]
    for ours_is, exactly in zip(gradients, exact, strict=True):
        assert float((ours_is.detach().float() - exactly.detach()).norm() / exactly.detach().norm()) < 0.02


def critic(kinds: dict[str, type]) -> nn.Module:
    torch.manual_seed(2)
    return nn.Sequential(
        *(kinds["conv"](1, 8, 4, 2, 1), kinds["leaky"](0.2), kinds["conv"](8, 16, 4, 2, 1), kinds["leaky"](0.2)),
        kinds["conv"](16, 1, 4),
    ).double()


def penalty_gradients(network: nn.Module, at: Tensor) -> tuple[Tensor, ...]:
    (slope,) = torch.autograd.grad(network(at).sum(), at, create_graph=True)
    penalty = ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()
    weights = [parameter for parameter in network.parameters() if parameter.dim() > 1]  # slopes do not depend on biases
    return torch.autograd.grad(penalty, weights)


def test_a_gradient_penalty_has_pytorchs_gradients():
    ours, theirs = critic({"conv": Conv2d, "leaky": LeakyReLU}), critic({"conv": nn.Conv2d, "leaky": nn.LeakyReLU})
    ours.load_state_dict(theirs.state_dict())
    at = images(1, 16)
    with differentiated_twice():
        gradients = penalty_gradients(ours, at)
    for ours_is, theirs_is in zip(gradients, penalty_gradients(theirs, at), strict=True):
        torch.testing.assert_close(ours_is, theirs_is)


def test_a_gradient_penalty_runs_no_backward_pass_of_zeros():
    """A convolution's weight has one gradient under the penalty: that of its slope, not of its value."""
    network, at = critic({"conv": Conv2d, "leaky": LeakyReLU}).float(), images(1, 16, torch.float32)
    cpu = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=cpu) as profile, differentiated_twice():
        penalty_gradients(network, at)
    counts = {event.key: event.count for event in profile.key_averages()}
    assert counts["aten::convolution_backward"] == 2  # the last layer is a matrix product


def test_leaky_relu_is_pytorchs():
    at = images(4, 5)
    expected = F.leaky_relu(at, 0.2)
    (slope,) = torch.autograd.grad((expected**3).sum(), at, retain_graph=True)
    made = LeakyReLU(0.2)(at * 1)  # it writes over what it is given
    assert torch.equal(made, expected)
    assert torch.equal(torch.autograd.grad((made**3).sum(), at)[0], slope)


def test_dropout_halves_the_features_and_keeps_their_mean():
    at = torch.ones(64, 16, 8, 8).to(memory_format=torch.channels_last)
    torch.manual_seed(3)
    dropped = Dropout()(at)
    assert sorted(dropped.unique().tolist()) == [0.0, 2.0]
    assert abs(float(dropped.mean()) - 1) < 0.02  # 5 standard deviations
    neighbours = (dropped[:, :, :, 1:] * dropped[:, :, :, :-1]).mean()
    assert abs(float(neighbours) - 1) < 0.04
    assert torch.equal(Dropout().eval()(at), at)


def test_dropout_draws_from_the_default_generator_and_masks_its_gradient():
    at = images(4, 5, torch.float32)
    torch.manual_seed(4)
    first = Dropout()(at)
    torch.manual_seed(4)
    again = Dropout()(at)
    assert torch.equal(first, again)
    assert not torch.equal(first, Dropout()(at))
    (gradient,) = torch.autograd.grad(first.sum(), at)
    assert torch.equal(gradient, torch.where(first == 0, 0.0, 2.0))
