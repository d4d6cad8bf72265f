"""How well the classifier of an evaluator is tested, in words: as good as its test images are many."""

from __future__ import annotations

from collections.abc import Mapping

from gan_core.wilson import wilson_interval

MIN_TEST_IMAGES = 5
"""With fewer of a class the classifier may miss half of the class, even if it is right on all of them."""
MANY_TEST_IMAGES = 30
"""With so many the classifier, if it is right on all of them, is right on nine in ten others (95%, Wilson)."""


def accuracy_text(accuracy: float | None, tested: Mapping[str, int]) -> str:
    """`right on 98.0% of 203 test images (95% interval 95.0% to 99.2%), of which only 1 shows class b`.

    tested: class -> its number of test images, or {} if that is not known.
    """
    if accuracy is None:
        return "never tested"
    if not tested:
        return f"right on {accuracy:.1%} of test images"
    total = sum(tested.values())
    low, high = wilson_interval(accuracy, total)
    text = f"right on {accuracy:.1%} of {total:,} test images (95% interval {low:.1%} to {high:.1%})"
    if few := hardly_tested(tested):
        return f"{text}, of which only {few}"
    min_count = min(tested.values())
    return text if min_count >= MANY_TEST_IMAGES else f"{text}, at least {min_count} of each class"


def hardly_tested(tested: Mapping[str, int]) -> str:
    """`1 shows class b, 2 show class c`: the classes with fewer than MIN_TEST_IMAGES test images, or ""."""
    few = sorted((count, name) for name, count in tested.items() if count < MIN_TEST_IMAGES)
    parts = [f"{count} {'shows' if count == 1 else 'show'} class {name}" for count, name in few[:3]]
    more = [f"fewer than {MIN_TEST_IMAGES} show each of {len(few) - 3} more classes"] if len(few) > 3 else []
    return ", ".join(parts + more)
