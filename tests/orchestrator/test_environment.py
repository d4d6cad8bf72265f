"""What this process may use of its machine."""

from __future__ import annotations

import pytest

from orchestrator import environment


def test_a_slurm_job_has_the_processors_that_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_CPUS_ON_NODE", raising=False)
    here = environment.available_cpus()
    for given, expected in (("1", 1), (str(here + 5), here), ("0", here), ("many", here)):
        monkeypatch.setenv("SLURM_CPUS_ON_NODE", given)
        assert environment.available_cpus() == expected
