"""DINOv2 (Oquab et al. 2023) as torch-fidelity computes its features, from a file of the authors' weights.

torch-fidelity's extractor makes the image ready, and takes the network from torch.hub, which would fetch code. The
network is written here instead, with the names of the authors' weights (facebookresearch/dinov2,
`dinov2/models/vision_transformer.py` and `dinov2/layers`, in eval mode).
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_core.data.preprocessing import DataError
from gan_core.error_text import first_line
from gan_core.evaluation.dinov2_file import HEAD_WIDTH, PATCH

OFFSET = 0.1
"""Added to the grid's side before positions are interpolated (`interpolate_offset` of the networks without registers).
It changes the scale, and with it the positions."""

UNFIT = (RuntimeError, pickle.UnpicklingError, EOFError, LookupError, AttributeError, TypeError, ValueError)
"""What torch and the network raise at another file's content."""


def load(weights: Path) -> nn.Module:
    """torch-fidelity's extractor with this network, in eval mode: uint8 [N, 3, H, W] -> (float32 [N, width],).

    Raises DataError if the file does not hold weights that fit.
    """
    from torch_fidelity.feature_extractor_base import FeatureExtractorBase
    from torch_fidelity.feature_extractor_dinov2 import FeatureExtractorDinoV2

    class Extractor(FeatureExtractorDinoV2):
        def __init__(self, model: nn.Module):
            FeatureExtractorBase.__init__(self, "dinov2", ["dinov2"])
            self.feature_extractor_internal_dtype = torch.float32
            self.model = model

    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        state.pop("mask_token", None)  # stands for hidden patches, in training only
        model = VisionTransformer(state)
        different = model.load_state_dict(state, strict=False)
        if different.missing_keys or different.unexpected_keys:
            name = (different.missing_keys + different.unexpected_keys)[0]
            raise ValueError(f"{name} is {'missing' if different.missing_keys else 'no part of it'}")
    except UNFIT as error:
        message = f"{weights} does not hold the weights of a DINOv2 ViT ({first_line(error)})"
        raise DataError("evaluation.weights", message) from None
    return Extractor(model).eval().requires_grad_(False)


class VisionTransformer(nn.Module):
    """Images [N, 3, H, W], H and W multiples of 14 -> the class token after the last layer norm [N, width].

    The sizes are those of `state`, the authors' weights by name.
    """

    def __init__(self, state: Mapping[str, Tensor]):
        super().__init__()
        _, tokens, width = state["pos_embed"].shape
        depth = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("blocks."))
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, tokens, width))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, PATCH, PATCH)})
        gated = "blocks.0.mlp.w12.weight" in state
        inner = state["blocks.0.mlp.w3.weight" if gated else "blocks.0.mlp.fc2.weight"].shape[1]
        self.blocks = nn.ModuleList(Block(width, inner, gated) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, images: Tensor) -> Tensor:
        patches = self.patch_embed["proj"](images)
        positions = self.positions(*patches.shape[-2:])
        tokens = torch.cat([self.cls_token.expand(len(images), -1, -1), patches.flatten(2).transpose(1, 2)], dim=1)
        tokens = tokens + positions
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens[:, 0])

    def positions(self, height: int, width: int) -> Tensor:
        """[1, 1 + height * width, features]: those of the square grid of the training, interpolated."""
        side = math.isqrt(self.pos_embed.shape[1] - 1)
        if height == width == side:
            return self.pos_embed
        grid = self.pos_embed[:, 1:].unflatten(1, (side, side)).permute(0, 3, 1, 2)
        scales = ((height + OFFSET) / side, (width + OFFSET) / side)
        resized = F.interpolate(grid, scale_factor=scales, mode="bicubic")
        return torch.cat([self.pos_embed[:, :1], resized.flatten(2).transpose(1, 2)], dim=1)


class Block(nn.Module):
    """x + ls1 * attention(norm1(x)), then x + ls2 * mlp(norm2(x)); tokens [N, L, width]."""

    def __init__(self, width: int, inner: int, gated: bool):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width)
        self.ls1 = LayerScale(width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = SwiGLU(width, inner) if gated else MLP(width, inner)
        self.ls2 = LayerScale(width)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.ls1(self.attn(self.norm1(tokens)))
        return tokens + self.ls2(self.mlp(self.norm2(tokens)))


class Attention(nn.Module):
    """Self-attention in heads of 64 features."""

    def __init__(self, width: int):
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        query, key, value = self.qkv(tokens).unflatten(2, (3, -1, HEAD_WIDTH)).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))


class LayerScale(nn.Module):
    """A factor for each feature (Touvron et al. 2021)."""

    def __init__(self, width: int):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens * self.gamma


class MLP(nn.Module):
    """Of ViT-S, B and L."""

    def __init__(self, width: int, inner: int):
        super().__init__()
        self.fc1 = nn.Linear(width, inner)
        self.fc2 = nn.Linear(inner, width)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(tokens)))


class SwiGLU(nn.Module):
    """Of ViT-g (Shazeer 2020)."""

    def __init__(self, width: int, inner: int):
        super().__init__()
        self.w12 = nn.Linear(width, 2 * inner)
        self.w3 = nn.Linear(inner, width)

    def forward(self, tokens: Tensor) -> Tensor:
        gate, value = self.w12(tokens).chunk(2, dim=-1)
        return self.w3(F.silu(gate) * value)
