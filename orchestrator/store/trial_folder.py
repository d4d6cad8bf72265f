"""The folder of a trial: every path in one place, and reading and writing its record and history."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gan_core.files import remove_temporary
from orchestrator.store import history_log
from orchestrator.store.json_files import Damaged, read_checked, write_checked
from orchestrator.store.record import Record
from orchestrator.store.trial_status import TrialStatus

if TYPE_CHECKING:
    from gan_core.history import Row


class TrialFolder:
    """The files of one trial. One process at a time writes them: the one that holds `lock`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.key = folder.name
        self.record_file = folder / "record.json"
        self.config_file = folder / "config.json"
        self.history_file = folder / "history.jsonl"
        self.checkpoint_file = folder / "checkpoint.pt"
        self.previous_file = folder / "checkpoint-previous.pt"
        self.damaged_file = folder / "checkpoint-damaged.pt"
        self.generator_file = folder / "generator.pt"
        self.best_file = folder / "generator-best.pt"
        self.real_file = folder / "real.png"
        self.samples = folder / "samples"
        self.lock_file = folder / "lock"

    def sample_file(self, step: int) -> Path:
        return self.samples / f"step-{step:06d}.png"

    def sample_files(self) -> list[tuple[int, Path]]:
        """(step, file) of every sample grid, in order."""
        return sorted((int(file.stem.removeprefix("step-")), file) for file in self.samples.glob("step-*.png"))

    def record(self) -> Record:
        """Of status `damaged` where the file is cut off or altered: `sweep` makes it anew from the checkpoint."""
        try:
            content = read_checked(self.record_file)
            return Record.from_json(content) if content else Record(self.key)
        except Damaged as error:
            return Record(self.key, status=TrialStatus.DAMAGED, error=str(error))
        except (TypeError, ValueError, KeyError):
            error_line = f"{self.record_file} is damaged: it has other fields"
            return Record(self.key, status=TrialStatus.DAMAGED, error=error_line)

    def write_record(self, record: Record) -> None:
        write_checked(self.record_file, record.to_json())

    def history(self, up_to: int | None = None) -> list[Row]:
        """The rows up to a step, by default all that the record vouches for. Raises Damaged.

        Up to step 0 there are none: no checkpoint vouches for the evaluation of the untrained generator.
        """
        record = self.record()
        last = record.step if up_to is None else up_to
        return [row for row in self.written(record) if row["step"] <= last] if last else []

    def has_checkpoint(self) -> bool:
        """Whether the trial would go on from one."""
        return self.checkpoint_file.exists()

    def written(self, record: Record) -> list[Row]:
        """What the record's process wrote, also past its step. Raises Damaged."""
        text = self._history_bytes()
        try:
            if record.history:
                if not record.history.matches(text):
                    raise ValueError
                text = text[: record.history.size]
            return history_log.parse_rows(text)
        except ValueError:
            raise Damaged(
                f"{self.history_file} is damaged; the same `orchestrate sweep` writes it again from the checkpoint"
            ) from None

    def history_is_whole(self, record: Record) -> bool:
        """Whether the history is what the record vouches for, without reading what it says."""
        return record.history is None or record.history.matches(self._history_bytes())

    def _history_bytes(self) -> bytes:
        try:
            return self.history_file.read_bytes()
        except FileNotFoundError:
            return b""

    def forget_past(self, step: int) -> None:
        """Deletes pictures past `step`, which no checkpoint holds, and what killed processes left half-written."""
        for past, file in self.sample_files():
            if past > step:
                file.unlink()
        self._remove_temporary()

    def prune(self) -> None:
        """Deletes what a finished trial does not need to be judged again."""
        for file in (self.previous_file, self.damaged_file):
            file.unlink(missing_ok=True)
        self._remove_temporary()

    def _remove_temporary(self) -> None:
        for folder in (self.folder, self.samples):
            remove_temporary(folder)
