"""The share of copies among samples and among held-out real images -> does a generator repeat training images?"""

from __future__ import annotations

from gan_core.wilson import wilson_interval

MIN_COPIED = 0.03
"""A smaller share of copies is never suspicious."""
DEVIATIONS = 2.0
"""Half the width of the intervals that must not overlap, in standard deviations."""


def repeats_training_images(
    copied: float, samples: int, copied_of_held_out: float | None = None, held_out: int = 0
) -> bool:
    """Whether the share `copied` of samples is larger than held-out real images and chance explain.

    A few held-out real images are as near to a training image as a copy. So the share of copies among the samples must
    be at least MIN_COPIED, and Wilson's interval (1927) of it must lie above that of the held-out images.
    copied_of_held_out: None if too few were held out; then no held-out image counts as a copy.
    """
    low, _ = wilson_interval(copied, samples, DEVIATIONS)
    _, high = (0.0, 0.0) if copied_of_held_out is None else wilson_interval(copied_of_held_out, held_out, DEVIATIONS)
    return copied >= MIN_COPIED and bool(low > high)
