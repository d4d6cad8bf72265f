"""The settings of trials, and those in which trials differ, whether they are swept or set by a group."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from gan_core.config.identity import setting_paths

Settings = Mapping[str, Any]
"""Path of a setting -> its value. A setting that does not act in a trial has none."""

PLAYERS = ("generator", "discriminator")


def merge_players(each: Sequence[MutableMapping[str, Any]]) -> None:
    """Makes Adam's settings those of each player, for trials that have started.

    If no trial has two different values for its players, the setting stands once: `optimizer.lr` for
    `optimizer.generator.lr` and `optimizer.discriminator.lr`.
    """
    for name in ("lr", "betas"):
        of_players = [f"optimizer.{player}.{name}" for player in PLAYERS]
        is_common = all(settings.get(of_players[0]) == settings.get(of_players[1]) for settings in each)
        for settings in each:
            if of_players[0] not in settings:
                continue  # not started
            settings.pop(f"optimizer.{name}", None)
            if is_common:
                settings[f"optimizer.{name}"] = settings.pop(of_players[0])
                del settings[of_players[1]]


def differing_settings(each: Sequence[Settings]) -> list[str]:
    """The settings of which two trials have different values, in the order of the documentation.

    A setting that does not act in a trial (the weight of a class loss where there is none) makes no difference.
    """
    values: dict[str, Any] = {}
    differing: set[str] = set()
    for settings in each:
        for path, value in settings.items():
            if values.setdefault(path, value) != value:
                differing.add(path)
    order = {path: number for number, path in enumerate(setting_paths())}
    return sorted(differing, key=lambda path: (order.get(path, len(order)), path))
