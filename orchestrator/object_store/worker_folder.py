"""A trial's folder on a node whose trials live in an object store: pushed with each record, pulled by the next worker.

<storage>/sweeps/<sweep>/trials/<key>/000003-1f2e3d4c/      the files of the third attempt, as in a trial's folder

S3 has neither rename nor locks. So each attempt writes below a prefix of its own, a number and a token, where no other
worker writes: a worker that was cut off may write as late as it likes, and changes nothing that its successor wrote.
The next worker takes the highest attempt that has a record. The record is written last, so all that it refers to is
there. A push that ends half-way leaves what a killed process leaves in a folder: a checkpoint or a history that is
ahead of the record.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from gan_core.files import write_atomically
from orchestrator.object_store.attempts import (
    ATTEMPT_NAME,
    RECORD,
    Superseded,
    group_by_attempt,
    in_push_order,
    newest_attempt,
    next_attempt,
    object_prefix,
    trial_files,
)
from orchestrator.object_store.s3 import ObjectStore, explain
from orchestrator.store.record import Record
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import TrialStatus

RETRY_SECONDS = 60.0
"""How long a worker retries if the store does not answer when it must: at the beginning and at the end of a trial."""


class _Stamp(NamedTuple):
    """Identifies the content of a file without reading it. A rename keeps it."""

    inode: int
    modified_ns: int
    size: int


def _stamp(file: Path) -> _Stamp:
    status = file.stat()
    return _Stamp(status.st_ino, status.st_mtime_ns, status.st_size)


class WorkerFolder(TrialFolder):
    """A trial's folder on one node. Writing a record pushes everything written so far to the object store.

    `prefix`: of the trial in the store. Call `fetch` first. `sync_error`: why the store is out of date, or ''.

    A store that does not answer does not stop training: the next checkpoint pushes everything. The beginning and the
    end of a trial wait for the store, and raise OSError after RETRY_SECONDS. Superseded is raised as soon as a later
    attempt is seen.
    """

    def __init__(self, folder: Path, object_store: ObjectStore, prefix: str):
        super().__init__(folder)
        self.object_store, self.prefix = object_store, prefix
        self.attempt, self.sync_error = "", ""
        self._pushed: dict[str, _Stamp] = {}
        self._stored: dict[_Stamp, str] = {}  # content -> the object of this attempt that holds it

    def fetch(self) -> None:
        """Copy the files of the last attempt into an empty folder. Raises OSError."""
        _with_retries(self._fetch)

    def _fetch(self) -> None:
        objects = self.object_store.objects(self.prefix)
        attempts = group_by_attempt(objects)
        shutil.rmtree(self.folder, ignore_errors=True)  # what a fetch that was cut off has left
        self.folder.mkdir(parents=True)
        if last := newest_attempt(attempts):
            for name in reversed(in_push_order(attempts[last])):  # a worker that was cut off may push meanwhile
                write_file(self.folder / name, self.object_store.read(f"{self.prefix}/{last}/{name}"))
        self.attempt = next_attempt(path.partition("/")[0] for path in objects)

    def write_record(self, record: Record) -> None:
        super().write_record(record)
        first = RECORD not in self._pushed
        try:
            if first or record.has_ended:
                _with_retries(self.push)
            else:
                self.push()
            self.sync_error = ""
        except OSError as error:
            if first or record.status != TrialStatus.RUNNING:
                raise
            cause = explain(error, self.object_store.bucket)
            self.sync_error = f"the object store is out of date: {cause}; the next checkpoint uploads everything"

    def push(self) -> None:
        """Make the object store hold what the folder holds. Raises OSError, Superseded."""
        self.attempt = self.attempt or next_attempt(self.object_store.children(self.prefix))
        attempts = [name for name in self.object_store.children(self.prefix) if ATTEMPT_NAME.fullmatch(name)]
        if later := [name for name in attempts if name > self.attempt]:
            raise Superseded(f"attempt {later[-1]} goes on with this trial, this one ({self.attempt}) ends")
        current = {name: _stamp(self.folder / name) for name in in_push_order(trial_files(self.folder))}
        for removed in self._pushed.keys() - current.keys():
            self.object_store.delete(f"{self.prefix}/{self.attempt}/{removed}")
            del self._pushed[removed]
        for name, stamp in current.items():
            if self._pushed.get(name) != stamp:
                self._push(name, stamp)
        for earlier in attempts:
            if earlier < self.attempt:
                self.object_store.delete_below(f"{self.prefix}/{earlier}")

    def _push(self, name: str, stamp: _Stamp) -> None:
        path = f"{self.prefix}/{self.attempt}/{name}"
        stored_as = self._stored.get(stamp)
        if stored_as:  # the previous checkpoint: it had another name when it was pushed
            self.object_store.copy(stored_as, path)
        else:
            self.object_store.write(path, (self.folder / name).read_bytes())
        self._pushed[name], self._stored[stamp] = stamp, path

    def prune(self) -> None:
        super().prune()
        for name in [name for name in self._pushed if not (self.folder / name).exists()]:
            try:
                self.object_store.delete(f"{self.prefix}/{self.attempt}/{name}")
            except OSError:  # the object only takes space in the store
                return


def _with_retries(call: Callable[[], None]) -> None:
    """Call it until the object store answers, for RETRY_SECONDS. Raises OSError."""
    retrying = Retrying(
        retry=retry_if_exception_type(OSError),
        stop=stop_after_delay(RETRY_SECONDS),
        wait=wait_exponential(0.5, max=10),
        reraise=True,
    )
    retrying(call)


def write_file(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, content)


def sync_error_of(folder: TrialFolder) -> str:
    """Why the object store is out of date, or ''."""
    return folder.sync_error if isinstance(folder, WorkerFolder) else ""


def fetch_trial(folder: Path, uri: str, scratch: Path) -> WorkerFolder:
    """Fetch the trial of the command's `folder` into `scratch`, a folder of this node. Raises OSError, UserError."""
    copy = WorkerFolder(scratch / folder.name, ObjectStore(uri), object_prefix(folder))
    copy.fetch()
    return copy
