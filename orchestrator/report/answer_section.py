"""What a sweep that trained until its question was answered says: the sentences, and the rows of the page's table."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

from orchestrator.formatting import format_ratio, short_names
from orchestrator.planning.answer_words import what_it_took
from orchestrator.planning.earlier_looks import other_looks_sentence
from orchestrator.report.artifact_schemas import LoggedAnswer, LoggedComparison

MAX_BEST = 4
"""Most configurations that can be the best that a sentence names."""
ENDS = {
    "": "It goes on: {took} so far.",
    "answered": "Answered after {took}.",
    "most seeds": "It ended at its last look, after {took}.",
    "out of reach": "It ended after {took}: what is open would hardly be settled by {most} seeds.",
    "budget": "It ended with its budget, after {took}.",
}
QUALITY = "Frechet distance of the runs that drew"
WIDTH, HEIGHT = 150, 44
"""Of a picture of the interval against the number of seeds, in pixels."""


@dataclass(frozen=True)
class AnswerRow:
    """A comparison in the table of the page. change: with its interval; "" before the first look. picture: SVG."""

    group: str
    label: str
    outcome: str
    state: str
    seeds: int
    looks: int
    change: str
    takes: str
    picture: str


def rows_of(answer: LoggedAnswer) -> list[AnswerRow]:
    """Of every comparison: what is shown first, then what is small, then what is open."""
    names, order = _names(answer), ("shown", "small", "open")
    return [
        AnswerRow(
            compared.group,
            _label(compared, names),
            "stable runs" if compared.outcome == "stable" else QUALITY,
            compared.state,
            int(compared.looks[-1][0]) if compared.looks else 0,
            len(compared.looks),
            _change(compared),
            _takes(compared, answer),
            picture(compared, answer.first, answer.most),
        )
        for compared in sorted(answer.comparisons, key=lambda compared: order.index(compared.state))
    ]


def sentences(answer: LoggedAnswer) -> list[str]:
    """The answer: what is shown, then what is shown not to matter, then what is open; then why the sweep ended."""
    names = _names(answer)
    by_state: dict[str, list[LoggedComparison]] = {"shown": [], "small": [], "open": []}
    for compared in answer.comparisons:
        by_state[compared.state].append(compared)
    lines = [f"Shown: {_claim(compared, names)}." for compared in by_state["shown"]]
    if not by_state["shown"] and answer.seeds:
        lines.append("No setting is shown to change anything.")
    if by_state["small"]:
        parts = [
            f"{_label(each, names)} changes {_subject(each)} by less than {_margin(each)}" for each in by_state["small"]
        ]
        lines.append(f"Shown not to matter: {'; '.join(parts)}.")
    if answer.best is not None and answer.seeds:
        lines.append(_best_sentence(answer.best))
    if by_state["open"] and answer.seeds:
        parts = [f"{_subject(each)} with {_label(each, names)} ({_takes(each, answer)})" for each in by_state["open"]]
        lines.append(f"Open: {'; '.join(parts)}.")
    looked_at = answer.trials if answer.looked_at is None else answer.looked_at
    took = what_it_took(answer.seeds, answer.trials, looked_at, answer.at_most)
    lines.append(ENDS[answer.end].format(took=took, most=answer.most))
    if caution := other_looks_sentence(answer.first, answer.most, answer.other_looks):
        lines.append(f"Caution: {caution}.")
    return lines


def _names(answer: LoggedAnswer) -> dict[str, str]:
    return short_names(list(dict.fromkeys(compared.factor for compared in answer.comparisons)))


def _label(compared: LoggedComparison, names: dict[str, str]) -> str:
    group = f" ({compared.group})" if compared.group and " against " not in compared.group else ""
    return f"{names[compared.factor]} from {compared.before} to {compared.after}{group}"


def _subject(compared: LoggedComparison) -> str:
    return "the share of stable runs" if compared.outcome == "stable" else f"the {QUALITY}"


def _claim(compared: LoggedComparison, names: dict[str, str]) -> str:
    certainty = "" if not compared.looks else f", after {int(compared.looks[-1][0])} seeds"
    return f"{_subject(compared)} changes by {_change(compared)}{certainty}, with {_label(compared, names)}"


def _change(compared: LoggedComparison) -> str:
    """`+40 points (+12 to +68)`; `x0.83 (0.7 to 0.98)`."""
    if not compared.looks:
        return ""
    _, mean, low, high = compared.looks[-1]
    if compared.outcome == "stable":
        return f"{100 * mean:+.0f} points ({100 * low:+.0f} to {100 * high:+.0f})"
    return f"x{_ratio(mean)} ({_ratio(low)} to {_ratio(high)})"


def _ratio(logarithm: float) -> str:
    return format_ratio(exp(logarithm)) if abs(logarithm) < 20 else ("∞" if logarithm > 0 else "0")


def _margin(compared: LoggedComparison) -> str:
    return f"{100 * compared.margin:.0f} points" if compared.outcome == "stable" else f"x{exp(compared.margin):.2f}"


def _takes(compared: LoggedComparison, answer: LoggedAnswer) -> str:
    """What it would take to settle an open comparison; "" of another one."""
    if compared.state != "open":
        return ""
    if compared.takes is None:
        few = (
            "too few pairs that are not unfinished" if compared.outcome == "stable" else "too few pairs that both drew"
        )
        return "more seeds than can be said" if compared.looks else few
    return f"about {max(compared.takes, answer.seeds + 1)} seeds"


def _best_sentence(best: list[str]) -> str:
    if len(best) == 1:
        return f"Shown: the best configuration is {best[0]}."
    named = ", ".join(best[1:MAX_BEST]) + (f" and {len(best) - MAX_BEST} more" if len(best) > MAX_BEST else "")
    return f"{best[0]} leads; {named} can be the best, too."


def picture(compared: LoggedComparison, first: int, most: int) -> str:
    """The interval against the number of seeds as SVG; the grey band is what counts as small. "" before a look."""
    if not compared.looks:
        return ""
    ends = [abs(end) for _, _, low, high in compared.looks for end in (low, high)]
    reach = max(min(max(ends), 4 * max(compared.margin, abs(compared.looks[-1][1]))), compared.margin, 1e-9)

    def x(seeds: float) -> float:
        return 6 + (WIDTH - 12) * (seeds - first) / max(most - first, 1)

    def y(value: float) -> float:
        return HEIGHT / 2 * (1 - max(-1.0, min(1.0, value / reach)))

    dots = "".join(
        f'<path d="M{x(seeds):.1f} {y(low):.1f}V{y(high):.1f}"/><circle cx="{x(seeds):.1f}" cy="{y(mean):.1f}" r="2"/>'
        for seeds, mean, low, high in compared.looks
    )
    top = y(compared.margin)
    band = f'<rect x="0" y="{top:.1f}" width="{WIDTH}" height="{HEIGHT - 2 * top:.1f}"/>'
    zero = f'<path class="zero" d="M0 {HEIGHT / 2:.1f}H{WIDTH}"/>'
    label = f"the interval after {int(compared.looks[0][0])} to {int(compared.looks[-1][0])} seeds"
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    return f'<svg class="looks {compared.state}" {size} role="img" aria-label="{label}">{band}{zero}{dots}</svg>'
