"""The commands that messages tell the user to type, with the home folder and the settings that they need.

Messages of a submitted job are read on the client, outside the cluster: there commands need the cluster's address, and
files have the names that the client gave them.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

CLIENT_VARIABLE = "ORCHESTRATE_OUTSIDE"
"""Environment variable of a submitted job; it holds the `Client` as JSON."""
REMOTE_COMMANDS = ("sweep", "plan", "status", "logs", "stop", "report", "sync", "doctor")
"""The commands that take --address."""


class Client(TypedDict, total=False):
    """What a job knows of the client that submitted it. `files`: name on the cluster -> name on the client."""

    address: str
    files: dict[str, str]


def job_environment(address: str, files: Sequence[str]) -> dict[str, str]:
    """The environment variables of a job that tell it about its client.

    `address`: the cluster's address as the client typed it. `files`: the client's files, which are sent along.
    """
    client: Client = {"address": address, "files": {Path(file).name: file for file in files}}
    return {CLIENT_VARIABLE: json.dumps(client)}


def _client() -> Client:
    client: Client = json.loads(os.environ.get(CLIENT_VARIABLE, "{}"))
    return client


def client_path(file: str) -> str:
    """The name that a file has on the client, for the person who gave it to the command."""
    return _client().get("files", {}).get(file, file)


def command_name() -> str:
    """`orchestrate` if the shell finds it, else the path it was started by."""
    program = Path(sys.argv[0])
    if program.name != "orchestrate" or shutil.which(program.name) or program.parent in (Path(), Path(".")):
        return "orchestrate"
    return os.path.relpath(program) if program.is_relative_to(Path.cwd()) else str(program)


def default_home() -> Path:
    """The home of a command without `--home`."""
    return Path(os.environ.get("ORCHESTRATE_HOME") or "runs")


def orchestrate_command(words: str, home: Path) -> str:
    """`orchestrate <words>`, with `--home` if the home folder is not the default.

    In a job also with `--address`; a command that has no such option has to be typed on the cluster's head.
    """
    option = "" if home.absolute() == default_home().absolute() else f" --home {shlex.quote(str(home))}"
    text = f"{command_name()} {words}{option}"
    if address := _client().get("address"):
        is_remote = words.split()[0] in REMOTE_COMMANDS
        return f"{text} --address {shlex.quote(address)}" if is_remote else f"{text} (on the head)"
    return text


def sweep_command(file: str | Path, overrides: Sequence[str], home: Path, subcommand: str = "sweep") -> str:
    """The `orchestrate sweep` (or another subcommand) that asks for the same trials again."""
    settings = "".join(f" --set {shlex.quote(override)}" for override in last_of_each_path(overrides))
    return orchestrate_command(f"{subcommand} {shlex.quote(client_path(str(file)))}{settings}", home)


def last_of_each_path(overrides: Sequence[str]) -> list[str]:
    """The values of `--set` that count: a later one of the same path replaces those before it."""
    return list({override.partition("=")[0].strip(): override for override in overrides}.values())


def with_override(command: Sequence[str], override: str) -> str:
    """A command, given as words, with one more `--set`, which replaces those of the same path."""
    words, overrides = list[str](), list[str]()
    remaining = iter(command)
    for word in remaining:
        if word == "--set":
            overrides.append(next(remaining))
        else:
            words.append(word)
    settings = [text for value in last_of_each_path([*overrides, override]) for text in ("--set", value)]
    return shlex.join([*words, *settings])


def resume_command(sweep: Mapping[str, Any], home: Path) -> str:
    """The command that resumes a sweep, or imports it again. `sweep`: the contents of its `sweep.json`."""
    subcommand = "import" if "imported" in sweep else "sweep"
    return sweep_command(sweep["file"], sweep["overrides"], home, subcommand)
