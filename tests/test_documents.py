"""Whatever a document names exists: files, modules, classes, commands, options, tests. And it can be read."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import typer
from support.commands import ROOT
from support.documents import DOCUMENTS, Document, anchors
from support.import_graph import ORDER, PACKAGES

from gan_core.config.identity import setting_paths
from orchestrator.cli.app import app
from orchestrator.sweepfile.loader import load

FOLDERS = ("orchestrator", "gan_core", "tests", "docs", "experiments", "benchmarks", "docker", "tools")
SOURCES = ("*.py", "*.sh", "*.js", "*.j2", "*.yaml", "*.toml", "Makefile", "Dockerfile")
LONGEST_LINE = 100
IDENTIFIER = re.compile(r"[A-Z][a-z]+[A-Z]\w*|[A-Z]+_[A-Z_]+")
"""A class such as TrialFolder, or a constant such as BUILT_IN. Other words in backticks may be anything."""
FROM_ELSEWHERE = {
    *("AbortIncompleteMultipartUpload", "ReadWriteMany", "AWS_REGION", "AWS_SECRET_ACCESS_KEY"),
    *("CUDA_VISIBLE_DEVICES", "EXCLUSIVE_PROCESS"),
}
"""Identifiers of other programs that occur nowhere in our source."""
MADE_BY_USERS = {"docker/.env", "docker/secrets/mlflow_password", "docker/secrets/ray_token"}
GENERATED = ROOT / "docs" / "original-report.md"
"""It shows networks as PyTorch prints them."""

ALL = pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))


@cache
def files() -> dict[str, Path]:
    """Every source file of the repository by its path."""
    sources = [file for folder in FOLDERS for pattern in SOURCES for file in (ROOT / folder).rglob(pattern)]
    sources += [file for pattern in SOURCES for file in ROOT.glob(pattern)]
    return {str(file.relative_to(ROOT)): file for file in sources}


@cache
def source_words() -> frozenset[str]:
    """Every word of the source, but not of the test that asks."""
    texts = (file.read_text(encoding="utf-8") for file in files().values() if file != Path(__file__))
    return frozenset(word for text in texts for word in re.findall(r"\w+", text))


@cache
def names_of(module: str) -> frozenset[str]:
    """What a module defines or imports at its top level."""
    path = module.replace(".", "/")
    file = files().get(f"{path}.py") or files()[f"{path}/__init__.py"]
    names: set[str] = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        match node:
            case ast.ClassDef() | ast.FunctionDef():
                names.add(node.name)
            case ast.Assign():
                names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.Import() | ast.ImportFrom():
                names |= {alias.asname or alias.name for alias in node.names}
    return frozenset(names)


def module_exists(name: str) -> bool:
    """Whether `gan_core.verdict` or `gan_core.verdict.judge.judge` exists. A package's entry-point group counts."""
    path = name.replace(".", "/")
    if f"{path}.py" in files() or (ROOT / path).is_dir():
        return True
    module, _, symbol = name.rpartition(".")
    return "." in module and module_exists(module) and symbol in names_of(module)


def file_exists(word: str) -> bool:
    """A path from the root, with `*` for anything; or the end of one, such as `test_losses.py`."""
    if "/" in word and word.split("/")[0] in FOLDERS:
        return any(ROOT.glob(word.rstrip("/")))
    return any(path == word or path.endswith(f"/{word}") for path in files())


def missing(words: set[str]) -> list[str]:
    """What looks like something of this repository, and is not there."""
    unknown = []
    for word in sorted(words):
        if re.fullmatch(rf"({'|'.join(FOLDERS)})/[\w./*-]*|[\w./-]+\.(py|sh|js|j2)", word):
            exists = file_exists(word) or word in MADE_BY_USERS
        elif re.fullmatch(rf"({'|'.join(PACKAGES)})(\.\w+)+", word):
            exists = module_exists(word)
        elif re.fullmatch(r"test_\w+", word) or IDENTIFIER.fullmatch(word):
            exists = word in source_words() | FROM_ELSEWHERE
        else:
            continue
        if not exists:
            unknown.append(word)
    return unknown


@ALL
def test_everything_that_a_document_names_exists(file: Path) -> None:
    document = Document.read(file)
    ours = {word for word in document.words_of_code() if word.startswith(FOLDERS)}  # an example has files of its own
    assert missing(document.words() | ours) == []


@pytest.mark.parametrize(
    "word",
    [
        "gan_core/no_such_file.py",
        "tests/orchestrator/no_such_*.py",
        "test_no_such_file.py",
        "gan_core.no_such_module",
        "gan_core.verdict.judge.no_such_name",
        "test_that_nobody_wrote",
        "NoSuchClassAnywhere",
        "NO_SUCH_CONSTANT",
    ],
)
def test_what_does_not_exist_is_found(word: str) -> None:
    assert missing({word}) == [word]


