"""Which trial of a sweep a command is asked about."""

from __future__ import annotations

from orchestrator.errors import UserError, did_you_mean
from orchestrator.store.sweep_document import TrialDocument


def choose_trial(trials: list[TrialDocument], wanted: str, listing: str) -> tuple[int, TrialDocument]:
    """(number from 1, trial) of the one called `wanted`: its number, its name or its key.

    `trials`: each with `name` and `key`. `listing`: the command that lists them. Raises UserError.
    """
    for number, trial in enumerate(trials, start=1):
        if wanted in (str(number), trial["key"], trial["name"]):
            return number, trial
    hint = did_you_mean(wanted, [trial["name"] for trial in trials])
    raise UserError(
        f"no trial {wanted!r}{hint}; give a number from 1 to {len(trials)}, or a name or key from `{listing}`"
    )
