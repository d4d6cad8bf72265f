"""The order of the packages: imports run downward only, there are no circles, and what is light stays light."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from graphlib import CycleError, TopologicalSorter

import pytest
from support.commands import ROOT
from support.import_graph import ORDER, PACKAGES, Sources, import_graph, rank, reached, read_sources

SOURCES = read_sources()
HEAVY = (
    "torch",
    "torchvision",
    "ray",
    "mlflow",
    "pandas",
    "plotly",
    "matplotlib",
    "sklearn",
    "pyarrow",
    "rich",
)


def upward_imports(sources: Sources) -> list[str]:
    """Imports of a module in a higher layer."""
    return [
        f"{module} imports {target}, which is above it"
        for module, imports in import_graph(sources).items()
        for target, _ in imports
        if target in sources and rank(target) < rank(module)
    ]


def circles(sources: Sources) -> list[str]:
    """The first circle of imports between modules, if there is one."""
    graph = {
        module: {target for target, _ in imports if target in sources}
        for module, imports in import_graph(sources).items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [" <- ".join(error.args[1])]
    return []


def ray_or_mlflow_in_pure_packages(sources: Sources) -> list[str]:
    """`statistics` and `sweepfile` work without Ray and MLflow, also through what they import."""
    pure = [module for module in sources if module.startswith(("orchestrator.statistics", "orchestrator.sweepfile"))]
    return _reaching(sources, pure, ("ray", "mlflow"))


def orchestration_in_gan_core(sources: Sources) -> list[str]:
    """`gan_core` trains one GAN. It knows nothing of what schedules, records or reports trials."""
    core = [module for module in sources if module.startswith("gan_core")]
    return _reaching(sources, core, ("orchestrator", "ray", "mlflow", "pandas", "plotly"))


def heavy_packages(sources: Sources) -> list[str]:
    """Importing a package alone loads nothing that takes a while."""
    packages = {module.rpartition(".")[0] for module in sources} - {""}
    return _reaching(sources, sorted(packages), HEAVY, at_start_only=True)


def _reaching(
    sources: Sources, modules: Iterable[str], roots: tuple[str, ...], at_start_only: bool = False
) -> list[str]:
    graph = import_graph(sources)
    return [
        f"{module} imports {target}"
        for module in modules
        for target in sorted(reached(module, graph, at_start_only))
        if target.partition(".")[0] in roots
    ]


Rule = Callable[[Sources], list[str]]
RULES: list[Rule] = [upward_imports, circles, ray_or_mlflow_in_pure_packages, orchestration_in_gan_core, heavy_packages]


@pytest.mark.parametrize("rule", RULES)
def test_the_source_keeps_the_rule(rule: Rule) -> None:
    assert rule(SOURCES) == []


def test_the_order_names_every_package_and_nothing_else() -> None:
    for package in PACKAGES:
        folders = {
            module.split(".")[1] for module in SOURCES if module.startswith(f"{package}.") and module.count(".") > 1
        }
        modules = {module.split(".")[1] for module in SOURCES if module.startswith(f"{package}.")}
        assert folders <= set(ORDER[package]) <= modules


IN_A_FUNCTION = "def late() -> None:\n    from {} import {}\n"
FOR_ANNOTATIONS = "if TYPE_CHECKING:\n    from {} import {}\n"


@pytest.mark.parametrize(
    ("rule", "module", "planted"),
    [
        (upward_imports, "orchestrator.store.record", "from orchestrator.cli import app"),
        (upward_imports, "orchestrator.trial.restore", IN_A_FUNCTION.format("orchestrator.scheduling", "tune_run")),
        (upward_imports, "orchestrator.errors", FOR_ANNOTATIONS.format("orchestrator.store.record", "Record")),
        (upward_imports, "gan_core.config.trial", "from gan_core.training.trainer import Trainer"),
        (circles, "orchestrator.store.record", "import orchestrator.store.trial_folder"),
        (circles, "gan_core.objective.losses", IN_A_FUNCTION.format("gan_core.objective.objective", "Objective")),
        (ray_or_mlflow_in_pure_packages, "orchestrator.statistics.effects", "import ray.tune"),
        (ray_or_mlflow_in_pure_packages, "orchestrator.formatting", IN_A_FUNCTION.format("mlflow", "MlflowClient")),
        (orchestration_in_gan_core, "gan_core.verdict.judge", "from orchestrator.errors import UserError"),
        (orchestration_in_gan_core, "gan_core.training.trainer", IN_A_FUNCTION.format("pandas", "DataFrame")),
        (heavy_packages, "orchestrator.report", "import plotly.graph_objects"),
        (heavy_packages, "orchestrator.store", "from orchestrator.trial.execution import *"),
    ],
)
def test_an_import_the_wrong_way_round_is_found(rule: Rule, module: str, planted: str) -> None:
    assert len(rule({**SOURCES, module: f"{SOURCES[module]}\n{planted}\n"})) > len(rule(SOURCES))


def test_the_wheel_holds_the_packages_and_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"] == {"packages": ["gan_core", "orchestrator"]}
