"""The folder of a trial: the path of every file, and how its record and history are read and written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gan_core.files import remove_temporary
from orchestrator.store.history_log import parse_rows
from orchestrator.store.json_files import (
    DamagedFile,
    read_json_or_none,
    read_with_checksum,
    write_json,
    write_with_checksum,
)
from orchestrator.store.record import Record
from orchestrator.store.trial_status import TrialStatus

if TYPE_CHECKING:
    from gan_core.history import Row  # which needs torch: `status` answers without


class TrialFolder:
    """The files of one trial. Only the process that holds `lock_file` writes them, but for `stop_file`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.key = folder.name
        self.record_file = folder / "record.json"
        self.config_file = folder / "config.json"
        self.history_file = folder / "history.jsonl"
        self.checkpoint_file = folder / "checkpoint.pt"
        self.previous_checkpoint_file = folder / "checkpoint-previous.pt"
        self.damaged_checkpoint_file = folder / "checkpoint-damaged.pt"
        self.generator_file = folder / "generator.pt"
        self.best_generator_file = folder / "generator-best.pt"
        self.real_images_file = folder / "real.png"
        self.samples = folder / "samples"
        self.lock_file = folder / "lock"
        self.stop_file = folder / "stop.json"

    def sample_file(self, step: int) -> Path:
        return self.samples / f"step-{step:06d}.png"

    def sample_files(self) -> list[tuple[int, Path]]:
        """(step, file) of every sample grid, in the order of steps."""
        return sorted((int(file.stem.removeprefix("step-")), file) for file in self.samples.glob("step-*.png"))

    # The record

    def record(self) -> Record:
        """A record of status DAMAGED if the file is; `orchestrate sweep` then writes it anew from the checkpoint."""
        try:
            content = read_with_checksum(self.record_file)
            return Record.from_json(content) if content else Record(self.key)
        except DamagedFile as error:
            message = str(error)
        except (TypeError, ValueError, KeyError):
            message = f"{self.record_file} is damaged: it has other fields"
        return Record(self.key, status=TrialStatus.DAMAGED, error=message)

    def write_record(self, record: Record) -> None:
        """Raises OSError."""
        write_with_checksum(self.record_file, record.to_json())

    # The word of a schedule

    def write_stop(self, step: int, why: str) -> None:
        """The trial shall end at this step. From the process that schedules it. Raises OSError."""
        write_json(self.stop_file, {"step": step, "why": why})

    def stop(self) -> tuple[int, str] | None:
        """(step, why) at which a schedule wants the trial to end; None if it shall train on."""
        match read_json_or_none(self.stop_file):
            case {"step": int() as step, "why": str() as why}:
                return step, why
        return None

    # The history

    def history(self, up_to: int | None = None) -> list[Row]:
        """The rows up to a step, by default all that the record covers. Raises DamagedFile.

        Up to step 0 there are none: no checkpoint holds the evaluation of the untrained generator.
        """
        record = self.record()
        last = record.step if up_to is None else up_to
        return [row for row in self.written_rows(record) if row["step"] <= last] if last else []

    def written_rows(self, record: Record) -> list[Row]:
        """All rows that the record's process wrote, also those after the record's step. Raises DamagedFile."""
        content = self._history_bytes()
        try:
            if record.history is not None:
                if not record.history.matches(content):
                    raise ValueError
                content = content[: record.history.size]
            return parse_rows(content)
        except ValueError:
            raise DamagedFile(
                f"{self.history_file} is damaged; the same `orchestrate sweep` writes it again from the checkpoint"
            ) from None

    def is_history_whole(self, record: Record) -> bool:
        """Whether the history matches the digest in the record. Its lines are not parsed."""
        return record.history is None or record.history.matches(self._history_bytes())

    def _history_bytes(self) -> bytes:
        try:
            return self.history_file.read_bytes()
        except FileNotFoundError:
            return b""

    # The other files

    def has_checkpoint(self) -> bool:
        """Whether the trial would be resumed from a checkpoint."""
        return self.checkpoint_file.exists()

    def delete_past(self, step: int) -> None:
        """Deletes sample grids of steps after `step`, and temporary files of killed processes."""
        for sample_step, file in self.sample_files():
            if sample_step > step:
                file.unlink()
        self._remove_temporary()

    def prune(self) -> None:
        """Deletes the files that only a trial that goes on needs."""
        for file in (self.previous_checkpoint_file, self.damaged_checkpoint_file):
            file.unlink(missing_ok=True)
        self._remove_temporary()

    def _remove_temporary(self) -> None:
        for folder in (self.folder, self.samples):
            remove_temporary(folder)
