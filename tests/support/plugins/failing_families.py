"""A family that fails when its networks are built."""

from __future__ import annotations

from typing import NoReturn

from gan_core.families import Family


def _raise(*settings: object) -> NoReturn:
    raise RuntimeError("as badly as can be")


raises = Family(_raise, _raise)
