"""The device that a trial trains on."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from orchestrator.environment import Environment


@dataclass(frozen=True)
class TrialDevice:
    """Where a trial trains. `node`: the name of the Ray node, for the record."""

    device: torch.device
    node: str | None = None


def choose_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def gpu_name(device: torch.device) -> Environment:
    """What a record's environment says of a GPU; nothing of a CPU."""
    return {"gpu": torch.cuda.get_device_name(device)} if device.type == "cuda" else {}
