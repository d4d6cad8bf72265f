"""Random kills at random moments, the same command after each: it ends as if undisturbed. See benchmarks/chaos.py."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from chaos import inject_faults

pytestmark = pytest.mark.e2e

ROUNDS = 1


def test_a_sweep_under_random_kills_ends_as_if_undisturbed(tmp_path: Path, reference: Path) -> None:
    seed = random.randrange(2**31)
    print(f"seed {seed}: python benchmarks/chaos.py --rounds {ROUNDS} --seed {seed}")
    chaos = inject_faults(ROUNDS, seed, tmp_path, reference)
    assert chaos.fault_counts.total() == ROUNDS
    assert chaos.sweeps >= 1
