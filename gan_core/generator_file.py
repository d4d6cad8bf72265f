"""The generator that a trial leaves behind, from its files alone: neither the data nor a trainer is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gan_core import checkpoint
from gan_core.config.trial import TrialConfig
from gan_core.data.user_images import MAX_CLASSES
from gan_core.error_text import first_line
from gan_core.networks.build import build_networks


@dataclass(frozen=True)
class SavedGenerator:
    """`generator`: in eval mode, on the CPU. `classes`: how many it can be asked for; 0 if it takes no class."""

    config: TrialConfig
    generator: nn.Module
    channels: int
    classes: int


def save(file: Path, config: TrialConfig, channels: int, classes: int, weights: dict[str, Tensor]) -> None:
    """Keeps a generator's weights with what it takes to build it again."""
    about = {"config": config.model_dump(mode="json"), "channels": channels, "classes": classes}
    checkpoint.save(file, {**about, "state": weights})


def from_generator_file(file: Path) -> SavedGenerator:
    """The product kept in `generator.pt` or `generator-best.pt`. Raises CheckpointError."""
    kept = checkpoint.load(file)
    with _of_one_kind(file):
        return _build(TrialConfig.model_validate(kept["config"]), kept["channels"], kept["classes"], kept["state"])


def from_checkpoint(file: Path, config: TrialConfig) -> tuple[SavedGenerator, int]:
    """The product of a trial that goes on, as its checkpoint holds it, and its step. Raises CheckpointError."""
    state = checkpoint.load(file)
    with _of_one_kind(file):
        weights: dict[str, Any] = state["generator"]
        if state["ema"] is not None:  # torch's AveragedModel: the average is its `module`
            inner = "module."
            average = state["ema"].items()
            weights = {name.removeprefix(inner): value for name, value in average if name.startswith(inner)}
        return _build(config, state["channels"], state["classes"], weights), int(state["step"])


@contextmanager
def _of_one_kind(file: Path) -> Iterator[None]:
    """A whole file that holds something else than it should ends in CheckpointError, too."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise checkpoint.CheckpointError(
            f"{file} does not hold a generator that can be built ({first_line(error)})"
        ) from None


def _build(config: TrialConfig, channels: int, classes: int, weights: dict[str, Tensor]) -> SavedGenerator:
    """Weights lie in memory as in training (channels last), so that it draws to the bit what the trial drew."""
    if channels not in (1, 3) or not 0 <= classes <= MAX_CLASSES:
        raise ValueError(f"{channels} channels, {classes} classes")
    generator, _ = build_networks(config.model, config.stabilizers, channels, classes, config.data.image_size, seed=0)
    generator.to(memory_format=torch.channels_last)
    generator.load_state_dict(weights)
    return SavedGenerator(config, generator.eval(), channels, classes)
