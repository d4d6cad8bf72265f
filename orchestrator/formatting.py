"""Settings, their values, configurations and sizes, as people read them in tables and messages."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

FOLDER_NAME_RULE = "use 1 to 64 letters, digits, '-', '_' and '.', a letter or digit first"

SHORT_KEY_DIGITS = 8
"""With 8 hexadecimal digits, about 1 in 20 sweeps of 20,000 trials has two trials with the same short key."""
SHORT_NAMES = {
    "loss.gradient_penalty": "lambda",
    "loss.shared_epsilon": "shared epsilon",
    "model.discriminator_norm": "D norm",
    "stabilizers.label_smoothing": "smoothing",
    "stabilizers.instance_noise.std": "noise",
    "stabilizers.ada.target": "ada",
    "stabilizers.ada.speed": "ada speed",
    "optimizer.name": "optimizer",
    "optimizer.schedule.lr": "lr schedule",
    "optimizer.generator.lr": "lr_G",
    "optimizer.discriminator.lr": "lr_D",
    "optimizer.generator.betas": "betas_G",
    "optimizer.discriminator.betas": "betas_D",
    "model.family": "model",
    "loss.name": "loss",
    "data.name": "data",
}


def with_names(texts: Mapping[str, Collection[str]]) -> list[str]:
    """Each text with the names, of groups for example, that it is about: `text (one, other)`."""
    return [f"{text} ({', '.join(sorted(names))})" for text, names in texts.items()]


def is_folder_name(name: str) -> bool:
    """Whether the name follows FOLDER_NAME_RULE, so that its folder cannot lie outside of the folder it is made in."""
    return bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name)) and ".." not in name


def short_key(key: str) -> str:
    """How a person calls a trial: the first digits of its key, which stay the same whatever becomes of the grid."""
    return key[:SHORT_KEY_DIGITS]


def trial_label(key: str, name: str) -> str:
    """How messages call a trial: by its short key, which other commands take, and its name."""
    return f"{short_key(key)} {name}"


def short_name(path: str) -> str:
    """The name of a setting in tables: `optimizer.lr` -> `lr`, `loss.gradient_penalty` -> `lambda`."""
    setting, bracket, index = path.partition("[")  # of an element of a list
    return SHORT_NAMES.get(setting, setting.rsplit(".", 1)[-1]) + bracket + index


def short_names(paths: list[str]) -> dict[str, str]:
    """setting -> its short name, or its whole path if two of `paths` have the same short name."""
    names = [short_name(path) for path in paths]
    return {path: name if names.count(name) == 1 else path for path, name in zip(paths, names, strict=True)}


def format_level(value: Any) -> str:
    """A value of a setting as people write it: 0.0002 -> 2e-4, 10.0 -> 10, [0.5, 0.999] -> (0.5, 0.999), True -> on."""
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


def format_ratio(value: float) -> str:
    """A ratio with two digits: 0.0123 -> 0.012, 173.4 -> 170; and with more near 1, so that 1.004 is not 1."""
    if not math.isfinite(value) or value <= 0:
        return "∞" if value > 0 else f"{value:g}"
    digits = 1 - math.floor(math.log10(value))
    if 0.9 < value < 1.1 and abs(value - 1) > 1e-6:
        digits = max(1, -math.floor(math.log10(abs(value - 1))))
    text = f"{round(value, digits):,.{max(digits, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def count_of(count: int, noun: str) -> str:
    """3, trial -> '3 trials'; 1, trial -> '1 trial'."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def format_bytes(count: float) -> str:
    """1_500_000 -> '1.5 MB'. Units are powers of 1000, as on the labels of disks."""
    units = ("bytes", "kB", "MB", "GB", "TB")
    power = min(len(units) - 1, len(f"{count:.0f}") // 3 - (len(f"{count:.0f}") % 3 == 0))
    value = count / 1000**power
    return f"{value:.0f} {units[power]}" if power == 0 or value >= 100 else f"{value:.1f} {units[power]}"


def format_duration(seconds: float) -> str:
    """75 -> '1 min 15 s'; infinity -> 'unknown'."""
    if math.isinf(seconds):
        return "unknown"
    rounded = round(seconds)
    if rounded < 60:
        return f"{rounded} s"
    if rounded < 3600:
        return f"{rounded // 60} min {rounded % 60:02d} s"
    return f"{rounded // 3600} h {rounded % 3600 // 60:02d} min"


def configuration_name(group: str, factors: dict[str, Any]) -> str:
    """The group and the values of its factors: `dcgan lr=2e-4 smoothing=0.1`."""
    names = short_names(list(factors))
    return " ".join([group, *(f"{names[path]}={format_level(level)}" for path, level in factors.items())])
