"""Which running trials send no reports, and since when. The caller passes the time; nothing here waits."""

from __future__ import annotations

from dataclasses import dataclass

SECONDS_BEFORE_NOTICE = 60.0
"""The user is told of a trial that was silent for this time, and again each time the silence has doubled."""


@dataclass
class _Heartbeat:
    last: float
    next_notice: float


class Heartbeats:
    """The last report of each running trial, by key. All times in seconds.

    `timeout`: silence after which the trial's worker shall be killed.
    """

    def __init__(self, timeout: float):
        self.timeout = timeout
        self._heartbeats: dict[str, _Heartbeat] = {}

    def beat(self, key: str, now: float) -> None:
        """The trial has reported, or starts."""
        self._heartbeats[key] = _Heartbeat(now, SECONDS_BEFORE_NOTICE)

    def forget(self, key: str) -> None:
        """The trial does not run any more."""
        self._heartbeats.pop(key, None)

    def newly_silent(self, now: float) -> dict[str, float]:
        """key -> seconds of silence, of the trials that the user shall be told of now."""
        silent = {}
        for key, heartbeat in self._heartbeats.items():
            silence = now - heartbeat.last
            if silence >= heartbeat.next_notice:
                silent[key] = silence
                heartbeat.next_notice = 2 * silence
        return silent

    def timed_out(self, now: float) -> dict[str, float]:
        """key -> seconds of silence, of the trials that exceed the timeout. They are forgotten."""
        late = {key: now - beat.last for key, beat in self._heartbeats.items() if now - beat.last >= self.timeout}
        for key in late:
            self.forget(key)
        return late