@ALL
def test_every_import_in_an_example_works(file: Path) -> None:
    for _, code in Document.read(file).code:
        for module, names in re.findall(r"^from ((?:gan_core|orchestrator)[\w.]*) import (.+)$", code, re.MULTILINE):
            assert module_exists(module), module
            assert {name.strip() for name in names.split(",")} <= names_of(module)


@cache
def commands() -> dict[str, set[str]]:
    """Each command of `orchestrate` with its options."""
    group = typer.main.get_command(app)
    return {
        name: {option for parameter in command.params for option in parameter.opts} | {"--help"}
        for name, command in group.commands.items()  # type: ignore[attr-defined]
    }


@ALL
def test_every_command_and_option_exists(file: Path) -> None:
    for name, options in Document.read(file).commands():
        if name != "COMMAND":
            assert name in commands(), f"orchestrate {name}"
            assert set(options) <= commands()[name], f"orchestrate {name} {options}"


def test_an_option_of_another_command_is_found() -> None:
    [(name, options)] = Document(Path(), "`orchestrate plan FILE --confirm 1`", []).commands()
    assert name in commands()
    assert not set(options) <= commands()[name]


def test_readme_lists_every_command() -> None:
    named = {name for name, _ in Document.read(ROOT / "README.md").commands()}
    assert named >= set(commands())


def test_readme_names_settings_that_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text[text.index("| section | settings") :].split("\n\n")[0]
    rows = re.findall(r"^\| (?:`(\w+)`|\(none\)) \| (.*) \|$", table, re.MULTILINE)
    named = {f"{section}.{name}".lstrip(".") for section, names in rows for name in re.findall(r"`([\w.]+)`", names)}
    stabilizers = text[text.index("| `stabilizers` (0") :].split("\n\n")[0]
    named |= {f"stabilizers.{name}" for name in re.findall(r"^\| `(\w+): ", stabilizers, re.MULTILINE)}
    paths = set(setting_paths())
    assert {path for path in named if not any(f"{known}.".startswith(f"{path}.") for known in paths)} == set()
    assert {path.split(".")[1] for path in paths if path.startswith("stabilizers")} == {
        path.split(".")[1] for path in named if path.startswith("stabilizers.")
    }


def test_the_sweep_file_of_the_readme_is_one(tmp_path: Path) -> None:
    [example] = [code for language, code in Document.read(ROOT / "README.md").code if language == "yaml"]
    (tmp_path / "sweep.yaml").write_text(example, encoding="utf-8")
    assert len(load(tmp_path / "sweep.yaml", ["trial.steps=100", "seeds=[0,1,2]"]).trials) == 12


@ALL
def test_every_make_target_exists(file: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    document = Document.read(file)
    lines = [*document.spans(), *(line for _, code in document.code for line in code.split("\n"))]
    named = {target[1] for line in lines if (target := re.match(r"make ([a-z][\w-]*)", line))}
    assert named <= targets


@ALL
def test_every_link_leads_to_a_file_and_a_heading(file: Path) -> None:
    for link in Document.read(file).links():
        path, _, anchor = link.partition("#")
        target = (file.parent / path).resolve() if path else file
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@ALL
def test_lines_are_at_most_100_columns(file: Path) -> None:
    text = Document.read(file).prose if file == GENERATED else file.read_text(encoding="utf-8")
    may_be_longer = "|" if file == GENERATED else "["  # its tables; the targets of links
    assert [line for line in text.split("\n") if len(line) > LONGEST_LINE and not line.startswith(may_be_longer)] == []


def test_comments_of_experiments_are_at_most_100_columns() -> None:
    for file in ROOT.glob("experiments/**/*.yaml"):
        comments = [line for line in file.read_text(encoding="utf-8").split("\n") if line.startswith("#")]
        assert [line for line in comments if len(line) > LONGEST_LINE] == [], file


def test_architecture_lists_the_packages_in_their_order() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [name for package in PACKAGES for name in (package, *ORDER[package])]


def test_decisions_are_numbered_and_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    decisions = sorted(folder.glob("[0-9]*.md"))
    assert [int(file.name[:3]) for file in decisions] == list(range(1, len(decisions) + 1))
    for file in decisions:
        title = file.read_text(encoding="utf-8").split("\n")[0].removeprefix("# ").replace(". ", ": [", 1)
        assert f"- {title}]({file.name})\n" in (folder / "README.md").read_text(encoding="utf-8")
