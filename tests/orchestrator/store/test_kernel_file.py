"""What a home knows of its processors: measured once, and read by every trial after it."""

from __future__ import annotations

import pytest

from gan_core.networks import kernel_choice
from gan_core.networks.kernel_choice import LayerShape
from orchestrator.store import kernel_file
from orchestrator.store.kernel_file import KernelFile

SHAPE = LayerShape("float32", 2, 3, (8, 8), 4, (4, 4), kernel=4, stride=2, padding=1)
OTHER = SHAPE._replace(batch=4)


@pytest.fixture
def measured(monkeypatch):
    """The shapes that were measured; each takes other seconds than the one before."""
    shapes = list[LayerShape]()

    def measure(shape: LayerShape):
        shapes.append(shape)
        return {"down": [float(len(shapes)), 1.0]}

    monkeypatch.setattr(kernel_choice, "measure", measure)
    return shapes


def test_a_shape_is_measured_once_in_a_home(tmp_path, measured):
    first = KernelFile(tmp_path)
    assert first(SHAPE) == first(SHAPE) == KernelFile(tmp_path)(SHAPE) == {"down": [1.0, 1.0]}
    assert KernelFile(tmp_path)(OTHER) == first(OTHER) == {"down": [2.0, 1.0]}
    assert KernelFile(tmp_path / "other")(SHAPE) == {"down": [3.0, 1.0]}
    assert measured == [SHAPE, OTHER, SHAPE]


def test_what_is_known_is_read_without_the_lock(tmp_path, measured, monkeypatch):
    """So who may only read the home can, too."""
    KernelFile(tmp_path)(SHAPE)
    monkeypatch.setattr(kernel_file, "FileLock", lambda _: pytest.fail("it takes the lock"))
    assert KernelFile(tmp_path)(SHAPE) == {"down": [1.0, 1.0]}


def test_who_cannot_write_there_measures_and_keeps_nothing(tmp_path, measured):
    (tmp_path / "kernels" / "lock").mkdir(parents=True)  # as little can be locked as another user's file
    assert KernelFile(tmp_path)(SHAPE) == {"down": [1.0, 1.0]}
    assert KernelFile(tmp_path)(SHAPE) == {"down": [2.0, 1.0]}


def test_each_kind_of_processor_is_measured(tmp_path, measured, monkeypatch):
    KernelFile(tmp_path)(SHAPE)
    monkeypatch.setattr(kernel_file, "cpu_model", lambda: "AMD EPYC/9 Zen")
    assert KernelFile(tmp_path)(SHAPE) == {"down": [2.0, 1.0]}
    names = sorted(file.name for file in (tmp_path / "kernels").glob("*.json"))
    assert len(names) == 2 and names[0].startswith("AMD EPYC_9 Zen, torch ")


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[1]",
        "5",
        f'{{"{SHAPE}": 3}}',
        f'{{"{SHAPE}": {{"down": [1.0]}}}}',
        f'{{"{SHAPE}": {{"down": ["a", "b"]}}}}',
    ],
)
def test_a_damaged_file_is_measured_anew(tmp_path, measured, content):
    kernels = KernelFile(tmp_path)
    kernels(SHAPE)
    kernels.file.write_text(content)
    assert KernelFile(tmp_path)(SHAPE) == {"down": [2.0, 1.0]} == KernelFile(tmp_path)(SHAPE)


def test_without_a_shared_home_a_worker_measures_for_itself(measured):
    kernels = KernelFile(None)
    assert kernels(SHAPE) == kernels(SHAPE)
    assert measured == [SHAPE]
