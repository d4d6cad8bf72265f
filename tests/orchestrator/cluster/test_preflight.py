"""What every node of a cluster must have before the first trial."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.cluster.preflight import NodeReport, examine, problems_of, versions

STORAGE = "/shared/runs"


def test_nodes_like_this_one_that_see_the_storage_are_fine() -> None:
    assert (
        problems_of([NodeReport("10.0.0.2", versions()), NodeReport("10.0.0.3", versions())], versions(), STORAGE) == []
    )


@pytest.mark.parametrize("name", ["Python", "ray", "torch", "gan_core"])
def test_another_version_is_named_with_its_node_and_both_versions(name: str) -> None:
    other = versions() | {name: "0.0.1"}
    (line,) = problems_of([NodeReport("10.0.0.2", versions()), NodeReport("10.0.0.3", other)], versions(), STORAGE)
    assert "10.0.0.3" in line
    assert f"{name} 0.0.1 ({versions()[name]})" in line


def test_a_node_that_cannot_use_the_storage_is_named_with_the_folder_and_the_reason() -> None:
    (line,) = problems_of([NodeReport("10.0.0.2", versions(), "Permission denied")], versions(), STORAGE)
    assert "10.0.0.2 cannot use /shared/runs: Permission denied" in line
    assert "--home" in line


def test_a_node_that_sees_the_folder_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    probe = tmp_path / "probe"
    probe.write_text("token")
    assert examine(str(tmp_path), "probe", "token") == (versions(), "")
    assert list(tmp_path.iterdir()) == [probe]


def test_a_node_with_a_folder_of_its_own_is_noticed(tmp_path: Path) -> None:
    assert examine(str(tmp_path), "probe", "token")[1] == "files written by the head are not visible there"
    (tmp_path / "probe").write_text("of an earlier day")
    assert "another file" in examine(str(tmp_path), "probe", "token")[1]


def test_a_folder_that_takes_nothing_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probe = tmp_path / "probe"
    probe.write_text("token")

    def refuse(self: Path, text: str) -> int:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "write_text", refuse)
    assert examine(str(tmp_path), "probe", "token")[1] == "Read-only file system"
