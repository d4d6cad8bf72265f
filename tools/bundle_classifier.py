"""Trains the classifier of the digits and writes it into the package. Run it after a change of the network or training.

    python tools/bundle_classifier.py

With the file in the package, the default data set is measured with the same weights on every machine at once.
"""

from __future__ import annotations

from gan_core.config.sections import DataConfig
from gan_core.data.datasets import load
from gan_core.evaluation.features import BUNDLED, classifier


def main() -> None:
    digits = load(DataConfig())
    for file in BUNDLED.glob("*.pt"):
        file.unlink()
    features = classifier(digits, BUNDLED / f"{digits.fingerprint}.pt")
    print(f"{digits.fingerprint}: weights {features.weights_hash}, right on {features.accuracy:.1%} of the test images")


if __name__ == "__main__":
    main()
