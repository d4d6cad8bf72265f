"""What the documents of this repository name: links, things in backticks, command lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from support.commands import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^|\n\n)((?:    .*\n)+)")
SPAN = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$", re.MULTILINE)
COMMAND = re.compile(r"\borchestrate ([a-zA-Z]\S*)(.*)")
SHORT_COMMAND = re.compile(r"^(sweep|plan|report|sample|logs) --.*")
OPTION = re.compile(r"(?<!\S)--[a-z][a-z-]*")
COMMENT = re.compile(r"\s#\s.*")


class Document(NamedTuple):
    """`prose`: the text without its code. `code`: its code blocks, each with its language, if it says one."""

    file: Path
    prose: str
    code: list[tuple[str, str]]

    @classmethod
    def read(cls, file: Path) -> Document:
        text = file.read_text(encoding="utf-8")
        code = [(block[1], block[2]) for block in FENCE.finditer(text)]
        text = FENCE.sub("", text)
        code += [("", block[1]) for block in INDENTED.finditer(text)]
        return cls(file, INDENTED.sub("\n", text), code)

    def spans(self) -> list[str]:
        """What stands in backticks, on one line each."""
        return [" ".join(span.split()) for span in SPAN.findall(self.prose)]

    def links(self) -> list[str]:
        """The targets of its links to files of this repository."""
        targets = (link[1] or link[2] for link in LINK.finditer(SPAN.sub("``", self.prose)))
        return [target for target in targets if "://" not in target]

    def commands(self) -> Iterator[tuple[str, list[str]]]:
        """(name, options) of each `orchestrate NAME --option ...`."""
        lines = [SHORT_COMMAND.sub(r"orchestrate \g<0>", span) for span in self.spans()]
        for _, block in self.code:
            lines += block.replace("\\\n", " ").split("\n")
        for line in lines:
            if command := COMMAND.search(COMMENT.sub("", line)):
                yield command[1], OPTION.findall(command[2])

    def words(self) -> set[str]:
        """The words in backticks."""
        return _words(self.spans())

    def words_of_code(self) -> set[str]:
        """The words in code blocks."""
        return _words([block for _, block in self.code])


def _words(texts: list[str]) -> set[str]:
    return {word.strip("`'\",;:()[]{}") for text in texts for word in text.split()}


def anchors(file: Path) -> set[str]:
    """The anchors of a document's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", file.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
