"""What was mapped to what, as lines that the user reads before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from orchestrator.formatting import count_of, format_level
from orchestrator.imports.convert import factors_of
from orchestrator.imports.imported_run import ImportedRun, evaluator_id
from orchestrator.imports.mapping import QUALITY_METRICS, Mapping
from orchestrator.imports.source_run import SourceLog
from orchestrator.imports.sweep_document import ImportedTrial

MAX_LEVELS = 6
"""Levels of a setting that a line lists."""


def mapped_lines(mapping: Mapping, log: SourceLog, runs: Sequence[ImportedRun]) -> list[str]:
    """`lr -> setting optimizer.lr: 2e-4, 1e-3`, a line for each name of the source that counts; then the others."""
    pairs = [(source, f"setting {name}: {_levels(name, runs)}") for name, source in mapping.settings.items()]
    if mapping.run:
        pairs.insert(0, (mapping.run, "the name of a run"))
    if mapping.group:
        pairs.append((mapping.group, f"group: {_listed(list(dict.fromkeys(run.group for run in runs)))}"))
    seeds = _listed(sorted({run.seed for run in runs}))
    pairs.append((mapping.seed or "(order of names)", f"seed: {seeds}"))
    step = mapping.step
    pairs += [(name, key.replace("_", " ")) for key in ("batch_size", "steps_per_epoch") if (name := _name(step, key))]
    in_unit = "" if step.unit == "steps" else f", in {step.unit}"
    pairs.append((step.name or "(step of the log)", f"step{in_unit}: to {max(run.last_step for run in runs):,} steps"))
    if mapping.loss.column:
        pairs.append((mapping.loss.column, f"loss: {_listed(list(dict.fromkeys(run.loss for run in runs)))}"))
    pairs += [(source.name, text) for metric, source in mapping.metrics.items() if (text := _metric(metric, runs))]
    used = {name for name, _ in pairs}
    width = min(32, max(len(name) for name in used))
    lines = [f"{name:{width}} -> {text}" for name, text in pairs]
    ignored = [name for name in log.names if name not in used]
    return [*lines, f"ignored: {', '.join(ignored)}"] if ignored else lines


def summary_lines(log: SourceLog, runs: Sequence[ImportedRun]) -> list[str]:
    """How many runs there are, and of how many configurations."""
    groups = {run.group for run in runs}
    configurations = {(run.group, str(run.settings)) for run in runs}
    of_groups = f" in {count_of(len(groups), 'group')}" if len(groups) > 1 else ""
    seeds = Counter((run.group, str(run.settings)) for run in runs)
    fewest, most = min(seeds.values()), max(seeds.values())
    per = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    lines = [
        f"{log.title}: {count_of(len(runs), 'run')}, {count_of(len(configurations), 'configuration')}{of_groups}, "
        f"{per} seed{'' if per == '1' else 's'} each"
    ]
    window = max(run.history.window for run in runs)
    if window > 1:
        lines.append(
            f"metrics of training are averaged over windows of up to {window} values; verdicts see the windows"
        )
    return lines


def verdict_line(trials: Sequence[ImportedTrial]) -> str:
    """`verdicts: 12 stable, 4 diverged`."""
    counts = Counter(trial.record.verdict["name"] for trial in trials if trial.record.verdict)
    return f"verdicts: {', '.join(f'{count} {name}' for name, count in counts.most_common())}"


def _name(step: Any, key: str) -> str:
    value = getattr(step, key)
    return value if isinstance(value, str) else ""


def _levels(name: str, runs: Sequence[ImportedRun]) -> str:
    levels = list(dict.fromkeys(format_level(run.settings[name]) for run in runs))
    return _listed(levels) + ("" if name in factors_of(runs) else " in all runs")


def _listed(values: Sequence[object]) -> str:
    more = f" and {len(values) - MAX_LEVELS} more" if len(values) > MAX_LEVELS else ""
    return ", ".join(map(str, values[:MAX_LEVELS])) + more


def _metric(metric: str, runs: Sequence[ImportedRun]) -> str:
    """What a line says of a metric; "" if no run has it."""
    having = [run for run in runs if any(name == metric or name.startswith(f"{metric}/") for name in run.metrics)]
    if not having:
        return ""
    count = "" if len(having) == len(runs) else f", in {len(having)} of {len(runs)} runs"
    if metric not in QUALITY_METRICS:
        return f"metric {metric}{count}"
    evaluators = [f"{evaluator_id(text)} ({text})" for text in dict.fromkeys(run.evaluator for run in having)]
    return f"metric {metric} by {_listed(evaluators)}{count}"
