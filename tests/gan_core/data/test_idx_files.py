"""MNIST and Fashion-MNIST are read as torchvision reads them. `test_hostile_data.py` has files that are damaged."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from torchvision import datasets

from gan_core.config.sections import DataConfig
from gan_core.data.datasets import read
from gan_core.data.idx_files import CLASSES


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Both data sets, of a few random images."""
    random = np.random.RandomState(0)
    for name in CLASSES:
        folder = tmp_path / name / "raw"
        folder.mkdir(parents=True)
        for part, count in (("train", 30), ("t10k", 20)):
            images = random.randint(256, size=(count, 28, 28)).astype(np.uint8)
            labels = random.randint(10, size=count).astype(np.uint8)
            (folder / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">4i", 0x803, *images.shape) + bytes(images))
            (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 0x801, count) + bytes(labels))
    return tmp_path


@pytest.mark.parametrize(("name", "kind"), [("mnist", datasets.MNIST), ("fashion_mnist", datasets.FashionMNIST)])
def test_they_are_what_torchvision_reads(name: str, kind: type[datasets.MNIST], root: Path) -> None:
    ours = read(DataConfig(name=name, root=str(root)))
    assert ours.labels is not None and ours.test_labels is not None
    for train, images, labels in ((True, ours.images, ours.labels), (False, ours.test_images, ours.test_labels)):
        theirs = kind(str(root), train=train)
        assert np.array_equal(images[:, 0, 2:-2, 2:-2], theirs.data.numpy())
        assert np.array_equal(labels, theirs.targets.numpy())
    if name == "fashion_mnist":  # torchvision's names of digits are "0 - zero", ...
        assert ours.class_names == tuple(theirs.classes)


@pytest.mark.parametrize("name", ["mnist", "stacked_mnist", "fashion_mnist"])
def test_torch_is_not_imported_for_them(name: str, root: Path) -> None:
    """So a plan answers sooner, and a sweep starts Ray sooner."""
    program = (
        "import sys; from gan_core.config.sections import DataConfig; from gan_core.data.datasets import read;"
        f"read(DataConfig(name={name!r}, root={str(root)!r})); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
