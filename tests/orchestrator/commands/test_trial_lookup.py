"""A trial is called by its number, its name or its key."""

from __future__ import annotations

import pytest

from orchestrator.commands.trial_lookup import choose_trial
from orchestrator.errors import UserError

TRIALS = [{"name": "dcgan lr=1 seed=0", "key": "aaaa"}, {"name": "dcgan lr=2 seed=0", "key": "bbbb"}]


@pytest.mark.parametrize("wanted", ["2", "dcgan lr=2 seed=0", "bbbb"])
def test_number_name_and_key_all_mean_the_trial(wanted: str) -> None:
    assert choose_trial(TRIALS, wanted, "orchestrate status x") == (2, TRIALS[1])


def test_another_name_is_refused_with_the_nearest_one_and_where_to_look() -> None:
    with pytest.raises(UserError, match=r"did you mean dcgan lr=2 seed=0.*1 to 2.*orchestrate status x"):
        choose_trial(TRIALS, "dcgan lr=2 seed=", "orchestrate status x")
    with pytest.raises(UserError, match="no trial '0'"):
        choose_trial(TRIALS, "0", "orchestrate status x")
