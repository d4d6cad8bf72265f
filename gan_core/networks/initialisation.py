"""How weights start: every layer from a seed of its own.

A stabiliser that adds, drops or widens a layer leaves the start of every other layer as it was, bit for bit, so that
two trials which differ in a toggle begin alike.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gan_core.config.sections import Player
from gan_core.networks.normalisation import NORMS
from gan_core.random_streams import stream_seed

WEIGHTS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


def initialise(network: nn.Module, player: Player, seed: int, normal: bool) -> None:
    """Draws the weights of `network` anew, the n-th convolution or linear layer from a seed "weights/n" of its own, the
    n-th norm from "norms/n".

    As PyTorch does by default, or `normal`: weights from N(0, 0.02), a norm's scale from N(1, 0.02), biases 0 (Radford
    et al. 2016, section 4). Seeds torch's default generator and leaves it so.
    """
    for kind, types, mean in (("weights", WEIGHTS, 0.0), ("norms", NORMS, 1.0)):
        for n, layer in enumerate(module for module in network.modules() if isinstance(module, types)):
            _seed(seed, player, kind, n)
            if not normal:
                layer.reset_parameters()
                continue
            nn.init.normal_(layer.weight, mean, 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def normalise_spectrum(network: nn.Module, player: Player, seed: int) -> None:
    """Divides the weight of every convolution and linear layer by its largest singular value (Miyato et al. 2018).

    One step of power iteration at each forward in training mode. Its vectors start from the seed "spectral_norm/n"; the
    weights under it, `layer.parametrizations.weight.original`, stay as they are. Seeds torch's default generator and
    leaves it so.
    """
    for n, layer in enumerate([module for module in network.modules() if isinstance(module, WEIGHTS)]):
        _seed(seed, player, "spectral_norm", n)
        spectral_norm(layer)


def _seed(seed: int, player: Player, kind: str, n: int) -> None:
    torch.default_generator.manual_seed(stream_seed(seed, f"initialisation/{player}/{kind}/{n}"))
