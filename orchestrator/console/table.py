"""Tables in a terminal of any width: nothing in a cell is ever cut or wrapped, least of all a name or a command.

The last column holds long texts (names, commands). Where a table is too wide, they move to lines of their own below
their rows; where it is still too wide, columns that a reader can do without are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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


Line = list[tuple[str, str]]
"""Parts of a line: (text, style)."""


def table_lines(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[Text]:
    """The titles and the rows as lines; the cells of the last column may be longer than a line."""
    return [Text.assemble(*parts, no_wrap=True, overflow="ignore") for parts in _lines(columns, rows, width)]


def _lines(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[Line]:
    rows = [list(map(escape_control_characters, row)) for row in rows]
    widths = [max(cell_len(column.title), *(cell_len(row[i]) for row in rows), 0) for i, column in enumerate(columns)]
    shown = list(range(len(columns)))
    is_split = _width(widths, shown) > width
    if is_split:
        shown.pop()
        for number in sorted({column.optional for column in columns if column.optional is not None}):
            if _width(widths, shown) <= width:
                break
            shown = [i for i in shown if columns[i].optional != number]
    titles = [column.title for column in columns]
    lines = list[Line]()
    for cells in (titles, *rows):
        is_title = cells is titles
        line = Line()
        for i in shown:
            style = "dim" if is_title else columns[i].colours.get(cells[i], "")
            space = " " * (widths[i] - cell_len(cells[i]))
            before, after = (space, "") if columns[i].right else ("", space)
            line += [(before, ""), (cells[i], style), ("" if i == shown[-1] else after + " " * GAP, "")]
        if any(text.strip() for text, _ in line):
            lines.append(line)
        if is_split and cells[-1]:
            lines.append([(" " * GAP + cells[-1], "dim" if is_title else "")])
    if left_out := [column.title for i, column in enumerate(columns[:-1]) if i not in shown]:
        lines.append([(f"(no room for {', '.join(left_out)})", "dim")])
    return lines


def _width(widths: Sequence[int], shown: Sequence[int]) -> int:
    return sum(widths[i] for i in shown) + GAP * (len(shown) - 1)


def print_table(console: Console, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Print a table that fits the console. A text that is longer than a line stays whole, so it can be copied."""
    if console.is_terminal:
        lines = table_lines(columns, rows, console.width)
        console.print(Text("\n").join(lines), soft_wrap=True, highlight=False)
    else:  # rich takes seconds for 10,000 lines
        plain = ("".join(text for text, _ in parts) for parts in _lines(columns, rows, console.width))
        console.file.write("".join(f"{line.rstrip()}\n" for line in plain))
