"""The classifier that quality is measured with is as good as the documents say."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.real_data import real_images

from gan_core.evaluation.features import classifier

pytestmark = pytest.mark.e2e


def test_the_classifier_of_mnist_is_right_on_99_of_100_test_images(tmp_path: Path) -> None:
    found = classifier(real_images("mnist", tmp_path), tmp_path / "classifier.pt")
    assert found.accuracy is not None
    assert found.accuracy >= 0.99
