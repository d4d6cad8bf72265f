"""The networks are those of the papers and of the original report."""

from __future__ import annotations

import itertools
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

from gan_core.config.trial import TrialConfig
from gan_core.networks.build import build_networks
from gan_core.networks.minibatch_std import MinibatchStd
from gan_core.networks.normalisation import normalisation
from gan_core.objective import stabilizers
from gan_core.random_streams import stream_seed

NORMALISATIONS = (
    nn.modules.batchnorm._NormBase,
    nn.GroupNorm,
    nn.LayerNorm,
    nn.LocalResponseNorm,
)
WEIGHTS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
FAMILIES = ("dcgan", "acgan", "wgan_gp")
KINDS = ("standard", "original")


@pytest.fixture(autouse=True)
def same_inputs() -> None:
    torch.manual_seed(0)


def build(
    family: str,
    channels: int = 1,
    classes: int = 0,
    image_size: int = 32,
    seed: int = 0,
    stabilizers: dict[str, Any] | None = None,
    **model: Any,
) -> tuple[nn.Module, nn.Module]:
    defaults = {"width": 8, "init": "normal"} if model.get("networks", "standard") == "standard" else {}
    chosen = defaults | {"family": family} | model
    config = TrialConfig.model_validate({"model": chosen, "stabilizers": stabilizers or {}})
    return build_networks(config.model, config.stabilizers, channels, classes, image_size, seed)


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
@pytest.mark.parametrize("size", [32, 64, 128, 256])
@pytest.mark.parametrize("family", FAMILIES)
def test_standard_networks_have_the_shapes_asked_for(family: str, size: int, channels: int) -> None:
    classes = 3 if family == "acgan" else 0
    generator, discriminator = build(family, channels, classes, size, width=8 if size < 128 else 4)
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
        (128, [(128, 4, 4), (64, 8, 8), (32, 16, 16), (16, 32, 32), (8, 64, 64), (1, 128, 128)]),
    ],
)
def test_standard_dcgan_generator_doubles_the_side_and_halves_the_channels(
    size: int, expected: list[tuple[int, ...]]
) -> None:
    generator, _ = build("dcgan", image_size=size)
    assert output_sizes(generator, nn.ConvTranspose2d, torch.randn(2, 100)) == expected


@pytest.mark.parametrize(
    ("size", "made", "judged"),
    [
        (32, [(24, 8), (12, 16), (1, 32)], [(2, 16), (4, 16), (8, 8), (16, 8), (32, 4), (64, 4)]),
        (
            128,
            [(24, 8), (12, 16), (12, 32), (12, 64), (1, 128)],
            [(2, 64), (4, 64), (8, 32), (16, 32), (32, 16), (64, 16), (64, 8), (64, 4)],
        ),
    ],
)
def test_acgan_has_the_layers_of_the_papers_cifar_table_and_one_more_for_each_doubling(
    size: int, made: list[tuple[int, int]], judged: list[tuple[int, int]]
) -> None:
    """(channels, side) after each layer. The paper's are w = 32: 192 and 96 channels, and 16 to 512."""
    generator, discriminator = build("acgan", classes=2, image_size=size, width=4)
    of_generator = output_sizes(generator, nn.ConvTranspose2d, torch.randn(2, 100), torch.tensor([0, 1]))
    of_discriminator = output_sizes(discriminator, nn.Conv2d, torch.randn(2, 1, size, size))
    assert [shape[:2] for shape in of_generator] == made and [shape[:2] for shape in of_discriminator] == judged


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


def test_pytorch_initialisation_is_pytorchs_own_from_the_seed_of_each_layer() -> None:
    pair = build("dcgan", networks="original", init="pytorch", seed=3)
    for player, network in zip(("generator", "discriminator"), pair, strict=True):
        for n, layer in enumerate(weight_layers(network)):
            with torch.random.fork_rng():
                torch.manual_seed(stream_seed(3, f"initialisation/{player}/weights/{n}"))
                fresh = type(layer)(layer.in_channels, layer.out_channels, layer.kernel_size)
            assert torch.equal(layer.weight, fresh.weight) and torch.equal(layer.bias, fresh.bias)
        for layer in norm_layers(network):
            assert bool((layer.weight == 1).all()) and not layer.bias.any()
    bound = (1 * 4 * 4) ** -0.5  # Kaiming uniform with a = sqrt(5): U(-1/sqrt(fan_in), 1/sqrt(fan_in))
    largest = pair[1].get_parameter("layers.0.weight").abs().max().item()
    assert 0.95 * bound < largest <= bound


def weight_layers(network: nn.Module) -> list[Any]:
    return [module for module in network.modules() if isinstance(module, WEIGHTS)]


def norm_layers(network: nn.Module) -> list[Any]:
    return [module for module in network.modules() if isinstance(module, NORMALISATIONS)]


def raw_weight(layer: Any) -> Tensor:
    """The weight that is trained: under spectral norm, the one before it is divided."""
    return layer.parametrizations.weight.original if parametrize.is_parametrized(layer) else layer.weight


