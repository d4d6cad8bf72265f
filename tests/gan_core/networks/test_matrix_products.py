"""Convolutions as matrix products against PyTorch's own: alone, and as layers with gradients of gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from gan_core.networks import matrix_products
from gan_core.networks.convolution import Conv2d, ConvTranspose2d, differentiated_twice

SHAPES = [(5, 4, 4, 2, 1, 8), (5, 4, 5, 2, 2, 8), (5, 4, 3, 2, 1, 8), (4, 5, 3, 1, 1, 5), (4, 5, 3, 3, 0, 9)]
"""Large and small channels, kernel, stride, padding, large side."""
EVERYTHING = frozenset({"down", "up", "weight"})


def random(*size: int, dtype=torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(sum(size))
    return torch.randn(*size, generator=generator, dtype=dtype).contiguous(memory_format=torch.channels_last)


def both(large_channels, small_channels, kernel, stride, padding, side, dtype=torch.float64):
    """(products, PyTorch's): of a batch of 3 [down, up, gradient of the weight]."""
    small_side = (side + 2 * padding - kernel) // stride + 1
    large = random(3, large_channels, side, side, dtype=dtype)
    small = random(3, small_channels, small_side, small_side, dtype=dtype)
    weight = random(small_channels, large_channels, kernel, kernel, dtype=dtype)
    products = [
        matrix_products.down(large, weight, stride, padding),
        matrix_products.up(small, weight, stride, padding),
        matrix_products.weight_gradient(large, small, kernel, stride, padding),
    ]
    geometry = ([stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1)
    up, gradient, _ = torch.ops.aten.convolution_backward(small, large, weight, None, *geometry, [True, True, False])
    return products, [torch.ops.aten.convolution(large, weight, None, *geometry), up, gradient]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bytes_at_once", [matrix_products.COLUMN_BYTES, 1, 30_000])
def test_products_are_pytorchs_however_the_batch_is_parted(shape, bytes_at_once, monkeypatch):
    monkeypatch.setattr(matrix_products, "COLUMN_BYTES", bytes_at_once)
    for ours, theirs in zip(*both(*shape), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.bfloat16, 4e-3)])
def test_they_differ_by_rounding_in_the_precisions_of_training(shape, dtype, tolerance, monkeypatch):
    monkeypatch.setattr(matrix_products, "COLUMN_BYTES", 1)  # an image at a time: bfloat16 must not add these up
    for ours, theirs in zip(*both(*shape, dtype=dtype), strict=True):
        assert ours.dtype is dtype
        assert float((ours.float() - theirs.float()).norm() / theirs.float().norm()) < tolerance


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Conv2d, {"kernel_size": 3, "stride": 2, "padding": 1}),
        (ConvTranspose2d, {"kernel_size": 5, "stride": 2, "padding": 2, "output_padding": 1}),
    ],
)
@pytest.mark.parametrize("twice", [False, True])
def test_layers_of_products_have_pytorchs_derivatives(kind, options, twice, monkeypatch):
    calls = list[str]()
    for name in ("down", "up", "weight_gradient"):
        usual = getattr(matrix_products, name)
        monkeypatch.setattr(matrix_products, name, lambda *a, name=name, usual=usual: calls.append(name) or usual(*a))
    ours = kind(4, 6, **options).to(dtype=torch.float64, memory_format=torch.channels_last)
    theirs = (nn.Conv2d if kind is Conv2d else nn.ConvTranspose2d)(4, 6, **options).double()
    theirs.load_state_dict(ours.state_dict())
    ours.products = EVERYTHING
    at = random(3, 4, 8, 8).requires_grad_()

    def derivatives(layer: nn.Module) -> list[Tensor]:
        made = layer(at)
        if not twice:
            return [made, *torch.autograd.grad((made**3).sum(), [at, *layer.parameters()])]
        (slope,) = torch.autograd.grad((made**3).sum(), at, create_graph=True)
        return [slope, *torch.autograd.grad((slope**2).sum(), [at, *layer.parameters()])]

    expected = derivatives(theirs)
    if twice:
        with differentiated_twice():
            gradients = derivatives(ours)
    else:
        gradients = derivatives(ours)
    for ours_is, theirs_is in zip(gradients, expected, strict=True):
        torch.testing.assert_close(ours_is, theirs_is)
    assert set(calls) == {"down", "up", "weight_gradient"}


def test_a_layer_that_is_not_trained_is_pytorchs_bit_for_bit():
    layer = Conv2d(4, 6, 3, padding=1).eval()
    at = random(3, 4, 8, 8, dtype=torch.float32)
    expected = nn.Conv2d.forward(layer, at)
    layer.products = EVERYTHING
    assert torch.equal(layer(at), expected)
