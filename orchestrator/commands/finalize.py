"""The end of a sweep in MLflow: the report, the answer and status of the parent run, the best generator as a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from gan_core.error_text import first_line
from orchestrator.errors import UserError
from orchestrator.planning import ranking
from orchestrator.store.trial_status import TrialStatus
from orchestrator.tracking import model_logging
from orchestrator.tracking.client import RunStatus
from orchestrator.tracking.mirror import Mirror


@dataclass(frozen=True)
class FinalResult:
    """What a sweep ended with.

    `answer`: the lines that answer the sweep's question. `report`: the HTML file. `report_error`: why there is none.
    `model`: the best generator in MLflow. `no_best`: why no run is the best. `model_error`: why the best one is not in
    MLflow.
    """

    answer: str = ""
    report: Path | None = None
    report_error: str | None = None
    model: model_logging.LoggedGenerator | None = None
    no_best: str | None = None
    model_error: str | None = None


def parent_status(trial_statuses: Iterable[TrialStatus]) -> RunStatus:
    """MLflow's status of the parent run, from the statuses of its trials once none of them runs any more."""
    distinct = set(trial_statuses)
    if distinct <= {TrialStatus.FINISHED, TrialStatus.FAILED}:
        return RunStatus.FAILED if TrialStatus.FAILED in distinct else RunStatus.FINISHED
    return RunStatus.KILLED


def finalize(
    mirror: Mirror, status: RunStatus, show_phase: Callable[[str], None], register: str | None = None
) -> FinalResult:
    """Write the report, end the parent run with `status`, log the best generator. MLflow has everything else already.

    An interrupted sweep (`status` KILLED) logs no generator. `register`: the name under which MLflow registers the
    generator.
    """
    from orchestrator.report.write_report import write_report

    folder = mirror.folder
    show_phase("writing the report")
    try:
        written = write_report(mirror.uri, [folder.name], folder.report_folder, mirror.parent_run_id)
        answer = "\n".join(written.lines)
        mirror.end_parent_run(status, answer, folder.report_file)
    except UserError as error:
        return FinalResult(report_error=str(error))
    except OSError as error:
        return FinalResult(report_error=first_line(error))
    except Exception as error:
        if not _is_mlflow_error(error):
            raise
        return FinalResult(report_error=first_line(error))
    if status == RunStatus.KILLED:
        return FinalResult(answer, folder.report_file)
    return _with_best_generator(FinalResult(answer, folder.report_file), mirror, register, show_phase)


def _is_mlflow_error(error: Exception) -> bool:
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return isinstance(error, MlflowException | SQLAlchemyError)


def _with_best_generator(
    result: FinalResult, mirror: Mirror, register: str | None, show_phase: Callable[[str], None]
) -> FinalResult:
    """The result, after the generator of the best configuration was logged; an error leaves the report as it is."""
    ended = ranking.ended_trials(mirror.folder, mirror.document["trials"])
    ranked = ranking.rank_best(ended, mirror.document)
    if not ranked:
        return replace(result, no_best=ranking.no_best_reason(ended, mirror.document))
    show_phase("logging the best generator")
    try:
        return replace(result, model=model_logging.log_generator(mirror, ranked[0], register))
    except Exception as error:  # MLflow, SQLAlchemy, requests and torch.export each have errors of their own
        return replace(result, model_error=f"{first_line(error)}; the same command tries again")
