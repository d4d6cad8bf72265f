"""A checkpoint is whole or refused, replaced at once or not at all, and never runs code."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from support.payload import Touch

from gan_core import checkpoint, files
from gan_core.checkpoint import COMMENT_BYTES, EARLIER_MAGIC, MAGIC, CheckpointError

STATE: dict[str, Any] = {
    "step": 7,
    "weights": {"a": torch.arange(6.0).view(2, 3), "b": torch.tensor([1, 2], dtype=torch.uint8)},
    "order": [torch.tensor(3), torch.tensor(4)],
    "rate": 1e-4,
    "names": ["x", "y"],
    "none": None,
}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "last.ckpt"
    checkpoint.save(path, STATE)
    return path


def test_what_was_saved_is_what_is_loaded(saved: Path) -> None:
    loaded = checkpoint.load(saved)
    assert list(loaded) == list(STATE)
    for name in ("step", "rate", "names", "none"):
        assert loaded[name] == STATE[name]
    for name, tensor in STATE["weights"].items():
        assert loaded["weights"][name].dtype == tensor.dtype
        assert torch.equal(loaded["weights"][name], tensor)
    assert [int(tensor) for tensor in loaded["order"]] == [3, 4]


def test_memory_layout_of_a_tensor_is_kept(tmp_path: Path) -> None:
    tensor = torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    checkpoint.save(tmp_path / "a", {"x": tensor})
    assert checkpoint.load(tmp_path / "a")["x"].stride() == tensor.stride()


@pytest.mark.parametrize("kept", [0, 5, len(MAGIC), COMMENT_BYTES, 0.5, -COMMENT_BYTES - 2, -COMMENT_BYTES, -32, -1])
def test_truncated_file_is_refused(saved: Path, kept: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(len(content) * kept) if isinstance(kept, float) else kept])
    with pytest.raises(CheckpointError, match=r"last\.ckpt"):
        checkpoint.load(saved)


@pytest.mark.parametrize(
    "place",
    [0, len(MAGIC), 0.6, -COMMENT_BYTES - 3, -COMMENT_BYTES - 2, -COMMENT_BYTES - 1, -COMMENT_BYTES, -33, -32, -1],
)
def test_flipped_bit_is_refused(saved: Path, place: float) -> None:
    content = bytearray(saved.read_bytes())
    content[int(len(content) * place) if isinstance(place, float) else place] ^= 1
    saved.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"last\.ckpt"):
        checkpoint.load(saved)


def test_longer_file_is_refused(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes() + b"\0")
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoint.load(saved)


def test_torch_alone_reads_it_without_unpickling(saved: Path) -> None:
    loaded = torch.load(saved, weights_only=True)
    assert torch.equal(loaded["weights"]["a"], STATE["weights"]["a"])


def earlier_file(path: Path, payload: bytes) -> None:
    """As earlier versions wrote it: the checksum in front."""
    path.write_bytes(EARLIER_MAGIC + hashlib.sha256(payload).digest() + payload)


def test_a_file_of_an_earlier_version_is_read_or_refused_as_damaged(tmp_path: Path) -> None:
    path, payload = tmp_path / "last.ckpt", io.BytesIO()
    torch.save(STATE, payload)
    earlier_file(path, payload.getvalue())
    assert torch.equal(checkpoint.load(path)["weights"]["a"], STATE["weights"]["a"])
    for content in (path.read_bytes()[:-1], path.read_bytes()[:30], EARLIER_MAGIC):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match="damaged"):
            checkpoint.load(path)


def test_foreign_file_is_refused(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "torch.pt")
    (tmp_path / "notes.txt").write_text("step 7\n" * 100)
    for path in tmp_path.iterdir():
        with pytest.raises(CheckpointError, match="not a checkpoint"):
            checkpoint.load(path)


def test_pickled_payload_is_not_executed(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    payload_path = tmp_path / "payload"
    torch.save({"step": Touch(marker)}, payload_path)
    payload = payload_path.read_bytes()
    path = tmp_path / "forged.ckpt"
    earlier_file(path, payload)
    with pytest.raises((CheckpointError, pickle.UnpicklingError)):
        checkpoint.load(path)
    assert not marker.exists()
    torch.load(payload_path, weights_only=False)
    assert marker.exists()  # the payload was live


def test_saving_again_replaces_and_leaves_nothing_else(saved: Path) -> None:
    checkpoint.save(saved, STATE | {"step": 8})
    assert checkpoint.load(saved)["step"] == 8
    assert list(saved.parent.iterdir()) == [saved]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_save_that_fails_leaves_the_old_one_and_no_temporary(
    saved: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, call, fail)
        with pytest.raises(OSError, match="No space left"):
            checkpoint.save(saved, STATE | {"step": 8})
    assert checkpoint.load(saved)["step"] == 7
    assert list(saved.parent.iterdir()) == [saved]


def test_the_one_before_is_kept_under_its_own_name(saved: Path) -> None:
    before = saved.with_name("before.ckpt")
    for step in (8, 9):
        checkpoint.save(saved, STATE | {"step": step}, previous=before)
    assert (checkpoint.load(saved)["step"], checkpoint.load(before)["step"]) == (9, 8)


def test_state_that_cannot_be_saved_leaves_the_old_one(saved: Path) -> None:
    with pytest.raises((pickle.PicklingError, AttributeError)):
        checkpoint.save(saved, {"step": lambda: 8})
    assert checkpoint.load(saved)["step"] == 7
    assert list(saved.parent.iterdir()) == [saved]


def test_new_content_is_synced_before_it_takes_the_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, calls = tmp_path / "a", list[str]()
    sync, rename = os.fsync, os.replace

    def note_sync(handle: int) -> None:
        calls.append("sync")
        sync(handle)

    def note_rename(one: Path, other: Path) -> None:
        calls.append("rename")
        rename(one, other)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_rename)
    files.write_atomically(path, b"one", memoryview(b"two"))
    assert calls == ["sync", "rename", "sync"]  # the file, its new name, the folder that holds the name
    assert path.read_bytes() == b"onetwo"
