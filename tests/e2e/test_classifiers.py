"""The classifiers that quality is measured with are as good as the documents say; trained for real."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.real_data import real_images

from gan_core import checkpoint
from gan_core.config.sections import DataConfig
from gan_core.data.datasets import load
from gan_core.evaluation import classifier
from gan_core.evaluation.features import classifier as classifier_of

pytestmark = pytest.mark.e2e


def test_the_classifier_of_mnist_is_right_on_99_of_100_test_images_after_one_of_its_three_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = real_images("mnist", tmp_path)
    assert len(images.images) * 3 == classifier.MAX_IMAGES
    monkeypatch.setattr(classifier, "MAX_IMAGES", len(images.images))
    monkeypatch.setattr("gan_core.evaluation.features.BUNDLED", tmp_path / "nothing")
    features = classifier_of(images, tmp_path / "classifier.pt")
    assert features.accuracy is not None
    assert features.accuracy >= 0.99


def test_training_that_of_the_digits_anew_gives_one_as_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it does not, `tools/bundle_classifier.py` has to be run. The last bits depend on the processor."""
    digits = load(DataConfig())
    bundled = classifier_of(digits, tmp_path / "bundled.pt")
    monkeypatch.setattr("gan_core.evaluation.features.BUNDLED", tmp_path / "nothing")
    trained = classifier_of(digits, tmp_path / "trained.pt")
    assert trained.accuracy == pytest.approx(bundled.accuracy, abs=0.01)
    states = [checkpoint.load(tmp_path / f"{name}.pt")["state"] for name in ("bundled", "trained")]
    shapes = [{name: tensor.shape for name, tensor in state.items()} for state in states]
    assert shapes[0] == shapes[1]
    vectors = torch.stack([features(digits.test_images).vectors.flatten() for features in (bundled, trained)])
    assert torch.corrcoef(vectors)[0, 1] > 0.9
