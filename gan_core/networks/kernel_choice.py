"""Which operations of a layer are matrix products: what is fast is a property of the processor, so it is measured.

An operation that costs a step little stays oneDNN's, so the noise of a timing cannot change what small networks
compute. So does one that is not clearly faster as a product. A trial keeps its choice in its checkpoint.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from gan_core.networks import matrix_products
from gan_core.networks.convolution import Conv2d, ConvTranspose2d
from gan_core.networks.matrix_products import Operation

LEAST_ARITHMETIC = 250e6
"""Floating point operations. The smallest convolution of a default network that costs as much as 1% of a step has 268
million (width 32, batch 64); the largest one of experiments/smoke.yaml has 236."""
MARGIN = 1.3
"""How many times as long oneDNN must take. No ratio of a shipped family was measured near it (docs/performance.md)."""
ROUNDS = 5

Kernels = Callable[["LayerShape"], dict[Operation, list[float]]]
"""The seconds of each operation that may be a product: [oneDNN's, the product's], as `measure` returns them."""


class LayerShape(NamedTuple):
    """A convolution [batch, large_channels, *large] -> [batch, small_channels, *small], or a transposed one back."""

    dtype: str
    batch: int
    large_channels: int
    large: tuple[int, int]
    small_channels: int
    small: tuple[int, int]
    kernel: int
    stride: int
    padding: int

    def __str__(self) -> str:
        large, small = (f"{side[0]}x{side[1]}" for side in (self.large, self.small))
        return (
            f"{self.dtype}, {self.batch} x {self.large_channels} of {large} to {self.small_channels} of {small}, "
            f"kernel {self.kernel}, stride {self.stride}, padding {self.padding}"
        )

    @property
    def arithmetic(self) -> int:
        """Floating point operations of each of its operations."""
        pixels = self.batch * self.small[0] * self.small[1]
        return 2 * pixels * self.small_channels * self.large_channels * self.kernel**2


def measure(shape: LayerShape) -> dict[Operation, list[float]]:
    """Operation -> seconds of processor time [oneDNN's, the product's], each the least of ROUNDS in turn.

    A product that takes longer in the first two rounds is not measured further.
    """
    seconds = dict[Operation, list[float]]()
    with torch.no_grad():
        for operation, candidates in _candidates(shape).items():
            for candidate in candidates:
                candidate()  # oneDNN makes its kernel at the first call
            rounds = list[list[float]]()
            for number in range(ROUNDS):
                rounds.append([_time(candidate) for candidate in candidates])
                least = [min(of_one) for of_one in zip(*rounds, strict=True)]
                if number == 1 and least[0] < least[1]:
                    break
            seconds[operation] = least
    return seconds


def faster_as_products(seconds: dict[Operation, list[float]]) -> frozenset[Operation]:
    return frozenset(operation for operation, (usual, product) in seconds.items() if usual >= MARGIN * product)


def choose_at_first_use(network: nn.Module, kernels: Kernels) -> list[RemovableHandle]:
    """Lets every convolution of `network` choose when it is first called in training, and its shapes are known.

    Returns handles; `remove()` of each stops that.
    """

    def choose(layer: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        if not layer.training:
            return
        handles[layer].remove()
        shape = shape_of(layer, inputs[0], output)
        if shape is not None:
            layer.products = faster_as_products(kernels(shape))

    handles = {layer: layer.register_forward_hook(choose) for _, layer in _convolutions(network)}
    return list(handles.values())


def choice_of(network: nn.Module) -> dict[str, list[Operation]]:
    """Name of each layer with products -> these, sorted."""
    return {name: sorted(layer.products) for name, layer in _convolutions(network) if layer.products}


def set_choice(network: nn.Module, choice: dict[str, list[Operation]]) -> None:
    for name, layer in _convolutions(network):
        layer.products = frozenset(choice.get(name, ()))


def shape_of(layer: Any, images: Tensor, output: Tensor) -> LayerShape | None:
    """The shape of a `Conv2d` or `ConvTranspose2d`, or None if its operations have one candidate each."""
    kernel, stride, padding = layer.kernel_size, layer.stride, layer.padding
    is_square = all(len(set(pair)) == 1 for pair in (kernel, stride, padding))
    if images.device.type != "cpu" or layer.groups != 1 or not is_square or 1 in (kernel[0], output.shape[2]):
        return None
    large, small = (output, images) if isinstance(layer, nn.ConvTranspose2d) else (images, output)
    dtype = str(output.dtype).removeprefix("torch.")
    sides = [(int(side[0]), int(side[1])) for side in (large.shape[2:], small.shape[2:])]
    shape = LayerShape(
        *(dtype, len(images), large.shape[1], sides[0], small.shape[1], sides[1]), kernel[0], stride[0], padding[0]
    )
    return shape if shape.arithmetic >= LEAST_ARITHMETIC else None


def _convolutions(network: nn.Module) -> Iterator[tuple[str, Any]]:
    return ((name, layer) for name, layer in network.named_modules() if isinstance(layer, Conv2d | ConvTranspose2d))


def _candidates(shape: LayerShape) -> dict[Operation, list[Callable[[], Tensor]]]:
    """Operation -> as oneDNN has it, as a product; with random numbers of their own generator."""
    generator, dtype = torch.Generator().manual_seed(0), getattr(torch, shape.dtype)

    def random(*size: int) -> Tensor:
        made = torch.randn(*size, generator=generator).to(dtype)
        return made.contiguous(memory_format=torch.channels_last)

    kernel, stride, padding = shape.kernel, [shape.stride] * 2, [shape.padding] * 2
    large = random(shape.batch, shape.large_channels, *shape.large)
    small = random(shape.batch, shape.small_channels, *shape.small)
    weight = random(shape.small_channels, shape.large_channels, kernel, kernel)

    def gradient(wanted: list[bool]) -> tuple[Tensor, ...]:
        settings = (None, stride, padding, [1, 1], False, [0, 0], 1)
        return torch.ops.aten.convolution_backward(small, large, weight, *settings, wanted)

    candidates: dict[Operation, list[Callable[[], Tensor]]] = {
        "down": [
            lambda: torch.ops.aten.convolution(large, weight, None, stride, padding, [1, 1], False, [0, 0], 1),
            lambda: matrix_products.down(large, weight, shape.stride, shape.padding),
        ],
        "up": [
            lambda: gradient([True, False, False])[0],
            lambda: matrix_products.up(small, weight, shape.stride, shape.padding),
        ],
        "weight": [
            lambda: gradient([False, True, False])[1],
            lambda: matrix_products.weight_gradient(large, small, kernel, shape.stride, shape.padding),
        ],
    }
    if not matrix_products.can_go_up(shape.large, shape.small, shape.stride):
        del candidates["up"]
    return candidates


def _time(operation: Callable[[], Tensor]) -> float:
    """Seconds of this thread's processor time: other processes take turns with it, which a clock would count."""
    began = time.thread_time()
    operation()
    return time.thread_time() - began
