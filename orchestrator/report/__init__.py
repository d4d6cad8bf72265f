"""The comparison report: collect (from MLflow alone) -> summary and figures -> page."""

from __future__ import annotations

from pathlib import Path


def write(tracking_uri: str, sweep: str, file: Path, parent: str | None = None) -> tuple[str, Path]:
    """Writes the page of a sweep that MLflow holds; (its answer in words, the file). Raises UserError.

    `parent`: the sweep's run, where there may be several of this name; otherwise the newest.
    """
    from orchestrator.errors import UserError
    from orchestrator.report import collect, page, summary

    data = collect.collect(tracking_uri, sweep, parent)
    answer = summary.answer(data)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        page.write(data, answer, file)
    except OSError as error:
        raise UserError(f"{file} cannot be written ({error.strerror})") from None
    return " ".join(answer), file
