"""A configuration as flat settings by dotted path, and the key that identifies a trial by its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from gan_core.config.trial import TrialConfig


def effective_settings(config: TrialConfig) -> dict[str, Any]:
    """The settings in effect by dotted path: the optimiser of each player resolved, stabilisers that are off as 0."""
    dump = config.model_dump(mode="json")
    for player in ("generator", "discriminator"):
        lr, betas = config.optimizer.adam(player)
        dump["optimizer"][player] = {"lr": lr} | ({} if betas is None else {"betas": list(betas)})
    del dump["optimizer"]["lr"], dump["optimizer"]["betas"]
    if not config.stabilizers.instance_noise.std:
        dump["stabilizers"]["instance_noise"] = {"std": 0.0}
    if not config.stabilizers.ada.target:
        dump["stabilizers"]["ada"] = {"target": 0.0}
    return flatten(dump)


def flatten(nested: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """{'a': {'b': 1}} -> {'a.b': 1}."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def unflatten(flat: dict[str, Any]) -> dict[str, Any]:
    """{'a.b': 1} -> {'a': {'b': 1}}."""
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, leaf = path.split(".")
        node = nested
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = value
    return nested


NOT_IDENTITY = (
    "data.root",
    "data.path",
    "data.background",
    "data.skip_broken",
    "data.on_disk",
    "evaluation.weights",
    "checkpoint_every",
)
"""Settings that may change between two commands without making another trial."""


ZERO_COUNTS = ("seed", "optimizer.schedule.beta1", "optimizer.schedule.beta2")
"""Settings of which 0 is a value like others, and None is off."""
LEFT_OUT_DEFAULTS = {"optimizer.name": "adam", "optimizer.schedule.lr": "constant"}
"""Settings that came later, with the value that stands for what trials did before."""


def trial_key(config: TrialConfig, data_fingerprint: str) -> str:
    """16 hex digits that identify a trial by its content.

    Four things do not count: where the data lie and how they are read (their fingerprint counts), the file of an
    evaluator's weights (the evaluator has an id of its own), how often a checkpoint is saved, and settings that are
    off. So a stabiliser that a later version adds does not change the keys of trials without it.
    """
    return keys_by_seed(config, data_fingerprint)(config.seed)


def keys_by_seed(config: TrialConfig, data_fingerprint: str) -> Callable[[int], str]:
    """seed -> `trial_key` of this trial with that seed; its other settings are written out only once."""
    settings = {
        path: value
        for path, value in effective_settings(config).items()
        if path not in NOT_IDENTITY and _counts(path, value) and LEFT_OUT_DEFAULTS.get(path) != value
    }
    content = {"settings": settings | {"seed": None}, "data": data_fingerprint}
    identity = json.dumps(content, sort_keys=True, separators=(",", ":"))
    before, after = identity.split('"seed":null')  # in a text the quotes would be escaped

    def key(seed: int) -> str:
        return hashlib.sha256(f'{before}"seed":{seed}{after}'.encode()).hexdigest()[:16]

    return key


def _counts(path: str, value: Any) -> bool:
    return bool(value) or (path in ZERO_COUNTS and value is not None)


def setting_paths(section: type[BaseModel] = TrialConfig, prefix: str = "") -> list[str]:
    """The dotted path of every setting, in the order of the documentation."""
    paths = []
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            paths += setting_paths(field.annotation, f"{prefix}{name}.")
        else:
            paths.append(f"{prefix}{name}")
    return paths
