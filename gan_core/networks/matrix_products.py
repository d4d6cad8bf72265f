"""A convolution and its two gradients as matrix products of columns, for processors on which that is faster.

A convolution takes `large` images [batch, C, H, W] to `small` ones [batch, c, h, w]; a transposed one takes small to
large. So both, and their gradients with respect to images, are one of two operations, DOWN and UP; the gradient of the
weight is the third. A row of the columns holds what a pixel depends on. They are copied for a part of the batch at a
time. Equal to PyTorch's but for rounding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

Operation = Literal["down", "up", "weight"]
COLUMN_BYTES = 16 * 2**20
"""Of columns at a time. Measured with 0.5 to 16 MiB (docs/performance.md): below 4 the products take longer; from 32
on, glibc's allocator returns the memory to the system after each call, and it comes back page by page."""


def down(large: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """The convolution of `large` [batch, C, H, W] with `weight` [c, C, k, k]: [batch, c, h, w]."""
    small_channels, kernel = weight.shape[0], weight.shape[2]
    side = [(length + 2 * padding - kernel) // stride + 1 for length in large.shape[2:]]
    flat_weight = weight.permute(2, 3, 1, 0).reshape(-1, small_channels)
    small = _empty(large, small_channels, side)
    pixels = small.permute(0, 2, 3, 1)
    for images, columns in _columns(_padded(large, padding, padding), side, kernel, stride):
        torch.mm(columns.flatten(1), flat_weight, out=pixels[images].view(-1, small_channels))
    return small


def up(small: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """The transposed convolution of `small` [batch, c, h, w] with `weight` [c, C, k, k]: [batch, C, s h, s w].

    Pixel s i + a of `large` depends on the pixels i + d of `small` by row a + padding - s d of the kernel: for each of
    the s remainders a it is a convolution of stride 1 with some rows of the kernel.
    """
    large_channels, kernel = weight.shape[1:3]
    rows = [_rows(remainder + padding, kernel, stride) for remainder in range(stride)]
    first, last = min(shift for shift, _ in rows), max(shift + len(taken) for shift, taken in rows)
    height, width = small.shape[2:]
    large = _empty(small, large_channels, (stride * height, stride * width))
    pixels = large.permute(0, 2, 3, 1).unflatten(1, (height, stride)).unflatten(3, (width, stride))
    by_tap = weight.permute(2, 3, 0, 1)
    for images, columns in _columns(_padded(small, -first, last - 1), (height, width), last - first, 1):
        for a, (down_by, rows_a) in enumerate(rows):
            for b, (right_by, rows_b) in enumerate(rows):
                depends = columns[:, down_by - first :, right_by - first :][:, : len(rows_a), : len(rows_b)].flatten(1)
                product = depends @ by_tap[rows_a][:, rows_b].flatten(0, 2)
                pixels[images, :, a, :, b] = product.view(-1, height, width, large_channels)
    return large


def weight_gradient(large: Tensor, small: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
    """The gradient of the weight [c, C, k, k]: one of `large` and `small` is the input, one the gradient of the output.

    Parts of the batch are added in float32.
    """
    total = None
    flat = small.permute(0, 2, 3, 1)
    for images, columns in _columns(_padded(large, padding, padding), small.shape[2:], kernel, stride):
        product = (flat[images].flatten(0, 2).t() @ columns.flatten(1)).to(
            torch.promote_types(large.dtype, torch.float32)
        )
        total = product if total is None else total.add_(product)
    assert total is not None
    return total.to(large.dtype).unflatten(1, (kernel, kernel, -1)).permute(0, 3, 1, 2)


def can_go_up(large_side: tuple[int, int], small_side: tuple[int, int], stride: int) -> bool:
    """Whether `up` makes images of the right side."""
    return large_side == (stride * small_side[0], stride * small_side[1])


def _empty(like: Tensor, channels: int, side: Sequence[int]) -> Tensor:
    """[batch, channels, *side] with channels last. Not a view, which may not be written over outside of autograd."""
    size = (like.shape[0], channels, *side)
    return torch.empty(size, dtype=like.dtype, device=like.device, memory_format=torch.channels_last)


def _padded(images: Tensor, before: int, after: int) -> Tensor:
    """[batch, C, H, W] -> [batch, H + before + after, W + before + after, C] in memory; a negative one cuts."""
    return F.pad(images, [before, after, before, after]).permute(0, 2, 3, 1).contiguous()


def _columns(padded: Tensor, side: Sequence[int], kernel: int, stride: int) -> Iterator[tuple[slice, Tensor]]:
    """For each part of the batch: which images, and their columns [images * h * w, k, k, C]."""
    batch, _, _, channels = padded.shape
    of_image, of_row, of_pixel, _ = padded.stride()
    windows = padded.as_strided(
        (batch, *side, kernel, kernel, channels),
        (of_image, stride * of_row, stride * of_pixel, of_row, of_pixel, 1),
    )
    at_once = max(1, COLUMN_BYTES // max(1, windows[0].numel() * padded.element_size()))
    for begin in range(0, batch, at_once):
        images = slice(begin, begin + at_once)
        yield images, windows[images].reshape(-1, kernel, kernel, channels)


def _rows(offset: int, kernel: int, stride: int) -> tuple[int, list[int]]:
    """(the first shift d, the rows offset - s d of the kernel for it and those after it)."""
    shifts = [shift for shift in range(offset - kernel, offset + 1) if 0 <= offset - stride * shift < kernel]
    return (shifts[0], [offset - stride * shift for shift in shifts]) if shifts else (0, [])
