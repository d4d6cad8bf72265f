"""What is told of a sweep, and when its trials diverge."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from orchestrator.notifications.events import DivergenceWatch, broke_off, ended
from orchestrator.signals import FINISHED, INTERRUPTED, SOME_FAILED


@pytest.mark.parametrize(
    ("exit_code", "reason", "title"),
    [
        (FINISHED, None, "digits: finished"),
        (FINISHED, "answered after 38 of at most 160 trials", "digits: answered after 38 of at most 160 trials"),
        (SOME_FAILED, None, "digits: ended, and 2 trials failed"),
        (INTERRUPTED, None, "digits: interrupted"),
        (INTERRUPTED, "the disk is full", "digits: stopped: the disk is full"),
    ],
)
def test_the_title_says_how_it_ended(exit_code: int, reason: str | None, title: str) -> None:
    event = ended("digits", exit_code, {"stable": 3, "failed": 2}, reason, "3 of 5 runs were stable", Path("r.html"))
    assert event.title == title
    lines = event.text.splitlines()
    assert lines[:2] == ["3 stable, 2 failed", "3 of 5 runs were stable"] and lines[-1] == "r.html"
    assert ("the same command goes on" in lines) == (exit_code != FINISHED)


def test_an_error_is_told_with_its_line() -> None:
    event = broke_off("digits", "Ray's raylet has died")
    assert event.title == "digits: ended with an error" and event.text.startswith("Ray's raylet has died\n")


def test_many_diverged_trials_are_told_of_once() -> None:
    watch = DivergenceWatch("digits")
    outcomes: Counter[str] = Counter()
    told = []
    for outcome in ("diverged", "diverged", "stable", "stable", "diverged", "diverged", "diverged"):
        outcomes[outcome] += 1
        told.append(watch.event(outcomes))
    assert [event is not None for event in told] == [False, False, False, True, False, False, False]
    assert told[3] is not None and told[3].title == "digits: 2 of 4 trials that have ended diverged"


def test_few_diverged_trials_are_no_news() -> None:
    watch = DivergenceWatch("digits")
    assert not any(watch.event(Counter(stable=stable, diverged=stable - 1)) for stable in range(2, 30))
