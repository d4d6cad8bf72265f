"""The user's own defaults, in a file of theirs: what a command takes where neither an option nor the environment says.

Each setting is the default of an environment variable, so everything that knows the variable knows the file.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from orchestrator.errors import UserError, did_you_mean, short_repr
from orchestrator.sweepfile import slurm


class Setting(NamedTuple):
    """variable: the environment variable that it is the default of. default: what counts without either."""

    variable: str
    default: str
    description: str


SETTINGS = {
    "home": Setting("ORCHESTRATE_HOME", "runs", "folder of sweeps, data sets and MLflow's default store"),
    "tracking_uri": Setting("MLFLOW_TRACKING_URI", "sqlite:///HOME/mlflow.db", "where MLflow keeps the runs"),
    "notify": Setting("ORCHESTRATE_NOTIFY", "", "addresses that hear when a sweep has ended"),
    "price_per_hour": Setting("ORCHESTRATE_PRICE_PER_HOUR", "", "what an hour of the machine costs"),
    "slurm": Setting("ORCHESTRATE_SLURM", "", "what --slurm asks for, as JSON: partition, account, time and others"),
}
_from_file: dict[str, str] = {}
"""Variable -> value, of those that this process has from the file."""


def config_file() -> Path:
    """`$XDG_CONFIG_HOME/gan-orchestrator/config.yaml`, by default in `~/.config`."""
    folder = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(folder).expanduser() / "gan-orchestrator" / "config.yaml"


def apply() -> None:
    """Set the variables of the file that the environment lacks. Raises UserError."""
    for name, value in _read(config_file()).items():
        variable = SETTINGS[name].variable
        if not os.environ.get(variable):
            os.environ[variable] = _from_file[variable] = value


def source(name: str) -> str:
    """Where the value of a setting comes from: `environment`, `file` or `default`."""
    variable = SETTINGS[name].variable
    value = os.environ.get(variable)
    if not value:
        return "default"
    return "file" if _from_file.get(variable) == value else "environment"


def _read(file: Path) -> dict[str, str]:
    """Setting -> value, as its variable holds it; {} without a file. Raises UserError."""
    if not file.exists():
        return {}
    from orchestrator.sweepfile import yaml_source

    rule = f"a mapping is needed, with some of the keys {', '.join(SETTINGS)}"
    content = yaml_source.plain(yaml_source.parse_text(yaml_source.read_text(file), str(file), rule))
    values = {}
    for name, value in content.items():
        if name not in SETTINGS:
            hint = did_you_mean(str(name), list(SETTINGS)) or f"; known keys: {', '.join(SETTINGS)}"
            raise UserError(f"{file}: {short_repr(name)}: unknown key{hint}")
        values[name] = _as_text(file, name, value)
    return values


def _as_text(file: Path, name: str, value: Any) -> str:
    if name == "notify":
        addresses = [value] if isinstance(value, str) else value
        if isinstance(addresses, list) and all(isinstance(each, str) and each.split() == [each] for each in addresses):
            return " ".join(addresses)
        raise UserError(f"{file}: notify: a list of addresses without spaces is needed, such as [ntfy://TOPIC]")
    if name == "price_per_hour":
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf"):
            return str(value)
        raise UserError(f"{file}: price_per_hour: {short_repr(value)} is no price; write a number from 0 on")
    if name == "slurm":
        _, wrong = slurm.check(value)
        for key, message in wrong.items():
            raise UserError(f"{file}: {'.'.join(filter(None, ('slurm', key)))}: {message}")
        return json.dumps(value)
    if not isinstance(value, str) or not value:
        raise UserError(f"{file}: {name}: {short_repr(value)} is not allowed; write a text")
    if name == "home":
        folder = Path(value).expanduser()
        if not folder.is_absolute():
            raise UserError(f"{file}: home: {value} depends on the folder one is in; write a path from / or ~ on")
        return str(folder)
    return value
