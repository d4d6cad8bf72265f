"""Initialisation of weights: every layer has a seed of its own.

So a stabiliser that adds, removes or widens a layer does not change the initial weights of any other layer: two trials
that differ in one stabiliser begin alike, bit for bit.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gan_core.config.sections import Initialisation
from gan_core.config.setting_types import Player
from gan_core.networks.glorot import ClassEmbedding
from gan_core.networks.msr import Maps
from gan_core.networks.normalisation import NORMS
from gan_core.random_streams import stream_seed

WEIGHTS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, ClassEmbedding)


KINDS: tuple[tuple[str, tuple[type[nn.Module], ...], float], ...] = (
    ("weights", WEIGHTS, 0.0),
    ("norms", NORMS, 1.0),
    ("maps", (Maps,), 0.0),
)
"""Kinds of layers that have weights to draw, and the mean of these under `normal`."""


def initialise(network: nn.Module, player: Player, seed: int, init: Initialisation) -> None:
    """Draws the weights of `network`.

    The n-th convolution or linear layer has the seed "weights/n", the n-th norm "norms/n", the n-th `Maps` "maps/n".
    normal: weights from N(0, 0.02), a norm's scale from N(1, 0.02), biases 0 (Radford et al. 2016, section 4).
    Otherwise each layer's own `reset_parameters`: PyTorch's defaults, or for `msr` and `glorot` those of `msr.py` and
    `glorot.py`, of which the networks that have these consist. Seeds torch's default generator, and does not restore
    its state.
    """
    for kind, types, mean in KINDS:
        for n, layer in enumerate(_layers(network, types)):
            _seed(seed, player, kind, n)
            if init != "normal":
                layer.reset_parameters()
                continue
            nn.init.normal_(layer.weight, mean, 0.02)
            if (bias := getattr(layer, "bias", None)) is not None:
                nn.init.zeros_(bias)


def normalise_spectrum(network: nn.Module, player: Player, seed: int) -> None:
    """Divides the weight of each convolution, linear layer and embedding by its largest singular value (Miyato et al.
    2018).

    One step of power iteration at each forward pass in training mode. Its vectors start from the seed
    "spectral_norm/n". The original weights, `layer.parametrizations.weight.original`, do not change. Seeds torch's
    default generator, and does not restore its state.
    """
    for n, layer in enumerate(_layers(network, WEIGHTS)):
        _seed(seed, player, "spectral_norm", n)
        spectral_norm(layer)


def _layers(network: nn.Module, types: tuple[type[nn.Module], ...]) -> list[Any]:
    return [module for module in network.modules() if isinstance(module, types)]


def _seed(seed: int, player: Player, kind: str, n: int) -> None:
    torch.default_generator.manual_seed(stream_seed(seed, f"initialisation/{player}/{kind}/{n}"))
