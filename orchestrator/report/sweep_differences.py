"""How the sweeps of a comparison differ, in sentences: their results, their settings, and their runs in pairs."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from statistics import median

from gan_core import metric_names
from orchestrator.formatting import count_of, format_level, short_names
from orchestrator.report.analysis import Analysis
from orchestrator.report.data import SweepData
from orchestrator.report.leaderboard import stable_share
from orchestrator.report.merge import SWEEP, sweep_of_group
from orchestrator.report.trial_settings import settings_of
from orchestrator.statistics.effects import Effect
from orchestrator.statistics.trial_settings import differing_settings

MAX_SETTINGS = 4
"""Most settings that a sentence lists."""
MAX_EFFECTS = 3
"""Most effects that a sentence lists: those that hold first, then the largest."""


def difference_sentences(data: SweepData, analysis: Analysis) -> list[str]:
    """The answer to how the sweeps differ; [] if the report is of a single sweep."""
    if not data.compared:
        return []
    results = "; ".join(f"{name} had {_result(name, data)}" for name in data.compared)
    return list(filter(None, [f"{results}.", _settings_sentence(data), *_pairs_sentences(data, analysis)]))


def _result(name: str, data: SweepData) -> str:
    """`3 of 8 runs stable, with a median Frechet distance of 4.5`; the distance if one evaluator measured all."""
    runs = data.compared[name]
    ended = [run for run in runs if run.has_ended]
    if not ended:
        return "no run that has ended"
    evaluators = {run.evaluator.id for members in data.compared.values() for run in members if run.evaluator}
    distances = [value for run in ended if (value := run.quality(metric_names.FRECHET)) is not None]
    has_distance = len(evaluators) == 1 and distances
    quality = f", with a median Frechet distance of {median(distances):.3g}" if has_distance else ""
    share = stable_share(ended)
    return f"{share} runs stable{quality}" if share.total else f"only unfinished runs{quality}"


def _settings_sentence(data: SweepData) -> str:
    """`They differ in noise (before: 0; after: 0, 0.1).` "" as long as a run has not told its settings."""
    if not all(run.settings or run.has_ended for runs in data.compared.values() for run in runs):
        return ""
    of_all = iter(settings_of([run for runs in data.compared.values() for run in runs]))
    settings = {name: list(islice(of_all, len(runs))) for name, runs in data.compared.items()}
    paths = differing_settings([own for members in settings.values() for own in members])
    names = short_names(paths)
    parts = []
    for path in paths:
        levels = {
            name: list(dict.fromkeys(format_level(own[path]) for own in members if path in own))
            for name, members in settings.items()
        }
        if len({frozenset(of_sweep) for of_sweep in levels.values()}) > 1:
            of_sweeps = "; ".join(f"{name}: {', '.join(of_sweep) or 'none'}" for name, of_sweep in levels.items())
            parts.append(f"{names[path]} ({of_sweeps})")
    if not parts:
        return "The sweeps do not differ in any setting."
    more = f", and {len(parts) - MAX_SETTINGS} more settings" if len(parts) > MAX_SETTINGS else ""
    return f"They differ in {', '.join(parts[:MAX_SETTINGS])}{more}."


def _same_trials_sentence(data: SweepData) -> str:
    """`2 trials are the same in two sweeps.` "" if there are none."""
    counts = Counter(run.key for runs in data.compared.values() for run in {run.key: run for run in runs}.values())
    shared = sum(count > 1 for count in counts.values())
    return f"{count_of(shared, 'trial')} {'are' if shared > 1 else 'is'} the same in several sweeps." if shared else ""


def _pairs_sentences(data: SweepData, analysis: Analysis) -> list[str]:
    effects = [effect for effect in analysis.effects if _is_between_sweeps(effect, data)]
    if not effects:
        nothing = "No run of one sweep has a partner in another that has the same seed and differs"
        return [_same_trials_sentence(data), f"{nothing}, so nothing says what made the difference."]
    surest = sorted(effects, key=lambda e: (not (e.stable_holds or e.images_hold), -abs(e.stable.mean)))
    rest = len(effects) - MAX_EFFECTS
    more = f"; and {rest} more below" if rest > 0 else ""
    changes = "; ".join(_change(effect, analysis) for effect in surest[:MAX_EFFECTS])
    return [f"In pairs of runs alike in all else: {changes}{more}."]


def _is_between_sweeps(effect: Effect, data: SweepData) -> bool:
    """Whether the runs of the pairs are of two sweeps. Elsewhere the name of a sweep begins that of its groups."""
    if effect.factor == SWEEP:
        return True
    others, against, reference = effect.group.rpartition(" against ")
    return bool(against) and sweep_of_group(reference, data) != sweep_of_group(others, data)


def _change(effect: Effect, analysis: Analysis) -> str:
    """`with sweep from a to b, stable runs change by +50 points (95% interval ..., 8 pairs)`, and so on."""
    change = effect.stable
    certainty = f"95% interval {100 * change.low:+.0f} to {100 * change.high:+.0f}, " if effect.seeds > 1 else ""
    pairs = count_of(effect.pairs, "pair")
    images = f", images are better in {effect.wins.mean:.0%}" if effect.wins else ""
    holds = "more than chance" if effect.stable_holds or effect.images_hold else "perhaps chance"
    return (
        f"with {analysis.phrase(effect)} stable runs change by {100 * change.mean:+.0f} points ({certainty}{pairs})"
        f"{images}: {holds}"
    )
