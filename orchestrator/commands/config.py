"""`orchestrate config`: the user's defaults, what counts now, and where it comes from."""

from __future__ import annotations

import os

from rich.console import Console

from orchestrator.commands import user_config
from orchestrator.console.output import print_json, say
from orchestrator.console.table import Column, print_table
from orchestrator.tracking.address import without_secrets


def show(console: Console, as_json: bool) -> None:
    """Print each setting with its value and its source. What may be secret is not printed."""
    file = user_config.config_file()
    rows = [(name, _shown(name), user_config.source(name)) for name in user_config.SETTINGS]
    if as_json:
        settings = {name: {"value": value or None, "from": source} for name, value, source in rows}
        print_json({"file": str(file), "exists": file.exists(), "settings": settings})
        return
    columns = [Column("setting"), Column("from"), Column("value")]
    print_table(console, columns, [[name, source, value or "none"] for name, value, source in rows])
    says = "holds your defaults" if file.exists() else "does not exist; write there, for example, `home: ~/gan-runs`"
    say(console, f"{file} {says}")
    say(console, "an option of a command counts before the environment, that before the file")


def _shown(name: str) -> str:
    setting = user_config.SETTINGS[name]
    value = os.environ.get(setting.variable)
    if not value:
        return setting.default
    if name == "notify":
        return " ".join(f"{address.partition('://')[0]}://..." for address in value.split())
    return without_secrets(value) if name == "tracking_uri" else value
