"""The networks are those of the papers and of the original report."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gan_core import networks
from gan_core.config import ModelConfig

NORMALISATIONS = (
    nn.modules.batchnorm._NormBase,
    nn.GroupNorm,
    nn.LayerNorm,
    nn.LocalResponseNorm,
)
FAMILIES = ("dcgan", "acgan", "wgan_gp")


def build(
    family: str, channels: int = 1, classes: int = 0, image_size: int = 32, **model: Any
) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    defaults = {"width": 8, "init": "normal"} if model.get("networks", "standard") == "standard" else {}
    return networks.build(ModelConfig(family=family, **(defaults | model)), channels, classes, image_size)


def count(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def output_sizes(network: nn.Module, kind: type[nn.Module], *inputs: Tensor) -> list[tuple[int, ...]]:
    """(channels, height, width) after every layer of `kind`, in order."""
    sizes: list[tuple[int, ...]] = []
    for layer in network.modules():
        if isinstance(layer, kind):
            layer.register_forward_hook(lambda _module, _inputs, output: sizes.append(tuple(output.shape[1:])))
    network(*inputs)
    return sizes


@pytest.mark.parametrize(
    ("family", "channels", "classes", "generator_size", "discriminator_size"),
    [
        ("dcgan", 1, 0, 601_409, 9_105),
        ("acgan", 3, 5, 6_281_187, 1_623_910),
        ("wgan_gp", 1, 0, 601_409, 134_721),
    ],
)
def test_original_networks_have_the_parameters_of_the_report(
    family: str, channels: int, classes: int, generator_size: int, discriminator_size: int
) -> None:
    generator, discriminator = build(family, channels, classes, networks="original")
    assert (count(generator), count(discriminator)) == (generator_size, discriminator_size)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("family", FAMILIES)
def test_standard_networks_have_the_shapes_asked_for(family: str, size: int, channels: int) -> None:
    classes = 3 if family == "acgan" else 0
    generator, discriminator = build(family, channels, classes, size)
    images = generator(torch.randn(4, 100), torch.tensor([0, 1, 2, 0]) if classes else None)
    judgement = discriminator(images)
    assert images.shape == (4, channels, size, size)
    assert images.abs().max() <= 1
    assert judgement.logits.shape == (4,)
    assert (judgement.class_logits is None) == (family != "acgan")
    if classes:
        assert judgement.class_logits.shape == (4, classes)


@pytest.mark.parametrize(("family", "channels", "classes"), [("dcgan", 1, 0), ("acgan", 3, 5), ("wgan_gp", 1, 0)])
def test_original_networks_make_and_judge_images_of_32_pixels(family: str, channels: int, classes: int) -> None:
    generator, discriminator = build(family, channels, classes, networks="original")
    images = generator(torch.randn(2, 100), torch.tensor([0, 4]) if classes else None)
    assert images.shape == (2, channels, 32, 32)
    assert discriminator(images).logits.shape == (2,)


@pytest.mark.parametrize("size", [32, 64])
def test_standard_critic_of_wgan_gp_has_no_normalisation(size: int) -> None:
    _, critic = build("wgan_gp", image_size=size)
    _, discriminator = build("dcgan", image_size=size)
    assert not [module for module in critic.modules() if isinstance(module, NORMALISATIONS)]
    assert [module for module in discriminator.modules() if isinstance(module, NORMALISATIONS)]


def test_score_of_the_standard_critic_depends_on_its_own_image_only() -> None:
    _, critic = build("wgan_gp")
    images = torch.randn(4, 1, 32, 32)
    alone = torch.cat([critic(image[None]).logits for image in images])
    torch.testing.assert_close(critic(images).logits, alone, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (32, [(32, 4, 4), (16, 8, 8), (8, 16, 16), (1, 32, 32)]),
        (64, [(64, 4, 4), (32, 8, 8), (16, 16, 16), (8, 32, 32), (1, 64, 64)]),
    ],
)
def test_standard_dcgan_generator_doubles_the_side_and_halves_the_channels(
    size: int, expected: list[tuple[int, ...]]
) -> None:
    generator, _ = build("dcgan", image_size=size)
    assert output_sizes(generator, nn.ConvTranspose2d, torch.randn(2, 100)) == expected


def test_original_dcgan_passes_the_sizes_of_the_report() -> None:
    generator, discriminator = build("dcgan", networks="original")
    made = output_sizes(generator, nn.ConvTranspose2d, torch.randn(2, 100))
    judged = output_sizes(discriminator, nn.Conv2d, torch.randn(2, 1, 32, 32))
    assert made == [(256, 3, 3), (128, 7, 7), (64, 15, 15), (1, 32, 32)]
    assert judged == [(16, 15, 15), (32, 6, 6), (1, 1, 1)]


@pytest.mark.parametrize("family", FAMILIES)
def test_normal_initialisation_is_n_0_002(family: str) -> None:
    pair = build(family, classes=3, width=32, init="normal")
    for layer in (module for network in pair for module in network.modules()):
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            weights, tolerance = layer.weight, 5 / layer.weight.numel() ** 0.5
            assert abs(weights.mean().item()) < 0.02 * tolerance
            assert weights.std().item() == pytest.approx(0.02, rel=tolerance)
        elif isinstance(layer, nn.BatchNorm2d):
            assert layer.weight.mean().item() == pytest.approx(1, abs=0.02)
            assert 0.01 < layer.weight.std().item() < 0.03
        else:
            continue
        assert layer.bias is None or not layer.bias.any()


def test_pytorch_initialisation_is_left_as_pytorch_makes_it() -> None:
    pair = build("dcgan", networks="original", init="pytorch")
    torch.manual_seed(0)
    untouched = networks.dcgan.OriginalGenerator(100, 1), networks.dcgan.OriginalDiscriminator(1)
    for ours, default in zip(pair, untouched, strict=True):
        for name, weight in ours.named_parameters():
            assert torch.equal(weight, default.get_parameter(name))
    bound = (1 * 4 * 4) ** -0.5  # Kaiming uniform with a = sqrt(5): U(-1/sqrt(fan_in), 1/sqrt(fan_in))
    largest = pair[1].get_parameter("layers.0.weight").abs().max().item()
    assert 0.95 * bound < largest <= bound


@pytest.mark.parametrize("kind", ["standard", "original"])
def test_class_asked_changes_the_image_of_an_acgan(kind: str) -> None:
    generator, _ = build("acgan", classes=5, networks=kind)
    z = torch.randn(1, 100).repeat(6, 1)
    images = generator.eval()(z, torch.tensor([0, 1, 2, 3, 4, 4]))
    noticeable = 0.01 * images.std()
    for one, other in itertools.combinations(range(5), 2):
        assert (images[one] - images[other]).abs().max() > noticeable
    assert (images[4] - images[5]).abs().max() < noticeable / 100
