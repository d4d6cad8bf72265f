"""A sweep file, or its content as a mapping, with overrides as a mapping -> a `Sweep`."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.representer import RepresenterError

from gan_core.data.datasets import user_path
from orchestrator.errors import UserError, short_repr
from orchestrator.planning.data_paths import PATH_SETTINGS
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.sweepfile import loader
from orchestrator.sweepfile.model import Sweep


def read(source: str | Path | Mapping[str, Any], overrides: Mapping[str, Any] | None, home: Path) -> Sweep:
    """The sweep. A mapping counts as the file `sweep.yaml` in the sweep's folder, which the command keeps.

    Raises UserError.
    """
    changed = [f"{path}={_as_yaml(value, path)}" for path, value in (overrides or {}).items()]
    if not isinstance(source, Mapping):
        return loader.load(Path(source), changed)
    name = source.get("sweep")
    if not isinstance(name, str):
        raise UserError(f"sweep: {short_repr(name)} is no name of a sweep; write {{'sweep': 'NAME', ...}}")
    text = _as_yaml(_with_absolute_paths(source), "sweep", flow=False)
    return loader.read(text, str(SweepFolder(home, name).source_file.absolute()), changed)


def _as_yaml(value: Any, path: str, flow: bool = True) -> str:
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.width = flow, 10_000
    stream = io.StringIO()
    try:
        yaml.dump(_plain(value), stream)
    except RepresenterError:
        raise UserError(f"{path}: {short_repr(value)} cannot be written as YAML; give numbers, texts, lists") from None
    return stream.getvalue().removesuffix("...\n").strip() if flow else stream.getvalue()


def _plain(value: Any) -> Any:
    """Mappings, tuples and numpy's numbers as what YAML knows."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Path):
        return str(value)
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value


def _with_absolute_paths(value: Any, path: str = "") -> Any:
    """The content of a sweep, with the paths of its data as seen from the current folder."""
    if isinstance(value, Mapping):
        return {key: _with_absolute_paths(each, f"{path}.{key}") for key, each in value.items()}
    if not path.endswith(tuple(f".{setting}" for setting in PATH_SETTINGS)):
        return [_with_absolute_paths(each, path) for each in value] if isinstance(value, list | tuple) else value
    paths = value if isinstance(value, list | tuple) else [value]
    absolute = [str(user_path(str(each)).absolute()) if isinstance(each, str | Path) else each for each in paths]
    return absolute if isinstance(value, list | tuple) else absolute[0]
