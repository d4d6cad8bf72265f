"""How good is the setting that a search names? Prints a table in Markdown for each surface.

    python benchmarks/search.py [--repetitions 20] [--surfaces cliff island] [--methods random ...] [--trials 40]

Searches run on made surfaces (tests/support/made_surfaces.py), and on a smooth surrogate of the recorded trials
(benchmarks/recorded/table.csv, see `recorded_surface`). What counts is the true quality of the named setting, not that
of its luckiest run: by how many per cent its mean Frechet distance is above that of the best setting of which 90% of
the runs are stable. A named setting of which fewer are is worth nothing (infinitely bad in the median). All methods but
`random 80` take the steps of 40 whole trials. Points are chosen as with two workers (`lag` 4).
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Callable, Mapping
from math import exp, inf, log
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.made_surfaces import EVALUATIONS, SURFACES, Surface

from orchestrator.planning import search_chooser
from orchestrator.planning.chosen_points import EndedPoint
from orchestrator.planning.search_chooser import SearchChooser, results_of
from orchestrator.statistics.candidates import named_first
from orchestrator.statistics.intervals import Array

TABLE = Path(__file__).parent / "recorded" / "table.csv"
RECORDED = {
    "optimizer.lr": (5e-4, 1e-1, True),
    "loss.gradient_penalty": (0.1, 100.0, True),
    "optimizer.betas[0]": (0.0, 0.9, False),
    "loss.n_critic": (1.0, 3.0, False),
}
"""Setting of recorded/table.yaml -> the ends of its range, and whether it is drawn evenly in its logarithm."""
REQUIRED = 0.9
LAG = 4
Settings = Mapping[str, Any]
Method = Callable[[Surface, int, int], Settings | None]
"""(surface, trials, repetition) -> the settings that it names."""


class GpChooser(SearchChooser):
    """With Optuna's Gaussian process, which needs no help of a model."""

    def _seeds(self, number: int) -> list[int]:
        return super()._seeds(number)[:1]

    def sampler(self, seed: int) -> Any:
        from optuna.samplers import GPSampler

        return GPSampler(seed=seed, n_startup_trials=0, warn_independent_sampling=False)


def searched(kind: type[SearchChooser], telling_apart: float | None = None) -> Method:
    """Ours, with a part of the trials that tells the best few apart."""

    def method(surface: Surface, trials: int, repetition: int) -> Settings | None:
        before = search_chooser.TELLING_APART
        search_chooser.TELLING_APART = before if telling_apart is None else telling_apart
        chooser, ended = kind(surface.space, repetition, trials, REQUIRED), list[EndedPoint]()
        for number in range(trials):
            known = max(0, number - LAG + 1)
            point = chooser.choose(number, ended[:known], [each.point for each in ended[known:]])
            ended.append(EndedPoint(point, surface.run(point.settings, point.seed, repetition)[0]))
        named = named_first(surface.space, results_of(ended), REQUIRED)
        search_chooser.TELLING_APART = before
        return named[0].tried.settings if named else None

    return method


def random_search(surface: Surface, trials: int, repetition: int) -> Settings | None:
    rng = np.random.default_rng([1, repetition])
    points = [surface.space.settings_at(rng.random(surface.settings)) for _ in range(trials)]
    return _of_best_run([(p, surface.run(p, number, repetition)[0].final) for number, p in enumerate(points)])


