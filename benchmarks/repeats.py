"""In what are repeated images alike, and different ones not? The share of distinct images by ways to compare them.

    python benchmarks/repeats.py [--root FOLDER] [--npz FILE ...] [--seed 1]

Real images that were held out, changed so that all still differ (blurred, blended), or repeated with small changes; in
features of the data's classifier, in pixels of several sizes, and in features and pixels together: a pair counts as
the same image if it is near in both. The digits always, other data as in verdicts.py. Decision 55 rests on this.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from verdicts import data_sets

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support.known_samples import blurred, coarse, moved

from gan_core.data.datasets import ImageSet
from gan_core.data.pixels import evenly_spaced
from gan_core.evaluation.distinctness import Compared, RepeatDistances, coarse_pixels, distinct_share
from gan_core.evaluation.features import classifier

SAMPLES, REPEATED = 1024, 100
SIDES = (4, 8, 16, 32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="folder with torchvision's MNIST and FashionMNIST")
    parser.add_argument("--npz", type=Path, nargs="*", default=[], help="other data sets")
    parser.add_argument("--seed", type=int, default=1, help="of the draws")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    ways = ["features", *(f"{side}x{side}" for side in SIDES), *(f"features, {side}x{side}" for side in SIDES)]
    for name, images in data_sets(arguments.root, arguments.npz):
        print(f"\n| {name} | {' | '.join(ways)} |\n|---|{'---|' * len(ways)}")
        for case, shares in table(images, torch.Generator().manual_seed(arguments.seed)):
            print(f"| {case} | {' | '.join(f'{share:.0%}' for share in shares)} |", flush=True)


def table(images: ImageSet, generator: torch.Generator) -> Iterator[tuple[str, list[float]]]:
    """Each case with its shares of distinct images: by features, by pixels of each size, by features and these."""
    with tempfile.TemporaryDirectory() as scratch:
        features = classifier(images, Path(scratch) / "classifier.pt")
    real = images.images[evenly_spaced(len(images), SAMPLES)]
    real_vectors = features(real).vectors
    for name, samples in cases(images.test_images, generator):
        vectors = features(samples).vectors
        spaces = [(vectors, real_vectors)] + [
            (coarse_pixels(samples, side), coarse_pixels(real, side)) for side in SIDES
        ]
        pairs = [(space, space) for space in spaces] + [(spaces[0], space) for space in spaces[1:]]
        yield (
            name,
            [
                distinct_share(Compared(one, other), RepeatDistances.of(Compared(real_one, real_other)))
                for (one, real_one), (other, real_other) in pairs
            ],
        )


def cases(held_out: Tensor, generator: torch.Generator) -> Iterator[tuple[str, Tensor]]:
    """Samples uint8 [n, C, H, W] by name."""
    held_out = held_out[torch.randperm(len(held_out), generator=generator)[:SAMPLES]]
    yield "held-out images", held_out
    for deviation in (1, 1.5, 2, 3):
        yield f"blurred by {deviation} pixels", blurred(held_out, deviation)
    yield "seen at 8 x 8 pixels", coarse(held_out)
    blend = torch.stack([held_out.roll(places, 0).float() for places in range(3)]).mean(dim=0)
    yield "blends of three images", blend.to(torch.uint8)
    repeated = held_out[torch.arange(len(held_out)) % REPEATED]
    yield f"{REPEATED} images repeated", repeated
    noise = 10 * torch.randn(repeated.shape, generator=generator)
    yield "the same, noise of 10", (repeated + noise).round().clamp(0, 255).to(torch.uint8)
    gain = 0.8 + 0.4 * torch.rand(len(repeated), 1, 1, 1, generator=generator)
    yield "the same, gain within 20%", (repeated * gain).round().clamp(0, 255).to(torch.uint8)
    yield "the same, moved by up to 1 pixel", moved(repeated, generator)
    yield "the same, moved by up to 2 pixels", moved(moved(repeated, generator), generator)


if __name__ == "__main__":
    main()
