"""A trial's folder in an object store, where nodes share none: pushed with each record, pulled by whoever goes on.

<storage>/sweeps/<sweep>/trials/<key>/000003-1f2e3d4c/      what the third attempt made durable, as in a trial's folder

S3 knows neither rename nor lock. So each attempt writes below a name of its own, number and token, where nobody else
does: a worker that was cut off may write as late as it likes, and changes nothing that its successor wrote. Who goes on
takes the highest attempt that has a record, which is written last and vouches for the rest, as in a folder. A push that
ends half-way leaves what a killed process leaves there: a checkpoint or a history that is ahead of the record.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from gan_core.files import write_atomically
from orchestrator.object_store.attempts import (
    ATTEMPT,
    RECORD,
    Superseded,
    by_attempt,
    files_of,
    in_order,
    newest,
    next_attempt,
    object_prefix,
)
from orchestrator.object_store.s3 import ObjectStore, reason
from orchestrator.store.record import Record
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import TrialStatus

SECONDS_OF_PATIENCE = 60.0
"""How long a worker waits for a storage that is away where it cannot go on without: to begin, and to end."""


class _Stamp(NamedTuple):
    """What tells a file's content from another's without reading it: a rename keeps it."""

    inode: int
    changed: int
    size: int


def _stamp(file: Path) -> _Stamp:
    found = file.stat()
    return _Stamp(found.st_ino, found.st_mtime_ns, found.st_size)


class WorkerFolder(TrialFolder):
    """A trial's folder on one node. Each record that is written takes everything before it to the storage.

    `prefix`: of the trial in the storage. `fetch` first. `trouble`: why the storage lags behind, or ''.

    A storage that is away does not stop training: the next checkpoint takes everything there. The beginning and the end
    of a trial wait for it, and then OSError is raised. Superseded is raised as soon as a later attempt is seen.
    """

    def __init__(self, folder: Path, storage: ObjectStore, prefix: str):
        super().__init__(folder)
        self.storage, self.prefix = storage, prefix
        self.attempt, self.trouble = "", ""
        self._pushed: dict[str, _Stamp] = {}
        self._stored: dict[_Stamp, str] = {}  # content -> the object of this attempt that holds it

    def fetch(self) -> None:
        """Takes over what the last attempt left, into an empty folder. Raises OSError."""
        _patiently(self._fetch)

    def _fetch(self) -> None:
        objects = self.storage.objects(self.prefix)
        found = by_attempt(objects)
        shutil.rmtree(self.folder, ignore_errors=True)  # what a fetch that was cut off has left
        self.folder.mkdir(parents=True)
        if last := newest(found):
            for name in reversed(in_order(found[last])):  # a worker that was cut off may push meanwhile
                write_file(self.folder / name, self.storage.read(f"{self.prefix}/{last}/{name}"))
        self.attempt = next_attempt(path.partition("/")[0] for path in objects)

    def write_record(self, record: Record) -> None:
        super().write_record(record)
        first = RECORD not in self._pushed
        try:
            if first or record.has_ended:
                _patiently(self.push)
            else:
                self.push()
            self.trouble = ""
        except OSError as error:
            if first or record.status != TrialStatus.RUNNING:
                raise
            why = reason(error, self.storage.bucket)
            self.trouble = f"the storage is behind: {why}; the next checkpoint takes all of it there"

    def push(self) -> None:
        """Makes the storage hold what the folder holds. Raises OSError, Superseded."""
        self.attempt = self.attempt or next_attempt(self.storage.folders(self.prefix))
        others = [name for name in self.storage.folders(self.prefix) if ATTEMPT.fullmatch(name)]
        if later := [name for name in others if name > self.attempt]:
            raise Superseded(f"attempt {later[-1]} goes on with this trial, this one ({self.attempt}) ends")
        now = {name: _stamp(self.folder / name) for name in in_order(files_of(self.folder))}
        for gone in self._pushed.keys() - now.keys():
            self.storage.delete(f"{self.prefix}/{self.attempt}/{gone}")
            del self._pushed[gone]
        for name, stamp in now.items():
            if self._pushed.get(name) != stamp:
                self._push(name, stamp)
        for earlier in others:
            if earlier < self.attempt:
                self.storage.delete_below(f"{self.prefix}/{earlier}")

    def _push(self, name: str, stamp: _Stamp) -> None:
        path = f"{self.prefix}/{self.attempt}/{name}"
        known = self._stored.get(stamp)
        if known:  # the checkpoint before: it had another name when it was pushed
            self.storage.copy(known, path)
        else:
            self.storage.write(path, (self.folder / name).read_bytes())
        self._pushed[name], self._stored[stamp] = stamp, path

    def prune(self) -> None:
        super().prune()
        for name in [name for name in self._pushed if not (self.folder / name).exists()]:
            try:
                self.storage.delete(f"{self.prefix}/{self.attempt}/{name}")
            except OSError:  # it takes room there, that is all
                return


def _patiently(call: Callable[[], None]) -> None:
    """Again and again while the storage is away."""
    waiting = Retrying(
        retry=retry_if_exception_type(OSError),
        stop=stop_after_delay(SECONDS_OF_PATIENCE),
        wait=wait_exponential(0.5, max=10),
        reraise=True,
    )
    waiting(call)


def write_file(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, content)


def sync_error_of(folder: TrialFolder) -> str:
    """Why the storage lags behind this folder, or ''."""
    return folder.trouble if isinstance(folder, WorkerFolder) else ""


def fetch_trial(folder: Path, uri: str, scratch: Path) -> WorkerFolder:
    """The trial of the command's `folder`, fetched into a place of this node. Raises OSError, UserError."""
    made = WorkerFolder(scratch / folder.name, ObjectStore(uri), object_prefix(folder))
    made.fetch()
    return made
