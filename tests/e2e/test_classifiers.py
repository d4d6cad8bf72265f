"""The classifier that quality is measured with is as good as the documents say."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.real_data import real_images

from gan_core.evaluation import classifier
from gan_core.evaluation.features import classifier as classifier_of

pytestmark = pytest.mark.e2e


def test_the_classifier_of_mnist_is_right_on_99_of_100_test_images_after_one_of_its_three_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = real_images("mnist", tmp_path)
    assert len(images.images) * 3 == classifier.MAX_IMAGES
    monkeypatch.setattr(classifier, "MAX_IMAGES", len(images.images))
    features = classifier_of(images, tmp_path / "classifier.pt")
    assert features.accuracy is not None
    assert features.accuracy >= 0.99
