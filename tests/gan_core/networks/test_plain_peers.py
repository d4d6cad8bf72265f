"""The networks that a benchmark compares ours with (`benchmarks/plain`) are the same functions, written plainly."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import pytest
import torch
from support.commands import ROOT
from torch import Tensor, nn

from gan_core.networks import acgan, dcgan, r3gan, sngan, wgan_gp
from gan_core.networks.activations import Dropout
from gan_core.networks.conditional_norm import ConditionalBatchNorm2d


def plain(name: str) -> Any:
    spec = spec_from_file_location(name, ROOT / "benchmarks" / "plain" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ACGAN, DCGAN, RESIDUAL, R3GAN = map(plain, ("acgan", "dcgan", "residual", "r3gan"))
PEERS: dict[str, tuple[Callable[[], nn.Module], Callable[[], nn.Module]]] = {
    "dcgan's G": (lambda: dcgan.Generator(6, 1, 4), lambda: DCGAN.Generator(6, 1, 4)),
    "dcgan's D": (lambda: dcgan.Discriminator(1, 4), lambda: DCGAN.Discriminator(1, 4, True)),
    "the critic": (lambda: wgan_gp.Critic(1, 4), lambda: DCGAN.Discriminator(1, 4, False)),
    "acgan's G": (lambda: acgan.Generator(6, 3, 1, 4), lambda: ACGAN.Generator(6, 3, 1, 4)),
    "acgan's D": (lambda: acgan.Discriminator(3, 1, 4), lambda: ACGAN.Discriminator(3, 1, 4)),
    "r3gan's G": (lambda: r3gan.Generator(6, 1, 16), lambda: R3GAN.Generator(6, 1, 16)),
    "r3gan's D": (lambda: r3gan.Discriminator(1, 16), lambda: R3GAN.Discriminator(1, 16)),
    "sngan's G": (lambda: sngan.Generator(6, 1, 4), lambda: RESIDUAL.Generator(6, 1, 8)),
    "sngan's D": (lambda: sngan.Discriminator(1, 4), lambda: RESIDUAL.Discriminator(1, 4, False)),
    "projection's G": (lambda: sngan.Generator(6, 1, 4, classes=3), lambda: RESIDUAL.Generator(6, 1, 8, 3)),
    "projection's D": (
        lambda: sngan.Discriminator(1, 4, classes=3),
        lambda: RESIDUAL.Discriminator(1, 4, False, classes=3),
    ),
    "wgan_gp's G": (lambda: wgan_gp.ResidualGenerator(6, 1, 4), lambda: RESIDUAL.Generator(6, 1, 4)),
    "wgan_gp's D": (lambda: wgan_gp.ResidualCritic(1, 4), lambda: RESIDUAL.Discriminator(1, 4, False, mean=True)),
}


def weights_of(ours: nn.Module) -> list[Tensor]:
    """All weights, in the order and the shapes that the plain network has them."""
    weights: list[Tensor] = list(ours.parameters())
    if isinstance(ours, r3gan.Generator):
        weights[:2] = weights[1::-1]  # the 4x4 maps come first there
    for norm in ours.modules():
        if isinstance(norm, ConditionalBatchNorm2d):  # scales and offsets are one table there
            at = next(n for n, weight in enumerate(weights) if weight is norm.weight)
            weights[at : at + 2] = [torch.cat([norm.weight, norm.bias], dim=1)]
    return weights


def without_dropout(network: nn.Module) -> nn.Module:
    for layer in network.modules():
        layer.train(not isinstance(layer, nn.Dropout | Dropout))
    return network


def said_by(output: Any) -> list[Tensor]:
    """The images, or the logits and those of the classes if there are any."""
    return [part for part in ([output] if isinstance(output, Tensor) else output[:2]) if part is not None]


@pytest.mark.parametrize("name", PEERS)
def test_a_plain_network_has_as_many_parameters_and_says_the_same(name: str) -> None:
    ours, peer = (build() for build in PEERS[name])
    assert sum(map(torch.numel, ours.parameters())) == sum(map(torch.numel, peer.parameters()))
    torch.manual_seed(0)
    for weight in ours.parameters():
        nn.init.normal_(weight, 0.0, 0.15)
    for weight, theirs in zip(weights_of(ours), peer.parameters(), strict=True):
        theirs.data.copy_(weight.data.view_as(theirs))
    labels = torch.tensor([0, 2, 1, 2]) if name.startswith("projection") or name == "acgan's G" else None
    given = torch.randn(4, 6) if name.endswith("G") else torch.randn(4, 1, 32, 32)
    with torch.no_grad():
        told = () if labels is None else (labels,)
        found, expected = (said_by(without_dropout(network)(given, *told)) for network in (ours, peer))
    assert len(found) == len(expected) == (2 if name == "acgan's D" else 1)
    for one, other in zip(found, expected, strict=True):
        assert other.std() > 1e-3
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
