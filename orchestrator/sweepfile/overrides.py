"""Applies `--set PATH=VALUE` to a sweep file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from gan_core.config.stabilizer_sections import expand_shorthand
from orchestrator.errors import UserError, did_you_mean
from orchestrator.sweepfile import explored, slurm, yaml_source
from orchestrator.sweepfile.sample import KEYS as SAMPLE_KEYS
from orchestrator.sweepfile.settings import SETTINGS, LocatedSettings, SettingsReader
from orchestrator.sweepfile.until_answered import with_time
from orchestrator.sweepfile.yaml_source import LocatedValue

TOP_KEYS = ("seeds", "sweep", "question", "until", "budget", "answer", "stop_early", *explored.KEYS, slurm.KEY)
EXPLORED = ("map.over", "map.trials", "search.trials", "search.require", "search.require.stable", "search.schedule")
GROUP_SECTIONS = ("trial", "grid", "zip", "sample")


@dataclass
class Overrides:
    """The settings of `--set`.

    trial: settings that win over those of the file, also of its groups. slurm: keys of this section. explored: path
    such as `map.trials` -> its value. groups: (group, section) -> settings of this section.
    """

    trial: LocatedSettings = field(default_factory=dict)
    slurm: LocatedSettings = field(default_factory=dict)
    explored: LocatedSettings = field(default_factory=dict)
    groups: dict[tuple[str, str], LocatedSettings] = field(default_factory=dict)

    def of_group(self, name: str, section: str) -> LocatedSettings:
        """The settings for one section (`trial`, `grid`, `zip` or `sample`) of a group."""
        return self.groups.get((name, section), {})

    def settings(self, name: str, written: LocatedSettings) -> LocatedSettings:
        """What the trials of a group share, of which `written` is in the file. What is set for one group wins."""
        return {**written, **self.trial, **self.of_group(name, "trial")}


def parse_overrides(texts: list[str]) -> list[tuple[str, Any]]:
    """(path, value) of each "path=value". Raises UserError."""
    parsed = []
    for text in texts:
        path, separator, value = text.partition("=")
        if not separator or not path.strip():
            raise UserError(f"--set {text}: write path=value, such as --set trial.optimizer.lr=1e-3")
        parsed.append((path.strip(), yaml_source.parse_value(path.strip(), value)))
    return parsed


def apply_overrides(
    reader: SettingsReader, top: dict[str, LocatedValue], overrides: list[tuple[str, Any]]
) -> Overrides:
    """Replaces values of `top`, the keys at the top of the file, and returns the settings of trials and groups."""
    applied, budget = Overrides(), top.get("budget")
    for path, value in overrides:
        located = LocatedValue(value, f"--set {path}")
        root, _, rest = path.partition(".")
        if root == "trial" and rest:
            setting = expand_shorthand(rest)
            if reader.check_setting(setting, located.source, ""):
                applied.trial[setting] = located
        elif path in TOP_KEYS:
            top[path] = with_time(budget, located) if path == "budget" else located
        elif root == slurm.KEY and rest:
            applied.slurm[rest] = located
        elif path in EXPLORED:
            applied.explored[path] = located
        elif re.fullmatch(r"groups\[\d+\]", root):
            names = ", ".join(_group_names(top.get("groups")))
            message = f"a group is called by its name, as in groups.<name>.grid.<setting>; the groups are {names}"
            reader.report(located.source, "", message)
        elif root == "groups" and rest:
            _override_group(reader, applied, _group_names(top.get("groups")), rest, located)
        else:
            hint = did_you_mean(path, [*TOP_KEYS, *EXPLORED, *(f"trial.{setting}" for setting in SETTINGS)])
            possible = f"; possible: trial.<setting>, {', '.join(TOP_KEYS)}, groups.<name>.grid.<setting>"
            reader.report(located.source, "", f"nothing can be set under this path{hint or possible}")
    return applied


def _group_names(groups: LocatedValue | None) -> list[str]:
    elements = groups.value if groups and isinstance(groups.value, CommentedSeq) else []
    return [str(group.get("name")).strip() for group in elements if isinstance(group, CommentedMap)]


def _override_group(
    reader: SettingsReader, applied: Overrides, names: list[str], path: str, located: LocatedValue
) -> None:
    """Adds the setting at `path`, such as `<name>.grid.<setting>`; a group's name may have dots."""
    for name in sorted(names, key=len, reverse=True):
        section, _, rest = path.removeprefix(f"{name}.").partition(".")
        if path.startswith(f"{name}.") and section in GROUP_SECTIONS and rest:
            setting = expand_shorthand(rest)
            if section == "sample" and "." not in rest and rest not in SETTINGS:
                if rest not in SAMPLE_KEYS:
                    hint = did_you_mean(rest, list(SAMPLE_KEYS)) or f"; known keys: {', '.join(SAMPLE_KEYS)}"
                    reader.report(located.source, "", f"unknown key{hint}")
                    return
            elif not reader.check_setting(setting, located.source, ""):
                return
            applied.groups.setdefault((name, section), {})[setting] = located
            return
    reader.report(
        located.source,
        "",
        "write groups.<name>.grid.<setting>, groups.<name>.trial.<setting> or groups.<name>.sample.count; "
        f"the groups are {', '.join(names) or 'missing'}",
    )
