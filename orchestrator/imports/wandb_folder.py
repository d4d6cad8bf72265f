"""A folder `wandb/` of runs that W&B recorded offline: `offline-run-*/run-ID.wandb`.

A `.wandb` file is a log in LevelDB's format (https://github.com/google/leveldb/blob/main/doc/log_format.md) behind a
header of 7 bytes; its records are W&B's protobuf messages, which the wandb package knows.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gan_core.config.identity import flatten
from gan_core.error_text import first_line
from orchestrator.errors import UserError
from orchestrator.imports.mapping import Mapping
from orchestrator.imports.source_run import Point, Series, SourceLog, SourceRun, folder_of, named
from orchestrator.imports.values import setting_value

HEADER, BLOCK = 7, 32768
"""Bytes of the file's header, and of the blocks that no piece of a record crosses."""
PIECE = struct.Struct("<IHB")
"""Checksum, length and kind of a piece of a record: 1 a whole record, 2 its first piece, 3 a middle one, 4 its last."""
WHOLE, FIRST, MIDDLE, LAST = 1, 2, 3, 4
STEP, TIME, RUNTIME = "_step", "_timestamp", "_runtime"
MISSING = "reading W&B's offline runs needs the package wandb: pip install 'gan-orchestrator[import]'"


def read(mapping: Mapping) -> SourceLog:
    """The runs below a folder. Raises UserError."""
    try:
        from wandb.proto.wandb_internal_pb2 import Record
    except ImportError:
        raise UserError(f"{mapping.line_of('from')}: {MISSING}") from None
    root = folder_of(Path(mapping.source), "W&B's runs")
    files = sorted(root.rglob("run-*.wandb"))
    if not files:
        raise UserError(f"{root} holds no run that W&B recorded here (run-*.wandb), nor does a folder in it")
    runs, failed = [], []
    for file in files:
        try:
            run, exit_code = _run(file, Record, mapping.step.name or STEP)
        except Exception as error:  # protobuf has errors of its own
            raise UserError(f"{file} cannot be read as a run of W&B: {first_line(error)}") from None
        runs.append(run)
        if exit_code != 0:
            failed.append(run.name)
    cautions = []
    if failed:
        cautions.append(f"runs that did not end by themselves are judged by what they logged: {named(failed)}")
    names = sorted({name for run in runs for name in (*run.series, *run.settings)})
    return SourceLog(str(root), runs, names, cautions)


def records(content: bytes) -> Iterator[bytes]:
    """The records of a file. The last one of a run that was killed may be cut off, and is left out."""
    position, parts = HEADER, b""
    while position + PIECE.size <= len(content):
        room = BLOCK - position % BLOCK
        if room < PIECE.size:
            position += room
            continue
        _, length, kind = PIECE.unpack_from(content, position)
        start = position + PIECE.size
        piece = content[start : start + length]
        if kind not in (WHOLE, FIRST, MIDDLE, LAST) or len(piece) < length:
            return
        position = start + length
        parts = piece if kind in (WHOLE, FIRST) else parts + piece
        if kind in (WHOLE, LAST):
            yield parts


def _run(file: Path, record_class: Any, step_name: str) -> tuple[SourceRun, int | None]:
    """The run of a file, and the exit code of its program; None if it did not come to its end."""
    name, exit_code = file.stem.removeprefix("run-"), None
    config: dict[str, Any] = {}
    series: Series = {}
    for content in records(file.read_bytes()):
        record = record_class.FromString(content)
        match record.WhichOneof("record_type"):
            case "run":
                name = record.run.display_name or name
                config |= _items(record.run.config.update)
            case "config":
                config |= _items(record.config.update)
            case "history":
                _add(series, flatten(_items(record.history.item)), step_name)
            case "exit":
                exit_code = record.exit.exit_code
    config.pop("_wandb", None)
    settings = {key: setting_value(value) for key, value in flatten(config).items()}
    return SourceRun(name, settings, series), exit_code


def _items(items: Any) -> dict[str, Any]:
    """Key -> value of messages with a key, or the parts of a nested one, and a value as JSON."""
    nested: dict[str, Any] = {}
    for item in items:
        *parents, leaf = list(item.nested_key) or [item.key]
        node = nested
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = json.loads(item.value_json)
    return nested


def _add(series: Series, row: dict[str, Any], step_name: str) -> None:
    """Add what was logged at once. A row without the wanted step is left out."""
    position, time = _number(row.get(step_name)), _number(row.get(TIME))
    if position is None:
        return
    for name, value in row.items():
        number = _number(value) if name not in (step_name, TIME, RUNTIME) else None
        if number is not None:
            series.setdefault(name, []).append(Point(position, number, None if time is None else int(1000 * time)))


def _number(value: Any) -> float | None:
    """W&B writes what is not finite as a text; None for anything else that is not a number."""
    if value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