def heads(family: str) -> int:
    """Layers that come last, side by side."""
    return 2 if family == "acgan" else 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", FAMILIES)
def test_weights_come_from_the_seed_and_from_nothing_else(family: str, kind: str) -> None:
    torch.manual_seed(1)
    first = build(family, classes=3, networks=kind, seed=5)
    outside = torch.get_rng_state()
    again = build(family, classes=3, networks=kind, seed=5)
    other = build(family, classes=3, networks=kind, seed=6)
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), outside)
    for mine, same, different in zip(first, again, other, strict=True):
        for name, value in mine.state_dict().items():
            assert torch.equal(value, same.state_dict()[name]), name
        for ours, theirs in zip(weight_layers(mine), weight_layers(different), strict=True):
            assert not torch.equal(ours.weight, theirs.weight)


def test_no_two_layers_start_alike() -> None:
    pair = build("dcgan", width=8, image_size=64)
    firsts = [layer.weight.flatten()[:50] for network in pair for layer in weight_layers(network)]
    for one, other in itertools.combinations(firsts, 2):
        assert not torch.equal(one, other)


TOGGLES: dict[str, dict[str, Any]] = {
    "packing": {"stabilizers": {"packing": 2}},
    "minibatch_std": {"stabilizers": {"minibatch_std": True}},
    "spectral_norm": {"stabilizers": {"spectral_norm": True}},
    **{norm: {"discriminator_norm": norm} for norm in ("batch", "layer", "instance", "none")},
}


@cache
def plain_pair(family: str, kind: str, init: str) -> tuple[nn.Module, nn.Module]:
    return build(family, classes=3, networks=kind, init=init)


TOGGLED = [(f, t) for f in FAMILIES for t in TOGGLES if (f, t) != ("acgan", "packing")]  # an ACGAN refuses packs


@pytest.mark.parametrize(("family", "toggle"), TOGGLED)
@pytest.mark.parametrize("init", ["normal", "pytorch"])
@pytest.mark.parametrize("kind", KINDS)
def test_toggle_leaves_every_weight_that_it_does_not_resize_as_it_was(
    family: str, kind: str, init: str, toggle: str
) -> None:
    plain = plain_pair(family, kind, init)
    toggled = build(family, classes=3, networks=kind, init=init, **TOGGLES[toggle])
    for name, value in plain[0].state_dict().items():
        assert torch.equal(value, toggled[0].state_dict()[name]), name
    before, after = ([raw_weight(layer) for layer in weight_layers(network)] for network in (plain[1], toggled[1]))
    same = [one.shape == other.shape and torch.equal(one, other) for one, other in zip(before, after, strict=True)]
    resized = {"packing": [0], "minibatch_std": range(len(same) - heads(family), len(same))}.get(toggle, [])
    assert [i for i, equal in enumerate(same) if not equal] == list(resized)
    if toggle in ("packing", "minibatch_std", "spectral_norm"):
        for one, other in zip(norm_layers(plain[1]), norm_layers(toggled[1]), strict=True):
            assert torch.equal(one.weight, other.weight)


@pytest.mark.parametrize(
    ("norm", "type_"), [("batch", nn.BatchNorm2d), ("layer", nn.GroupNorm), ("instance", nn.InstanceNorm2d)]
)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", FAMILIES)
def test_discriminator_norm_replaces_every_norm(family: str, kind: str, norm: str, type_: type[nn.Module]) -> None:
    batch, other, bare = (
        build(family, classes=3, networks=kind, discriminator_norm=name)[1] for name in ("batch", norm, "none")
    )
    assert [type(layer) for layer in norm_layers(other)] == [type_] * len(norm_layers(batch)) != []
    assert norm_layers(bare) == []
    assert all(layer.weight is not None and layer.bias is not None for layer in norm_layers(other))
    biases = [[layer.bias is not None for layer in weight_layers(network)] for network in (batch, other, bare)]
    assert biases[0] == biases[1]
    unbiased = 0 if family == "acgan" or kind == "original" else 1  # the last convolution of a DCGAN never has one
    assert biases[2].count(False) == unbiased
    assert other(torch.randn(2, 1, 32, 32)).logits.shape == (2,)


def test_layer_norm_is_over_an_example_and_instance_norm_over_each_of_its_channels() -> None:
    maps = 3 * torch.randn(4, 8, 6, 6) + torch.arange(8).view(1, 8, 1, 1)
    (layer,), (instance,) = normalisation("layer", 8), normalisation("instance", 8)
    expected = torch.nn.functional.layer_norm(maps, (8, 6, 6))
    torch.testing.assert_close(layer(maps), expected)
    torch.testing.assert_close(instance(maps).mean(dim=(2, 3)), torch.zeros(4, 8), atol=1e-5, rtol=0)
    torch.testing.assert_close(instance(maps).std(dim=(2, 3), correction=0), torch.ones(4, 8), atol=1e-4, rtol=0)