def plain_tpe(surface: Surface, trials: int, repetition: int) -> Settings | None:
    """Optuna as in its tutorial: what has no distance has failed; there is no constraint; one trial after another."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=repetition))

    def objective(trial: Any) -> float:
        settings = {path: trial.suggest_float(path, 0, 1) for path in surface.space.paths}
        final = surface.run(settings, trial.number, repetition)[0].final
        return float("nan") if final is None else final

    study.optimize(objective, n_trials=trials)
    return study.best_params if study.best_trials else None


def tune_asha(with_tpe: bool) -> Method:
    """Tune's ASHA with its defaults but for a halving by 2, over random settings or TPE's, four trials side by side.

    It stops once the evaluations of `trials` whole trials are spent.
    """

    def method(surface: Surface, trials: int, repetition: int) -> Settings | None:
        import optuna
        from ray.tune.schedulers import AsyncHyperBandScheduler

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        scheduler = AsyncHyperBandScheduler("step", "frechet", "min", max_t=EVALUATIONS, reduction_factor=2)
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=repetition))
        rng = np.random.default_rng([2, repetition])
        runs, left, whole, number = list[Any](), trials * EVALUATIONS, list[tuple[Settings, float | None]](), 0
        while left > 0:
            while len(runs) < LAG:
                asked = study.ask() if with_tpe else None
                settings = {
                    path: asked.suggest_float(path, 0, 1) if asked else float(rng.random())
                    for path in surface.space.paths
                }
                distances = surface.run(settings, number, repetition)[1]
                runs.append((_TuneTrial(f"{number}"), settings, asked, distances, [0]))
                scheduler.on_trial_add(None, runs[-1][0])
                number += 1
            for run in list(runs):
                trial, settings, asked, distances, step = run
                step[0] += 1
                left -= 1
                now = distances[step[0] - 1]
                value = 1e6 if now is None else now
                action = scheduler.on_trial_result(None, trial, {"step": step[0], "frechet": value})
                if step[0] == EVALUATIONS:
                    whole.append((settings, now))
                if step[0] == EVALUATIONS or action == "STOP" or now is None:
                    runs.remove(run)
                    if asked:
                        study.tell(asked, value)
        return _of_best_run(whole)

    return method


class _TuneTrial:
    def __init__(self, trial_id: str):
        self.trial_id = trial_id


def _of_best_run(runs: list[tuple[Settings, float | None]]) -> Settings | None:
    measured = [(final, number) for number, (_, final) in enumerate(runs) if final is not None]
    return runs[min(measured)[1]][0] if measured else None


def without_model(surface: Surface, trials: int, repetition: int) -> Settings | None:
    before, search_chooser.PROPOSALS = search_chooser.PROPOSALS, 1
    named = searched(SearchChooser)(surface, trials, repetition)
    search_chooser.PROPOSALS = before
    return named


def recorded_surface(file: Path) -> Surface:
    """A smooth surrogate of recorded trials over their four settings: the mean of a Gaussian process through the
    logarithm of the Frechet distance of stable trials, and through whether a trial is stable; the noise is what the
    first one leaves. An unfinished trial is not stable, as in a search.
    """
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    with file.open() as lines:
        rows = list(csv.DictReader(lines))
    places = np.array([[_position(row, path) for path in RECORDED] for row in rows])
    is_stable = np.array([row["stable"] == "1" for row in rows])
    logs = np.log([float(row["frechet"]) for row, stable in zip(rows, is_stable, strict=True) if stable])

    def fitted(at: Array, values: Array) -> tuple[Callable[[Array], Array], float]:
        kernel = ConstantKernel(1.0, (0.05, 20)) * Matern([0.4] * 4, (0.05, 5), nu=2.5) + WhiteKernel(0.1, (1e-3, 2))
        level, spread = float(values.mean()), float(values.std())
        process = GaussianProcessRegressor(kernel, random_state=0).fit(at, (values - level) / spread)
        noise = spread * float(process.kernel_.k2.noise_level) ** 0.5
        return lambda asked: level + spread * process.predict(asked), noise

    quality, noise = fitted(places[is_stable], logs)
    chance, _ = fitted(places, is_stable.astype(float))
    return Surface(
        f"recorded trials ({len(rows)}), 4 settings", 4, quality, lambda at: np.clip(chance(at), 0, 1), noise
    )


def _position(row: Mapping[str, str], path: str) -> float:
    low, high, is_log = RECORDED[path]
    value, ends = float(row[path]), (low, high)
    if is_log:
        value, ends = log(value), (log(low), log(high))
    return (value - ends[0]) / (ends[1] - ends[0])


METHODS: dict[str, tuple[Method, float]] = {
    "random 80": (random_search, 2.0),
    "random": (random_search, 1.0),
    "plain TPE": (plain_tpe, 1.0),
    "ASHA": (tune_asha(with_tpe=False), 1.0),
    "TPE + ASHA": (tune_asha(with_tpe=True), 1.0),
    "search": (searched(SearchChooser), 1.0),
    "search, 1 proposal": (without_model, 1.0),
    "search, 0%": (searched(SearchChooser, 0.0), 1.0),
    "search, 33%": (searched(SearchChooser, 1 / 3), 1.0),
    "search by GP": (searched(GpChooser), 1.0),
}
"""Name -> the method, and its trials as a multiple of `--trials`."""


def main() -> None:
    parser = argparse.ArgumentParser(description="How good is the setting that a search names?")
    parser.add_argument("--repetitions", type=int, default=20, help="searches of each method (default: 20)")
    parser.add_argument("--trials", type=int, default=40, help="of a search (default: 40)")
    parser.add_argument("--surfaces", nargs="+", default=[""], help="those whose names begin so (default: all)")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS), help="(default: all)")
    parser.add_argument("--table", type=Path, default=TABLE, help="recorded trials (default: recorded/table.csv)")
    options = parser.parse_args()
    surfaces = [*SURFACES, *([recorded_surface(options.table)] if options.table.exists() else [])]
    for surface in surfaces:
        if surface.name.startswith(tuple(options.surfaces)):
            print_surface(surface, options.methods, options.trials, options.repetitions)


def print_surface(surface: Surface, methods: list[str], trials: int, repetitions: int) -> None:
    best = surface.best(REQUIRED)
    print(f"\n{surface.name}\n\n| method | median above the best | upper quartile | not stable enough | s a search |")
    print("|---|---:|---:|---:|---:|", flush=True)
    for name in methods:
        method, factor = METHODS[name]
        began = time.process_time()
        above = [_above(surface, method(surface, round(factor * trials), each), best) for each in range(repetitions)]
        seconds = (time.process_time() - began) / repetitions
        upper = float(np.quantile(above, 0.75, method="higher"))
        lost = sum(value == inf for value in above)
        print(
            f"| {name} | {_percent(float(np.quantile(above, 0.5, method='higher')))} | {_percent(upper)} | "
            f"{lost} of {repetitions} | {seconds:.1f} |",
            flush=True,
        )


def _above(surface: Surface, settings: Settings | None, best: float) -> float:
    if settings is None:
        return inf
    quality, chance = surface.truth(settings)
    return exp(quality - best) - 1 if chance >= REQUIRED else inf


def _percent(value: float) -> str:
    return "none" if value == inf else f"{value:.0%}"


if __name__ == "__main__":
    main()
