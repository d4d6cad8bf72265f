"""A map of stability beside two libraries that model yes and no: BoTorch's variational process, scikit-learn's Laplace.

    python benchmarks/map_peers.py [--repetitions 8] [--trials 40] [--settings 2] [--shapes ridge island] [--peers ...]

Each chooses its trials one at a time on the same made boundaries, after the same even start, from the same candidates:
ours looks ahead (`statistics/level_set.py`), the libraries, which have no criterion for a level set, take the straddle
of Bryan et al. (2005), 1.96 s - |m|, with their own mean m and deviation s of f. Printed: the part of the space on the
wrong side of the 50% line, of each by its own model, and in parentheses its trials analysed by our model; medians; and
the seconds for a fit and a choice, of a core.

BoTorch is no dependency of this project. Without it: `pip install botorch`, or leave it out of --peers.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.stats import qmc

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from map import TRUTH_PLACES, judged, mapped, outcomes, sobol
from support.made_boundaries import HARD, SHAPES, SOFT, Array, Boundary

from orchestrator.planning.map_chooser import PLACES, START_PER_SETTING

Latent = Callable[[Array], tuple[Array, Array]]
"""points [points, settings] -> mean and deviation of f there."""
STRADDLE = 1.96


def botorch_process(points: Array, stable: Array) -> Latent:
    """BoTorch's SingleTaskVariationalGP with a Bernoulli likelihood, Matern 5/2 and its default priors."""
    import torch
    from botorch.fit import fit_gpytorch_mll
    from botorch.models.approximate_gp import SingleTaskVariationalGP
    from gpytorch.likelihoods import BernoulliLikelihood
    from gpytorch.mlls import VariationalELBO

    torch.set_num_threads(1)
    torch.manual_seed(0)
    inputs = torch.tensor(points, dtype=torch.float64)
    targets = torch.tensor(stable, dtype=torch.float64)[:, None]
    model = SingleTaskVariationalGP(
        inputs, targets, likelihood=BernoulliLikelihood(), inducing_points=inputs, learn_inducing_points=False
    ).double()
    fit_gpytorch_mll(VariationalELBO(model.likelihood, model.model, num_data=len(points)))

    def latent(places: Array) -> tuple[Array, Array]:
        with torch.no_grad():
            posterior = model.posterior(torch.tensor(places, dtype=torch.float64))
        return posterior.mean.numpy().ravel(), posterior.variance.sqrt().numpy().ravel()

    return latent


def sklearn_process(points: Array, stable: Array) -> Latent:
    """scikit-learn's GaussianProcessClassifier (logistic, Laplace), Matern 5/2 with a length for each setting."""
    from sklearn.gaussian_process import GaussianProcessClassifier
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern

    if len(set(stable.tolist())) < 2:  # it takes no less than two classes
        return lambda places: (np.full(len(places), 2.0 * stable[0] - 1), np.ones(len(places)))
    lengths = Matern([0.4] * points.shape[1], (0.1, 3.0), nu=2.5)
    classifier = GaussianProcessClassifier(ConstantKernel(4.0, (0.5, 100.0)) * lengths, random_state=0)
    classifier.fit(points, stable)

    def latent(places: Array) -> tuple[Array, Array]:
        mean, variance = classifier.latent_mean_and_variance(places)
        return mean, np.sqrt(variance)

    return latent


PEERS = {"BoTorch": botorch_process, "scikit-learn": sklearn_process}


def chosen_by_straddle(process: Callable[[Array, Array], Latent], boundary: Boundary, trials: int, seed: int) -> Array:
    points = sobol(boundary.settings, START_PER_SETTING * boundary.settings, seed)
    while len(points) < trials:
        mean, deviation = process(points, outcomes(boundary.run, points))(base := places_of(boundary, seed, points))
        points = np.vstack([points, base[np.argmax(STRADDLE * deviation - np.abs(mean))]])
    return points


def places_of(boundary: Boundary, seed: int, points: Array) -> Array:
    return qmc.Sobol(boundary.settings, seed=1000 * seed + len(points)).random(PLACES)


def wrong(boundary: Boundary, is_stable: Callable[[Array], Array]) -> float:
    places = qmc.Sobol(boundary.settings, seed=123).random(TRUTH_PLACES)
    return float(np.mean(is_stable(places) != (boundary.probability(places) > 0.5)))


def main() -> None:
    parser = argparse.ArgumentParser(description="A map of stability beside libraries that model yes and no.")
    parser.add_argument("--repetitions", type=int, default=8, help="of each boundary (default: 8)")
    parser.add_argument("--trials", type=int, default=40, help="of a map (default: 40)")
    parser.add_argument("--settings", type=int, nargs="+", default=[2], help="numbers of settings")
    parser.add_argument("--shapes", nargs="+", default=["ridge", "island", "two islands"], choices=list(SHAPES))
    parser.add_argument("--softness", type=float, nargs="+", default=[HARD, SOFT], help="of the boundaries")
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS), help="beside ours")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # of the libraries: lengths at their bounds, fits that stop early
    print(f"| settings | edge | boundary | ours | {' | '.join(options.peers)} |")
    print("|---:|---:|---|" + "---:|" * (1 + len(options.peers)))
    seconds = dict.fromkeys(["ours", *options.peers], 0.0)
    for settings in options.settings:
        for softness in options.softness:
            for shape in options.shapes:
                print(f"| {settings} | {softness} | {shape} | {row(options, settings, softness, shape, seconds)} |")
                sys.stdout.flush()
    choices = options.repetitions * len(options.softness) * len(options.shapes)
    choices *= sum(options.trials - START_PER_SETTING * settings for settings in options.settings)
    print(", ".join(f"{name}: {spent / choices:.2f} s for a fit and a choice" for name, spent in seconds.items()))


def row(options: argparse.Namespace, settings: int, softness: float, shape: str, seconds: dict[str, float]) -> str:
    own, ours = ({name: list[float]() for name in seconds} for _ in range(2))
    for seed in range(options.repetitions):
        boundary = Boundary(shape, settings, softness, seed)
        for name in seconds:
            began = time.process_time()
            if name == "ours":
                points = mapped(boundary, options.trials, batch=1, seed=seed)
            else:
                points = chosen_by_straddle(PEERS[name], boundary, options.trials, seed)
            seconds[name] += time.process_time() - began
            ours[name].append(judged(boundary, points)[0])
            if name != "ours":
                latent = PEERS[name](points, outcomes(boundary.run, points))
                own[name].append(wrong(boundary, lambda places, latent=latent: latent(places)[0] > 0))
    cells = [f"{np.median(ours['ours']):.1%}"]
    cells += [f"{np.median(own[name]):.1%} ({np.median(ours[name]):.1%})" for name in options.peers]
    return " | ".join(cells)


if __name__ == "__main__":
    main()
