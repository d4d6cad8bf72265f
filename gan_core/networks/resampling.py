"""Doubling and halving the side of features with a filter, channel by channel (as in Karras et al. 2019).

The filter is [1, 3, 3, 1] in both directions: at twice the side it interpolates linearly between pixels. Beyond the
border there are zeros, as in the code of Huang et al. 2024; `torch.nn.functional.interpolate` repeats the border.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gan_core.networks.convolution import Geometry, in_autocast

FILTER = (1.0, 3.0, 3.0, 1.0)


class _Resample(nn.Module):
    """A convolution with a fixed kernel, of stride 2, each channel for itself."""

    kernel: Tensor

    def __init__(self, channels: int, transposed: bool):
        super().__init__()
        taps = torch.tensor(FILTER) / sum(FILTER)
        scale = 4.0 if transposed else 1.0  # each pixel is spread over four
        kernel = (scale * taps[:, None] * taps).expand(channels, 1, 4, 4).clone()
        self.register_buffer("kernel", kernel, persistent=False)
        self.geometry = Geometry((2, 2), (1, 1), (0, 0), transposed, groups=channels)

    def forward(self, features: Tensor) -> Tensor:
        return in_autocast(features, self.kernel, None, self.geometry)


class Upsample(_Resample):
    """[batch, channels, H, W] -> [batch, channels, 2 H, 2 W]."""

    def __init__(self, channels: int):
        super().__init__(channels, transposed=True)


class Downsample(_Resample):
    """[batch, channels, H, W] -> [batch, channels, H / 2, W / 2]."""

    def __init__(self, channels: int):
        super().__init__(channels, transposed=False)
