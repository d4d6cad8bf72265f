"""`orchestrate sync`: completes or rebuilds a sweep in MLflow from the sweep's folder; the data is not needed."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.progress import Progress
from tenacity import Retrying, stop_after_attempt, wait_exponential

from gan_core.error_text import first_line
from orchestrator.command_hints import orchestrate_command
from orchestrator.commands.finalize import FinalResult, finalize, parent_status
from orchestrator.console.output import say
from orchestrator.planning import ranking
from orchestrator.signals import FINISHED, SOME_FAILED
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import hold
from orchestrator.tracking import model_logging, moved_home
from orchestrator.tracking.address import check_uri, without_secrets
from orchestrator.tracking.client import RunStatus
from orchestrator.tracking.mirror import Mirror

ATTEMPTS = 3


def sync(folder: SweepFolder, uri: str, console: Console) -> int:
    """Send what MLflow lacks and print what was sent; returns 0 if MLflow has everything now, otherwise 1.

    Raises UserError if there is no such sweep, if another command runs it, or if MLflow does not answer at all.
    """
    document = folder.document()
    check_uri(uri)
    address = without_secrets(uri)
    moved_home.follow(uri, lambda text: say(console, text, word_wrap=True))
    with hold(folder):
        mirror = Mirror(folder, uri, document, compare_all=True)
        mirror.open()
        error = _send(mirror, console)
        final = FinalResult()
        if error is None and is_incomplete(mirror):
            status = _parent_status(mirror)
            final = finalize(mirror, status, lambda text: say(console, f"{text} ...", word_wrap=True))
            error = final.report_error or final.model_error
    for file in sorted(mirror.damaged_pictures):
        say(console, f"left out {file}: it is damaged or gone")
    if mirror.sent or final.model:
        say(console, f"sent to MLflow at {address}: {describe_sent(mirror.sent)}")
    elif error is None:
        say(console, f"MLflow at {address} has everything of {folder.name} already; nothing was sent")
    if final.model:
        say(console, f"model   {final.model.uri}, the generator of {final.model.trial}")
    if error:
        retry = orchestrate_command(f"sync {folder.name}", folder.home)
        say(console, f"not everything arrived: {error}; {retry} sends the rest")
    return SOME_FAILED if error else FINISHED


def describe_sent(sent: Counter[str]) -> str:
    """'2 runs, 310 points, 12 pictures'; 'a model' if nothing else was sent."""
    return ", ".join(f"{number} {kind}" for kind, number in sent.items() if number) or "a model"


def is_incomplete(mirror: Mirror) -> bool:
    """Whether to finalize the sweep again: something was sent, or its report, answer, status or model is missing."""
    parent = mirror.parent_run
    question = f"**{mirror.document['question']}**"
    if mirror.sent or parent.status != _parent_status(mirror) or not parent.has_file("report.html"):
        return True
    if parent.tags.get("mlflow.note.content", question) == question:
        return True
    ranked = ranking.rank_best(ranking.ended_trials(mirror.folder, mirror.document["trials"]), mirror.document)
    return parent.status != RunStatus.KILLED and bool(ranked) and not model_logging.is_logged(mirror, ranked[0])


def _parent_status(mirror: Mirror) -> RunStatus:
    return parent_status(mirror.folder.trial(key).record().status for key in mirror.trials)


def _send(mirror: Mirror, console: Console) -> str | None:
    """The error of the last attempt, if all attempts failed."""
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("comparing MLflow with the folder", total=len(mirror.trials))
        attempts = Retrying(stop=stop_after_attempt(ATTEMPTS), wait=wait_exponential(1), reraise=True)
        try:
            attempts(mirror.sync, lambda done: bar.update(task, completed=done))
        except Exception as error:  # MLflow, SQLAlchemy and requests each have errors of their own
            return first_line(error)
    return None
