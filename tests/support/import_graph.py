"""Which module of `orchestrator` and `gan_core` imports which, read from the source without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from support.commands import ROOT

PACKAGES = ("orchestrator", "gan_core")
ORDER = {
    "orchestrator": (
        "__main__",
        "cli",
        "api",
        "commands",
        "scheduling",
        "cluster",
        "slurm",
        "report",
        "imports",
        "notifications",
        "tracking",
        "object_store",
        "console",
        "planning",
        "trial",
        "store",
        "sweepfile",
        "statistics",
    ),
    "gan_core": (
        "training",
        "evaluation",
        "generator_file",
        "sampling",
        "verdict",
        "objective",
        "networks",
        "data",
        "config",
    ),
}
"""From top to bottom: each may import those below it. All other modules are at the bottom, beside each other."""

Sources = Mapping[str, str]
"""Name of a module -> its text. A package's name stands for its `__init__.py`."""


class Import(NamedTuple):
    """`target`: one of our modules, or the full name of what is imported from elsewhere. `at_start`: whether the
    import runs when the module is imported, and not in a function or for annotations only."""

    target: str
    at_start: bool


def read_sources(root: Path = ROOT) -> dict[str, str]:
    """The text of every module of both packages."""
    files = (file for package in PACKAGES for file in sorted((root / package).rglob("*.py")))
    return {_module_name(file.relative_to(root)): file.read_text(encoding="utf-8") for file in files}


def _module_name(file: Path) -> str:
    return ".".join(file.with_suffix("").parts).removesuffix(".__init__")


def import_graph(sources: Sources) -> dict[str, set[Import]]:
    """What each module imports: in functions and under TYPE_CHECKING too."""
    return {
        module: {Import(_resolve(name, sources), at_start) for name, at_start in _imported_names(text)}
        for module, text in sources.items()
    }


def _resolve(name: str, sources: Sources) -> str:
    """`gan_core.files.write_atomically` -> `gan_core.files`; names from elsewhere stay as they are."""
    if name.partition(".")[0] not in PACKAGES:
        return name
    while name not in sources:
        name, dot, _ = name.rpartition(".")
        assert dot, "an import of a module that does not exist"
    return name


@cache
def _imported_names(text: str) -> frozenset[tuple[str, bool]]:
    return frozenset(_imports(ast.parse(text), at_start=True))


def _imports(node: ast.AST, at_start: bool) -> Iterator[tuple[str, bool]]:
    """(full name, whether it runs when the module is imported) of each import below the node."""
    if isinstance(node, ast.Import):
        yield from ((alias.name, at_start) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "relative import: write the full name"
        yield from ((f"{node.module}.{alias.name}", at_start) for alias in node.names)
    elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        for statement in node.body:
            yield from _imports(statement, at_start=False)
        for statement in node.orelse:
            yield from _imports(statement, at_start)
    else:
        in_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from _imports(child, at_start and not in_function)


def rank(module: str) -> int:
    """The layer of one of our modules: 0 is the top. Modules that ORDER does not name are below the named ones of
    their package; all of `gan_core` is below all of `orchestrator`. `orchestrator` itself is the door of its API."""
    if module == "orchestrator":
        return 0
    package, _, rest = module.partition(".")
    layers = ORDER[package]
    layer = rest.partition(".")[0]
    above = len(ORDER["orchestrator"]) + 1 if package == "gan_core" else 0
    return above + (layers.index(layer) if layer in layers else len(layers))


def reached(module: str, graph: Mapping[str, set[Import]], at_start_only: bool = False) -> set[str]:
    """Everything that the module imports, directly or through our other modules, ours and from elsewhere."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        for target, at_start in graph.get(waiting.pop(), ()):
            if target not in seen and (at_start or not at_start_only):
                seen.add(target)
                waiting.append(target)
    return seen
