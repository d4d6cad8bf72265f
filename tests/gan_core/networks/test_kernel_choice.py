"""Which operations of a layer become matrix products, by how long they take."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gan_core.networks import kernel_choice
from gan_core.networks.convolution import Conv2d, ConvTranspose2d
from gan_core.networks.kernel_choice import LayerShape, choice_of, choose_at_first_use, faster_as_products

SHAPE = LayerShape("float32", 2, 3, (8, 8), 4, (4, 4), kernel=4, stride=2, padding=1)


def network() -> nn.Module:
    return nn.Sequential(
        ConvTranspose2d(4, 3, 4, stride=2, padding=1),
        Conv2d(3, 4, 4, stride=2, padding=1),
        Conv2d(4, 4, 3, padding=1, groups=2),
        Conv2d(4, 4, 1),
        Conv2d(4, 1, 4),
    )


def test_an_operation_becomes_a_product_only_if_onednn_takes_clearly_longer():
    assert faster_as_products({"down": [1.29, 1.0], "up": [1.31, 1.0], "weight": [0.5, 1.0]}) == {"up"}
    assert faster_as_products({"down": [2.0, 1.0]}) == {"down"}


def test_each_layer_asks_once_when_it_is_first_trained(monkeypatch):
    monkeypatch.setattr(kernel_choice, "LEAST_ARITHMETIC", 0)
    asked = list[LayerShape]()

    def kernels(shape: LayerShape):
        asked.append(shape)
        return {"down": [1.0, 2.0], "weight": [2.0, 1.0]}

    layers, at = network(), torch.randn(2, 4, 4, 4)
    choose_at_first_use(layers, kernels)
    layers.eval()(at)
    assert asked == []
    layers.train()(at)
    layers(at)
    assert asked == [SHAPE, SHAPE]  # the transposed layer and the one back; the others have one candidate each
    assert choice_of(layers) == {"0": ["weight"], "1": ["weight"]}


def test_a_removed_handle_asks_nothing(monkeypatch):
    monkeypatch.setattr(kernel_choice, "LEAST_ARITHMETIC", 0)
    layers = network()
    for handle in choose_at_first_use(layers, lambda shape: pytest.fail(f"asked for {shape}")):
        handle.remove()
    layers(torch.randn(2, 4, 4, 4))


def test_small_layers_have_no_choice():
    def kernels(shape: LayerShape):
        pytest.fail(f"asked for {shape}")

    layers = network()
    choose_at_first_use(layers, kernels)
    layers(torch.randn(2, 4, 4, 4))
    assert choice_of(layers) == {}


def test_every_operation_is_measured_and_no_random_number_is_drawn():
    state = torch.random.get_rng_state()
    seconds = kernel_choice.measure(SHAPE)
    assert set(seconds) == {"down", "up", "weight"}
    assert all(len(pair) == 2 and min(pair) > 0 for pair in seconds.values())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_what_up_cannot_make_is_not_measured():
    odd = SHAPE._replace(large=(9, 9))
    assert set(kernel_choice.measure(odd)) == {"down", "weight"}


def test_a_product_that_loses_twice_is_not_measured_further(monkeypatch):
    clock = iter([0.0, 1.0, 0.0, 2.0] * 100)
    calls = list[float]()
    monkeypatch.setattr(kernel_choice.time, "thread_time", lambda: calls.append(0) or next(clock))
    assert kernel_choice.measure(SHAPE)["down"] == [1.0, 2.0]
    assert len(calls) == 3 * 2 * 2 * 2  # operations, rounds, candidates, beginning and end
