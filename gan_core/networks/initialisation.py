"""How weights start."""

from __future__ import annotations

from torch import nn


def initialise_normal(network: nn.Module) -> None:
    """Weights from N(0, 0.02), batch norm's scale from N(1, 0.02), biases 0 (Radford et al. 2016, section 4)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
