"""R3GAN's networks are those of Huang et al. 2024: sizes, one block by hand, variance and zeros at the start.

All outputs and R1's gradients were also compared with the authors' code, from the same weights: docs/decisions/049.
"""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_core.config.trial import TrialConfig
from gan_core.networks.build import build_networks
from gan_core.networks.minibatch_std import MinibatchStd
from gan_core.networks.normalisation import NORMS
from gan_core.networks.r3gan import Discriminator, Generator, ResidualBlock, stage_widths
from gan_core.networks.resampling import Downsample, Upsample
from gan_core.objective import gradient_penalties, stabilizers

SIZES = (32, 64, 128, 256)
GAIN = (2 / 1.04) ** 0.5


def build(image_size: int = 32, channels: int = 1, seed: int = 0, width: int = 8, **on: object):
    config = TrialConfig.model_validate({"model": {"family": "r3gan", "width": width}, "stabilizers": on})
    return build_networks(config.model, config.stabilizers, channels, 0, image_size, seed)


@pytest.fixture(autouse=True)
def same_inputs() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("width", "size", "generator", "discriminator"),
    [
        (768, 32, 20_732_160, 20_683_776),  # the authors' presets CIFAR10, FFHQ-64 and FFHQ-256, counted in their code
        (384, 64, 22_429_824, 22_381_440),
        (96, 256, 23_057_952, 23_009_568),
    ],
)
def test_networks_have_the_parameters_of_the_authors(
    width: int, size: int, generator: int, discriminator: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nn.init, "normal_", lambda tensor, *_: tensor)  # only sizes count here
    pair = Generator(64, 3, width, size), Discriminator(3, width, size)
    assert [sum(p.numel() for p in network.parameters()) for network in pair] == [generator, discriminator]


@pytest.mark.parametrize(
    ("width", "size", "widths"),
    [
        (768, 32, [768] * 4),
        (384, 64, [768] * 4 + [384]),
        (96, 256, [768] * 4 + [384, 192, 96]),
        (8, 128, [32] * 4 + [16, 8]),
    ],
)
def test_widths_of_the_stages_are_those_of_the_presets(width: int, size: int, widths: list[int]) -> None:
    assert stage_widths(width, size) == widths


@pytest.mark.parametrize(("size", "channels"), [*zip(SIZES, (1, 3, 1, 3), strict=True)])
def test_networks_make_and_judge_images_of_each_size(size: int, channels: int) -> None:
    generator, discriminator = build(size, channels)
    images = generator(torch.randn(2, 64))
    judged = discriminator(images)
    assert images.shape == (2, channels, size, size)
    assert judged.logits.shape == (2,) and judged.class_logits is None
    assert judged.features.shape == (2, stage_widths(8, size)[0])
    torch.testing.assert_close(judged.features @ discriminator.head.weight[0], judged.logits)


def test_block_is_as_by_hand() -> None:
    block = ResidualBlock(16, blocks=8).double()
    for weight in block.parameters():
        nn.init.normal_(weight, std=0.3)
    weight1, bias1, weight2, bias2, weight3 = block.parameters()
    x = torch.randn(2, 16, 5, 5, dtype=torch.float64)
    inner = F.leaky_relu(torch.einsum("oi,bihw->bohw", weight1[:, :, 0, 0], x) + bias1[:, None, None], 0.2)
    parts = zip(inner.split(16, dim=1), weight2.split(16), strict=True)  # 32 channels inside, in groups of 16
    middle = torch.cat([F.conv2d(part, weight, padding=1) for part, weight in parts], dim=1)
    middle = F.leaky_relu(middle + bias2[:, None, None], 0.2)
    expected = x + torch.einsum("oi,bihw->bohw", weight3[:, :, 0, 0], middle)
    torch.testing.assert_close(block(x), expected)


def test_blocks_begin_as_the_identity_and_learn() -> None:
    block = ResidualBlock(16, blocks=8)
    x = torch.randn(2, 16, 4, 4)
    assert torch.equal(block(x), x)
    block(x).pow(2).sum().backward()
    assert block.layers[-1].weight.grad.abs().max() > 0


@pytest.mark.parametrize("size", [32, 128])
def test_initial_weights_have_the_variance_of_the_authors(size: int) -> None:
    """A block's weights are scaled by L^(-1/4), L the number of blocks in the network."""
    gain = GAIN * (2 * len(stage_widths(8, size))) ** -0.25
    for network in build(size, channels=3, width=64):
        for block in (module for module in network.modules() if isinstance(module, ResidualBlock)):
            first, _, middle, _, last = block.layers
            for layer in (first, middle):
                count, inputs = layer.weight.numel(), layer.weight[0].numel()
                assert layer.weight.std().item() == pytest.approx(gain / inputs**0.5, rel=5 / count**0.5)
                assert not layer.bias.any()
            assert not last.weight.any() and last.bias is None
    generator, discriminator = build(width=64)
    linear, maps = generator.basis[:2]
    assert linear.weight.std().item() == pytest.approx(1 / 64**0.5, rel=0.06)
    assert maps.weight.std().item() == pytest.approx(1, rel=0.1) and maps.weight.shape == (64, 4, 4)
    assert discriminator.basis[-1].weight.std().item() == pytest.approx(1 / 4, rel=0.1)


