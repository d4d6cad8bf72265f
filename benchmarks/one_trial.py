"""The time of a training step against a tutorial's loop (`plain_loop.py`), and what a step spends its time on.

    python benchmarks/one_trial.py [--families dcgan acgan wgan_gp] [--rounds 6] [--device cpu] [--profile]

On the bundled digits, one thread, the papers' networks of width 32, batches of 64. The loops take turns; the
table has medians. `--device cuda` measures the same on a GPU, and also compares steps with and without a CUDA graph.
Families of residual networks (`--families sngan sngan_projection r3gan wgan_gp_resnet`) are compared with plain
networks, `plain/`, by their step alone.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import torch
from goals import GoalResult
from plain_loop import PlainLoop
from torch.utils.flop_counter import FlopCounterMode

from gan_core import checkpoint, history
from gan_core.config.trial import TrialConfig
from gan_core.data import datasets
from gan_core.data.datasets import ImageSet
from gan_core.evaluation.evaluator import build as build_evaluator
from gan_core.evaluation.features import classifier
from gan_core.networks import kernel_choice
from gan_core.precision import resolve_precision
from gan_core.training import divergence
from gan_core.training.cuda_graph import WARM_UP_STEPS
from gan_core.training.trainer import Trainer

FAMILIES = ("dcgan", "acgan", "wgan_gp")
RESIDUAL = {
    "sngan": {"family": "sngan"},
    "sngan_projection": {"family": "sngan_projection"},
    "r3gan": {"family": "r3gan"},
    "wgan_gp_resnet": {"family": "wgan_gp", "networks": "resnet"},
}
"""Residual networks: their settings of `model`."""
GOALS = {"float32": 1.4, "bfloat16": 2.4}
GOAL_ON_GPU = 2.5


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--families", nargs="+", default=FAMILIES, choices=[*FAMILIES, *RESIDUAL])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--profile", action="store_true", help="also print the time that each kernel takes")
    options = parser.parse_args()
    for line in lines(options.rounds, options.families, options.device):
        print(line, flush=True)
    if options.profile:
        for family in options.families:
            print(f"\n{family}\n{profile(family, options.device)}")


def lines(rounds: int = 6, families: tuple[str, ...] = FAMILIES, device: str = "cpu") -> Iterator[GoalResult]:
    """One line for each goal, as it is measured."""
    torch.set_num_threads(1)
    images = datasets.load(TrialConfig().data)
    native = resolve_precision("auto", torch.device(device))
    precisions = ["float32", *(["bfloat16"] if native == "bfloat16" else [])]
    speeds = {precision: kernel_speed(getattr(torch, precision), device) for precision in precisions}
    for family in families:
        plain = PlainLoop(config(family), images, device)
        peers: dict[str, Callable[[], Any]] = {"plain": plain.step}
        if device != "cpu":
            peers["called"] = Trainer(config(family, precision=native), images, device, use_cuda_graph=False).step
        ours = {
            name: Trainer(config(family, precision=name), images, device, kernels=kernel_choice.measure)
            for name in precisions
        }
        for peer, own in ((plain.generator, ours[native].generator), (plain.discriminator, ours[native].discriminator)):
            assert parameters(peer) == parameters(own), f"{family}: the plain network is another"
        durations = in_turn(peers | {name: trainer.step for name, trainer in ours.items()}, rounds, device)
        flops = arithmetic(ours[native])
        for name in precisions:
            ratio, bound = durations["plain"] / durations[name], flops / speeds[name]
            goal = 1.0 if family in RESIDUAL else GOALS[name]
            yield GoalResult(
                f"{family}, {name}: a step against the plain loop",
                f"{durations['plain'] * 1e3:.3g} / {durations[name] * 1e3:.3g} ms = {ratio:.2f}x",
                f"at least {goal}x" if device == "cpu" else "",
                ratio >= goal if device == "cpu" else None,
            )
            yield GoalResult(
                f"    its arithmetic, {flops / 1e9:.1f} GFLOP",
                f"{bound * 1e3:.3g} ms at {speeds[name] / 1e9:.0f} GFLOP/s",
                "",
                None,
            )
        if device != "cpu":
            ratio = durations["called"] / durations[native]
            yield GoalResult(
                f"{family}, {native}: a recorded step against a called one",
                f"{durations['called'] * 1e3:.1f} / {durations[native] * 1e3:.1f} ms = {ratio:.2f}x",
                f"at least {GOAL_ON_GPU}x",
                ratio >= GOAL_ON_GPU,
            )
            yield GoalResult("    its CUDA graph", str(ours[native].applied()["cuda_graph"]), "", None)
        if family in FAMILIES:
            yield from costs_beside_step(ours[native], durations[native], images)


def costs_beside_step(trainer: Trainer, step: float, images: ImageSet) -> Iterator[GoalResult]:
    """The costs beside a step: history, accuracy and divergence checks; a checkpoint; an evaluation."""
    spent, steps = defaultdict[str, float](float), 20
    with ExitStack() as stack:
        for owner, name in (
            (history, "score_metrics"),
            (history, "total_norm"),
            (history.Window, "add"),
            (history.Window, "means"),
            (divergence, "check"),
        ):
            stack.enter_context(timed(owner, name, spent, clock_for(trainer.device.type)))
        for _ in range(steps):
            trainer.step()
    share = sum(spent.values()) / steps / step
    yield GoalResult("    history, accuracy, divergence checks", f"{share:.1%} of a step", "under 2%", share < 0.02)
    with tempfile.TemporaryDirectory() as folder:
        yield from costs_of_results(trainer, step, images, Path(folder))


def costs_of_results(trainer: Trainer, step: float, images: ImageSet, folder: Path) -> Iterator[GoalResult]:
    """A checkpoint, an evaluation and a picture of samples."""
    clock, file = clock_for(trainer.device.type), folder / "checkpoint.pt"
    durations, waits = list[float](), list[float]()
    for _ in range(6):
        began, began_waiting = clock(), time.perf_counter()
        checkpoint.save(file, trainer.state_dict(), file.with_suffix(".previous"))
        durations.append(clock() - began)
        waits.append(time.perf_counter() - began_waiting)
    cost = median(durations)
    yield GoalResult(
        f"    a checkpoint of {file.stat().st_size / 1e6:.0f} MB",
        f"{cost * 1e3:.0f} ms (clock: {min(waits) * 1e3:.0f}) = {cost / step:.1f} steps",
        "at most 1 step",
        cost <= step,
    )
    evaluator = build_evaluator(trainer.config.evaluation, images, classifier(images, folder / "classifier.pt"))
    drawn, requested = trainer.evaluation.draw(trainer.generator)
    parts: dict[str, Callable[[], Any]] = {
        "drawing 512 images to evaluate": lambda: trainer.evaluation.draw(trainer.generator),
        "measuring them": lambda: evaluator.measure(drawn, requested),
        "a picture of samples": trainer.snapshot,
    }
    for title, part in parts.items():
        began = clock()
        part()
        yield GoalResult(f"    {title}", f"{(clock() - began) * 1e3:.0f} ms", "", None)


def config(family: str, **changes: Any) -> TrialConfig:
    rare = {"steps": 10**6, "checkpoint_every": 10**6, "evaluation": {"every": 10**6}}
    return TrialConfig.model_validate({"model": RESIDUAL.get(family, {"family": family}), **rare, **changes})


def in_turn(steps: dict[str, Callable[[], Any]], rounds: int, device: str) -> dict[str, float]:
    """Seconds per step: the median over `rounds` rounds of four steps each, after warm-up steps.

    On a processor they are those that this process computed, so that others disturb the numbers less.
    """
    clock = clock_for(device)
    durations = defaultdict[str, list[float]](list)
    for step in steps.values():
        for _ in range(2 if device == "cpu" else WARM_UP_STEPS + 2):
            step()
    for _ in range(rounds):
        for name, step in steps.items():
            step()  # fills the caches again, after another loop used them
            for _ in range(4):
                began = clock()
                step()
                if device != "cpu":
                    torch.cuda.synchronize()
                durations[name].append(clock() - began)
    return {name: median(seconds) for name, seconds in durations.items()}


def clock_for(device: str) -> Callable[[], float]:
    return time.process_time if device == "cpu" else time.perf_counter


def parameters(network: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def arithmetic(trainer: Trainer) -> int:
    """Floating point operations of a step's convolutions and matrix products, at least.

    A backward pass is two forward passes: one for the gradients of weights, one for those of images. D's update has a
    forward and a backward pass over real and over generated images; under a penalty also a forward pass, its slope, and
    the slope's gradients of the same size. G's has one of D, back to the images only, and one of G; a relativistic loss
    adds a forward pass over real images.
    """
    batch, loss, stabilizers = trainer.config.batch_size, trainer.config.loss, trainer.config.stabilizers
    labels = torch.zeros(batch, dtype=torch.long, device=trainer.device) if trainer.classes else None
    latents = torch.randn(batch, trainer.config.model.latent_dim, device=trainer.device)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        images = trainer.generator(latents, labels)
        g = int(counter.get_total_flops())
        trainer.updates.passes.judge(images, labels)
        d = int(counter.get_total_flops()) - g
    penalties = sum(1 for strength in (loss.gradient_penalty, stabilizers.r1, stabilizers.r2) if strength)
    critic_update = g + 6 * d + 4 * d * penalties
    relative = d if trainer.updates.objective.generator_needs_real else 0
    return loss.n_critic * critic_update + (g if loss.n_critic > 1 else 0) + 2 * g + 2 * d + relative


def kernel_speed(dtype: torch.dtype, device: str) -> float:
    """FLOP/s of a fast kernel: a convolution of 3x3 with 256 channels."""
    layer = torch.nn.Conv2d(256, 256, 3, padding=1, device=device, dtype=dtype).to(memory_format=torch.channels_last)
    images = torch.randn(64, 256, 16, 16, device=device, dtype=dtype).to(memory_format=torch.channels_last)
    with torch.no_grad():
        seconds = in_turn({"layer": lambda: layer(images)}, 3, device)["layer"]
    return 2 * 64 * 256 * 9 * 256 * 256 / seconds


@contextmanager
def timed(owner: Any, name: str, spent: dict[str, float], clock: Callable[[], float]) -> Iterator[None]:
    original = getattr(owner, name)

    def measured(*arguments: Any, **named: Any) -> Any:
        began = clock()
        try:
            return original(*arguments, **named)
        finally:
            spent[name] += clock() - began

    with patch.object(owner, name, measured):
        yield


def profile(family: str, device: str) -> str:
    """The kernels of ten steps, sorted by their time."""
    trainer = Trainer(config(family), datasets.load(TrialConfig().data), device, kernels=kernel_choice.measure)
    for _ in range(3):
        trainer.step()
    with torch.profiler.profile() as profiler:
        for _ in range(10):
            trainer.step()
    sort_by = "self_cpu_time_total" if device == "cpu" else "self_device_time_total"
    return profiler.key_averages().table(sort_by=sort_by, row_limit=15, max_name_column_width=48)


if __name__ == "__main__":
    main()
