"""Sends events to addresses that apprise knows, from a thread of its own: training never waits for them."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from orchestrator import shutdown_budgets
from orchestrator.errors import UserError
from orchestrator.notifications.events import Event

if TYPE_CHECKING:
    from apprise import NotifyBase

EXAMPLES = "mailto://USER:PASSWORD@gmail.com, slack://TOKENS, ntfy://TOPIC, json://HOST/PATH"


class Notifier:
    """A context manager. At its end it waits for what is still to be sent, but only so long.

    urls: addresses, as apprise writes them. note: shows the user a line, once for each address that takes nothing.
    Raises UserError if an address is none; nothing is sent then.
    """

    def __init__(self, urls: Sequence[str], note: Callable[[str], None]):
        self._channels = [_channel(number, url) for number, url in enumerate(urls, 1)]
        self._note = note
        self._events: queue.Queue[Event | None] = queue.Queue()
        self._silent: set[int] = set()
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
        self.seconds_to_send = shutdown_budgets.NOTIFICATION_PERIOD

    def send(self, event: Event | None) -> None:
        """Returns at once. None: nothing."""
        if event and self._channels:
            self._events.put(event)

    def hurry(self) -> None:
        """From now on the end hardly waits: the command was interrupted."""
        self.seconds_to_send = shutdown_budgets.NOTIFICATION_LAST_CALL

    def __enter__(self) -> Notifier:
        if self._channels:
            self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if not self._channels:
            return
        self._events.put(None)
        self._thread.join(self.seconds_to_send)
        if self._thread.is_alive():
            self._note("some notifications were not sent in time")

    def _run(self) -> None:
        while event := self._events.get():
            for number, channel in enumerate(self._channels):
                if not self._was_taken(channel, event) and number not in self._silent:
                    self._silent.add(number)
                    self._note(f"--notify {name_of(channel)}: the message was not taken; the sweep goes on")

    @staticmethod
    def _was_taken(channel: NotifyBase, event: Event) -> bool:
        try:
            return bool(channel.notify(body=event.text, title=event.title))
        except Exception:  # each service of apprise has errors of its own
            return False


def _channel(number: int, url: str) -> NotifyBase:
    from apprise import Apprise

    logging.getLogger("apprise").disabled = True  # it prints addresses with their passwords
    channel = Apprise.instantiate(url, suppress_exceptions=True)
    if channel is None:
        scheme = url.partition("://")[0] if "://" in url else "it"
        raise UserError(
            f"--notify, address {number}: {scheme!r} is not an address that apprise knows, or is incomplete; write one "
            f"such as {EXAMPLES} (https://appriseit.com)"
        )
    return channel


def name_of(channel: NotifyBase) -> str:
    """`json://127.0.0.1/`: an address without what may be secret."""
    return str(channel.url(privacy=True)).partition("?")[0]
