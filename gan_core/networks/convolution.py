"""Convolutions that are faster than PyTorch's own if they are small or differentiated twice. Equal but for rounding.

The gradient of a convolution with respect to its images is a convolution with the same weight. So a gradient penalty
needs convolutions only, as in `conv2d_gradfix` of stylegan2-ada-pytorch (Karras et al. 2020). PyTorch 2.15 does not use
this: it computes the penalty's gradient as a convolution with a huge dilated kernel, and computes gradients of all
weights on the way, which are not used.

On a CPU a convolution whose kernel is as large as its image is a matrix product. So is, with `fold`, a transposed
convolution to one or a few channels: oneDNN 3.13 takes longer from 32 channels to 1 than from 64 to 32, which is 64
times the arithmetic. What else is a matrix product, `kernel_choice` measures: `products` of a layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_core.networks import matrix_products
from gan_core.networks.matrix_products import Operation

FEW_CHANNELS = 3
Pair = tuple[int, int]
_TWICE: ContextVar[bool] = ContextVar("twice", default=False)


@contextmanager
def differentiated_twice() -> Iterator[None]:
    """In this context networks prepare for a gradient penalty: the derivative of a gradient with respect to images.

    A gradient with `create_graph` may then be taken with respect to images only, never with respect to weights.
    """
    token = _TWICE.set(True)
    try:
        yield
    finally:
        _TWICE.reset(token)


def is_differentiated_twice() -> bool:
    return _TWICE.get() and torch.is_grad_enabled()


class Geometry(NamedTuple):
    """`products`: the operations that are matrix products, of this convolution and of its gradients."""

    stride: Pair
    padding: Pair
    output_padding: Pair
    transposed: bool
    groups: int = 1
    products: frozenset[Operation] = frozenset()

    def adjoint(self, images: Tensor, output: Tensor, weight: Tensor) -> Geometry:
        """The convolution that takes the gradient of `output` to that of `images`."""
        if self.transposed:
            return self._replace(output_padding=(0, 0), transposed=False)
        left_over = [
            images.shape[i] - ((output.shape[i] - 1) * self.stride[i - 2] - 2 * self.padding[i - 2] + weight.shape[i])
            for i in (2, 3)
        ]
        return self._replace(output_padding=(left_over[0], left_over[1]), transposed=True)


class Conv2d(nn.Conv2d):
    """`torch.nn.Conv2d` without dilation: [batch, in, H, W] -> [batch, out, H', W'].

    products: operations that are matrix products while the layer is trained.
    """

    products: frozenset[Operation] = frozenset()

    def forward(self, input: Tensor) -> Tensor:
        if self.kernel_size == input.shape[2:] and self.padding == (0, 0) and self.groups == 1:
            return F.linear(_flat(input), _flat(self.weight), self.bias)[:, :, None, None]
        products = self.products if self.training else frozenset()
        geometry = Geometry(self.stride, self.padding, (0, 0), False, self.groups, products)  # type: ignore[arg-type]
        gradient_folds = input.requires_grad and _folds(self.in_channels, input)
        if gradient_folds or is_differentiated_twice() or products:
            return in_autocast(input, self.weight, self.bias, geometry)
        return super().forward(input)


class ConvTranspose2d(nn.ConvTranspose2d):
    """`torch.nn.ConvTranspose2d` without groups and dilation: [batch, in, H, W] -> [batch, out, H', W'].

    products: as of `Conv2d`.
    """

    products: frozenset[Operation] = frozenset()

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        if input.shape[2:] == (1, 1) and self.padding == (0, 0) and self.output_padding == (0, 0):
            projected = F.linear(input.flatten(1), _flat(self.weight).t()).unflatten(1, (*self.kernel_size, -1))
            output = projected.permute(0, 3, 1, 2)
            return output if self.bias is None else output + self.bias.to(output.dtype)[:, None, None]
        products = self.products if self.training else frozenset()
        geometry = Geometry(self.stride, self.padding, self.output_padding, True, 1, products)  # type: ignore[arg-type]
        if _folds(self.out_channels, input) or is_differentiated_twice() or products:
            return in_autocast(input, self.weight, self.bias, geometry)
        return super().forward(input)


def in_autocast(images: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
    """`convolve` in the precision that autocast would choose: it does not cast the inputs of custom functions."""
    kind = images.device.type
    if torch.is_autocast_enabled(kind):
        dtype = torch.get_autocast_dtype(kind)
        images, weight, bias = images.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype)
    return convolve(images, weight, bias, geometry)


def convolve(images: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
    """images [batch, in, H, W], weight [out, in / groups, k, k], or [in, out / groups, k, k] of a transposed one."""
    if torch.is_grad_enabled():
        return _Convolve.apply(images, weight, bias, geometry)
    return _convolve(images, weight, bias, geometry)


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
        ctx.save_for_backward(images, weight)
        ctx.geometry = geometry
        return _convolve(images, weight, bias, geometry)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        images, weight = ctx.saved_tensors
        of_images = of_weight = of_bias = None
        needs_weights = not torch.is_grad_enabled()  # autograd requests them even if only gradients of images are used
        if ctx.needs_input_grad[0]:
            of_images = convolve(gradient, weight, None, ctx.geometry.adjoint(images, gradient, weight))
        if ctx.needs_input_grad[1] and needs_weights:
            of_weight = _weight_gradient(gradient, images, weight, ctx.geometry)
        if ctx.needs_input_grad[2] and needs_weights:
            of_bias = gradient.sum(dim=(0, 2, 3))
        return of_images, of_weight, of_bias, None


def _weight_gradient(gradient: Tensor, images: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """The gradient with respect to the weight, from the `gradient` with respect to `convolve(images, weight)`."""
    stride, padding, output_padding, transposed, groups, products = geometry
    if "weight" in products:
        large, small = (gradient, images) if transposed else (images, gradient)
        return matrix_products.weight_gradient(large, small, weight.shape[2], stride[0], padding[0])
    _, of_weight, _ = torch.ops.aten.convolution_backward(
        *(gradient, images, weight, None, stride, padding, (1, 1), transposed, output_padding, groups),
        [False, True, False],
    )
    return of_weight


def _convolve(images: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
    stride, padding, output_padding, transposed, groups, products = geometry
    product = None
    if transposed and groups == 1 and _folds(weight.shape[1], images):
        product = _folded(images, weight, geometry)
    elif ("up" if transposed else "down") in products:
        take = matrix_products.up if transposed else matrix_products.down
        product = take(images, weight, stride[0], padding[0])
    if product is not None:
        return product if bias is None else product + bias[:, None, None]
    return torch.ops.aten.convolution(images, weight, bias, stride, padding, (1, 1), transposed, output_padding, groups)


def _folds(channels: int, images: Tensor) -> bool:
    """Whether a transposed convolution of `images` to this number of channels is faster as `_folded`."""
    return channels <= FEW_CHANNELS and images.device.type == "cpu"


def _folded(images: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """A transposed convolution as a matrix product; `fold` adds the resulting patches where they overlap."""
    stride, padding, output_padding, *_ = geometry
    size = tuple(
        (images.shape[i] - 1) * stride[i - 2] - 2 * padding[i - 2] + weight.shape[i] + output_padding[i - 2]
        for i in (2, 3)
    )
    patches = weight.flatten(1).t() @ images.flatten(2)
    return F.fold(patches, size, weight.shape[2:], padding=padding, stride=stride)


def _flat(images: Tensor) -> Tensor:
    """[N, C, H, W] -> [N, H * W * C], without a copy if the channels are last in memory."""
    return images.permute(0, 2, 3, 1).flatten(1)
