"""Families that fail when their networks are built: `raises` by an exception, `dies` by ending its worker."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from gan_core.families import Family


def _raise(*settings: object) -> NoReturn:
    raise RuntimeError("as badly as can be")


def _die(*settings: object) -> NoReturn:
    print("no such instruction", file=sys.stderr, flush=True)
    os.abort()


raises, dies = Family(_raise, _raise), Family(_die, _die)
