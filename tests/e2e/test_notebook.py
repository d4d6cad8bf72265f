"""The notebook of `examples/`, run from first cell to last, as its reader does: a real sweep in a real kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from support.commands import ROOT
from support.mirrors import with_database

pytestmark = pytest.mark.e2e


def shown(cell: Any) -> str:
    """What a cell has printed and shown, as text."""
    parts = [output.get("text") or output["data"].get("text/plain", "") for output in cell["outputs"]]
    return "".join(parts)


def test_every_cell_runs_and_shows_what_its_text_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = nbformat.read(ROOT / "examples" / "first-sweep.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "clear its outputs before a commit"
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    with_database(tmp_path / "runs")
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    planned, swept, trials, _, curves, images, reported = [cell for cell in notebook.cells if cell.cell_type == "code"][
        1:
    ]
    assert shown(planned).count("pending") == 4
    assert "Does instance noise help a small DCGAN?" in shown(swept)
    assert shown(trials).count("seed=") == 4
    assert "60" in shown(curves)
    assert "(16, 32, 32, 1) uint8" in shown(images)
    assert "image/png" in images["outputs"][-1]["data"]
    assert (tmp_path / "runs/sweeps/from-a-notebook/report/report.html").exists()
    assert "(4, " in shown(reported)
