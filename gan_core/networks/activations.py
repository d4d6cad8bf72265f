"""ReLU, LeakyReLU and dropout, faster than PyTorch's own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_core.networks.convolution import is_differentiated_twice


class LeakyReLU(nn.Module):
    """`torch.nn.LeakyReLU`, in place if it is not differentiated twice.

    Its second derivative is zero. PyTorch propagates these zeros through all earlier layers, so a gradient penalty
    costs one more backward pass; here it does not.
    """

    def __init__(self, slope: float):
        super().__init__()
        self.slope = slope

    def forward(self, features: Tensor) -> Tensor:
        if is_differentiated_twice():
            return _LeakyReLU.apply(features, self.slope)
        return F.leaky_relu(features, self.slope, inplace=True)

    def extra_repr(self) -> str:
        return f"{self.slope}"


class ReLU(nn.Module):
    """`torch.nn.ReLU`, for which the same holds. inplace: overwrite the input, if it is not differentiated twice."""

    def __init__(self, inplace: bool = False):
        super().__init__()
        self.inplace = inplace

    def forward(self, features: Tensor) -> Tensor:
        if is_differentiated_twice():
            return _LeakyReLU.apply(features, 0.0)
        return F.relu(features, inplace=self.inplace)


class _LeakyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, slope: float) -> Tensor:
        output = F.leaky_relu(features, slope)
        ctx.save_for_backward(output.detach())
        ctx.slope = slope
        return output

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _Slopes.apply(gradient, *ctx.saved_tensors, ctx.slope), None


class _Slopes(torch.autograd.Function):
    """A gradient times the slope at each feature: 1 if the activation `output` is above 0, else `slope`."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, output: Tensor, slope: float) -> Tensor:
        ctx.save_for_backward(output)
        ctx.slope = slope
        return torch.ops.aten.leaky_relu_backward(gradient, output, slope, True)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _Slopes.apply(gradient, *ctx.saved_tensors, ctx.slope), None, None


class Dropout(nn.Module):
    """`torch.nn.Dropout(0.5)`: in training each feature is 0 with probability 1/2, else doubled.

    One random bit decides on a feature. torch's default generator draws words of 64 bits, so eight features share one
    word, with a byte each.
    """

    def forward(self, features: Tensor) -> Tensor:
        if not self.training:
            return features
        words = torch.empty(-(-features.numel() // 8), dtype=torch.int64, device=features.device)
        random_bits = words.random_(-(2**63), None).view(torch.uint8)[: features.numel()].bitwise_and_(2)
        return features * torch.as_strided(random_bits, features.shape, features.stride()).to(features.dtype)
