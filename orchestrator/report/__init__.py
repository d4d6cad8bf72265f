"""The comparison report: collect (from MLflow alone) -> analysis, leaderboard, summary -> page, report.md, tables."""

from __future__ import annotations

from pathlib import Path

from orchestrator.report.summary import Summary


def write(
    tracking_uri: str, sweeps: list[str], folder: Path, parent: str | None = None, refresh: int | None = None
) -> Summary:
    """Writes the report of sweeps that MLflow holds into the folder: report.html and what stands beside it.

    `parent`: the one sweep's run, where there may be several of this name; otherwise the newest. `refresh`: seconds
    after which a browser loads the page again. Raises UserError.
    """
    from orchestrator.errors import UserError
    from orchestrator.report import analysis, leaderboard, markdown, merge, mlflow_reader, page, summary, tables

    collected = [mlflow_reader.collect(tracking_uri, sweep, parent) for sweep in sweeps]
    data = collected[0] if len(collected) == 1 else merge.merged(collected)
    rows, found = leaderboard.rows(data.selection), analysis.analyse(data)
    said = summary.summarise(data, rows, found)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        page.write(data, rows, found, said, folder / "report.html", refresh)
        markdown.write(data, rows, found, said, folder)
        tables.write(data, found, folder)
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror})") from None
    return said
