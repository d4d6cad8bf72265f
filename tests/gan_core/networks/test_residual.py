"""The residual networks are those of SNGAN's, of the projection's and of WGAN-GP's authors."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from gan_core.config.trial import TrialConfig
from gan_core.networks import residual, sngan, wgan_gp
from gan_core.networks.build import build_networks
from gan_core.networks.conditional_norm import ConditionalBatchNorm2d
from gan_core.networks.glorot import ClassEmbedding, GlorotConv2d, GlorotLinear
from gan_core.objective.gradient_penalties import gradient_penalty
from gan_core.training.applied_settings import of_discriminator

CLASSES = 5


@pytest.fixture(autouse=True)
def same_inputs() -> None:
    torch.manual_seed(0)


def build(family: str, size: int = 32, stabilizers: dict[str, Any] | None = None, **model: Any) -> Any:
    networks = "resnet" if family == "wgan_gp" else "standard"
    settings = {"family": family, "networks": networks, "width": 4, "latent_dim": 8} | model
    config = TrialConfig.model_validate(
        {"model": settings, "data": {"image_size": size}, "stabilizers": stabilizers or {}}
    )
    classes = CLASSES if family == "sngan_projection" else 0
    return build_networks(config.model, config.stabilizers, 3, classes, size, seed=0)


def count(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize(
    ("size", "width", "generator_size", "discriminator_size"),
    [(32, 128, 4_276_739, 1_053_824), (64, 64, 12_220_675, 10_141_441), (128, 64, 32_150_787, 29_017_857)],
)
def test_sngan_has_the_parameters_of_mimicry(
    size: int, width: int, generator_size: int, discriminator_size: int
) -> None:
    """Those of torch-mimicry 0.1.16; at 32 pixels D's last layer has no bias, as in the authors' code: one less."""
    with torch.device("meta"):
        pair = sngan.Generator(128, 3, width, size), sngan.Discriminator(3, width, size)
    assert tuple(map(count, pair)) == (generator_size, discriminator_size)


def test_projection_and_wgan_gp_have_the_parameters_of_mimicry_and_of_the_table() -> None:
    """Of the projection those of torch-mimicry 0.1.16 (cgan_pd_32, 10 classes), but for the same bias."""
    with torch.device("meta"):
        pair = sngan.Generator(128, 3, 128, 32, classes=10), sngan.Discriminator(3, 128, 32, classes=10)
        wgan = wgan_gp.ResidualGenerator(128, 3, 128), wgan_gp.ResidualCritic(3, 128)
    assert tuple(map(count, pair)) == (4_304_387, 1_055_104)
    conv, norm = 128 * 128 * 9 + 128, 2 * 128
    up = 2 * conv + 2 * norm + 128 * 128 + 128
    generator = (128 * 2048 + 2048) + 3 * up + norm + (128 * 27 + 3)
    first = (27 * 128 + 128) + conv + (3 * 128 + 128)
    critic = first + (2 * conv + 128 * 128 + 128) + 2 * 2 * conv + 129
    assert tuple(map(count, wgan)) == (generator, critic)


def test_wgan_gp_has_the_parameters_of_the_authors_at_64_pixels() -> None:
    """`GoodGenerator` and `GoodDiscriminator` of gan_64x64.py with DIM = 64: where a bias is, and where none."""
    with torch.device("meta"):
        pair = wgan_gp.ResidualGenerator(128, 3, 64, 64), wgan_gp.ResidualCritic64(3, 64)

    def block(before: int, after: int, between: int) -> int:
        norms = 2 * before + 2 * between
        return norms + 9 * before * between + 9 * between * after + after + before * after + after

    up = sum(block(a, b, b) for a, b in ((512, 512), (512, 256), (256, 128), (128, 64)))
    down = sum(block(a, b, a) for a, b in ((64, 128), (128, 256), (256, 512), (512, 512)))
    generator = (128 * 8192 + 8192) + up + 2 * 64 + (64 * 27 + 3)
    assert tuple(map(count, pair)) == (generator, (27 * 64 + 64) + down + (8192 + 1))


@pytest.mark.parametrize(
    ("family", "size", "features"),
    [
        *[("sngan", 32, 4), ("sngan", 64, 64), ("sngan", 128, 64), ("sngan", 256, 64)],
        *[("sngan_projection", 32, 4), ("sngan_projection", 64, 64), ("wgan_gp", 32, 4)],
        ("wgan_gp", 64, 16 * 8 * 4),
    ],
)
def test_networks_have_the_shapes_asked_for(family: str, size: int, features: int) -> None:
    generator, discriminator = build(family, size)
    labels = [torch.tensor([0, 4])] if family == "sngan_projection" else []
    images = generator(torch.randn(2, 8), *labels)
    output = discriminator(images, *labels)
    assert images.shape == (2, 3, size, size) and images.abs().max() <= 1
    assert output.logits.shape == (2,) and output.features.shape == (2, features) and output.class_logits is None


def bump(network: nn.Module) -> nn.Module:
    """The network with biases and scales that are not 0 and 1."""
    for weight in network.parameters():
        if weight.dim() == 1:
            weight.data += 0.3 * torch.randn(weight.shape)
    return network


def test_a_block_of_the_generator_is_the_one_of_the_paper_by_hand() -> None:
    block: Any = bump(residual.UpBlock(3, 4))
    x = torch.randn(2, 3, 5, 5)

    def doubled(h: Tensor) -> Tensor:
        return h.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)

    def conv(h: Tensor, layer: Any) -> Tensor:
        return F.conv2d(h, layer.weight, layer.bias, padding=layer.weight.shape[2] // 2)

    def norm(h: Tensor, layer: Any) -> Tensor:
        return F.batch_norm(h, None, None, layer.weight, layer.bias, training=True)

    h = conv(doubled(F.relu(norm(x, block.norm1))), block.conv1)
    h = conv(F.relu(norm(h, block.norm2)), block.conv2)
    torch.testing.assert_close(block(x.clone()), h + conv(doubled(x), block.shortcut))


@pytest.mark.parametrize(("after", "halves"), [(4, True), (4, False), (3, False)])
def test_a_block_of_the_discriminator_is_the_one_of_the_paper_by_hand(after: int, halves: bool) -> None:
    block: Any = bump(residual.Block(3, after, halves, "none"))
    one, two = block.layers[1], block.layers[3]
    x = torch.randn(2, 3, 6, 6)

    def pooled(h: Tensor) -> Tensor:
        return h.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).mean(dim=(3, 5)) if halves else h

    h = F.conv2d(F.relu(x), one.weight, one.bias, padding=1)
    h = F.conv2d(F.relu(h), two.weight, two.bias, padding=1)
    plain = after == 3 and not halves
    beside = x if plain else F.conv2d(x, block.shortcut.weight, block.shortcut.bias)
    torch.testing.assert_close(block(x.clone()), pooled(h) + pooled(beside))


def test_the_first_block_has_no_activation_before_its_first_convolution() -> None:
    block: Any = bump(residual.FirstBlock(3, 4))
    x = torch.randn(2, 3, 6, 6)
    one, two = block.layers[0], block.layers[2]
    h = F.conv2d(F.relu(F.conv2d(x, one.weight, one.bias, padding=1)), two.weight, two.bias, padding=1)
    beside = F.conv2d(F.avg_pool2d(x, 2), block.shortcut.weight, block.shortcut.bias)
    torch.testing.assert_close(block(x.clone()), F.avg_pool2d(h, 2) + beside)


def test_scores_sum_the_features_of_sngan_and_average_those_of_wgan_gp() -> None:
    _, sn = build("sngan", stabilizers={"spectral_norm": False})
    _, wgan = build("wgan_gp")
    wgan.layers.load_state_dict(sn.layers.state_dict())
    images = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(sn(images).features, 64 * wgan(images).features, rtol=1e-4, atol=1e-5)


def convolved(h: Tensor, layer: Any) -> Tensor:
    return F.conv2d(h, layer.weight, layer.bias, padding=layer.weight.shape[2] // 2)


def test_the_critic_for_64_pixels_is_the_authors_by_hand() -> None:
    _, built = build("wgan_gp", 64)
    critic: Any = bump(built)
    images = torch.randn(2, 3, 64, 64)

    def norm(h: Tensor, layer: Any) -> Tensor:  # tflib.ops.layernorm over [1, 2, 3]
        mean, variance = h.mean(dim=(1, 2, 3), keepdim=True), h.var(dim=(1, 2, 3), correction=0, keepdim=True)
        return (h - mean) / (variance + 1e-5).sqrt() * layer.weight[:, None, None] + layer.bias[:, None, None]

    def pooled(h: Tensor) -> Tensor:
        return (h[:, :, ::2, ::2] + h[:, :, 1::2, ::2] + h[:, :, ::2, 1::2] + h[:, :, 1::2, 1::2]) / 4

    first, *blocks = critic.layers
    h = convolved(images, first)
    for block in blocks:
        norm1, _, conv1, norm2, _, conv2 = block.layers
        inner = convolved(F.relu(norm(convolved(F.relu(norm(h, norm1)), conv1), norm2)), conv2)
        h = convolved(pooled(h), block.shortcut) + pooled(inner)
    expected = h.reshape(2, -1) @ critic.real.weight[0] + critic.real.bias
    torch.testing.assert_close(critic(images).logits, expected, rtol=1e-4, atol=1e-4)


def test_the_generator_for_64_pixels_is_the_authors_by_hand() -> None:
    built, _ = build("wgan_gp", 64)
    generator: Any = bump(built)
    z = torch.randn(3, 8)

    def normalised(h: Tensor, layer: Any) -> Tensor:
        return F.relu(F.batch_norm(h, None, None, layer.weight, layer.bias, training=True))

    def doubled(h: Tensor) -> Tensor:
        return h.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)

    h = F.linear(z, generator.project.weight, generator.project.bias).reshape(3, 32, 4, 4)
    for block in generator.blocks:
        inner = convolved(doubled(normalised(h, block.norm1)), block.conv1)
        h = convolved(doubled(h), block.shortcut) + convolved(normalised(inner, block.norm2), block.conv2)
    expected = convolved(normalised(h, generator.to_image[0]), generator.to_image[2]).tanh()
    torch.testing.assert_close(generator(z), expected, rtol=1e-4, atol=1e-4)


def test_conditional_batch_norm_scales_by_the_class_what_all_share() -> None:
    norm, plain = ConditionalBatchNorm2d(3, CLASSES), nn.BatchNorm2d(3)
    x, labels = torch.randn(4, 3, 6, 6) * 3 + 1, torch.tensor([0, 4, 4, 2])
    torch.testing.assert_close(norm(x, labels), plain(x))
    norm.weight.data.normal_()
    norm.bias.data.normal_()
    expected = plain(x) * norm.weight[labels][:, :, None, None] + norm.bias[labels][:, :, None, None]
    torch.testing.assert_close(norm(x, labels), expected)
    torch.testing.assert_close(norm.running_var, plain.running_var)
    assert norm.num_batches_tracked == plain.num_batches_tracked == 2
    norm.eval()
    plain.eval()
    of_class = norm.weight[0, :, None, None], norm.bias[0, :, None, None]
    torch.testing.assert_close(norm(x, torch.zeros(4, dtype=torch.int64)), plain(x) * of_class[0] + of_class[1])


def test_weights_begin_as_the_authors_do() -> None:
    for family, size in (("sngan_projection", 32), ("wgan_gp", 32), ("wgan_gp", 64)):
        for network in build(family, size, width=16, stabilizers={"spectral_norm": False}):
            for name, layer in network.named_modules():
                if isinstance(layer, GlorotConv2d | GlorotLinear | ClassEmbedding):
                    others = ["layers.0"] if size == 64 else ["to_image.2"]  # of the 3x3 convolutions
                    is_3x3 = isinstance(layer, GlorotConv2d) and layer.kernel_size == (3, 3)
                    in_block = is_3x3 and name not in others
                    weight = layer.weight
                    pixels = weight[0, 0].numel() if weight.dim() == 4 else 1
                    limit = math.sqrt((2 if in_block else 1) * 6 / (pixels * (weight.shape[0] + weight.shape[1])))
                    largest = weight.abs().max().item()
                    assert 0.85 * limit < largest <= limit + 1e-7, name
                    bias: Tensor | None = getattr(layer, "bias", None)
                    assert bias is None or not bias.any()
                elif isinstance(layer, nn.BatchNorm2d):
                    assert bool((layer.weight == 1).all()) and not layer.bias.any()


def test_spectral_norm_is_in_every_layer_of_the_projection_and_in_its_embedding() -> None:
    _, discriminator = build("sngan_projection")
    layers: list[Any] = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d | nn.Linear | nn.Embedding)]
    assert len(layers) == 3 + 3 + 2 + 2 + 2 and all(parametrize.is_parametrized(layer, "weight") for layer in layers)
    for layer in layers:
        layer.parametrizations.weight.original.data *= 30
    for _ in range(40):
        discriminator(torch.randn(2, 3, 32, 32), torch.tensor([1, 3]))
    discriminator.eval()
    for layer in layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2).item() == pytest.approx(1, abs=0.05)
    assert of_discriminator(discriminator) == ("none", {"spectral_norm": True})
    parametrize.remove_parametrizations(discriminator.classes, "weight")
    assert of_discriminator(discriminator) == ("none", {})


def test_a_projection_adds_the_inner_product_of_the_class_and_the_features() -> None:
    _, discriminator = build("sngan_projection", stabilizers={"spectral_norm": False})
    images, one, other = torch.randn(2, 3, 32, 32), torch.tensor([0, 1]), torch.tensor([3, 1])
    first, second = discriminator(images, one), discriminator(images, other)
    vectors = discriminator.classes.weight
    expected = ((vectors[one] - vectors[other]) * first.features).sum(dim=1)
    torch.testing.assert_close(first.logits - second.logits, expected, rtol=1e-4, atol=1e-4)
    assert first.logits[0] != second.logits[0] and first.logits[1] == second.logits[1]


@pytest.mark.parametrize("norm", ["none", "layer"])
@pytest.mark.parametrize(
    ("family", "size"), [("sngan", 32), ("sngan_projection", 32), ("wgan_gp", 32), ("wgan_gp", 64)]
)
def test_the_gradient_of_a_penalty_is_that_of_plain_autograd(family: str, size: int, norm: str) -> None:
    _, discriminator = build(family, size, discriminator_norm=norm, stabilizers={"spectral_norm": False})
    discriminator = bump(discriminator).double()
    points = torch.randn(2, 3, size, size, dtype=torch.float64)
    labels = [torch.tensor([0, 4])] if family == "sngan_projection" else []

    def logits(images: Tensor) -> Tensor:
        return discriminator(images, *labels).logits

    gradient_penalty(logits, points).backward()
    found = {name: weight.grad for name, weight in discriminator.named_parameters()}
    discriminator.zero_grad(set_to_none=True)
    points.requires_grad_()
    (gradients,) = torch.autograd.grad(logits(points).sum(), points, create_graph=True)
    ((gradients.flatten(1).norm(dim=1) - 1) ** 2).mean().backward()
    for name, weight in discriminator.named_parameters():
        if weight.grad is not None and weight.grad.any():
            torch.testing.assert_close(found[name], weight.grad, rtol=1e-4, atol=1e-6, msg=name)


def test_minibatch_std_and_packs_reach_a_residual_critic() -> None:
    _, critic = build("wgan_gp", stabilizers={"minibatch_std": True, "packing": 2})
    output = critic(torch.randn(4, 6, 32, 32))
    assert output.features.shape == (4, 5)
    assert of_discriminator(critic)[1] == {"minibatch_std": True}
    _, critic = build("wgan_gp", 64, stabilizers={"minibatch_std": True, "packing": 2})
    assert critic(torch.randn(4, 6, 64, 64)).features.shape == (4, (8 * 4 + 1) * 16)
    assert of_discriminator(critic) == ("layer", {"minibatch_std": True})
