"""The numbers in docs/original-report.md: pure functions that the template calls by name."""

from __future__ import annotations

from statistics import fmean
from typing import NamedTuple

from runs import SWEEPS, Run, of

from gan_core import metric_names
from gan_core.config.identity import unflatten
from gan_core.config.trial import TrialConfig
from gan_core.networks.build import build_networks
from gan_core.verdict.judge import RULES_VERSION
from gan_core.verdict.names import DRAWING, VerdictName
from orchestrator.statistics.intervals import Change, Share, mean_change, wilson_share
from orchestrator.statistics.pairing import blocks, complete_blocks, contrasts_by_seed, varied_factors
from orchestrator.statistics.result import Result

DCGAN, STABILISED, ACGAN, WGAN_GP = SWEEPS
SMOOTHING, NOISE = "stabilizers.label_smoothing", "stabilizers.instance_noise.std"


def both_on(runs: list[Run]) -> list[Run]:
    """The stabilised system as the report built it (both stabilisers on), and the corrected one."""
    built = [run for run in of(runs, "as built") if run.factors[SMOOTHING] and run.factors[NOISE]]
    return [*built, *of(runs, "corrected")]


def machine(run: Run) -> str:
    environment = run.record.environment
    versions = ", ".join(f"{name} {version}" for name, version in environment["packages"].items())
    processor = environment.get("processor", "an unnamed processor")
    return f"{processor}, {versions}, precision {run.record.applied['precision']}"


def printed(family: str, channels: int) -> str:
    """The report's networks as PyTorch prints them."""
    config = TrialConfig.model_validate(unflatten({"model.networks": "original", "model.family": family}))
    classes = 5 if family == "acgan" else 0
    pair = build_networks(config.model, config.stabilizers, channels, classes, 32, seed=0)
    counts = [sum(weight.numel() for weight in network.parameters()) for network in pair]
    return "\n\n".join(
        f"```\n{network}\n```\n\n{count:,} parameters." for network, count in zip(pair, counts, strict=True)
    )


def applied(run: Run) -> str:
    """Adam as read from the optimisers."""
    players = {name: run.record.applied[name] for name in ("generator", "discriminator")}
    settings = [f"{name} lr {adam['lr']:g}, betas {tuple(adam['betas'])}" for name, adam in players.items()]
    return f"Adam, {'; '.join(settings)}; batch {run.config.batch_size}."


def outcomes(runs: list[Run]) -> str:
    """A table: verdicts and quality of each configuration, mean and range over the seeds that did not diverge."""
    classed = any(run.series(metric_names.CLASS_AGREEMENT)[1] for run in runs)
    columns = {metric_names.FRECHET: ("Frechet at the end", ".1f"), metric_names.MODES: ("classes", ".1f")}
    columns |= {metric_names.CLASS_AGREEMENT: ("asked class", ".2f")} if classed else {}
    columns |= {metric_names.DIVERSITY_RATIO: ("diversity", ".2f")}
    titles = ["configuration", "verdicts, seeds 0 1 2", "best Frechet (step), by seed"]
    titles += [title for title, _ in columns.values()]
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for name in dict.fromkeys(_configuration(run) for run in runs):
        members = [run for run in runs if _configuration(run) == name]
        cells = [name, ", ".join(run.verdict for run in members), ", ".join(map(_best, members))]
        cells += [over(members, metric, form) for metric, (_, form) in columns.items()]
        lines.append(f"| {' | '.join(cells)} |")
    measured = ", ".join(dict.fromkeys(run.record.evaluator["id"] for run in runs))
    return "\n".join(lines) + f"\n\nMeasured with {measured}."


def _configuration(run: Run) -> str:
    return run.name.rsplit(" seed=", 1)[0]


def _best(run: Run) -> str:
    metric = metric_names.frechet(run.record.evaluator["id"])
    return f"{run.record.best[metric]:.1f} ({run.record.best['step']:.0f})" if run.record.best else "–"


def over(runs: list[Run], metric: str, form: str) -> str:
    """The last value of the metric: mean and range over the seeds that did not diverge."""
    return _mean_and_range([run.last(metric) for run in runs if run.verdict != VerdictName.DIVERGED], form)


def by_seed(runs: list[Run], metric: str) -> str:
    """The last value of the metric in every run."""
    return ", ".join(f"{run.last(metric):.2f}" for run in runs)


def at_end(runs: list[Run], group: str, metric: str) -> str:
    """Mean and range over seeds of the metric's mean over the last 100 steps."""
    return _mean_and_range([run.mean_up_to(metric, run.config.steps) for run in of(runs, group)], ".2f")


def _mean_and_range(values: list[float], form: str) -> str:
    known = [value for value in values if value == value]  # not the NaN of what was never measured
    return f"{fmean(known):{form}} ({min(known):{form}} to {max(known):{form}})" if known else "–"


