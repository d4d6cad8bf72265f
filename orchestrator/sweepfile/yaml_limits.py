"""Limits for the size and depth of YAML, checked on its events before any value is built.

A few hundred bytes of aliases to aliases can expand to 10^9 values ("billion laughs"), so each alias counts as many
values as it expands to.
"""

from __future__ import annotations

from ruamel.yaml import YAML
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent

MAX_BYTES = 1_000_000
"""Enough for 20,000 trials written one by one, which take ruamel ten seconds to read."""
MAX_VALUES = 200_000
MAX_DEPTH = 20
"""The settings themselves are five levels deep."""


class YamlTooLarge(ValueError):
    """YAML beyond a limit. `line` (from 1): where it passes the limit."""

    def __init__(self, line: int, message: str):
        self.line = line
        super().__init__(message)


def check_limits(text: str) -> None:
    """Raises YamlTooLarge if the text is too long, nested too deeply or expands to too many values.

    Raises ruamel's errors if it is not YAML.
    """
    if len(text) > MAX_BYTES:
        raise YamlTooLarge(1, f"longer than {MAX_BYTES:,} characters; write a grid instead of its trials")
    count = 0
    sizes: dict[str, int] = {}
    open_: list[tuple[str | None, int]] = []
    for event in YAML(typ="safe", pure=True).parse(text):  # without comments, which take half of the time
        line = event.start_mark.line + 1
        if isinstance(event, AliasEvent):
            count += sizes.get(event.anchor, 1)  # inside its own anchor an alias is one value
        elif isinstance(event, CollectionStartEvent):
            count += 1
            open_.append((event.anchor, count))
            if len(open_) > MAX_DEPTH:
                raise YamlTooLarge(line, f"lists and mappings more than {MAX_DEPTH} levels deep")
        elif isinstance(event, CollectionEndEvent):
            anchor, before = open_.pop()
            if anchor:
                sizes[anchor] = count - before + 1
        elif isinstance(event, NodeEvent):
            count += 1
            if event.anchor:
                sizes[event.anchor] = 1
        if count > MAX_VALUES:
            raise YamlTooLarge(
                line, f"more than {MAX_VALUES:,} values, counting an alias as all values that it stands for"
            )
