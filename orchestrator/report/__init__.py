"""The comparison report: collect (from MLflow alone) -> summary and figures -> page."""

from __future__ import annotations

from pathlib import Path


def write(tracking_uri: str, sweep: str, file: Path) -> tuple[str, Path]:
    """Writes the page of a sweep that MLflow holds; (its answer in words, the file). Raises UserError."""
    from orchestrator.report import collect, page, summary

    data = collect.collect(tracking_uri, sweep)
    answer = summary.answer(data)
    file.parent.mkdir(parents=True, exist_ok=True)
    page.write(data, answer, file)
    return " ".join(answer), file
