"""Opens the MLflow store at argv[1], and makes it if nobody else does at this moment."""

from __future__ import annotations

import sys

from orchestrator.tracking import sqlite
from orchestrator.tracking.client import client_for


def main() -> None:
    uri = sys.argv[1]
    with sqlite.being_made(uri):
        client_for(uri).search_experiments(max_results=1)


if __name__ == "__main__":
    main()
