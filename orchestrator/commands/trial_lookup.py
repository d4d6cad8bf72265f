"""Finds the trial that a user names by its number, its name or its key."""

from __future__ import annotations

from orchestrator.command_hints import orchestrate_command
from orchestrator.errors import UserError, did_you_mean
from orchestrator.store.sweep_document import TrialDocument
from orchestrator.store.sweep_folder import SweepFolder


def find_trial(folder: SweepFolder, wanted: str) -> tuple[int, TrialDocument]:
    """(number from 1, trial) in a sweep's folder. Raises UserError."""
    listing = orchestrate_command(f"status {folder.name}", folder.home)
    return choose_trial(folder.document()["trials"], wanted, listing)


def choose_trial(trials: list[TrialDocument], wanted: str, listing: str) -> tuple[int, TrialDocument]:
    """(number from 1, trial) of the trial whose number, name or key is `wanted`. Raises UserError.

    `listing`: the command that lists the trials, for the error message.
    """
    for number, trial in enumerate(trials, start=1):
        if wanted in (str(number), trial["key"], trial["name"]):
            return number, trial
    hint = did_you_mean(wanted, [trial["name"] for trial in trials])
    raise UserError(
        f"no trial {wanted!r}{hint}; give a number from 1 to {len(trials)}, or a name or key from `{listing}`"
    )
