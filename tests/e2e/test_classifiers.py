"""The classifiers that quality is measured with are as good as the documents say."""

from __future__ import annotations

from pathlib import Path

import pytest
from real_data import real_images

from gan_core.config import DataName
from gan_core.evaluation.features import classifier

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(("name", "floor"), [("mnist", 0.99), ("fashion_mnist", 0.90)])
def test_the_classifier_is_right_on_most_test_images(name: DataName, floor: float, tmp_path: Path) -> None:
    found = classifier(real_images(name, tmp_path), tmp_path / "classifier.pt")
    assert found.accuracy is not None
    assert found.accuracy >= floor
