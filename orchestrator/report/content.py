"""Everything that a report shows, computed from the data of a sweep."""

from __future__ import annotations

from dataclasses import dataclass, replace

from orchestrator.report import leaderboard, map_words, search_words, summary
from orchestrator.report.analysis import Analysis, analyse
from orchestrator.report.data import SweepData
from orchestrator.report.leaderboard import Row
from orchestrator.report.map_slices import MapContent, map_content
from orchestrator.report.search_content import SearchContent, search_content
from orchestrator.report.shown_trials import MAX_SHOWN, shown_trials
from orchestrator.report.summary import Summary


@dataclass(frozen=True)
class ReportContent:
    """`rows`: the leaderboard of the runs that are compared. `map`: of a sweep that maps stability. `search`: of one
    that searches. `shown`: the numbers of the trials that are shown one by one, in `data.runs`.
    """

    data: SweepData
    rows: list[Row]
    analysis: Analysis
    summary: Summary
    shown: list[int]
    map: MapContent | None = None
    search: SearchContent | None = None


def report_content(data: SweepData) -> ReportContent:
    """A sweep that trained until it had its answer shows that: tests of a single look do not hold for it.

    Of drawn settings it keeps the curves, which claim nothing. Trials that were chosen by what had ended before are no
    fair sample of their space, so they have no effects at all.
    """
    rows, analysis = leaderboard.rows(data.selection), analyse(data)
    if data.answer:
        drawn = [replace(effect, holds=False) for effect in analysis.drawn]
        analysis = replace(analysis, effects=[], interactions=[], importance={}, drawn=drawn)
    if data.explored:
        analysis = replace(analysis, effects=[], interactions=[], importance={}, drawn=[])
    told, found, searched = summary.summarise(data, rows, analysis), map_content(data), search_content(data)
    if found:
        told = replace(told, answer=[*map_words.sentences(found), *told.answer])
    if searched and searched.runs:
        told = replace(told, answer=[*search_words.sentences(searched), *told.answer])
    return ReportContent(data, rows, analysis, told, shown_trials(data.runs, rows, MAX_SHOWN), found, searched)
