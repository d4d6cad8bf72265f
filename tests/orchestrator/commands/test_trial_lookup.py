"""A trial is called by its key, its name, or its place in the list."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.commands.trial_lookup import choose_trial
from orchestrator.errors import UserError

FIRST: Any = {"name": "dcgan lr=1 seed=0", "key": "abcdef0123456789"}
SECOND: Any = {"name": "dcgan lr=2 seed=0", "key": "1234567890abcdef"}
TRIALS = [FIRST, SECOND]
LISTING = "orchestrate status x"


@pytest.mark.parametrize("wanted", ["2", "dcgan lr=2 seed=0", "1234567890abcdef", "12345678", "1234"])
def test_place_name_and_the_beginning_of_the_key_all_mean_the_trial(wanted: str) -> None:
    assert choose_trial(TRIALS, wanted, LISTING) == SECOND


def test_a_short_key_of_digits_is_no_place_however_many_trials_there_are() -> None:
    key = "00000002"
    trials = [FIRST, SECOND, {"name": "other", "key": key + "90abcdef"}]
    assert choose_trial(trials, key, LISTING)["name"] == "other"


def test_a_key_does_not_change_when_trials_come_before_it() -> None:
    assert choose_trial([{"name": "new", "key": "ffff000000000000"}, *TRIALS], "12345678", LISTING) == SECOND


def test_a_beginning_that_two_keys_share_needs_more_digits() -> None:
    twin: Any = {"name": "twin", "key": "12345678ffffffff"}
    with pytest.raises(UserError, match=r"2 trials .* 12345678 \(1234567890abcdef, 12345678ffffffff\)"):
        choose_trial([*TRIALS, twin], "12345678", LISTING)
    assert choose_trial([*TRIALS, twin], "12345678f", LISTING) == twin


def test_another_name_is_refused_with_the_nearest_one_and_where_to_look() -> None:
    with pytest.raises(UserError, match=r"did you mean dcgan lr=2 seed=0.*orchestrate status x.*1 to 2"):
        choose_trial(TRIALS, "dcgan lr=2 seed=", LISTING)
    for wanted in ("0", "3", "123", "-1", ""):
        with pytest.raises(UserError, match=f"no trial '{wanted}'"):
            choose_trial(TRIALS, wanted, LISTING)
