"""The real images to develop with, where they are: they are no part of the product."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gan_core.config.sections import DataConfig, DataName
from gan_core.data.datasets import TORCHVISION, ImageSet, load

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data"


def real_images(name: DataName, root: Path) -> ImageSet:
    """A data set of torchvision's, unpacked into `root`; skips the test where it is not here."""
    source = FOLDER / TORCHVISION[name]
    if not source.exists():
        pytest.skip(f"{name} is not in {source}")
    shutil.copytree(source, root / source.name)  # torchvision unpacks beside what it finds
    return load(DataConfig(name=name, root=str(root)), download=True)
