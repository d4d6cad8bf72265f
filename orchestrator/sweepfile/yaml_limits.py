"""How large and how deep YAML may be, checked on its events, before anything is built from it.

A few hundred bytes of aliases to aliases ("billion laughs") stand for 10^9 values. Aliases are therefore counted as
what they stand for.
"""

from __future__ import annotations

from ruamel.yaml import YAML
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent

MAX_BYTES = 1_000_000
"""Twenty thousand trials written out one by one; reading them takes ruamel ten seconds."""
MAX_VALUES = 200_000
DEEPEST = 20
"""The settings themselves are five levels deep."""


class TooMuch(ValueError):
    """`line` (from 1): where the YAML grows past a bound."""

    def __init__(self, line: int, message: str):
        self.line = line
        super().__init__(message)


def check(text: str) -> None:
    """Raises TooMuch where the text is too long, too deep or stands for too many values.

    Raises ruamel's errors where it is not YAML.
    """
    if len(text) > MAX_BYTES:
        raise TooMuch(1, f"longer than {MAX_BYTES:,} characters; write a grid instead of its trials")
    count = 0
    sizes: dict[str, int] = {}
    open_: list[tuple[str | None, int]] = []
    for event in YAML(typ="rt").parse(text):
        line = event.start_mark.line + 1
        if isinstance(event, AliasEvent):
            count += sizes.get(event.anchor, 1)  # an alias inside its own anchor stands for no copy
        elif isinstance(event, CollectionStartEvent):
            count += 1
            open_.append((event.anchor, count))
            if len(open_) > DEEPEST:
                raise TooMuch(line, f"lists and mappings more than {DEEPEST} levels deep")
        elif isinstance(event, CollectionEndEvent):
            anchor, before = open_.pop()
            if anchor:
                sizes[anchor] = count - before + 1
        elif isinstance(event, NodeEvent):
            count += 1
            if event.anchor:
                sizes[event.anchor] = 1
        if count > MAX_VALUES:
            raise TooMuch(line, f"more than {MAX_VALUES:,} values, what aliases stand for counted each time")
