"""Tables in a terminal of any width: nothing in a cell is ever cut or wrapped, least of all a name or a command.

The last column holds long texts (names, commands). Where a table is too wide, they move to lines of their own below
their rows; where it is still too wide, columns that a reader can do without are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from orchestrator.errors import escape_control_characters

GAP = 2
"""Spaces between two columns, and before a text on a line of its own."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    `optional`: the columns with the smallest number are left out first; None: never. `colours`: text of a cell -> its
    style.
    """

    title: str
    right: bool = False
    optional: int | None = None
    colours: Mapping[str, str] = field(default_factory=dict)


class _Line(NamedTuple):
    """`parts`: (text, style). `may_wrap`: a long text on a line of its own may, where rich lays out the table."""

    parts: list[tuple[str, str]]
    may_wrap: bool = False

    @property
    def plain(self) -> str:
        return "".join(text for text, _ in self.parts)

    def styled(self) -> Text:
        text = Text.assemble(*self.parts)
        if not self.may_wrap:
            text.no_wrap, text.overflow = True, "ignore"
        return text


def table_lines(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[Text]:
    """The titles and the rows as lines; the cells of the last column may be longer than a line."""
    return [line.styled() for line in _lines(columns, rows, width)]


def _lines(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[_Line]:
    rows = [list(map(escape_control_characters, row)) for row in rows]
    widths = [max(_cells(column.title), *(_cells(row[i]) for row in rows), 0) for i, column in enumerate(columns)]
    shown = list(range(len(columns)))
    is_split = _width(widths, shown) > width
    if is_split:
        shown.pop()
        for number in sorted({column.optional for column in columns if column.optional is not None}):
            if _width(widths, shown) <= width:
                break
            shown = [i for i in shown if columns[i].optional != number]
    titles = [column.title for column in columns]
    lines = list[_Line]()
    for cells in (titles, *rows):
        is_title = cells is titles
        parts = list[tuple[str, str]]()
        for i in shown:
            style = "dim" if is_title else columns[i].colours.get(cells[i], "")
            space = " " * (widths[i] - _cells(cells[i]))
            before, after = (space, "") if columns[i].right else ("", space)
            parts += [(before, ""), (cells[i], style), ("" if i == shown[-1] else after + " " * GAP, "")]
        if any(text.strip() for text, _ in parts):
            lines.append(_Line(parts))
        if is_split and cells[-1]:
            lines.append(_Line([(" " * GAP + cells[-1], "dim" if is_title else "")], may_wrap=True))
    if left_out := [column.title for i, column in enumerate(columns[:-1]) if i not in shown]:
        lines.append(_Line([(f"(no room for {', '.join(left_out)})", "dim")], may_wrap=True))
    return lines


def _cells(text: str) -> int:
    """How many columns of the terminal the text takes."""
    return len(text) if text.isascii() else cell_len(text)  # control characters are escaped before


def _width(widths: Sequence[int], shown: Sequence[int]) -> int:
    return sum(widths[i] for i in shown) + GAP * (len(shown) - 1)


def print_table(console: Console, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Print a table that fits the console. A text that is longer than a line stays whole, so it can be copied."""
    if console.is_terminal:
        lines = table_lines(columns, rows, console.width)
        console.print(Text("\n").join(lines), soft_wrap=True, highlight=False)
    else:  # rich takes seconds for 10,000 lines
        console.file.write("".join(f"{line.plain.rstrip()}\n" for line in _lines(columns, rows, console.width)))
