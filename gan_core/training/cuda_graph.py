"""A training step as one CUDA graph: recorded once, then launched as a whole.

A step of a small GAN is hundreds of kernels of a few microseconds each, and Python takes longer to ask for them than
the GPU takes to run them ("Accelerating PyTorch with CUDA Graphs", Nguyen et al. 2021).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from gan_core.history import Measured
from gan_core.random_streams import NAMES, Streams

WARM_UP = 3
"""Steps before the recording: libraries choose their kernels in the first ones, and optimisers make their state."""
CHECKED = 2
"""In the second one a graph that draws the same numbers again, or starts from the same weights, shows."""
TOLERANCE = 0.02
"""Relative or absolute. Kernels that add in any order differ by less; of 64 images one is judged otherwise."""


class StepGraph:
    """Calls `step`, and after some calls replays what it recorded of it instead. Equal but for rounding.

    A recording is compared with the step itself, from the same state, before it is used. Where there can be none, or it
    differs, the step is called as before, and `state` says why.

    step: waits for nothing, changes the tensors that `changed` names and nothing else, draws from `streams` only, and
    reads what differs between calls from tensors that stay where they are.
    """

    def __init__(
        self,
        step: Callable[[], Measured],
        changed: Callable[[], list[Tensor]],
        streams: Streams,
        optimizers: list[torch.optim.Adam],
    ):
        self._step, self._changed, self._streams, self._optimizers = step, changed, streams, optimizers
        self._side = torch.cuda.Stream(streams.device)
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._measured: Measured | None = None
        self._refusal = ""

    @property
    def state(self) -> str:
        if self._refusal:
            return f"none: {self._refusal}"
        return "replayed" if self._graph else "not yet recorded"

    def __call__(self) -> Measured:
        if self._calls == WARM_UP:
            self._record()
        self._calls += 1
        return self._replay() if self._graph else self._call()

    def _call(self) -> Measured:
        """The step itself, on the stream of the recording: autograd remembers where a weight was used first."""
        main = torch.cuda.current_stream(self._streams.device)
        self._side.wait_stream(main)
        with torch.cuda.stream(self._side):
            measured = self._step()
        main.wait_stream(self._side)
        return measured

    def _replay(self) -> Measured:
        assert self._graph is not None and self._measured is not None
        self._graph.replay()
        return self._measured

    def _record(self) -> None:
        before = Saved(self._changed(), self._streams)
        try:
            wanted = torch.stack([_numbers(self._call()) for _ in range(CHECKED)])
            before.restore()
            self._graph, self._measured = self._captured()
            got = torch.stack([_numbers(self._replay()) for _ in range(CHECKED)])
            if not torch.allclose(got, wanted, TOLERANCE, TOLERANCE, equal_nan=True):
                self._refusal = f"a replayed step differs by {float((got - wanted).abs().max()):.3g}"
        except RuntimeError as error:
            self._refusal = str(error).partition("\n")[0]
        if self._refusal:
            self._graph = self._measured = None
            torch.cuda.empty_cache()
        before.restore()

    def _captured(self) -> tuple[torch.cuda.CUDAGraph, Measured]:
        graph = torch.cuda.CUDAGraph()
        register = getattr(graph, "register_generator_state", None)
        if register:  # torch 2.15 finds out by itself, and warns who tells it
            with warnings.catch_warnings(action="ignore"):
                for name in NAMES:
                    register(self._streams[name])
        groups = [group for optimizer in self._optimizers for group in optimizer.param_groups]
        try:
            for group in groups:
                group["capturable"] = True  # what torch asks for; its fused Adam is in any case
            with torch.cuda.graph(graph, stream=self._side, capture_error_mode="thread_local"):  # others may ask CUDA
                measured = self._step()
        finally:
            for group in groups:
                group["capturable"] = False
        return graph, measured


class Saved:
    """What tensors and random streams were, to be put back where they are."""

    def __init__(self, tensors: list[Tensor], streams: Streams):
        self._tensors = [(tensor, tensor.detach().clone()) for tensor in tensors]
        self._streams, self._states = streams, streams.state_dict()

    @torch.no_grad()
    def restore(self) -> None:
        for tensor, saved in self._tensors:
            tensor.copy_(saved)
        self._streams.load_state_dict(self._states)


def _numbers(measured: Measured) -> Tensor:
    """[names]"""
    return torch.stack([value.float() for value in measured.means.values()])
