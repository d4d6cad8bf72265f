"""What was measured of a trial's samples beyond the leaderboard, beside what held-out real images reach."""

from __future__ import annotations

from gan_core import metric_names
from orchestrator.report.artifact_schemas import LoggedEvaluator
from orchestrator.report.data import RunData
from orchestrator.report.remarks import repeats
from orchestrator.report.template_filters import number


def quality_texts(run: RunData) -> dict[str, str]:
    """Name -> text; {} if nothing measured the run."""
    card = run.evaluator
    if card is None:
        return {}
    texts: dict[str, str] = {}
    titles = {
        metric_names.FRECHET: "Frechet distance",
        metric_names.FRECHET_INFINITY: "Frechet distance, extrapolated",
        metric_names.AUTHENTICITY: "authentic samples",
        metric_names.COPIED: "copies of training images",
        metric_names.CLASS_RECALL: "recall of the weakest class",
    }
    for metric, title in titles.items():
        value = run.quality(metric)
        if value is None:
            continue
        real = getattr(card.kept_out, metric) if card.kept_out else None
        held_out = "" if real is None else f" (held-out real images: {number(real)})"
        texts[f"measured: {title}"] = f"{number(value)}{_addition(run, card, metric)}{held_out}"
    to_training, to_held_out = (
        run.quality(metric) for metric in (metric_names.FRECHET_TO_TRAINING, metric_names.FRECHET_TO_HELD_OUT)
    )
    if to_training is not None and to_held_out is not None:
        distances = f"{number(to_training)} and {number(to_held_out)}"
        texts["measured: Frechet distance to some training images, and to as many held-out ones"] = distances
    return texts


def _addition(run: RunData, card: LoggedEvaluator, metric: str) -> str:
    if metric == metric_names.COPIED and repeats(run):
        return ", suspicious"
    weakest = run.quality(metric_names.WEAKEST_CLASS)
    if metric == metric_names.CLASS_RECALL and weakest is not None and 0 <= int(weakest) < len(card.tested):
        return f", of class {list(card.tested)[int(weakest)]}"
    return ""
