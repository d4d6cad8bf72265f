"""The verdict on samples whose right verdict is known. benchmarks/verdicts.py has several hundred of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.known_samples import Case, cases, verdict_on
from support.real_data import FOLDER

from gan_core.config.sections import DataConfig, EvaluationConfig
from gan_core.data.datasets import ImageSet, load
from gan_core.evaluation.evaluator import Evaluator, build
from gan_core.evaluation.features import classifier, random_features

WITH_LABELS = [
    ("6 training images repeated", "collapsed"),
    ("20 held-out images repeated, noise of 2", "collapsed"),
    ("50 held-out images repeated", "collapsed"),
    ("95% of one class", "collapsed"),
    ("half of the classes", "collapsed"),
    ("each class one image", "collapsed"),
    ("one image in 80%", "collapsed"),
    ("one class missing", "stable"),
    ("noise", "unfinished"),
    ("held-out images, draw 0", "stable"),
    ("held-out images, noise of 5", "stable"),
    ("training images, draw 0", "stable"),
]
WITHOUT_LABELS = [
    ("2 held-out images repeated", "collapsed"),
    ("50 training images repeated", "collapsed"),
    ("noise", "unfinished"),
    ("held-out images, draw 0", "stable"),
]


def digits() -> ImageSet:
    return load(DataConfig(name="digits"))


@pytest.fixture(scope="module")
def with_labels(tmp_path_factory: pytest.TempPathFactory) -> tuple[ImageSet, Evaluator]:
    images = digits()
    features = classifier(images, tmp_path_factory.mktemp("evaluators") / "digits.pt")
    return images, build(EvaluationConfig(), images, features)


@pytest.fixture(scope="module")
def without_labels() -> tuple[ImageSet, Evaluator]:
    images = digits()
    return images, build(EvaluationConfig(), images, random_features(images.channels))


CASES: dict[str, dict[str, Case]] = {}
"""By the fingerprint of the data, and by name."""


def verdict_of(name: str, images: ImageSet, evaluator: Evaluator) -> str:
    if images.fingerprint not in CASES:
        of_images = cases(images.images, images.test_images, images.test_labels)
        CASES[images.fingerprint] = {case.name: case for case in of_images}
    return verdict_on(CASES[images.fingerprint][name], images, evaluator).name


@pytest.mark.parametrize(("name", "verdict"), WITH_LABELS)
def test_the_verdict_on_digits_is_right(name: str, verdict: str, with_labels: tuple[ImageSet, Evaluator]) -> None:
    assert verdict_of(name, *with_labels) == verdict


@pytest.mark.parametrize(("name", "verdict"), WITHOUT_LABELS)
def test_the_verdict_on_digits_without_labels_is_right(
    name: str, verdict: str, without_labels: tuple[ImageSet, Evaluator]
) -> None:
    assert verdict_of(name, *without_labels) == verdict


@pytest.mark.parametrize(("name", "verdict"), [WITH_LABELS[1], WITH_LABELS[9]])
def test_the_verdict_on_hands_is_right(name: str, verdict: str, tmp_path: Path) -> None:
    file = FOLDER / "finger_digits_5class.npz"
    if not file.exists():
        pytest.skip(f"{file} is not here")
    images = load(DataConfig(name="npz", path=str(file)))
    evaluator = build(EvaluationConfig(), images, random_features(images.channels))
    assert verdict_of(name, images, evaluator) == verdict
