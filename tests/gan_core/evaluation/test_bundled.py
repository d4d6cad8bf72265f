"""The classifier that comes with the package saves its training; e2e/test_classifiers.py trains it again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gan_core.data.datasets import ImageSet
from gan_core.evaluation import features
from gan_core.evaluation.features import BUNDLED, classifier


def test_the_digits_need_no_training(digits: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "train_classifier", lambda *given: pytest.fail("it was trained"))
    made = classifier(digits, tmp_path / "home" / "digits.pt")
    assert made.accuracy == 1.0
    assert (tmp_path / "home" / "digits.pt").read_bytes() == (BUNDLED / f"{digits.fingerprint}.pt").read_bytes()


def test_it_serves_no_other_data(digits: ImageSet, tmp_path: Path) -> None:
    few = replace(digits, images=digits.images[:64], labels=digits.labels[:64], fingerprint="few")  # type: ignore[index]
    assert classifier(few, tmp_path / "few.pt").weights_hash != classifier(digits, tmp_path / "digits.pt").weights_hash