@pytest.mark.parametrize("norm", ["layer", "instance", "none"])
def test_without_batch_norm_a_score_depends_on_its_own_image_only(norm: str) -> None:
    _, critic = build("wgan_gp", discriminator_norm=norm)
    images = torch.randn(4, 1, 32, 32)
    alone = torch.cat([critic(image[None]).logits for image in images])
    torch.testing.assert_close(critic(images).logits, alone, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", FAMILIES)
def test_spectral_norm_holds_the_largest_singular_value_of_every_layer_near_one(family: str, kind: str) -> None:
    _, discriminator = build(family, classes=3, networks=kind, stabilizers={"spectral_norm": True})
    layers = weight_layers(discriminator)
    for layer in layers:
        raw_weight(layer).data *= 30  # far from where the power iteration started
        raw_weight(layer).data += 0.01 * torch.randn(
            raw_weight(layer).shape, generator=torch.Generator().manual_seed(0)
        )
    for _ in range(30):
        discriminator(torch.randn(2, 1, 32, 32))
    discriminator.eval()  # reading a weight in training mode would be one more power iteration
    largest = [torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2).item() for layer in layers]
    assert largest == pytest.approx([1.0] * len(layers), abs=0.03)
    assert [name for name, _ in discriminator.named_parameters() if name.endswith(".weight.original")]


def test_power_iteration_starts_from_a_seed_of_its_own_in_each_layer() -> None:
    _, discriminator = build("dcgan", stabilizers={"spectral_norm": True}, seed=3)
    for n, layer in enumerate(weight_layers(discriminator)):
        bare = nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size)
        bare.weight.data = raw_weight(layer).data.clone()
        with torch.random.fork_rng():
            torch.manual_seed(stream_seed(3, f"initialisation/discriminator/spectral_norm/{n}"))
            fresh: Any = spectral_norm(bare)
        assert torch.equal(layer.parametrizations.weight[0]._u, fresh.parametrizations.weight[0]._u)
        assert torch.equal(layer.parametrizations.weight[0]._v, fresh.parametrizations.weight[0]._v)


def test_minibatch_std_is_the_mean_of_the_standard_deviations_over_the_batch() -> None:
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]], [[[3.0, 2.0]], [[3.0, 10.0]]]])  # deviations 1 0 0 3
    seen = MinibatchStd()(features)
    assert torch.equal(seen[:, :2], features)
    torch.testing.assert_close(seen[:, 2], torch.ones(2, 1, 2), atol=1e-4, rtol=0)


@pytest.mark.parametrize("batch", [1, 5])
def test_minibatch_std_tells_equal_images_and_its_gradient_is_finite(batch: int) -> None:
    features = torch.randn(1, 3, 4, 4).expand(batch, 3, 4, 4).clone().requires_grad_()
    seen = MinibatchStd()(features)
    assert seen.shape == (batch, 4, 4, 4)
    assert 0 <= seen[:, 3].max() < 1e-3
    (gradient,) = torch.autograd.grad(seen.sum(), features, create_graph=True)
    (second,) = torch.autograd.grad((gradient**2).sum(), features)  # as under a gradient penalty
    assert bool(torch.isfinite(gradient).all()) and bool(torch.isfinite(second).all())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", FAMILIES)
def test_minibatch_std_stands_before_the_last_layer_of_the_discriminator(family: str, kind: str) -> None:
    settings: dict[str, Any] = {"init": "pytorch", "stabilizers": {"minibatch_std": True}}
    _, discriminator = build(family, classes=3, networks=kind, **settings)
    last = heads(family)
    order = [isinstance(m, MinibatchStd) for m in discriminator.modules() if isinstance(m, (*WEIGHTS, MinibatchStd))]
    assert order == [False] * (len(order) - last - 1) + [True] + [False] * last

    spread: list[float] = []
    (layer,) = (module for module in discriminator.modules() if isinstance(module, MinibatchStd))
    layer.register_forward_hook(lambda _module, _inputs, output: spread.append(output[:, -1].mean().item()))
    discriminator.eval()
    different = torch.randn(3, 1, 32, 32)
    for images in (different, different[:1].expand(3, 1, 32, 32), different[:1]):
        assert discriminator(images).logits.shape == (len(images),)
    assert spread[0] > 2 * spread[1]
    assert spread[1:] == pytest.approx([1e-4, 1e-4], rel=0.1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", ["dcgan", "wgan_gp"])
def test_packing_gives_one_logit_a_pack(family: str, kind: str) -> None:
    generator, discriminator = build(family, 3, networks=kind, stabilizers={"packing": 4})
    images = generator(torch.randn(8, 100))
    assert images.shape == (8, 3, 32, 32)
    assert discriminator(stabilizers.pack(images, 4)).logits.shape == (2,)


@pytest.mark.parametrize("kind", KINDS)
def test_class_asked_changes_the_image_of_an_acgan(kind: str) -> None:
    generator, _ = build("acgan", classes=5, networks=kind)
    z = torch.randn(1, 100).repeat(6, 1)
    images = generator.eval()(z, torch.tensor([0, 1, 2, 3, 4, 4]))
    noticeable = 0.01 * images.std()
    for one, other in itertools.combinations(range(5), 2):
        assert (images[one] - images[other]).abs().max() > noticeable
    assert (images[4] - images[5]).abs().max() < noticeable / 100
