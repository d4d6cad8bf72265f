"""The classifier of the digits, read once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from gan_core.data.datasets import ImageSet
from gan_core.evaluation.features import Features, classifier


@pytest.fixture(scope="session")
def digits_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evaluators") / "of" / "digits.pt"


@pytest.fixture(scope="session")
def digit_features(digits: ImageSet, digits_cache: Path) -> Features:
    return classifier(digits, digits_cache)
