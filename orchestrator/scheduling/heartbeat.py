"""Which running trial has not been heard of, and since when. A clock is passed in; nothing here waits."""

from __future__ import annotations

from dataclasses import dataclass

SECONDS_BEFORE_WORDS = 60.0
"""After this time without a word of a trial the user is told, and again each time it has doubled."""


@dataclass
class _Heard:
    last: float
    next_words: float


class Heartbeats:
    """`patience`: seconds after which a silent trial's worker shall be killed."""

    def __init__(self, patience: float):
        self.patience = patience
        self._heard: dict[str, _Heard] = {}

    def heard(self, key: str, now: float) -> None:
        self._heard[key] = _Heard(now, SECONDS_BEFORE_WORDS)

    def forget(self, key: str) -> None:
        """It does not run any more."""
        self._heard.pop(key, None)

    def to_tell(self, now: float) -> dict[str, float]:
        """key -> seconds of silence, of those that are worth a word now."""
        found = {}
        for key, heard in self._heard.items():
            silent = now - heard.last
            if silent >= heard.next_words:
                found[key] = silent
                heard.next_words = 2 * silent
        return found

    def to_kill(self, now: float) -> dict[str, float]:
        """key -> seconds of silence, of those that exceed the patience; they are forgotten."""
        found = {key: now - heard.last for key, heard in self._heard.items() if now - heard.last >= self.patience}
        for key in found:
            self.forget(key)
        return found
