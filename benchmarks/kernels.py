"""Which operations of which layers are faster as matrix products on this processor: what a first trial measures.

A line for each layer with a choice: milliseconds of oneDNN and of the product, `*` where the product is chosen. One
thread, the digits, batches of 64.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import torch

from gan_core.config.trial import TrialConfig
from gan_core.data import datasets
from gan_core.networks import kernel_choice
from gan_core.networks.kernel_choice import LayerShape
from gan_core.networks.matrix_products import Operation
from gan_core.training.trainer import Trainer

FAMILIES = ("dcgan", "acgan", "wgan_gp", "sngan", "r3gan")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--families", nargs="+", default=FAMILIES, choices=FAMILIES)
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    for family in options.families:
        print(family)
        for shape, seconds in measured(family, options.precision):
            chosen = kernel_choice.faster_as_products(seconds)
            texts = (
                f"{operation} {usual * 1e3:.1f}/{product * 1e3:.1f}{'*' if operation in chosen else ''}"
                for operation, (usual, product) in seconds.items()
            )
            print(f"  {shape}: {', '.join(texts)}", flush=True)


def measured(family: str, precision: str) -> Iterator[tuple[LayerShape, dict[Operation, list[float]]]]:
    """What a first step of the family's default networks measures."""
    shapes = dict[LayerShape, None]()

    def note(shape: LayerShape) -> dict[Operation, list[float]]:
        shapes[shape] = None
        return {}

    config = TrialConfig.model_validate({"model": {"family": family}, "loss": {"n_critic": 1}, "precision": precision})
    Trainer(config, datasets.load(config.data), kernels=note).step()
    return ((shape, kernel_choice.measure(shape)) for shape in shapes)


if __name__ == "__main__":
    main()
