"""Elements of settings that are lists of fixed length, such as `optimizer.betas[0]`."""

from __future__ import annotations

from typing import Any

from gan_core.config.identity import setting_paths, unflatten
from gan_core.config.setting_types import Player
from gan_core.config.trial import TrialConfig

ELEMENTS = {f"{path}[{index}]": (path, index) for path in setting_paths() if path.endswith("betas") for index in (0, 1)}
"""Path of an element -> its list and its place there."""
PLAYERS: tuple[Player, ...] = ("generator", "discriminator")


def with_elements(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings by path, in which elements stand in their lists.

    The rest of a list is as `settings` have it, or else as it is by default: that of the family's paper, and for one
    player `optimizer.betas`. Raises pydantic's ValidationError if the other settings are wrong.
    """
    elements = {path: value for path, value in settings.items() if path in ELEMENTS}
    if not elements:
        return settings
    whole = {path: value for path, value in settings.items() if path not in ELEMENTS}
    for path in sorted(elements, key=lambda path: path.count(".")):  # that of both players before that of one
        setting, index = ELEMENTS[path]
        values = whole.get(setting) or _default(setting, whole)
        if values is None:  # the optimiser has none, which the check of the whole trial says
            values = (elements[path], elements[path])
        if isinstance(values, list | tuple) and index < len(values):  # if not, the list itself is wrong
            whole[setting] = [*values[:index], elements[path], *values[index + 1 :]]
    return whole


def _default(setting: str, settings: dict[str, Any]) -> Any:
    optimizer = TrialConfig.model_validate(unflatten(settings)).optimizer
    for player in PLAYERS:
        if setting.startswith(f"optimizer.{player}."):
            return optimizer.adam(player)[1]
    return optimizer.betas
