"""A sweep that chooses its trials one after another, in words."""

from __future__ import annotations

from orchestrator.formatting import count_of
from orchestrator.store.sweep_document import ExploredDocument

NOT_CHOOSING = ("trials", "lag", "points", "over")
"""Keys of the document that may change without another choice of the points before. `over` names the settings of the
space, and its order says what is across and up."""
NAMES = {"space": "its space", "seed": "the seed of its sample", "stable": "the share of stable runs that it requires"}
"""How a key is called in a message."""


def to_choose(document: ExploredDocument | None) -> int:
    """How many trials are still to be chosen; 0 of another sweep."""
    return document["trials"] - len(document["points"]) if document else 0


def explored_line(document: ExploredDocument) -> str:
    """`map over optimizer.lr, loss.gradient_penalty: 24 of 80 trials are chosen`."""
    chosen, trials = len(document["points"]), document["trials"]
    return f"{document['kind']} over {', '.join(document['space'])}: {chosen} of {trials} trials are chosen so far"


def changes(earlier: ExploredDocument, document: ExploredDocument) -> list[str]:
    """The names of what has changed so that points must be chosen anew."""
    one, other = dict(earlier), dict(document)
    keys = [key for key in other if key not in NOT_CHOOSING]  # what the earlier one alone has is of its kind
    return [NAMES.get(key, f"its {key}") for key in keys if one.get(key) != other.get(key)]


def rechosen_line(earlier: ExploredDocument | None, document: ExploredDocument | None) -> str:
    """That the points of the last command are not those of this one; "" if they are."""
    if earlier is None or document is None or not earlier["points"] or document["points"]:
        return ""
    other = "its settings (steps count too), its data or this program's defaults"
    changed = " and ".join(changes(earlier, document)) or other
    count = count_of(len(earlier["points"]), "point")
    return (
        f"caution: this {document['kind']} chooses all its points anew, without the {count} so far: {changed} changed"
    )
