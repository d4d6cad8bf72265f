"""A sweep that is started without waiting for it. tests/e2e/test_files_survive.py has one that trains."""

from __future__ import annotations

from pathlib import Path

from support.commands import orchestrate


def test_a_request_that_turns_out_wrong_is_told_here(tmp_path: Path) -> None:
    file = tmp_path / "one.yaml"
    file.write_text("sweep: one\ntrial: {data: {name: npz, path: nowhere.npz}}\ngroups: [{name: dcgan}]\n")
    done = orchestrate("sweep", file, "--detach", home=tmp_path / "home")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "nowhere.npz" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
