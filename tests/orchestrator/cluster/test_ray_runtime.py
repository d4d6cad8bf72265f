"""How many trials run at once, and how a cluster is reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.cluster.ray_runtime import has_token, resources, slots


@pytest.mark.parametrize(
    ("cpus", "gpus", "share", "expected"),
    [(8, 0, 0.25, 8), (8, 1, 0.25, 4), (2, 1, 0.25, 2), (16, 2, 1.0, 2), (16, 2, 0.4, 4)],
)
def test_trials_take_a_processor_and_a_part_of_a_gpu_each(cpus: int, gpus: int, share: float, expected: int) -> None:
    assert slots(cpus, gpus, share) == expected


@pytest.mark.parametrize(
    ("cpus", "gpus", "share", "once", "twice"),
    [
        (8, 0, 0.25, {"CPU": 1}, {"CPU": 2}),
        (1, 0, 0.25, {"CPU": 1}, {"CPU": 1}),
        (8, 2, 0.25, {"CPU": 1, "GPU": 0.25}, {"CPU": 1, "GPU": 0.5}),
        (8, 2, 0.7, {"CPU": 1, "GPU": 0.7}, {"CPU": 1, "GPU": 1}),
    ],
)
def test_a_second_try_has_fewer_neighbours_on_the_device(
    cpus: int, gpus: int, share: float, once: dict[str, float], twice: dict[str, float]
) -> None:
    assert resources(cpus, gpus, share, 1) == once
    assert resources(cpus, gpus, share, 2) == twice


def test_a_token_is_found_where_ray_looks_for_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not has_token()
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("secret")
    assert has_token()
    monkeypatch.setenv("HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    assert has_token()
