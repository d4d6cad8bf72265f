"""Convolutions that are faster than PyTorch's own if they are small or differentiated twice. Equal but for rounding.

The gradient of a convolution with respect to its images is a convolution with the same weight. So a gradient penalty
needs convolutions only, as in `conv2d_gradfix` of stylegan2-ada-pytorch (Karras et al. 2020). PyTorch 2.15 does not use
this: it computes the penalty's gradient as a convolution with a huge dilated kernel, and computes gradients of all
weights on the way, which are not used.

On a CPU a convolution whose kernel is as large as its image is a matrix product. So is, with `fold`, a transposed
convolution to one or a few channels: oneDNN 3.13 takes longer from 32 channels to 1 than from 64 to 32, which is 64
times the arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FEW_CHANNELS = 3
FEW_PIXELS = 16
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
    stride: Pair
    padding: Pair
    output_padding: Pair
    transposed: bool
    groups: int = 1

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
    """`torch.nn.Conv2d` without dilation: [batch, in, H, W] -> [batch, out, H', W']."""

    def forward(self, input: Tensor) -> Tensor:
        if self.kernel_size == input.shape[2:] and self.padding == (0, 0) and self.groups == 1:
            return F.linear(_flat(input), _flat(self.weight), self.bias)[:, :, None, None]
        geometry = Geometry(self.stride, self.padding, (0, 0), False, self.groups)  # type: ignore[arg-type]
        gradient_folds = input.requires_grad and _folds(self.in_channels, input)
        if gradient_folds or is_differentiated_twice() or _is_slow_in_bfloat16(input, self.stride, 4 * FEW_PIXELS):
            return in_autocast(input, self.weight, self.bias, geometry)
        return super().forward(input)


class ConvTranspose2d(nn.ConvTranspose2d):
    """`torch.nn.ConvTranspose2d` without groups and dilation: [batch, in, H, W] -> [batch, out, H', W']."""

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        if input.shape[2:] == (1, 1) and self.padding == (0, 0) and self.output_padding == (0, 0):
            projected = F.linear(input.flatten(1), _flat(self.weight).t()).unflatten(1, (*self.kernel_size, -1))
            output = projected.permute(0, 3, 1, 2)
            return output if self.bias is None else output + self.bias.to(output.dtype)[:, None, None]
        geometry = Geometry(self.stride, self.padding, self.output_padding, True)  # type: ignore[arg-type]
        folds = _folds(self.out_channels, input)
        if folds or is_differentiated_twice() or _is_slow_in_bfloat16(input, self.stride, FEW_PIXELS):
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
    stride, padding, output_padding, transposed, groups = geometry
    large, small = (gradient, images) if transposed else (images, gradient)
    if groups == 1 and gradient.dtype == torch.bfloat16 and _is_slow_in_bfloat16(small, stride, FEW_PIXELS):
        return _product_of_patches(large, small, weight.shape[2], stride[0], padding[0])
    _, of_weight, _ = torch.ops.aten.convolution_backward(
        *(gradient, images, weight, None, stride, padding, (1, 1), transposed, output_padding, groups),
        [False, True, False],
    )
    return of_weight


def _convolve(images: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
    stride, padding, output_padding, transposed, groups = geometry
    if transposed and groups == 1 and _folds(weight.shape[1], images):
        folded = _folded(images, weight, geometry)
        return folded if bias is None else folded + bias[:, None, None]
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


def _is_slow_in_bfloat16(images: Tensor, stride: Any, few_pixels: int) -> bool:
    """Whether oneDNN takes longer for the gradient of such a convolution's weight than a matrix product does.

    images: the smaller ones of input and output. oneDNN has other, faster code for processors with AMX.
    """
    kind = images.device.type
    if kind != "cpu" or stride != (2, 2) or images.shape[2] * images.shape[3] > few_pixels or _has_amx():
        return False
    return images.dtype == torch.bfloat16 or (torch.is_autocast_enabled(kind) and torch.is_grad_enabled())


@cache
def _has_amx() -> bool:
    return bool(torch.cpu._is_amx_tile_supported())


def _product_of_patches(large: Tensor, small: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
    """The gradient of a convolution's weight [C of small, C of large, k, k] as one matrix product.

    large [batch, C, H, W]: the input of a convolution, or the output of a transposed one. small: the other of the two.
    """
    padded = F.pad(large, [padding] * 4).permute(0, 2, 3, 1).contiguous()
    batch, _, _, channels = padded.shape
    down, right, rows = padded.stride()[1], channels, small.shape[2]
    patches = padded.as_strided(
        (batch, rows, small.shape[3], kernel, kernel * channels),
        (padded.stride(0), stride * down, stride * right, down, 1),
    )
    product = _flat_pixels(small).t() @ patches.reshape(-1, kernel * kernel * channels)
    return product.unflatten(1, (kernel, kernel, channels)).permute(0, 3, 1, 2)


def _flat_pixels(images: Tensor) -> Tensor:
    """[N, C, H, W] -> [N * H * W, C]."""
    return images.permute(0, 2, 3, 1).flatten(0, 2)


def _flat(images: Tensor) -> Tensor:
    """[N, C, H, W] -> [N, H * W * C], without a copy if the channels are last in memory."""
    return images.permute(0, 2, 3, 1).flatten(1)
