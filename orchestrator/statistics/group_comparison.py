"""Groups that differ in settings, compared with each other: the most natural sweep has one group a stabiliser.

Each group is compared with the first earlier one from which a single setting separates it; this setting is the factor.
If there is none, it is compared with the first group, and the group itself is the factor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from orchestrator.formatting import format_level
from orchestrator.statistics.result import Result
from orchestrator.statistics.trial_settings import Settings, differing_settings, merge_players

GROUP = "group"
"""The factor of groups that differ in several settings."""


class Member(NamedTuple):
    """A run that has ended, with its settings and the id of the evaluator that measured it; "" if none did."""

    result: Result
    settings: Settings
    evaluator: str = ""


Groups = dict[str, list[Member]]
"""Name of a group -> its runs that have ended."""


def group_comparisons(
    members: Sequence[Member], sweep_of_group: Callable[[str], str] = lambda group: ""
) -> dict[str, list[Result]]:
    """Name of a comparison -> its results, for paired effects: one factor, and pairs that are equal in all else.

    The factor is the setting that separates the groups, or GROUP; then the factors beside it are the settings that
    separate them, which are confounded with it. {} if there is one group. `sweep_of_group`: groups of two sweeps are
    compared apart.
    """
    groups: Groups = {}
    for member in members:
        groups.setdefault(member.result.group, []).append(member)
    if len(groups) < 2:
        return {}
    differing = differing_settings([member.settings for member in members])
    by_setting: dict[tuple[str, str, str], list[str]] = {}
    by_group: dict[str, Groups] = {}
    for group, earlier in _with_earlier(list(groups)):
        separating = {name: _separating(groups[name], groups[group], differing) for name in earlier}
        reference = next((name for name, paths in separating.items() if len(paths) == 1), None)
        if reference is not None:
            key = (reference, separating[reference][0], sweep_of_group(group))
            by_setting.setdefault(key, []).append(group)
        else:
            by_group[group] = {name: groups[name] for name in (earlier[0], group)}
    comparisons: dict[str, list[Result]] = {}
    for (reference, path, _), others in by_setting.items():
        chosen = {name: groups[name] for name in (reference, *others)}
        comparisons[_name(chosen)] = _by_setting(chosen, path, differing)
    comparisons |= {_name(pair): _by_group(pair, differing) for pair in by_group.values()}
    return comparisons


def with_shared_points(members: Sequence[Member]) -> list[Member]:
    """The members, without the drawn settings of a group of which other groups lack most values.

    Hardly two runs of two groups share such a value: it would seem to separate the groups, with as many levels as a
    group has points.
    """
    drawn = {_setting(path) for member in members for path in member.result.sampled}
    groups_of: dict[tuple[str, str], set[str]] = {}
    for member in members:
        for path in drawn & member.settings.keys():
            groups_of.setdefault((path, _level(member, path)), set()).add(member.result.group)
    is_shared: dict[tuple[str, str], list[bool]] = {}
    for (path, _), groups in groups_of.items():
        for group in groups:
            is_shared.setdefault((path, group), []).append(len(groups) > 1)
    counting = {key for key, values in is_shared.items() if 2 * sum(values) > len(values)}
    return [
        member._replace(
            settings={
                path: value
                for path, value in member.settings.items()
                if path not in drawn or (path, member.result.group) in counting
            }
        )
        for member in members
    ]


def _setting(path: str) -> str:
    """The setting of an element: `optimizer.betas` of `optimizer.betas[0]`."""
    return path.partition("[")[0]


def results_of(members: Sequence[Member]) -> list[Result]:
    """The results for paired effects, within groups and between them. `settings` of the members: of each player."""
    within = [member.result for member in members]
    settings = [dict(member.settings) for member in members]
    merge_players(settings)
    merged = with_shared_points([member._replace(settings=own) for member, own in zip(members, settings, strict=True)])
    return [*within, *(result for of_groups in group_comparisons(merged).values() for result in of_groups)]


def _name(groups: Groups) -> str:
    reference, *others = groups
    return f"{', '.join(others)} against {reference}"


def _with_earlier(names: list[str]) -> Iterator[tuple[str, list[str]]]:
    for number in range(1, len(names)):
        yield names[number], names[:number]


def _separating(first: list[Member], second: list[Member], differing: list[str]) -> list[str]:
    """The settings that both groups have, and of which they share no value."""
    return [
        path
        for path in differing
        if (ours := _levels(first, path)) and (theirs := _levels(second, path)) and not set(ours) & set(theirs)
    ]


def _levels(members: list[Member], path: str) -> list[str]:
    """The levels of a setting in a group, in order of appearance; [] if it acts in none of its runs."""
    return list(dict.fromkeys(_level(member, path) for member in members if path in member.settings))


def _level(member: Member, path: str) -> str:
    return format_level(member.settings[path]) if path in member.settings else ""


def _by_setting(groups: Groups, path: str, differing: list[str]) -> list[Result]:
    """The first group has the first level alone: what it sweeps itself is compared within it."""
    reference, *others = groups.values()
    first = _levels(reference, path)[0]
    chosen = [member for member in reference if _level(member, path) == first]
    chosen += [member for members in others for member in members if path in member.settings]
    matched = _matched(groups, [path], differing)
    return [
        replace(result, group=_name(groups), factors={path: member.settings[path]})
        for member, result in _paired(chosen, [_level(member, path) for member in chosen], matched)
    ]


def _by_group(groups: Groups, differing: list[str]) -> list[Result]:
    """`groups`: two of them."""
    first, second = groups.values()
    separating = _separating(first, second, differing)
    members = [*first, *second]
    matched = _matched(groups, separating, differing)
    levels = {name: {path: ", ".join(_levels(groups[name], path)) for path in separating} for name in groups}
    return [
        replace(result, group=_name(groups), factors={GROUP: member.result.group, **levels[member.result.group]})
        for member, result in _paired(members, [member.result.group for member in members], matched)
    ]


def _matched(groups: Groups, separating: list[str], differing: list[str]) -> list[str]:
    """The settings that runs of a pair must share: all others that act in each of the groups."""
    return [
        path
        for path in differing
        if path not in separating and all(_levels(members, path) for members in groups.values())
    ]


def _paired(members: list[Member], levels: list[str], matched: list[str]) -> Iterator[tuple[Member, Result]]:
    """Each member with its result, in sets of one run of the first level and one of other levels, equal in all else.

    A level may have several such runs, which differ in a setting that acts in it alone. Then each of them is in a set
    of its own, and the runs of the other levels are in several sets. Runs without a partner are left out.
    """
    is_comparable = len({member.evaluator for member in members if member.evaluator}) == 1
    sets: dict[tuple[str, ...], dict[str, list[Member]]] = {}
    for member, level in zip(members, levels, strict=True):
        key = (str(member.result.seed), *(_level(member, path) for path in matched))
        sets.setdefault(key, {}).setdefault(level, []).append(member)
    for key, by_level in sets.items():
        if levels[0] not in by_level or len(by_level) == 1:
            continue
        for number in range(max(map(len, by_level.values()))):
            for level in [levels[0], *(level for level in by_level if level != levels[0])]:
                member = by_level[level][number % len(by_level[level])]
                measured = member.result if is_comparable else replace(member.result, final=None, best=None)
                yield member, replace(measured, matched=(*key, str(number)))
