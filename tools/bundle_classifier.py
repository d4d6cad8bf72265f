"""Trains the classifiers that come with the package, and writes them there.

    python tools/bundle_classifier.py --root FOLDER

Run it after a change of the network or of its training; the last bits depend on the processor. FOLDER: holds MNIST and
Fashion-MNIST as torchvision does (`orchestrate datasets prepare mnist` puts it into HOME/datasets). With these files in
the package a first sweep does not train a classifier before it begins, and everybody measures with the same weights.
"""

from __future__ import annotations

import argparse

from gan_core.config.sections import DataConfig
from gan_core.data.datasets import load
from gan_core.evaluation.features import BUNDLED, classifier


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains the classifiers that come with the package.")
    parser.add_argument("--root", required=True, help="folder with torchvision's MNIST and FashionMNIST")
    root = parser.parse_args().root
    data = [DataConfig(), DataConfig(name="mnist", root=root), DataConfig(name="fashion_mnist", root=root)]
    loaded = [load(config) for config in data]
    for file in BUNDLED.glob("*.pt"):
        file.unlink()
    for config, images in zip(data, loaded, strict=True):
        file = BUNDLED / f"{images.fingerprint}.pt"
        features = classifier(images, file)
        right = f"right on {features.accuracy:.1%} of the test images"
        print(f"{config.name}: {file.name}, {file.stat().st_size:,} bytes, weights {features.weights_hash}, {right}")


if __name__ == "__main__":
    main()
