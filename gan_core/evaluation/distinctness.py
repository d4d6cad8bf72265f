"""Features of samples -> how many distinct images do the samples show?

Arora and Zhang 2017 estimate the size of a generator's support by the birthday paradox: if s samples hold pairs of
near-duplicates, the support has about s^2 images. Here a near-duplicate is a pair of samples that are closer to each
other than real images hardly ever are, and all pairs count, not only the first one. No labels are needed.
"""

from __future__ import annotations

from torch import Tensor

from gan_core.evaluation.neighbours import pairs_within, radii

REPEAT_QUANTILE = 0.05
"""Two images count as the same if they are closer than the nearest neighbour of 95% of the real images is."""


def repeat_distance(real: Tensor) -> float:
    """The distance below which two images count as the same, from features [n, d] of n real images, n >= 2."""
    return float(radii(real.double(), 1).quantile(REPEAT_QUANTILE))


def distinct_share(samples: Tensor, distance: float) -> float:
    """The effective number of distinct images among the samples, as a share of the samples, in (0, 1].

    `samples`: features [n, d]. It is 1 / (mean number of samples within `distance` of a sample, itself included): the
    inverse of Simpson's index (Simpson 1949). k images that are each repeated n / k times give k / n. Samples of which
    half are one image give about 4 / n, whatever the others are.
    """
    return len(samples) / pairs_within(samples.double(), distance)
