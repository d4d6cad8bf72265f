"""The console script, before it loads the command line."""

from __future__ import annotations

import os

import numpy as np
import pytest
import scipy.linalg
from threadpoolctl import threadpool_info

from orchestrator import __main__
from orchestrator.cli import app


@pytest.mark.parametrize(("own", "expected"), [(None, "1"), ("4", "4")])
def test_numpy_computes_with_one_thread_unless_the_user_says_otherwise(
    own: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not with one for each core: they all train."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "")  # restored at the end, whatever `main` does
    if own is None:
        monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    else:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", own)
    seen: list[str] = []
    monkeypatch.setattr(app, "main", lambda: seen.append(os.environ["OPENBLAS_NUM_THREADS"]))
    __main__.main()
    assert seen == [expected]


def test_so_do_the_tests() -> None:
    assert np.linalg and scipy.linalg, "each has a library of its own"
    threads = {each["num_threads"] for each in threadpool_info() if each["internal_api"] == "openblas"}
    assert threads <= {int(os.environ["OPENBLAS_NUM_THREADS"])}
