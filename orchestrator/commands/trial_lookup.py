"""Finds the trial that a user names by its key, its name, or its place in the list of the sweep's trials."""

from __future__ import annotations

from orchestrator.command_hints import orchestrate_command
from orchestrator.errors import UserError, did_you_mean
from orchestrator.formatting import SHORT_KEY_DIGITS, short_key
from orchestrator.store.sweep_document import TrialDocument
from orchestrator.store.sweep_folder import SweepFolder

MIN_KEY_DIGITS = 4
"""Fewest first digits of a key that name a trial."""


def find_trial(folder: SweepFolder, wanted: str) -> TrialDocument:
    """The trial in a sweep's folder. Raises UserError."""
    listing = orchestrate_command(f"status {folder.name}", folder.home)
    return choose_trial(folder.document()["trials"], wanted, listing)


def choose_trial(trials: list[TrialDocument], wanted: str, listing: str) -> TrialDocument:
    """The trial whose name, key or place (from 1) is `wanted`; of a key its first digits are enough. Raises UserError.

    `listing`: the command that lists the trials, for the error message.
    """
    for trial in trials:
        if wanted in (trial["key"], trial["name"]):
            return trial
    if wanted.isdecimal() and len(wanted) < SHORT_KEY_DIGITS and 1 <= int(wanted) <= len(trials):
        return trials[int(wanted) - 1]
    begun = [trial for trial in trials if len(wanted) >= MIN_KEY_DIGITS and trial["key"].startswith(wanted)]
    if len(begun) > 1:
        keys = ", ".join(trial["key"] for trial in begun[:3])
        raise UserError(f"{len(begun)} trials have a key that begins with {wanted} ({keys}); give more of its digits")
    if begun:
        return begun[0]
    hint = did_you_mean(wanted, [*(trial["name"] for trial in trials), *(short_key(trial["key"]) for trial in trials)])
    raise UserError(
        f"no trial {wanted!r}{hint}; give a key or a name from `{listing}`, or a place in its list, 1 to {len(trials)}"
    )
