"""Samples with a known end, made from real images: what a verdict on a generator that draws them must be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from gan_core import metric_names, sampling
from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.data.pixels import evenly_spaced
from gan_core.evaluation.evaluator import Evaluator
from gan_core.verdict.judge import Verdict, judge
from gan_core.verdict.reference_values import reference_values

SAMPLES = 512


class Case(NamedTuple):
    """images: uint8 [n, C, H, W]. verdicts: the right ones; empty where people may differ. needs_labels: without
    classes nobody can know."""

    name: str
    verdicts: frozenset[str]
    images: Tensor
    needs_labels: bool = False


STABLE, COLLAPSED, UNFINISHED = frozenset({"stable"}), frozenset({"collapsed"}), frozenset({"unfinished"})
NOT_STABLE = COLLAPSED | UNFINISHED
DRAWS_BADLY = STABLE | UNFINISHED
UNDECIDED: frozenset[str] = frozenset()


def verdict_on(case: Case, images: ImageSet, evaluator: Evaluator) -> Verdict:
    """The verdict on a run of 400 steps whose generator draws the case's samples at each of four evaluations."""
    metrics = evaluator.measure(case.images)
    data_diversity = sampling.diversity(images.images[evenly_spaced(len(images), SAMPLES)])
    metrics[metric_names.DIVERSITY_RATIO] = sampling.diversity(case.images) / data_diversity
    rows = [{"step": step, metric_names.IMAGES_GENERATOR: 64.0 * step, **metrics} for step in (100, 200, 300, 400)]
    return judge(rows, reference_values(TrialConfig(), images.channels, evaluator.card()))


def cases(images: Tensor, held_out: Tensor, labels: Tensor | None, seed: int = 0) -> Iterator[Case]:
    """Cases from training images and held-out images uint8 [n, C, H, W]. labels: of the held-out images."""
    generator = torch.Generator().manual_seed(seed)

    def draw(pool: Tensor, count: int = SAMPLES) -> Tensor:
        """`count` images of the pool, each at most once; all of them if there are fewer."""
        return pool[torch.randperm(len(pool), generator=generator)[:count]]

    def with_noise(pictures: Tensor, deviation: float) -> Tensor:
        noise = deviation * torch.randn(pictures.shape, generator=generator)
        return (pictures.float() + noise).round().clamp(0, 255).to(torch.uint8)

    def with_gain(pictures: Tensor) -> Tensor:
        gain = 0.95 + 0.1 * torch.rand(len(pictures), 1, 1, 1, generator=generator)
        return (pictures.float() * gain).round().clamp(0, 255).to(torch.uint8)

    for pool_name, pool in (("training", images), ("held-out", held_out)):
        for count in (1, 2, 6, 20, 35, 50, 75, 100, 200, 350):
            if count > len(pool):
                continue
            repeated = draw(pool, count)[torch.arange(SAMPLES) % count]
            truth = COLLAPSED if count <= 50 else UNDECIDED
            name = f"{count} {pool_name} images repeated"
            yield Case(name, truth, repeated)
            if count == 6:
                yield Case(f"{name}, moved by a pixel", truth, moved(repeated, generator))
            if count in (6, 20, 50):
                yield Case(f"{name}, noise of 2", truth, with_noise(repeated, 2))
                yield Case(f"{name}, noise of 5", truth, with_noise(repeated, 5))
                yield Case(f"{name}, gain within 5%", truth, with_gain(repeated))
        for number in range(4 if len(pool) >= SAMPLES else 1):
            yield Case(f"{pool_name} images, draw {number}", STABLE, draw(pool))
    yield Case("held-out images, noise of 5", STABLE, with_noise(draw(held_out), 5))
    yield Case("held-out images, blurred by 0.5", STABLE, blurred(draw(held_out), 0.5))
    for blur in (1, 1.5, 2):
        yield Case(f"held-out images, blurred by {blur}", DRAWS_BADLY, blurred(draw(held_out), blur))
    yield Case("held-out images at 8 x 8 pixels", DRAWS_BADLY, coarse(draw(held_out)))
    yield Case("held-out images, blurred by 4", NOT_STABLE, blurred(draw(held_out), 4))
    for share in (0.8, 0.95):
        mostly = draw(held_out)
        mostly[: int(share * len(mostly))] = mostly[-1]
        yield Case(f"one image in {share:.0%}", COLLAPSED, mostly)
    shape = (SAMPLES, *images.shape[1:])
    yield Case("noise", NOT_STABLE, torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8))
    mean, deviation = images.float().mean(dim=0), images.float().std(dim=0)
    pixels = mean + deviation * torch.randn(shape, generator=generator)
    yield Case("pixels drawn one by one", NOT_STABLE, pixels.round().clamp(0, 255).to(torch.uint8))
    for count, name in ((2, "two"), (3, "three")):
        blend = torch.stack([draw(images).float() for _ in range(count)]).mean(dim=0)
        yield Case(f"blends of {name} images", DRAWS_BADLY, blend.to(torch.uint8))
    eight = torch.stack([draw(images).float() for _ in range(8)]).mean(dim=0)
    yield Case("blends of eight images", NOT_STABLE, eight.to(torch.uint8))
    if labels is not None:
        yield from _of_classes(held_out, labels, generator)