def rules(runs: dict[str, list[Run]]) -> str:
    """Which version of the rules judged the runs, and what that means where it is not today's."""
    verdicts = [run.record.verdict for members in runs.values() for run in members if run.record.verdict]
    versions = sorted({verdict.get("rules", 1) for verdict in verdicts})
    words = f"version {versions[0]}" if len(versions) == 1 else f"versions {', '.join(map(str, versions))}"
    if versions == [RULES_VERSION]:
        return f"Verdicts are by {words} of the rules, today's."
    return (
        f"Verdicts are by {words} of the rules, and today's is {RULES_VERSION}: it judges every evaluation, not the "
        "last one, and calls a run unfinished that had not begun to draw or still improved. So a verdict of today may "
        "differ; losses, accuracies and distances stand as they were measured."
    )


def percent(share: float) -> str:
    return f"{share:.0%}"


def better(runs: list[Run]) -> str:
    """The group with the smaller mean Frechet distance at the end."""
    return min(
        ("as built", "corrected"), key=lambda group: fmean(run.last(metric_names.FRECHET) for run in of(runs, group))
    )


def apart(runs: list[Run], metric: str) -> bool:
    """Whether every corrected run has more of the metric than every one as built."""
    built, corrected = ([run.last(metric) for run in of(runs, group)] for group in ("as built", "corrected"))
    return max(built) < min(corrected)


class Toggle(NamedTuple):
    """What a stabiliser changed, paired by seed and by the other stabiliser; no `frechet` where all diverged."""

    stable_with: Share
    stable_without: Share
    frechet: Change | None
    lower: int
    pairs: int


def toggle(runs: list[Run], factor: str) -> Toggle:
    """Differences are averaged within a seed, since pairs that share a seed share its luck."""
    results = [_result(run) for run in of(runs, "as built")]
    varied = varied_factors(results)
    without, within = sorted(varied[factor], key=float)
    alike = blocks(results, [factor], varied)
    pairs = [pair for _, pair in complete_blocks(alike, [(without,), (within,)])]
    by_seed = contrasts_by_seed(alike, {(without,): -1, (within,): 1}, lambda result: result.final)
    differences = [difference for one_seed in by_seed for difference in one_seed]
    return Toggle(
        _stable_share([after for _, after in pairs]),
        _stable_share([before for before, _ in pairs]),
        mean_change([fmean(one_seed) for one_seed in by_seed]) if by_seed else None,
        sum(difference < 0 for difference in differences),
        len(differences),
    )


def _stable_share(results: list[Result]) -> Share:
    decided = [result.stable for result in results if result.stable is not None]
    return wilson_share(sum(decided), len(decided))


def _result(run: Run) -> Result:
    final = None if run.verdict == VerdictName.DIVERGED else run.last(metric_names.FRECHET)
    return Result(
        "as built",
        _configuration(run),
        run.seed,
        run.factors,
        stable=None if run.verdict == VerdictName.UNFINISHED else run.verdict == VerdictName.STABLE,
        steps=run.config.steps,
        event=None,
        final=final,
        best=None,
        drew=run.verdict in DRAWING,
    )


def smoothing(runs: list[Run]) -> Toggle:
    return toggle(runs, SMOOTHING)


def noise(runs: list[Run]) -> Toggle:
    return toggle(runs, NOISE)


THEIRS: list[tuple[str, str, int, float, str]] = [
    # sweep, label, step, the report's value, our metric
    (DCGAN, "G loss", 2300, 0.8010, metric_names.LOSS_GENERATOR),
    (DCGAN, "D loss", 2300, 0.6750, metric_names.LOSS_DISCRIMINATOR),
    (STABILISED, "G loss", 1500, 0.8880, metric_names.LOSS_GENERATOR),
    (STABILISED, "D loss", 1500, 0.6731, metric_names.LOSS_DISCRIMINATOR),
    (ACGAN, "G loss", 1100, 0.1942, metric_names.LOSS_GENERATOR),
    (ACGAN, "D loss", 1100, -0.4263, metric_names.LOSS_DISCRIMINATOR),
    *[
        (WGAN_GP, "G loss", 100 * (i + 1), value, metric_names.LOSS_GENERATOR)
        for i, value in enumerate((-1.24, -8.34, -9.81, -10.43, -13.76, -12.60, -9.29, -6.60, -4.67))
    ],
    *[
        (WGAN_GP, "critic loss", 100 * (i + 1), value, metric_names.LOSS_DISCRIMINATOR)
        for i, value in enumerate((-6.01, -5.20, -3.86, -3.29, -4.34, -5.17, -5.70, -6.33, -7.28))
    ],
    *[
        (WGAN_GP, "accuracy", 100 * (i + 1), value, metric_names.ACCURACY_DISCRIMINATOR)
        for i, value in enumerate((0.508, 0.5, 0.527, 0.5, 0.5, 0.5, 0.527, 0.516, 0.504))
    ],
]


def beside(runs: dict[str, list[Run]]) -> list[list[str]]:
    """The report's numbers beside ours, as rows of a table."""
    rows = []
    for sweep, label, step, theirs, metric in THEIRS:
        chosen = both_on(runs[sweep]) if sweep == STABILISED else runs[sweep]
        ours = [
            _mean_and_range([run.mean_up_to(metric, step) for run in of(chosen, group)], ".3f")
            for group in ("as built", "corrected")
        ]
        rows.append([sweep.removeprefix("original-"), label, str(step), f"{theirs:g}", *ours])
    return rows
