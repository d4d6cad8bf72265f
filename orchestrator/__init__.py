"""Runs many GANs: a sweep file in, records, an MLflow experiment and a comparison report out.

For notebooks and programs:

    import orchestrator as orch
    result = orch.sweep("experiments/stability.yaml", overrides={"trial.steps": 100})
    result.trials, result.effects, result.histories       # pandas frames
    result.best().generator().sample(16, seed=0)          # images, an array; .show() in a notebook
"""

from typing import TYPE_CHECKING, Any

from orchestrator.version import __version__

if TYPE_CHECKING:
    from orchestrator.api.sweeps import compare, load, plan, sweep

__all__ = ["__version__", "compare", "load", "plan", "sweep"]


def __getattr__(name: str) -> Any:
    """`orchestrator.sweep` and the others are imported when they are asked for: the package itself is light."""
    if name not in __all__:
        raise AttributeError(f"module 'orchestrator' has no attribute {name!r}")
    from orchestrator.api import sweeps

    return getattr(sweeps, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
