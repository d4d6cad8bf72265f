"""Settings that stand in the names of runs: `{model}-lr{lr}-s{seed}`."""

from __future__ import annotations

import re
from dataclasses import replace

from orchestrator.errors import UserError, short_repr
from orchestrator.imports.source_run import SourceRun
from orchestrator.imports.values import setting_value


def names_in(pattern: str) -> list[str]:
    return re.findall(r"{([^{}]*)}", pattern)


def check_pattern(pattern: str) -> str:
    """What is wrong with a pattern; "" if nothing is."""
    names = names_in(pattern)
    if not names:
        return "has no {name} in it; write a pattern such as '{model}-lr{lr}-s{seed}'"
    wrong = [name for name in names if not name.isidentifier()]
    if wrong:
        return f"{{{wrong[0]}}} is not a name; use letters, digits and _"
    twice = [name for name in names if names.count(name) > 1]
    return f"{{{twice[0]}}} stands in it twice; give each its own name" if twice else ""


def with_settings_of_name(runs: list[SourceRun], pattern: str, source: str) -> list[SourceRun]:
    """The runs with the settings that their names hold. Raises UserError for a name that does not follow the pattern.

    source: file and line of the pattern.
    """
    if not pattern:
        return runs
    parts = re.split(r"{([^{}]*)}", pattern)
    expression = "".join(f"(?P<{part}>.+?)" if number % 2 else re.escape(part) for number, part in enumerate(parts))
    named = []
    for run in runs:
        match = re.fullmatch(expression, run.name)
        if match is None:
            raise UserError(
                f"{source}: from.names: the run {short_repr(run.name)} does not follow {short_repr(pattern)}; write a "
                "pattern that all names follow, or map settings that the runs have logged"
            )
        of_name = {name: setting_value(text) for name, text in match.groupdict().items()}
        named.append(replace(run, settings=run.settings | of_name))
    return named
