"""`orchestrate sync`: MLflow rebuilt or completed from a sweep's folder, without the sweep file or the data set."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.progress import Progress
from tenacity import Retrying, stop_after_attempt, wait_exponential

from gan_core.error_text import first_line
from orchestrator.command_hints import command
from orchestrator.commands import finalize
from orchestrator.console.output import say
from orchestrator.planning import ranking
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import hold
from orchestrator.tracking import model_logging
from orchestrator.tracking.address import check_uri, without_secrets
from orchestrator.tracking.mirror import Mirror

ATTEMPTS = 3


def sync(folder: SweepFolder, uri: str, console: Console) -> int:
    """Sends what MLflow lacks and tells what that was; the exit code: 0 MLflow has everything, 1 it has not.

    Raises UserError if there is no such sweep, if a command runs it, or if MLflow does not answer at all.
    """
    document = folder.sweep()
    check_uri(uri)
    where = without_secrets(uri)
    with hold(folder):
        mirror = Mirror(folder, uri, document, rebuild=True)
        mirror.open()
        trouble = _send(mirror, console)
        model = None
        if trouble is None and is_incomplete(mirror):
            statuses = [folder.trial(key).record().status for key in mirror.trials]
            ended = finalize.conclude(
                mirror, finalize.status_of(statuses), lambda text: say(console, f"{text} ...", word_wrap=True)
            )
            trouble, model = ended.trouble or ended.model_trouble, ended.model
    for file in sorted(mirror.left_out):
        say(console, f"left out {file}: it is damaged or gone")
    if mirror.sent or model:
        say(console, f"sent to MLflow at {where}: {told(mirror.sent)}")
    elif trouble is None:
        say(console, f"MLflow at {where} has everything of {folder.name} already; nothing was sent")
    if model:
        say(console, f"model   {model.uri}, the generator of {model.trial}")
    if trouble:
        say(console, f"not everything arrived: {trouble}; {command(f'sync {folder.name}', folder.home)} sends the rest")
    return 1 if trouble else 0


def told(sent: Counter[str]) -> str:
    """'2 runs, 310 points, 12 pictures'; 'a model' where nothing else was."""
    return ", ".join(f"{number} {kind}" for kind, number in sent.items() if number) or "a model"


def is_incomplete(mirror: Mirror) -> bool:
    """Whether the end of the sweep is to be written again: something was sent, or a part of the end is missing."""
    parent, statuses = mirror.parent_copy, [mirror.folder.trial(key).record().status for key in mirror.trials]
    asked = f"**{mirror.document['question']}**"
    if mirror.sent or parent.status != finalize.status_of(statuses) or not parent.has_file("report.html"):
        return True
    if parent.tags.get("mlflow.note.content", asked) == asked:
        return True
    ranked = ranking.ranking(ranking.all_ended(mirror.folder, mirror.document["trials"]))
    return parent.status != "KILLED" and bool(ranked) and not model_logging.is_logged(mirror, ranked[0])


def _send(mirror: Mirror, console: Console) -> str | None:
    """What stands in the way in the end, if anything."""
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("comparing MLflow with the folder", total=len(mirror.trials))
        attempts = Retrying(stop=stop_after_attempt(ATTEMPTS), wait=wait_exponential(1), reraise=True)
        try:
            attempts(mirror.sync, lambda done: bar.update(task, completed=done))
        except Exception as error:  # MLflow, SQLAlchemy and requests each have errors of their own
            return first_line(error)
    return None
