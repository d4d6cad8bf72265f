"""A training step as one CUDA graph: recorded once, then launched as a whole.

A step of a small GAN is hundreds of kernels of a few microseconds each, and Python takes longer to launch them than the
GPU takes to run them ("Accelerating PyTorch with CUDA Graphs", Nguyen et al. 2021).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable

import torch
from torch import Tensor

from gan_core.error_text import first_line
from gan_core.history import Measured
from gan_core.random_streams import NAMES, Streams

WARM_UP_STEPS = 3
"""Steps before the recording: in the first ones libraries choose their kernels and optimisers create their state."""
CHECKED_STEPS = 2
"""The second step shows whether a graph draws the same random numbers again, or starts from the same weights."""
TOLERANCE = 0.02
"""Relative or absolute. Kernels that sum in another order differ by less; an accuracy may change by 1 of 64 images."""


class StepGraph:
    """Calls `step`; after WARM_UP_STEPS calls it records the step and replays the recording. Equal but for rounding.

    Before a recording is used, it is compared with the step itself from the same state. If the step cannot be recorded,
    or the results differ, the step is called as before, and `state` gives the reason.

    step: does not wait for the device, changes only the tensors that `changed` returns, draws from `streams` only, and
    reads what differs between calls from tensors that stay at the same address.
    """

    def __init__(
        self,
        step: Callable[[], Measured],
        changed: Callable[[], list[Tensor]],
        streams: Streams,
        optimizers: list[torch.optim.Optimizer],
    ):
        self._step, self._changed, self._streams, self._optimizers = step, changed, streams, optimizers
        self._stream = torch.cuda.Stream(streams.device)
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
        if self._calls == WARM_UP_STEPS:
            self._record()
        self._calls += 1
        return self._replay() if self._graph else self._call()

    def _call(self) -> Measured:
        """The step itself, on the stream of the recording: autograd remembers the stream a weight was used on first."""
        main = torch.cuda.current_stream(self._streams.device)
        self._stream.wait_stream(main)
        with torch.cuda.stream(self._stream):
            measured = self._step()
        main.wait_stream(self._stream)
        return measured

    def _replay(self) -> Measured:
        assert self._graph is not None and self._measured is not None
        self._graph.replay()
        return self._measured

    def _record(self) -> None:
        before = SavedState(self._changed(), self._streams)
        try:
            expected = torch.stack([_numbers(self._call()) for _ in range(CHECKED_STEPS)])
            before.restore()
            self._graph, self._measured = self._capture()
            replayed = torch.stack([_numbers(self._replay()) for _ in range(CHECKED_STEPS)])
            if not torch.allclose(replayed, expected, TOLERANCE, TOLERANCE, equal_nan=True):
                self._refusal = f"a replayed step differs by {float((replayed - expected).abs().max()):.3g}"
        except RuntimeError as error:
            self._refusal = first_line(error)
        if self._refusal:
            self._graph = self._measured = None
            torch.cuda.empty_cache()
        before.restore()

    def _capture(self) -> tuple[torch.cuda.CUDAGraph, Measured]:
        graph = torch.cuda.CUDAGraph()
        register = getattr(graph, "register_generator_state", None)
        if register:  # torch 2.15 does this itself, and warns about the call
            with warnings.catch_warnings(action="ignore"):
                for name in NAMES:
                    register(self._streams[name])
        groups = [group for optimizer in self._optimizers for group in optimizer.param_groups]
        before = [group.get("capturable") for group in groups]
        try:
            for group in groups:
                group["capturable"] = True  # torch requires it; its fused Adam can be captured anyway
            with torch.cuda.graph(
                graph, stream=self._stream, capture_error_mode="thread_local"
            ):  # other threads may call CUDA
                measured = self._step()
        finally:
            for group, capturable in zip(groups, before, strict=True):
                group["capturable"] = capturable
                if capturable is None:  # SGD has no such setting
                    del group["capturable"]
        return graph, measured


class StepGraphs:
    """A StepGraph for each kind of step, where not all steps do the same. kind: that of the next step."""

    def __init__(self, make: Callable[[], StepGraph], kind: Callable[[], Hashable]):
        self._make, self._kind = make, kind
        self._graphs: dict[Hashable, StepGraph] = {}

    @property
    def state(self) -> str:
        """That of the kind that was seen first, or of one that cannot be replayed."""
        states = [graph.state for graph in self._graphs.values()] or ["not yet recorded"]
        return next((state for state in states if state.startswith("none")), states[0])

    def __call__(self) -> Measured:
        kind = self._kind()
        if kind not in self._graphs:
            self._graphs[kind] = self._make()
        return self._graphs[kind]()


class SavedState:
    """The values of tensors and the states of random streams, which `restore` writes back in place."""

    def __init__(self, tensors: list[Tensor], streams: Streams):
        self._tensors = [(tensor, tensor.detach().clone()) for tensor in tensors]
        self._streams, self._states = streams, streams.state_dict()

    @torch.no_grad()
    def restore(self) -> None:
        for tensor, saved in self._tensors:
            tensor.copy_(saved)
        self._streams.load_state_dict(self._states)


def _numbers(measured: Measured) -> Tensor:
    """All metrics of a step: float32 [metrics]."""
    return torch.stack([value.float() for value in measured.means.values()])
