"""Named random streams.

Each purpose has a `torch.Generator` of its own, seeded by (seed, name). A stabiliser that is switched on draws from its
own stream and changes no other draw. So two trials that differ in one stabiliser see the same batches and the same
latents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch

NAMES = (
    "data",
    "latent",
    "mixing",
    "noise",
    "labels",
    "layers",
    "flips",
    "augment",
    "ada",
    "consistency",
    "matching",
    "mirror",
)


def stream_seed(seed: int, name: str) -> int:
    """A 63-bit seed for the stream `name` of a trial's `seed`; the same on every machine."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "little") >> 1


class Streams:
    """One `torch.Generator` for each name in NAMES, such as `streams["latent"]`.

    data: order of the images. latent: z. labels: classes that an ACGAN's generator is asked for. noise: instance noise.
    mixing: points of a gradient penalty. layers: random layers such as dropout. flips: flipped labels.
    augment: DiffAugment. ada: adaptive augmentation. consistency: all draws of consistency regularisation.
    matching: all draws for real images in G's own update. mirror: real images that are mirrored.
    """

    def __init__(self, seed: int, device: torch.device):
        self.device = device
        self._generators = {name: torch.Generator(device).manual_seed(stream_seed(seed, name)) for name in NAMES}

    def __getitem__(self, name: str) -> torch.Generator:
        return self._generators[name]

    @contextmanager
    def as_default(self, name: str) -> Iterator[None]:
        """In this context torch's global generator of the device draws from the stream `name`."""
        if self.device.type == "cuda":
            with self._as_default_on_gpu(self._generators[name]):
                yield
            return
        default = torch.default_generator
        outside = default.get_state()
        default.set_state(self._generators[name].get_state())
        try:
            yield
        finally:
            self._generators[name].set_state(default.get_state())
            default.set_state(outside)

    @contextmanager
    def _as_default_on_gpu(self, generator: torch.Generator) -> Iterator[None]:
        """On a GPU two generators can share a state. That also works while a CUDA graph is recorded, when no state can
        be read."""
        default = torch.cuda.default_generators[self._device_index]
        outside = default.graphsafe_get_state()
        default.graphsafe_set_state(generator.graphsafe_get_state())
        try:
            yield
        finally:
            default.graphsafe_set_state(outside)

    @property
    def _device_index(self) -> int:
        return torch.cuda.current_device() if self.device.index is None else self.device.index

    def state_dict(self) -> dict[str, torch.Tensor]:
        return {name: generator.get_state() for name, generator in self._generators.items()}

    def load_state_dict(self, states: dict[str, torch.Tensor]) -> None:
        for name, state in states.items():
            self._generators[name].set_state(state)
