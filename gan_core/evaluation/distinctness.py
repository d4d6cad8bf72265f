"""Samples -> how many distinct images do they show?

Arora and Zhang 2017 estimate the size of a generator's support by the birthday paradox: if s samples hold pairs of
near-duplicates, the support has about s^2 images. Here a near-duplicate is a pair of samples that are closer to each
other than real images hardly ever are, and all pairs count, not only the first one. No labels are needed.

They are compared in features and in coarse pixels, and must be close in both. Blurred images of a generator that has
not learnt to draw yet lie close together in features, whatever they show. Their coarse pixels differ.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional as F

from gan_core.evaluation.neighbours import distances_by_rows, radii

REPEAT_QUANTILE = 0.05
"""Two images count as the same if they are closer than the nearest neighbour of 95% of the real images is."""
COARSE_SIDE = 8
"""The side of a coarse image. With 16 or 32 pixels blurred images are as close together as they are in features."""


class Compared(NamedTuple):
    """Images as they are compared: features [n, d], and coarse pixels [n, k] of the same images."""

    features: Tensor
    pixels: Tensor


class RepeatDistances(NamedTuple):
    """The distances, in features and in coarse pixels, below which two images count as the same."""

    features: float
    pixels: float

    @classmethod
    def of(cls, real: Compared) -> RepeatDistances:
        """From real images, at least 2."""
        return cls(*(float(radii(vectors.double(), 1).quantile(REPEAT_QUANTILE)) for vectors in real))


def coarse_pixels(images: Tensor, side: int = COARSE_SIDE) -> Tensor:
    """uint8 [n, C, H, W] -> the means of their areas on a grid of `side` x `side`: float32 [n, C side²], 0 to 255."""
    return F.adaptive_avg_pool2d(images.float(), side).flatten(1)


def distinct_share(samples: Compared, distances: RepeatDistances) -> float:
    """The effective number of distinct images among n samples, as a share of the samples, in (0, 1].

    It is 1 / (mean number of samples that count as the same image as a sample, itself included): the inverse of
    Simpson's index (Simpson 1949). k images that are each repeated n / k times give k / n. Samples of which half are
    one image give about 4 / n, whatever the others are.
    """
    features, pixels = samples.features.double(), samples.pixels.double()
    in_features = distances_by_rows(features, features)
    in_pixels = distances_by_rows(pixels, pixels, by_product=True)  # means of 4, 16, 64, ... whole numbers
    parts = zip(in_features, in_pixels, strict=True)
    pairs = sum(int(((one <= distances.features) & (other <= distances.pixels)).sum()) for one, other in parts)
    return len(features) / pairs
