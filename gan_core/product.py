"""The generator that a trial leaves behind, from its files alone: neither the data nor a trainer is needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from gan_core import checkpoint, networks
from gan_core.config import TrialConfig


@dataclass(frozen=True)
class Product:
    """`generator`: in eval mode, on the CPU. `classes`: how many it can be asked for; 0 if it takes no class."""

    config: TrialConfig
    generator: nn.Module
    classes: int


def from_generator_file(file: Path) -> Product:
    """The product kept in `generator.pt` or `generator-best.pt`. Raises CheckpointError."""
    kept = checkpoint.load(file)
    return _build(TrialConfig.model_validate(kept["config"]), kept["state"])


def from_checkpoint(file: Path, config: TrialConfig) -> tuple[Product, int]:
    """The product of a trial that goes on, as its checkpoint holds it, and its step. Raises CheckpointError."""
    state = checkpoint.load(file)
    weights: dict[str, Any] = state["generator"]
    if state["ema"] is not None:  # torch's AveragedModel: the average is its `module`
        inner = "module."
        weights = {name.removeprefix(inner): value for name, value in state["ema"].items() if name.startswith(inner)}
    return _build(config, weights), int(state["step"])


def _build(config: TrialConfig, weights: dict[str, Tensor]) -> Product:
    """Channels and classes are the data's; here the shapes of the weights tell them."""
    model = config.model
    last = [weight for weight in weights.values() if weight.ndim == 4][-1]  # [in, channels, height, width]
    classes = weights["project.0.weight"].shape[1] - model.latent_dim if model.family == "acgan" else 0
    generator, _ = networks.build(model, config.stabilizers, last.shape[1], classes, config.data.image_size, seed=0)
    generator.load_state_dict(weights)
    return Product(config, generator.eval(), classes)
