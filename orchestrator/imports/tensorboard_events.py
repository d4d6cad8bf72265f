"""TensorBoard event files: a folder with event files is a run; its settings come from hparams or from its name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gan_core.error_text import first_line
from orchestrator.errors import UserError
from orchestrator.imports.mapping import Mapping
from orchestrator.imports.source_run import Point, Series, SourceLog, SourceRun, folder_of, named
from orchestrator.imports.values import setting_value

SCALARS, HPARAMS, SESSION = "scalars", "hparams", "_hparams_/session_start_info"
MISSING = "reading TensorBoard's event files needs the package tensorboard: pip install 'gan-orchestrator[import]'"


def read(mapping: Mapping) -> SourceLog:
    """The runs below a folder. Raises UserError."""
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError:
        raise UserError(f"{mapping.line_of('from')}: {MISSING}") from None
    root = folder_of(Path(mapping.source), "TensorBoard's event files")
    wanted = {source.name for source in mapping.metrics.values()}
    series: dict[Path, Series] = {}
    settings: dict[Path, dict[str, Any]] = {}
    tags: set[str] = set()
    for folder in _event_folders(root):
        try:
            events = EventAccumulator(str(folder), size_guidance={SCALARS: 0, "tensors": 0}).Reload()
            series[folder], settings[folder] = _scalars(events), _hparams(events)
        except Exception as error:  # of a damaged file: protobuf's and TensorBoard's own
            raise UserError(f"{folder}: its event files cannot be read: {first_line(error)}") from None
        tags |= set(series[folder])
    if not series:
        raise UserError(f"{root} holds no event files (events.out.tfevents.*), nor does a folder in it")
    for folder, own in settings.items():  # `SummaryWriter.add_hparams` writes them into a folder of their own
        if own and folder.parent in series:
            settings[folder.parent] |= own
            series[folder] = {}
    runs, left_out = [], []
    for folder, of_run in series.items():
        name = str(folder.relative_to(root)) if folder != root else root.resolve().name
        if wanted & set(of_run):
            runs.append(SourceRun(name, settings[folder], of_run))
        elif of_run:
            left_out.append(name)
    cautions = [f"folders without any of the mapped metrics are left out: {named(left_out)}"] if left_out else []
    hparams = {name for own in settings.values() for name in own}
    return SourceLog(str(root), runs, sorted(tags | hparams), cautions)


def _event_folders(root: Path) -> list[Path]:
    return sorted({file.parent for file in root.rglob("*tfevents*") if file.is_file()})


def _scalars(events: Any) -> Series:
    """Both kinds of scalars: those of `SummaryWriter`, and the tensors that TensorFlow 2 writes.

    Of a step that was logged twice (a run that was resumed) the last value counts.
    """
    series = {tag: [_point(event, event.value) for event in events.Scalars(tag)] for tag in events.Tags()[SCALARS]}
    return series | dict(_tensors(events))


def _tensors(events: Any) -> Iterator[tuple[str, list[Point]]]:
    from tensorboard.util.tensor_util import make_ndarray

    for tag in events.Tags()["tensors"]:
        if events.SummaryMetadata(tag).plugin_data.plugin_name == SCALARS:
            yield tag, [_point(event, make_ndarray(event.tensor_proto).item()) for event in events.Tensors(tag)]


def _point(event: Any, value: float) -> Point:
    return Point(event.step, float(value), int(1000 * event.wall_time))


def _hparams(events: Any) -> dict[str, Any]:
    """The hyperparameters of the hparams plugin; {} if the run logged none."""
    from tensorboard.plugins.hparams import plugin_data_pb2

    try:
        content = events.PluginTagToContent(HPARAMS)[SESSION]
    except KeyError:
        return {}
    data = plugin_data_pb2.HParamsPluginData.FromString(content)
    values = {}
    for name, value in data.session_start_info.hparams.items():
        kind = value.WhichOneof("kind")
        plain: Any = getattr(value, kind) if kind else None
        is_whole = isinstance(plain, float) and plain.is_integer()  # all of its numbers are floats
        values[name] = setting_value(int(plain) if is_whole else plain)
    return values