def test_features_of_the_generator_keep_their_variance() -> None:
    generator, _ = build(width=256)
    z = torch.randn(256, 64)
    assert generator.basis(z).var().item() == pytest.approx(1, rel=0.1)


def test_upsampling_is_linear_between_pixels_and_sees_zeros_beyond_the_border() -> None:
    row = torch.tensor([4.0, 8.0, 0.0])
    expected = torch.tensor([3.0, 5.0, 7.0, 6.0, 2.0, 0.0])  # 3/4 of the nearer pixel and 1/4 of the other
    made = Upsample(2)(torch.outer(row, row).expand(1, 2, 3, 3))
    torch.testing.assert_close(made, torch.outer(expected, expected).expand(1, 2, 6, 6))


def test_downsampling_averages_four_pixels_with_weights_1_3_3_1() -> None:
    row = torch.tensor([8.0, 0.0, 16.0, 8.0])
    expected = torch.tensor([(3 * 8 + 0 + 16) / 8, (0 + 3 * 16 + 3 * 8) / 8])
    made = Downsample(2)(torch.outer(row, row).expand(1, 2, 4, 4))
    torch.testing.assert_close(made, torch.outer(expected, expected).expand(1, 2, 2, 2))


def test_penalty_and_its_gradients_are_those_of_plain_pytorch() -> None:
    _, critic = build()
    critic = critic.double()
    for name, weight in critic.named_parameters():
        if not weight.any():
            nn.init.normal_(weight, std=0.2 if name.endswith("weight") else 0.01)
    images = torch.randn(2, 1, 32, 32, dtype=torch.float64)
    weights = [weight for weight in critic.parameters() if weight.dim() > 1]

    def plain(points: Tensor) -> Tensor:  # without `differentiated_twice`, that is with PyTorch's own convolutions
        (gradient,) = torch.autograd.grad(critic(points).logits.sum(), points, create_graph=True)
        return gradient.square().sum(dim=(1, 2, 3)).mean() / 2

    expected = plain(images.clone().requires_grad_())
    made = gradient_penalties.r1(lambda points: critic(points).logits, images)
    torch.testing.assert_close(made, expected)
    for ours, theirs in zip(torch.autograd.grad(made, weights), torch.autograd.grad(expected, weights), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_weights_come_from_the_seed_and_no_two_layers_start_alike() -> None:
    torch.manual_seed(1)
    first, again, other = build(seed=5), build(seed=5), build(seed=6)
    for mine, same, different in zip(first, again, other, strict=True):
        for (name, value), equal, changed in zip(
            mine.named_parameters(), same.parameters(), different.parameters(), strict=True
        ):
            assert torch.equal(value, equal), name
            assert torch.equal(value, changed) == (not value.any()), name
        starts = [value.flatten()[:8] for value in mine.parameters() if value.any()]
        assert not any(torch.equal(one, other) for one, other in itertools.combinations(starts, 2))


def test_networks_have_no_norms_and_a_score_is_of_its_image_alone() -> None:
    generator, discriminator = build()
    assert not [m for network in (generator, discriminator) for m in network.modules() if isinstance(m, NORMS)]
    images = torch.randn(4, 1, 32, 32)
    alone = torch.cat([discriminator(image[None]).logits for image in images])
    torch.testing.assert_close(discriminator(images).logits, alone, rtol=1e-4, atol=1e-6)


def test_toggles_of_the_discriminator_change_only_the_layers_that_they_widen() -> None:
    plain = dict(build()[1].named_parameters())
    packed, std = build(packing=2)[1], build(minibatch_std=True)[1]
    assert any(isinstance(module, MinibatchStd) for module in std.modules())
    images = torch.randn(4, 1, 32, 32)
    assert packed(stabilizers.pack(images, 2)).logits.shape == (2,)
    assert std(images).logits.shape == (4,)
    for toggled, widened in ((packed, ["layers.0.weight"]), (std, ["basis.3.weight", "head.weight"])):
        same = [torch.equal(value, a) for value, a in zip(plain.values(), toggled.parameters(), strict=True)]
        assert [n for (n, _), equal in zip(toggled.named_parameters(), same, strict=True) if not equal] == widened


def test_maps_of_4x4_are_in_float32_and_the_rest_in_autocast() -> None:
    generator, discriminator = build()
    seen: dict[str, torch.dtype] = {}
    for name, module in (("maps", generator.basis), ("D", discriminator.layers), ("head", discriminator.head)):
        module.register_forward_hook(lambda _m, _i, output, name=name: seen.update({name: output.dtype}))
    z = torch.randn(4, 64)
    exact = discriminator(generator(z)).logits
    with torch.autocast("cpu", torch.bfloat16):
        rounded = discriminator(generator(z)).logits
    assert seen == {"maps": torch.float32, "D": torch.bfloat16, "head": torch.float32}
    assert (rounded - exact).norm() < 0.05 * exact.norm()
