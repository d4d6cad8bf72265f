"""The classifier that comes with the package: it is what training gives, and saves it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gan_core import checkpoint
from gan_core.data.datasets import ImageSet
from gan_core.evaluation import features
from gan_core.evaluation.features import BUNDLED, classifier


def test_the_digits_need_no_training(digits: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "train_classifier", lambda *given: pytest.fail("it was trained"))
    made = classifier(digits, tmp_path / "home" / "digits.pt")
    assert made.accuracy == 1.0
    assert (tmp_path / "home" / "digits.pt").read_bytes() == (BUNDLED / f"{digits.fingerprint}.pt").read_bytes()


def test_training_it_anew_gives_one_as_good(digits: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it does not, `tools/bundle_classifier.py` has to be run. The last bits depend on the processor."""
    bundled = classifier(digits, tmp_path / "bundled.pt")
    monkeypatch.setattr(features, "BUNDLED", tmp_path / "nothing")
    trained = classifier(digits, tmp_path / "trained.pt")
    assert trained.accuracy == pytest.approx(bundled.accuracy, abs=0.01)
    mine, theirs = (checkpoint.load(tmp_path / f"{name}.pt")["state"] for name in ("bundled", "trained"))
    assert {name: tensor.shape for name, tensor in mine.items()} == {name: t.shape for name, t in theirs.items()}
    one, other = (made(digits.test_images).vectors for made in (bundled, trained))
    assert torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1] > 0.9


def test_it_serves_no_other_data(digits: ImageSet, tmp_path: Path) -> None:
    few = replace(digits, images=digits.images[:64], labels=digits.labels[:64], fingerprint="few")  # type: ignore[index]
    assert classifier(few, tmp_path / "few.pt").weights_hash != classifier(digits, tmp_path / "digits.pt").weights_hash
