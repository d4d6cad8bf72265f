"""What an earlier command has looked at, seed by seed: a claim of a later one that asks otherwise is exploratory."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from orchestrator.store.sweep_document import AnswerDocument, LookedDesign, SweepDocument

EXPLORATORY = "false claims are more likely than 5%, so what is shown is exploratory"


def looked_designs(before: SweepDocument | None) -> list[LookedDesign]:
    """Each design that commands up to the last one have looked with, once. before: the sweep as that one left it."""
    if before is None:
        return []
    designs = list(before.get("looked", []))
    answer = before.get("answer")
    if answer and answer["seeds"]:
        today = design_of(answer)
        designs = [each for each in designs if not _is_same(each, today)] + [today]
    return designs


def design_of(answer: AnswerDocument) -> LookedDesign:
    return {
        "first": answer["first"],
        "most": answer["most"],
        "seeds": answer["seeds"],
        "question": sorted(
            f"{each['group']}: {each['factor']} {each['before']} {each['after']}: {each['outcome']} {each['margin']:g}"
            for each in answer["comparisons"]
        ),
    }


def _is_same(one: LookedDesign, other: LookedDesign) -> bool:
    return {**one, "seeds": 0} == {**other, "seeds": 0}


def other_looks(looked: list[LookedDesign], answer: AnswerDocument) -> list[str]:
    """How the designs of earlier commands differ from the one of `answer`; [] if none does."""
    today, differences = design_of(answer), []
    for design in looked:
        if (design["first"], design["most"]) != (today["first"], today["most"]):
            differences.append(f"{design['first']} to {design['most']} seeds")
        elif not _is_same(design, today):
            differences.append("other comparisons, or other margins")
    return list(dict.fromkeys(differences))


def other_looks_sentence(first: int, most: int, differences: list[str]) -> str:
    """That what is shown is exploratory; "" if every look was part of the design. differences: see `other_looks`."""
    if not differences:
        return ""
    before = " and with ".join(differences)
    return f"this sweep was looked at with {before} before, and now with {first} to {most} seeds: {EXPLORATORY}"


def looked_seeds(looked: Iterable[int], seeds: Collection[int]) -> int:
    """How many of these seeds were looked at one by one; 0 if they are others. looked: seeds of each earlier design."""
    return max((number for number in looked if not set(seeds).isdisjoint(range(number))), default=0)


def looked_sentence(seeds: int) -> str:
    """That a fixed list of seeds is exploratory, since a command has looked at so many of them one by one; or ""."""
    if not seeds:
        return ""
    return (
        f"an earlier command looked at {seeds} seeds one by one, with `until: answered`, and what it saw may have made "
        f"this list: {EXPLORATORY}"
    )
