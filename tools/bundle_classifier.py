"""Trains the classifier of the digits anew, as the package has it: after a change of the network or of its training.

    python tools/bundle_classifier.py

So the default data set is measured with the same weights on every machine, from the first second on.
"""

from __future__ import annotations

from gan_core.config.sections import DataConfig
from gan_core.data.datasets import load
from gan_core.evaluation.features import BUNDLED, classifier


def main() -> None:
    digits = load(DataConfig())
    for file in BUNDLED.glob("*.pt"):
        file.unlink()
    made = classifier(digits, BUNDLED / f"{digits.fingerprint}.pt")
    print(f"{digits.fingerprint}: weights {made.weights_hash}, right on {made.accuracy:.1%} of the test images")


if __name__ == "__main__":
    main()
