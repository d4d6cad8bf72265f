"""DINOv2's features are those of the authors' network in torch-fidelity's extractor, or there is a clear refusal.

No pretrained weights are at hand here: the networks are small, and their weights come from a formula.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gan_core.data.datasets import ImageSet
from gan_core.data.preprocessing import DataError
from gan_core.evaluation import dinov2_file
from gan_core.evaluation.features import dinov2_features

WIDTH = 128  # two heads


def shapes(gated: bool = False, width: int = WIDTH, depth: int = 2) -> dict[str, tuple[int, ...]]:
    """Of a network as the authors make it with mlp_ratio 1, by name."""
    inner = {"mlp.w12": (176, width), "mlp.w3": (width, 88)} if gated else {"mlp.fc1": (width,) * 2}
    inner |= {} if gated else {"mlp.fc2": (width,) * 2}
    linear = {"attn.qkv": (3 * width, width), "attn.proj": (width, width), **inner}
    of_block = {f"{name}.weight": shape for name, shape in linear.items()}
    of_block |= {f"{name}.bias": shape[:1] for name, shape in linear.items()}
    of_block |= dict.fromkeys(("norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias"), (width,))
    of_block |= {"ls1.gamma": (width,), "ls2.gamma": (width,)}
    return {
        "cls_token": (1, 1, width),
        "mask_token": (1, width),
        "norm.weight": (width,),
        "norm.bias": (width,),
        "pos_embed": (1, 1 + 37 * 37, width),
        "patch_embed.proj.weight": (width, 3, 14, 14),
        "patch_embed.proj.bias": (width,),
        **{f"blocks.{index}.{name}": shape for index in range(depth) for name, shape in of_block.items()},
    }


def state(**kwargs: Any) -> dict[str, Tensor]:
    """Weights that everybody computes alike, of a size with which signals keep theirs."""
    weights = {}
    for index, (name, shape) in enumerate(sorted(shapes(**kwargs).items())):
        count = torch.arange(torch.Size(shape).numel())
        values = (count * count * 7919 + count * 104_729 + index) % 65_521 / 32_760.0 - 1
        scale = 3 / torch.Size(shape[1:]).numel() ** 0.5 if len(shape) in (2, 4) else 0.5
        is_factor = name.endswith(("norm.weight", "norm1.weight", "norm2.weight", "gamma"))
        weights[name] = (values * scale + is_factor).reshape(shape)
    return weights


def images() -> Tensor:
    return (torch.arange(2 * 3 * 32 * 32) ** 2 % 251).to(torch.uint8).view(2, 3, 32, 32)


def saved(folder: Path, content: Any) -> Path:
    torch.save(content, folder / "vit.pth")
    return folder / "vit.pth"


def refused(path: Path) -> str:
    """The message with which a file is refused: before training, and the same one while planning."""
    with pytest.raises(DataError) as caught:
        dinov2_features(path)
    with pytest.raises(DataError):
        dinov2_file.width(path)
    assert caught.value.path == "evaluation.weights"
    assert str(path) in str(caught.value) and "DINOv2" in str(caught.value) and "\n" not in str(caught.value)
    return str(caught.value)


REFERENCE = {
    False: [-0.80864, -0.81211, -0.72293, -0.25157, -0.72648, -0.71982, -0.67562, -0.30354],
    True: [-1.09604, 0.29089, 0.19161, -0.05952, -1.0456, 0.21576, -0.03978, 0.04875],
}
"""Every 32nd feature of both images. torch-fidelity 0.4.0's FeatureExtractorDinoV2, in which torch.hub.load gave
facebookresearch/dinov2's DinoVisionTransformer(img_size=518, patch_size=14, embed_dim=128, depth=2, num_heads=2,
mlp_ratio=1, init_values=1.0, ffn_layer="mlp" or "swiglu", block_chunks=0) of PyPI's dinov2 0.0.1.dev2, with `state`."""


@pytest.mark.parametrize("gated", [False, True])
def test_features_are_those_of_the_authors_network_in_torch_fidelitys_extractor(tmp_path: Path, gated: bool) -> None:
    vectors = dinov2_features(saved(tmp_path, state(gated=gated)))(images()).vectors
    assert vectors[:, ::32].flatten().tolist() == pytest.approx(REFERENCE[gated], abs=2e-4)


def test_features_do_not_depend_on_the_batch_and_grey_is_three_equal_channels(tmp_path: Path, digits: ImageSet) -> None:
    extractor = dinov2_features(saved(tmp_path, state()))
    assert (extractor.kind, extractor.dimensions, extractor.accuracy) == ("dinov2", WIDTH, None)
    assert not extractor.network.training
    assert not any(weight.requires_grad for weight in extractor.network.parameters())
    grey = digits.test_images[:2]
    (whole, classes), apart = extractor(grey), extractor(grey, batch_size=1)
    assert whole.shape == (2, WIDTH) and whole.dtype == torch.float32 and classes is None
    torch.testing.assert_close(apart.vectors, whole, rtol=0, atol=1e-4)
    torch.testing.assert_close(extractor(grey.repeat(1, 3, 1, 1)).vectors, whole, rtol=0, atol=1e-4)


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04 cut off"], ids=["empty", "text", "cut off"])
def test_file_of_something_else_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "vit.pth").write_bytes(content)
    refused(tmp_path / "vit.pth")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"register_tokens": torch.zeros(1, 4, WIDTH)}, "register tokens"),
        ({"patch_embed.proj.weight": torch.zeros(WIDTH, 3, 16, 16)}, "patch_embed.proj.weight"),
        ({"blocks.0.ls1.gamma": None}, "blocks.0.ls1.gamma"),
        ({"pos_embed": None}, "pos_embed"),
        ({"pos_embed": torch.zeros(1, 5, 96)}, "another shape"),
        ({"pos_embed": torch.zeros(1, 1 + 37 * 36, WIDTH)}, "pos_embed has another shape"),
        ({"pos_embed": "text"}, "DINOv2"),
    ],
)
def test_weights_of_another_network_are_refused_by_name(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    other = {name: value for name, value in (state() | change).items() if value is not None}
    assert reason in refused(saved(tmp_path, other))


@pytest.mark.parametrize("content", [{"a": torch.zeros(2)}, [torch.zeros(2)], torch.zeros(2), {}])
def test_other_content_is_refused_by_name(tmp_path: Path, content: Any) -> None:
    refused(saved(tmp_path, content))


@pytest.mark.parametrize("missing", ["blocks.1.attn.qkv.weight", "norm.bias", "cls_token"])
def test_missing_weights_are_refused_before_training(tmp_path: Path, missing: str) -> None:
    weights = state()
    del weights[missing]
    with pytest.raises(DataError, match=rf"does not hold the weights of a DINOv2 ViT \({missing} is missing\)"):
        dinov2_features(saved(tmp_path, weights))


def test_nothing_in_the_file_is_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "was run",)

    refused(saved(tmp_path, {"pos_embed": Evil()}))
    assert not (tmp_path / "was run").exists()


def test_width_is_read_without_torch(tmp_path: Path) -> None:
    file = saved(tmp_path, state() | {"cls_token": torch.nn.Parameter(torch.zeros(1, 1, WIDTH))})
    script = (
        "import sys; from pathlib import Path; from gan_core.evaluation.dinov2_file import width;"
        f"print(width(Path({str(file)!r})), 'torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == [str(WIDTH), "False"]
