"""Charts of settings that were drawn: the curve with its band, over the points that it is of."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log10
from typing import Any

import plotly.graph_objects as go

from orchestrator.formatting import format_level
from orchestrator.report.drawn_settings import Names, estimate_text, name_of, table_places, value_text
from orchestrator.report.interactive_figures import OTHER_COLOUR, SIGNIFICANT_COLOUR
from orchestrator.space import Choice, Interval
from orchestrator.statistics.sampled_effects import SampledEffect

TITLES = {"stable": "share of stable runs", "frechet": "Frechet distance / its average"}
BAND = {True: "rgba(0,114,178,0.18)", False: "rgba(128,128,128,0.2)"}
POINT = "rgba(128,128,128,0.75)"


def drawn_figures(effects: Sequence[SampledEffect], names: Names) -> list[tuple[str, go.Figure]]:
    """(title, figure) of each effect that has a curve."""
    has_groups = len({effect.group for effect in effects}) > 1
    figures = []
    for effect in effects:
        if effect.curve:
            group = f"{effect.group}: " if has_groups else ""
            title = f"{group}{name_of(effect, names)}: {TITLES[effect.outcome]}"
            figures.append((title, _figure(effect, title, name_of(effect, names))))
    return figures


def _figure(effect: SampledEffect, title: str, name: str) -> go.Figure:
    figure = go.Figure(_of_choice(effect) if isinstance(effect.dimension, Choice) else _of_range(effect))
    colour = _colour(effect)
    band = ", 95% band" if effect.has_band else ""
    runs = effect.runs // effect.points
    point = "a point: one run" if runs == effect.runs / effect.points == 1 else "a point: the mean of its runs"
    places = [[value_text(effect.places[place]), estimate_text(effect, place)] for place in table_places(effect)]
    figure.update_layout(
        template="none",
        meta={
            "title": title,
            "legend": [(f"on average{band}", colour), (point, OTHER_COLOUR)],
            "numbers": {"head": [name, f"{TITLES[effect.outcome]}{' (95% band)' * effect.has_band}"], "rows": places},
        },
        xaxis={"title": {"text": name}, **_across(effect)},
        yaxis=_up(effect),
    )
    return figure


def _colour(effect: SampledEffect) -> str:
    return SIGNIFICANT_COLOUR if effect.holds else OTHER_COLOUR


def _unit(effect: SampledEffect, value: float) -> float:
    """As it is drawn: a ratio, of a logarithm."""
    return exp(value) if effect.outcome == "frechet" else value


def _points(effect: SampledEffect, xs: Sequence[Any]) -> go.Scatter:
    return go.Scatter(
        x=xs,
        y=[_unit(effect, value) for _, value, _ in effect.observed],
        text=[f"{format_level(value)}: {runs} run{'s' * (runs != 1)}" for value, _, runs in effect.observed],
        mode="markers",
        marker={"size": 6, "color": POINT},
        hovertemplate="%{text}, %{y:.3g}<extra></extra>",
    )


def _of_range(effect: SampledEffect) -> list[go.Scatter]:
    assert effect.curve
    middle, low, high = ([_unit(effect, value) for value in values.tolist()] for values in effect.curve)
    line = {"mode": "lines", "hoverinfo": "skip", "line": {"width": 0}}
    band = [
        go.Scatter(x=effect.places, y=high, **line),
        go.Scatter(x=effect.places, y=low, fill="tonexty", fillcolor=BAND[effect.holds], **line),
    ]
    curve = go.Scatter(
        x=effect.places,
        y=middle,
        mode="lines",
        line={"color": _colour(effect), "width": 2},
        hovertemplate="%{x:.3g}: %{y:.3g} on average<extra></extra>",
    )
    return [*(band if effect.has_band else []), _points(effect, [value for value, _, _ in effect.observed]), curve]


def _of_choice(effect: SampledEffect) -> list[go.Scatter]:
    """Levels at 0, 1, ...: their points stand to the left of the estimate."""
    assert effect.curve
    texts = [format_level(level) for level in effect.places]
    middle, low, high = ([_unit(effect, value) for value in values.tolist()] for values in effect.curve)
    estimates = go.Scatter(
        x=list(range(len(texts))),
        y=middle,
        mode="markers",
        marker={"size": 9, "color": _colour(effect)},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [end - value for end, value in zip(high, middle, strict=True)],
            "arrayminus": [value - end for end, value in zip(low, middle, strict=True)],
            "thickness": 1.5,
            "color": _colour(effect),
            "visible": effect.has_band,
        },
        hovertemplate="%{y:.3g} on average<extra></extra>",
    )
    xs = [texts.index(format_level(value)) - 0.18 for value, _, _ in effect.observed]
    return [_points(effect, xs), estimates]


def _across(effect: SampledEffect) -> dict[str, Any]:
    if isinstance(effect.dimension, Choice):
        texts = [format_level(level) for level in effect.places]
        return {"tickmode": "array", "tickvals": list(range(len(texts))), "ticktext": texts, "showgrid": False}
    if isinstance(effect.dimension, Interval) and effect.dimension.is_log:
        return {"type": "log", "exponentformat": "power", "dtick": 1, **_log_range(effect.dimension)}
    return {}


def _log_range(dimension: Interval) -> dict[str, Any]:
    low, high = log10(dimension.low), log10(dimension.high)
    margin = 0.03 * (high - low)
    decades = {} if high - low > 1.5 else {"dtick": "D2"}
    return {"range": [low - margin, high + margin], **decades}


def _up(effect: SampledEffect) -> dict[str, Any]:
    if effect.outcome == "stable":
        return {"range": [-0.05, 1.05], "tickformat": ".0%"}
    return {"type": "log", "nticks": 6}
