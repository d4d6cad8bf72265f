"""A generator that a trial kept, read back from its file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from gan_core import checkpoint, networks
from gan_core.config import TrialConfig


class Kept(NamedTuple):
    """`generator` in `eval` mode on the CPU; `classes` that it is asked for (0: it takes no labels)."""

    generator: nn.Module
    config: TrialConfig
    channels: int
    classes: int


def load_generator(file: Path, channels: int, classes: int) -> Kept:
    """What `generator.pt` holds, of data with so many channels and classes. Raises CheckpointError.

    The weights lie in memory as in training (channels last), so that it draws what the trial drew.
    """
    kept = checkpoint.load(file)
    config = TrialConfig.model_validate(kept["config"])
    asked = classes if config.model.family == "acgan" else 0
    size = config.data.image_size
    generator, _ = networks.build(config.model, config.stabilizers, channels, asked, size, config.seed)
    generator.to(memory_format=torch.channels_last)
    generator.load_state_dict(kept["state"])
    return Kept(generator.eval(), config, channels, asked)
