"""What the tests of gan_core share: the bundled digits, and trials small enough for one core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from gan_core.config.identity import unflatten
from gan_core.config.sections import DataConfig
from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet, load

SMALL: dict[str, Any] = {
    "model.width": 8,
    "batch_size": 16,
    "steps": 4,
    "log_every": 1,
    "evaluation.every": 100,
    "evaluation.samples": 16,
    "precision": "float32",
}


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """One core, and sums in the same order in every run."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits() -> ImageSet:
    return load(DataConfig())


@pytest.fixture(scope="session")
def few(digits: ImageSet) -> ImageSet:
    """40 of the digits: an epoch is two batches of 16, so that short runs cross epochs."""
    assert digits.labels is not None
    return replace(digits, images=digits.images[:40], labels=digits.labels[:40])


@pytest.fixture(scope="session")
def small() -> Callable[..., TrialConfig]:
    """small({"dotted.path": value}): a trial of width 8 and batch 16, with these settings on top."""

    def make(settings: dict[str, Any] | None = None) -> TrialConfig:
        chosen = SMALL | (settings or {})
        if chosen.get("model.networks") == "original":
            del chosen["model.width"]
        return TrialConfig.model_validate(unflatten(chosen))

    return make