def _of_classes(pool: Tensor, labels: Tensor, generator: torch.Generator) -> Iterator[Case]:
    classes = torch.unique(labels).tolist()
    order = torch.randperm(len(pool), generator=generator)
    pool, labels = pool[order], labels[order]
    one = pool[labels == classes[0]][:SAMPLES]
    others = pool[labels != classes[0]][:SAMPLES]
    yield Case("one class", COLLAPSED, one, needs_labels=True)
    yield Case("95% of one class", COLLAPSED, torch.cat([one, others[: max(1, len(one) // 19)]]), needs_labels=True)
    yield Case("80% of one class", UNDECIDED, torch.cat([one, others[: max(1, len(one) // 4)]]), needs_labels=True)
    yield Case("one class missing", STABLE, others)
    half = torch.isin(labels, torch.tensor(classes[: len(classes) // 2]))
    yield Case("half of the classes", COLLAPSED, pool[half][:SAMPLES], needs_labels=True)
    firsts = torch.stack([pool[labels == label][0] for label in classes])
    yield Case("each class one image", COLLAPSED, firsts[torch.arange(SAMPLES) % len(firsts)])


def coarse(images: Tensor) -> Tensor:
    """Images uint8 [n, C, H, W] as they look at 8 x 8 pixels."""
    small = F.adaptive_avg_pool2d(images.float(), 8)
    return F.interpolate(small, images.shape[-2:], mode="bilinear").round().clamp(0, 255).to(torch.uint8)


def moved(images: Tensor, generator: torch.Generator) -> Tensor:
    """Images uint8 [n, C, H, W], each moved by up to one pixel in each direction."""
    side = images.shape[-1]
    padded = F.pad(images.float(), (1,) * 4, mode="replicate").to(torch.uint8)
    places = torch.randint(0, 3, (len(images), 2), generator=generator).tolist()
    return torch.stack([image[:, y : y + side, x : x + side] for image, (y, x) in zip(padded, places, strict=True)])


def blurred(images: Tensor, deviation: float) -> Tensor:
    """Images uint8 [n, C, H, W] under a Gaussian blur with a standard deviation in pixels."""
    reach = int(3 * deviation) + 1
    kernel = torch.exp(-(torch.arange(-reach, reach + 1).float() ** 2) / (2 * deviation**2))
    kernel, channels = kernel / kernel.sum(), images.shape[1]
    padded = F.pad(images.float(), (reach,) * 4, mode="replicate")
    across = F.conv2d(padded, kernel.view(1, 1, 1, -1).repeat(channels, 1, 1, 1), groups=channels)
    both = F.conv2d(across, kernel.view(1, 1, -1, 1).repeat(channels, 1, 1, 1), groups=channels)
    return both.round().clamp(0, 255).to(torch.uint8)
