"""The end of a sweep in MLflow: the report, written from it, the parent run's answer and status, the best generator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from gan_core.error_text import first_line
from orchestrator.errors import UserError
from orchestrator.planning import ranking
from orchestrator.store.trial_status import TrialStatus
from orchestrator.tracking import model_logging
from orchestrator.tracking.mirror import Mirror


@dataclass(frozen=True)
class Conclusion:
    """`trouble`: why there is no report; `model_trouble`: why there is no model, where one could be."""

    answer: str = ""
    report: Path | None = None
    trouble: str | None = None
    model: model_logging.LoggedGenerator | None = None
    model_trouble: str | None = None


def status_of(statuses: Iterable[str]) -> str:
    """The parent run's, from those of the trials that nobody runs any more."""
    found = set(statuses)
    if found <= {TrialStatus.FINISHED, TrialStatus.FAILED}:
        return "FAILED" if TrialStatus.FAILED in found else "FINISHED"
    return "KILLED"


def conclude(mirror: Mirror, status: str, phase: Callable[[str], None], register: str | None = None) -> Conclusion:
    """Once MLflow has everything. A sweep that was interrupted (`status` KILLED) logs no generator."""
    from orchestrator import report

    folder = mirror.folder
    phase("writing the report")
    try:
        written = report.write(mirror.uri, [folder.name], folder.report_folder, mirror.parent)
        answer = "\n".join(written.lines)
        mirror.finish(status, answer, folder.report_file)
    except UserError as error:
        return Conclusion(trouble=str(error))
    except OSError as error:
        return Conclusion(trouble=first_line(error))
    except Exception as error:
        if not _is_mlflows(error):
            raise
        return Conclusion(trouble=first_line(error))
    if status == "KILLED":
        return Conclusion(answer, folder.report_file)
    return Conclusion(answer, folder.report_file, None, *_log_generator(mirror, register, phase))


def _is_mlflows(error: Exception) -> bool:
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return isinstance(error, MlflowException | SQLAlchemyError)


def _log_generator(
    mirror: Mirror, register: str | None, phase: Callable[[str], None]
) -> tuple[model_logging.LoggedGenerator | None, str | None]:
    """The best configuration's generator in MLflow, or the trouble with it: the sweep has its report already."""
    ranked = ranking.ranking(ranking.all_ended(mirror.folder, mirror.document["trials"]))
    if not ranked:
        return None, "no run kept a generator that was measured" if register else None
    phase("logging the best generator")
    try:
        return model_logging.log(mirror, ranked[0], register), None
    except Exception as error:  # MLflow, SQLAlchemy, requests and torch.export each have errors of their own
        return None, f"{first_line(error)}; the same command tries again"
