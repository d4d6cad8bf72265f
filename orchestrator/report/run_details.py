"""The settings and the environment of each trial: once those that all trials share, then those of each trial."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.report.data import RunData
from orchestrator.report.trial_quality import quality_texts


def shared_and_own(mappings: list[dict[str, str]]) -> tuple[dict[str, str], list[dict[str, str]]]:
    """(the entries that all mappings have, the other entries of each)."""
    first = mappings[0] if mappings else {}
    shared = {name: value for name, value in first.items() if all(mapping.get(name) == value for mapping in mappings)}
    return shared, [{name: value for name, value in m.items() if name not in shared} for m in mappings]


def of_run(run: RunData) -> dict[str, str]:
    """Name -> text: settings, quality, the settings that training really applied, versions, hardware."""
    environment = {name: value for name, value in run.environment.items() if name != "applied"}
    applied = run.environment.get("applied", {})
    return (
        run.settings
        | quality_texts(run)
        | {f"ran on: {name}": text for name, text in _flat(environment).items()}
        | {f"applied: {name}": text for name, text in _flat(applied).items()}
    )


def _flat(value: Any, path: str = "") -> dict[str, str]:
    if isinstance(value, dict):
        texts: dict[str, str] = {}
        for name, part in value.items():
            texts |= _flat(part, f"{path}.{name}" if path else name)
        return texts
    return {path: value if isinstance(value, str) else json.dumps(value)}
