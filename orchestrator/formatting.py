"""How settings and trials are called where people read them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

FOLDER_NAME = "use 1 to 64 letters, digits, '-', '_' and '.', a letter or digit first"

SHORT = {
    "loss.gradient_penalty": "lambda",
    "loss.shared_epsilon": "shared epsilon",
    "model.discriminator_norm": "D norm",
    "stabilizers.label_smoothing": "smoothing",
    "stabilizers.instance_noise.std": "noise",
    "optimizer.generator.lr": "lr_G",
    "optimizer.discriminator.lr": "lr_D",
    "optimizer.generator.betas": "betas_G",
    "optimizer.discriminator.betas": "betas_D",
    "model.family": "model",
    "loss.name": "loss",
    "data.name": "data",
}


def is_folder_name(name: str) -> bool:
    """Whether a folder of this name stays where it is made: FOLDER_NAME says which do."""
    return bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name)) and ".." not in name


def short_name(path: str) -> str:
    """The name of a setting in a table: `optimizer.lr` -> `lr`, `loss.gradient_penalty` -> `lambda`."""
    return SHORT.get(path, path.rsplit(".", 1)[-1])


def short_names(paths: list[str]) -> dict[str, str]:
    """Short names of these settings; the whole path where two would be called the same."""
    names = [short_name(path) for path in paths]
    return {path: name if names.count(name) == 1 else path for path, name in zip(paths, names, strict=True)}


def format_level(value: Any) -> str:
    """A level as people write it: 0.0002 -> 2e-4, 10.0 -> 10, [0.5, 0.999] -> (0.5, 0.999), True -> on."""
    if value is None:
        return "default"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        if value == 0 or 0.01 <= abs(value) < 1e6:
            return repr(value).removesuffix(".0")
        return f"{Decimal(repr(value)).normalize():e}"
    if isinstance(value, list | tuple):
        return f"({', '.join(map(format_level, value))})"
    return str(value)


def format_bytes(count: float) -> str:
    """1_500_000 -> '1.5 MB'; units of 1000, as disks are sold."""
    units = ("bytes", "kB", "MB", "GB", "TB")
    power = min(len(units) - 1, len(f"{count:.0f}") // 3 - (len(f"{count:.0f}") % 3 == 0))
    value = count / 1000**power
    return f"{value:.0f} {units[power]}" if power == 0 or value >= 100 else f"{value:.1f} {units[power]}"


def configuration_name(group: str, factors: dict[str, Any]) -> str:
    """`dcgan lr=2e-4 smoothing=0.1`."""
    names = short_names(list(factors))
    return " ".join([group, *(f"{names[path]}={format_level(level)}" for path, level in factors.items())])
