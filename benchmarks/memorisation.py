"""How often the rule on copies of training images is wrong, on samples of which the truth is known, and what it costs.

    python benchmarks/memorisation.py [--root FOLDER] [--npz FILE ...] [--repeats 4] [--steps 300]

Always on the digits; with `--root` also on MNIST and Fashion-MNIST (torchvision's files), with `--npz` on others. Half
of the test images are the reference, the other half are samples of a perfect generator. Each case is made `--repeats`
times, in the features of the data set's classifier and in random ones, with 512 samples or as many as there are.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from gan_core import metric_names, sampling
from gan_core.config.sections import DataConfig, EvaluationConfig
from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet, load
from gan_core.evaluation.evaluator import Evaluator, build
from gan_core.evaluation.features import Features, classifier, random_features
from gan_core.evaluation.memorisation import memorisation
from gan_core.evaluation.memorisation_check import repeats_training_images
from gan_core.threads import one_thread
from gan_core.training.trainer import Trainer
from orchestrator.statistics.intervals import wilson_share

SAMPLES = 512
SHARES = (0.05, 0.1, 0.2, 0.5, 1.0)
ROUNDS = 5
"""Evaluations that are timed with and without the rule."""

Change = Callable[[Tensor, torch.Generator], Tensor]


class Case(NamedTuple):
    """Samples of which it is known whether they repeat training images."""

    name: str
    repeats: bool
    images: Tensor


class JudgedCase(NamedTuple):
    authenticity: float
    copied: float
    is_suspicious: bool


def noisy(deviation: float) -> Change:
    """Noise of this standard deviation in grey levels of 255."""

    def change(images: Tensor, random: torch.Generator) -> Tensor:
        return _uint8(images.float() + deviation * torch.randn(images.shape, generator=random))

    return change


def shifted(images: Tensor, random: torch.Generator) -> Tensor:
    return images.roll(1, dims=3)


def blurred(images: Tensor, random: torch.Generator) -> Tensor:
    return _uint8(F.avg_pool2d(F.pad(images.float(), (1,) * 4, mode="replicate"), 3, 1))


def blended(first: Tensor, second: Tensor, share: float) -> Tensor:
    return _uint8((1 - share) * first.float() + share * second.float())


def _uint8(images: Tensor) -> Tensor:
    return images.round().clamp(0, 255).to(torch.uint8)


PERTURBED: dict[str, Change] = {
    "exact": lambda images, random: images,
    "noise of 3 levels": noisy(3),
    "noise of 10 levels": noisy(10),
    "blurred by 3 pixels": blurred,
    "shifted by 1 pixel": shifted,
}


def cases(images: ImageSet, perfect: Tensor, drawn: Tensor, seed: int) -> Iterator[Case]:
    """`perfect`: real images that no one has seen. `drawn`: images of a GAN."""
    random = torch.Generator().manual_seed(seed)

    def some(of: Tensor, count: int = SAMPLES) -> Tensor:
        return of[torch.randperm(len(of), generator=random)[:count]]

    def repeated(of: Tensor, count: int) -> Tensor:
        return some(of, count).repeat(-(-SAMPLES // count), 1, 1, 1)[:SAMPLES]

    first, second = some(images.images), some(images.images)
    yield Case("held-out images", False, some(perfect))
    yield Case("held-out images with noise of 10 levels", False, noisy(10)(some(perfect), random))
    yield Case("held-out images, blurred", False, blurred(some(perfect), random))
    for count in (1, 6, 20, 50):
        yield Case(f"{count} held-out images, repeated", False, repeated(perfect, count))
    yield Case("halfway between two training images", False, blended(first, second, 0.5))
    yield Case("noise", False, torch.randint(256, first.shape, generator=random, dtype=torch.uint8))
    yield Case("a GAN's images", False, some(drawn))
    for name, change in PERTURBED.items():
        for share in SHARES:
            for base_name, base in (("held-out images", perfect), ("a GAN's images", drawn)):
                rest = some(base)
                count = round(share * len(rest))
                copies = change(some(images.images, count), random)
                yield Case(f"{share:.0%} copies, {name}, among {base_name}", True, torch.cat([copies, rest[count:]]))
    for count in (6, 20, 50):
        yield Case(f"{count} training images, repeated", True, repeated(images.images, count))


def outcome(evaluator: Evaluator, case: Case) -> JudgedCase:
    measured = memorisation(evaluator.training, evaluator.features(case.images).vectors)
    real = evaluator.kept_out
    has_real = bool(real)
    suspicious = repeats_training_images(
        measured.copied,
        len(case.images),
        real[metric_names.COPIED] if has_real else None,
        int(real["count"]) if has_real else 0,
    )
    return JudgedCase(measured.authenticity, measured.copied, suspicious)


def halves(images: ImageSet) -> tuple[ImageSet, Tensor]:
    """The data set with half of its test images, and the other half."""
    order = torch.randperm(len(images.test_images), generator=torch.Generator().manual_seed(0))
    kept, others = order[::2], order[1::2]
    labels = None if images.test_labels is None else images.test_labels[kept]
    return replace(images, test_images=images.test_images[kept], test_labels=labels), images.test_images[others]


def gan_images(images: ImageSet, steps: int) -> Tensor:
    """Images of a DCGAN that was trained for some hundred steps."""
    config = TrialConfig.model_validate({"steps": steps, "model": {"width": 16}, "evaluation": {"every": steps}})
    trainer = Trainer(config, images)
    for _ in trainer.fit():
        pass
    return sampling.generate(trainer.eval_generator, sampling.fixed_latents(2 * SAMPLES, config.model.latent_dim))


def data_sets(root: Path | None, files: list[Path]) -> Iterator[tuple[str, ImageSet]]:
    yield "digits", load(DataConfig(name="digits"))
    for file in files:
        yield file.stem, load(DataConfig(name="npz", path=str(file)))
    if root:
        yield "mnist", load(DataConfig(name="mnist", root=str(root)), download=True)
        yield "fashion_mnist", load(DataConfig(name="fashion_mnist", root=str(root)), download=True)


def cost(evaluator: Evaluator, images: Tensor) -> tuple[float, float]:
    """Seconds of an evaluation, and how much of it memorisation takes: the smallest of ROUNDS, on one thread."""
    vectors = evaluator.features(images).vectors
    return _seconds(lambda: evaluator.measure(images)), _seconds(lambda: memorisation(evaluator.training, vectors))


def _seconds(action: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description="How often the rule on copies of training images is wrong.")
    parser.add_argument("--root", type=Path, help="folder of torchvision's MNIST and Fashion-MNIST")
    parser.add_argument("--npz", type=Path, nargs="*", default=[], help="further data sets")
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--steps", type=int, default=300, help="training steps of the GAN")
    options = parser.parse_args()
    outcomes: dict[tuple[bool, str], list[JudgedCase]] = {}
    with one_thread(), tempfile.TemporaryDirectory() as cache:
        for name, images in data_sets(options.root, options.npz):
            drawn = gan_images(images, options.steps)
            part, perfect = halves(images)
            ways: list[Features] = [random_features(images.channels)]
            if images.labels is not None:
                ways.append(classifier(images, Path(cache) / f"{name}.pt"))
            for features in ways:
                evaluator = build(EvaluationConfig(samples=SAMPLES), part, features)
                whole, added = cost(evaluator, drawn[:SAMPLES])
                print(
                    f"{name}, {features.kind}: held-out images {evaluator.kept_out['authenticity']:.2f} authentic, "
                    f"{evaluator.kept_out['copied']:.1%} copies; {whole:.2f} s an evaluation, {added:.3f} s of it this",
                    flush=True,
                )
                for seed in range(options.repeats):
                    for case in cases(images, perfect, drawn, seed):
                        outcomes.setdefault((case.repeats, case.name), []).append(outcome(evaluator, case))
    print_table(outcomes)


def print_table(outcomes: dict[tuple[bool, str], list[JudgedCase]]) -> None:
    print("\n| samples | authentic | copies | suspicious |\n|---|---|---|---|")
    for (_, name), members in outcomes.items():
        authenticity = sorted(member.authenticity for member in members)[len(members) // 2]
        copied = sorted(member.copied for member in members)[len(members) // 2]
        suspicious = sum(member.is_suspicious for member in members)
        print(f"| {name} | {authenticity:.2f} | {copied:.1%} | {suspicious} of {len(members)} |")
    for repeats, title in ((False, "false alarms"), (True, "copies that were seen")):
        flags = [m.is_suspicious for (truth, _), members in outcomes.items() if truth == repeats for m in members]
        share = wilson_share(sum(flags), len(flags))
        print(f"{title}: {share}, 95% interval {share.low:.1%} to {share.high:.1%}")


if __name__ == "__main__":
    main()
