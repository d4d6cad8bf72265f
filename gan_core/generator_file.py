"""The generator of a trial, read from its files alone: neither the data nor a trainer is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from gan_core import checkpoint
from gan_core.config.trial import TrialConfig
from gan_core.data.npz_file import MAX_CLASSES
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
    """Writes a generator's weights, together with what is needed to build the network again."""
    description = {"config": config.model_dump(mode="json"), "channels": channels, "classes": classes}
    checkpoint.save(file, {**description, "state": weights})


def from_generator_file(file: Path) -> SavedGenerator:
    """The generator in `generator.pt` or `generator-best.pt`. Raises CheckpointError."""
    content = checkpoint.load(file)
    with _bad_content_as_checkpoint_error(file):
        config = TrialConfig.model_validate(content["config"])
        return _build(config, content["channels"], content["classes"], content["state"])


def from_checkpoint(file: Path, config: TrialConfig) -> tuple[SavedGenerator, int]:
    """The generator in the checkpoint of an unfinished trial, and its step. Raises CheckpointError.

    If the trial keeps a moving average of the generator, that is returned.
    """
    state = checkpoint.load(file)
    with _bad_content_as_checkpoint_error(file):
        weights: dict[str, Tensor] = state["generator"]
        if state["ema"] is not None:  # torch's AveragedModel: the average is its `module`
            inner = "module."
            average = state["ema"].items()
            weights = {name.removeprefix(inner): value for name, value in average if name.startswith(inner)}
        return _build(config, state["channels"], state["classes"], weights), int(state["step"])


@contextmanager
def _bad_content_as_checkpoint_error(file: Path) -> Iterator[None]:
    """Turns the errors that an undamaged file of other content causes into CheckpointError."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise checkpoint.CheckpointError(
            f"{file} does not hold a generator that can be built ({first_line(error)})"
        ) from None


def _build(config: TrialConfig, channels: int, classes: int, weights: dict[str, Tensor]) -> SavedGenerator:
    """Weights have the memory format of training (channels last), so that its images equal the trial's bit for bit."""
    if channels not in (1, 3) or not 0 <= classes <= MAX_CLASSES:
        raise ValueError(f"{channels} channels, {classes} classes")
    generator, _ = build_networks(config.model, config.stabilizers, channels, classes, config.data.image_size, seed=0)
    generator.to(memory_format=torch.channels_last)
    generator.load_state_dict(weights)
    return SavedGenerator(config, generator.eval(), channels, classes)
