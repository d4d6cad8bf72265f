"""Points of a sample whose settings contradict each other: one line for each contradiction, not for each point."""

from __future__ import annotations

from orchestrator.formatting import format_level, short_names
from orchestrator.sweepfile.grid import Group
from orchestrator.sweepfile.settings import LocatedSettings

MAX_NAMED = 3
"""Most points that a line names."""


class Contradictions:
    """Collects them. A file with one is refused, whether or not this draw has such a point: another one may."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], list[LocatedSettings]] = {}

    def add(self, source: str, path: str, message: str, settings: LocatedSettings) -> None:
        """source: where the setting `path` is written. message: what contradicts it. settings: of the point."""
        self._found.setdefault((source, path, message), []).append(settings)

    def lines(self, group: Group, explores: bool) -> list[tuple[str, str, str]]:
        """(source, path, message with the points) of each contradiction. explores: of a map or a search, which has no
        `exclude:` and chooses its points itself."""
        return [
            (source, path, f"{message}; {_chosen(group, path, points[0])}")
            if explores
            else (source, path, f"{message}; {_where(group, points)}; {_exclusion(group, path, points[0])}")
            for (source, path, message), points in self._found.items()
        ]


def _chosen(group: Group, path: str, settings: LocatedSettings) -> str:
    """`such a point, as loss=hinge D norm=batch, can be chosen; draw only what can be together, ...`."""
    remedy = "draw only what can be together, or give each of these a sweep of its own"
    if path not in group.factors():
        remedy = "change one of these settings, or what is drawn"
    return f"such a point, as {_example(group, settings)}, can be chosen; {remedy}"


def _example(group: Group, settings: LocatedSettings) -> str:
    """`lr=1e-3 packing=3`."""
    names = short_names(group.factors())
    return " ".join(f"{names[path]}={format_level(settings[path].value)}" for path in names if path in settings)


def _where(group: Group, points: list[LocatedSettings]) -> str:
    """`so is point 3 (lr=1e-3 packing=3)`."""
    assert group.sample
    values = [{path: located.value for path, located in settings.items()} for settings in points]
    numbers = [group.sample.number_of(settings) for settings in values]
    drawn = sorted({number for number in numbers if number})
    example = _example(group, points[0])
    if not drawn:
        return f"another draw may have such a point, as {example}"
    more = f" and {len(drawn) - MAX_NAMED} more" if len(drawn) > MAX_NAMED else ""
    point = "point" if len(drawn) == 1 else "points"
    return (
        f"drawn in {point} {', '.join(map(str, drawn[:MAX_NAMED]))}{more} of {len(group.sample.points)}, as {example}"
    )


def _exclusion(group: Group, path: str, settings: LocatedSettings) -> str:
    """How to remove them. Only levels can be listed; the values of a range are others in each draw."""
    assert group.sample
    if path not in group.factors():
        return "change one of these settings"
    ranges = {each.path for each in group.sample.space.dimensions if each.levels is None}
    if path in ranges:
        others = [each for each in group.factors() if each not in ranges and each in settings]
        level = f" the levels of {' or '.join(others)} that it cannot be with" if others else " such a point"
        return f"list{level} under `exclude:`, or draw it in a group of its own"
    return (
        f"list what cannot be together under `exclude:`, such as `- {{{path}: {format_level(settings[path].value)}}}`"
    )
