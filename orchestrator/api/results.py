"""The results of one sweep or of several: tables, histories, the answer, and the generators that were trained."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.api.trained import Trained
from orchestrator.errors import UserError
from orchestrator.planning import ranking
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.tracking import moved_home

if TYPE_CHECKING:
    import pandas as pd

    from orchestrator.report.content import ReportContent


class SweepResults:
    """What a sweep has measured, as its report shows it. Read from MLflow once; `refresh` reads again.

    names: of the sweeps. home: their folder. tracking_uri: of MLflow.
    """

    def __init__(self, names: list[str], home: Path, tracking_uri: str):
        self.names, self.home, self.tracking_uri = names, home, tracking_uri
        moved_home.follow(tracking_uri, print)
        self.refresh()

    def refresh(self) -> SweepResults:
        """Read again what MLflow has, for a sweep that runs. Raises UserError if MLflow or the sweep cannot be read."""
        from orchestrator.report.write_report import read_content

        for name in ("trials", "effects", "drawn", "histories"):  # what has been computed from the former content
            self.__dict__.pop(name, None)
        self._content: ReportContent = read_content(self.tracking_uri, self.names)
        return self

    @property
    def question(self) -> str:
        return self._content.data.question

    @property
    def answer(self) -> str:
        """The report's answer in words."""
        return "\n".join(self._content.summary.lines)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """A row for each trial: names, status, verdict, settings by path where trials differ, last metrics by name."""
        from orchestrator.report import tables

        return tables.trials(self._content.data)

    @cached_property
    def drawn(self) -> pd.DataFrame:
        """The curves of settings that were drawn, as in drawn.csv; empty if none was."""
        from orchestrator.report import tables

        return tables.drawn(self._content)

    @cached_property
    def effects(self) -> pd.DataFrame:
        """A row for each change of one setting and nothing else, with its 95% intervals over seeds.

        Of a sweep that trains until its question is answered: a row for each comparison and outcome, whether it is
        shown, small or open, and its interval at the last look, which holds at any time.
        """
        from orchestrator.report import tables

        return tables.effects(self._content)

    @cached_property
    def histories(self) -> pd.DataFrame:
        """A row for each point of each curve: trial, metric, step, value."""
        from orchestrator.report import tables

        return tables.histories(self._content.data)

    def best(self) -> Trained:
        """The run that `--register` would register: of the best configuration, the stable run in the middle.

        Raises UserError if no run is stable, or if the results are of several sweeps.
        """
        folder = self._folder()
        document = folder.document()
        ended = ranking.ended_trials(folder, document["trials"])
        ranked = ranking.rank_best(ended, document)
        if not ranked:
            raise UserError(f"{folder.name} has no best run: {ranking.no_best_reason(ended, document)}")
        return self.trial(ranked[0].key)

    def trial(self, name: str) -> Trained:
        """A trial by its key, or by its name in `trials`. Raises UserError."""
        from orchestrator.commands.trial_lookup import find_trial

        folder = self._folder()
        return Trained(folder, find_trial(folder, name))

    def report(self, folder: str | Path | None = None) -> Path:
        """Write the report, and return its HTML file. folder: None: where `orchestrate report` writes it."""
        from orchestrator.commands.report import default_folder
        from orchestrator.report.write_report import write_report

        chosen = Path(folder) if folder else default_folder(self.home, self.names)
        write_report(self.tracking_uri, self.names, chosen)
        return chosen / "report.html"

    def _folder(self) -> SweepFolder:
        if len(self.names) > 1:
            raise UserError(f"these are the results of {', '.join(self.names)}: orch.load one of them")
        return SweepFolder(self.home, self.names[0])

    def __repr__(self) -> str:
        return f"{' and '.join(self.names)}: {self.question}\n{self.answer}"
