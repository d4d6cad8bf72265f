"""Where the artifacts of a run lie on this machine: where MLflow itself writes and reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow.utils.file_utils import local_file_uri_to_path

from orchestrator.tracking.artifact_location import local_folder


@pytest.mark.parametrize(
    "uri", ["/runs/a b", "/runs/50%25", "/runs/a%20b", "file:///runs/a%20b", "file:/runs/50%25", "/runs/a#b?c"]
)
def test_a_folder_is_where_mlflow_has_it(uri: str) -> None:
    assert local_folder(uri) == Path(local_file_uri_to_path(uri))


@pytest.mark.parametrize("uri", ["runs/here", "s3://bucket/runs", "file://elsewhere/runs", "mlflow-artifacts:/1"])
def test_what_is_elsewhere_has_no_folder(uri: str) -> None:
    assert local_folder(uri) is None
