"""`orchestrate train`, where it cannot write."""

from __future__ import annotations

import re
from pathlib import Path

from support.commands import SMOKE, invoke


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "train").write_text("as little as another user's folder")
    done = invoke("train", SMOKE, home=tmp_path)
    assert done.returncode == 2
    assert re.search(r"/train/\w+ cannot be written \(Not a directory\); choose another --home\Z", done.stderr.strip())
