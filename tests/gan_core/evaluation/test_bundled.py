"""The classifier that comes with the package saves its training; e2e/test_classifiers.py trains it again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.real_data import real_images

from gan_core.data.datasets import ImageSet
from gan_core.evaluation import features
from gan_core.evaluation.features import BUNDLED, classifier


def test_the_digits_need_no_training(digits: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "train_classifier", lambda *given: pytest.fail("it was trained"))
    made = classifier(digits, tmp_path / "home" / "digits.pt")
    assert made.accuracy == 1.0
    assert (tmp_path / "home" / "digits.pt").read_bytes() == (BUNDLED / f"{digits.fingerprint}.pt").read_bytes()


@pytest.mark.parametrize(("name", "accuracy"), [("mnist", 0.99), ("fashion_mnist", 0.9)])
def test_mnist_and_fashion_mnist_need_none_either(
    name: str, accuracy: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "train_classifier", lambda *given: pytest.fail("it was trained"))
    made = classifier(real_images(name, tmp_path), tmp_path / "classifier.pt")
    assert made.accuracy is not None and made.accuracy > accuracy


def test_each_is_smaller_than_a_megabyte() -> None:
    sizes = [file.stat().st_size for file in BUNDLED.glob("*.pt")]
    assert len(sizes) == 3 and max(sizes) < 1_000_000


def test_it_serves_no_other_data(digits: ImageSet, tmp_path: Path) -> None:
    few = replace(digits, images=digits.images[:64], labels=digits.labels[:64], fingerprint="few")  # type: ignore[index]
    assert classifier(few, tmp_path / "few.pt").weights_hash != classifier(digits, tmp_path / "digits.pt").weights_hash
