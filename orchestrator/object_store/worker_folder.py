"""A trial's folder in an object store, where nodes share none: pushed with each record, pulled by whoever goes on.

<storage>/sweeps/<sweep>/trials/<key>/000003-1f2e3d4c/      what the third attempt made durable, as in a trial's folder

S3 knows neither rename nor lock. So each attempt writes below a name of its own, number and token, where nobody else
does: a worker that was cut off may write as late as it likes, and changes nothing that its successor wrote. Who goes on
takes the highest attempt that has a record, which is written last and vouches for the rest, as in a folder. A push that
ends half-way leaves what a killed process leaves there: a checkpoint or a history that is ahead of the record.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from gan_core.files import write_atomically
from orchestrator.object_store.s3 import Object, Storage, reason
from orchestrator.store.trial_folder import Record, SweepFolder, TrialFolder

RECORD = "record.json"
CHECKPOINTS = ("checkpoint-previous.pt", "checkpoint.pt")
GENERATORS = ("generator.pt", "generator-best.pt")
IN_ORDER = (*CHECKPOINTS, "history.jsonl", RECORD)
"""What is pushed last, in this order; the previous checkpoint is copied from the place of the newest."""
FILES = ("config.json", "real.png", *GENERATORS, *IN_ORDER)
PICTURE = re.compile(r"samples/step-\d{6,}\.png")
ATTEMPT = re.compile(r"\d{6}-[0-9a-f]{8}")
SECONDS_OF_PATIENCE = 60.0
"""How long a worker waits for a storage that is away where it cannot go on without: to begin, and to end."""
SETTLED = 2 * 10**9
"""Nanoseconds after which an object that is written again says so: its time has whole seconds."""


class Superseded(RuntimeError):
    """Another attempt goes on with this trial."""


def is_ours(name: str) -> bool:
    """Whether a trial has a file of this name: nothing else is written where an object's name says."""
    return name in FILES or bool(PICTURE.fullmatch(name))


def shelf_of(folder: Path) -> str:
    """sweeps/<sweep>/trials/<key>: the prefix of a trial's folder in a home."""
    return "/".join(folder.parts[-4:])


def files_of(folder: Path) -> list[str]:
    """The names of a trial's files that are shipped."""
    names = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
    return [name for name in names if is_ours(name)]


def in_order(names: Iterable[str]) -> list[str]:
    """As they have to be pushed."""
    return sorted(names, key=lambda name: (IN_ORDER.index(name) if name in IN_ORDER else -1, name))


Attempts = dict[str, dict[str, Object]]
"""attempt -> the trial's files that it holds."""


def by_attempt(objects: dict[str, Object]) -> Attempts:
    """`objects`: by their names below a trial's prefix."""
    found: Attempts = {}
    for path, one in objects.items():
        attempt, _, name = path.partition("/")
        if ATTEMPT.fullmatch(attempt) and is_ours(name):
            found.setdefault(attempt, {})[name] = one
    return found


def newest(attempts: Attempts) -> str | None:
    """The last one with a record: what comes after it is half-made."""
    return max((attempt for attempt, files in attempts.items() if RECORD in files), default=None)


def next_attempt(names: Iterable[str]) -> str:
    """A name that stands after all others, and that nobody else takes."""
    last = max((int(name[:6]) for name in names if ATTEMPT.fullmatch(name)), default=0)
    return f"{last + 1:06d}-{secrets.token_hex(4)}"


class _Stamp(NamedTuple):
    """What tells a file's content from another's without reading it: a rename keeps it."""

    inode: int
    changed: int
    size: int


def _stamp(file: Path) -> _Stamp:
    found = file.stat()
    return _Stamp(found.st_ino, found.st_mtime_ns, found.st_size)


class ShippedFolder(TrialFolder):
    """A trial's folder on one node. Each record that is written takes everything before it to the storage.

    `prefix`: of the trial in the storage. `fetch` first. `trouble`: why the storage lags behind, or ''.

    A storage that is away does not stop training: the next checkpoint takes everything there. The beginning and the end
    of a trial wait for it, and then OSError is raised. Superseded is raised as soon as a later attempt is seen.
    """

    def __init__(self, folder: Path, storage: Storage, prefix: str):
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
            if first or record.status in ("finished", "failed"):
                _patiently(self.push)
            else:
                self.push()
            self.trouble = ""
        except OSError as error:
            if first or record.status != "running":
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


class StoredSweep(SweepFolder):
    """A sweep of the command's home whose trials live in a storage: the home has a copy, without the checkpoints.

    What the command itself writes into a record (a worker was lost too often) goes to the storage, too.
    """

    def __init__(self, home: Path, name: str, storage: Storage):
        super().__init__(home, name)
        self.storage = storage
        self.prefix = f"sweeps/{name}/trials"

    def trial(self, key: str) -> CopiedFolder:
        return CopiedFolder(self.folder / "trials" / key, self.storage)

    def attempts(self) -> dict[str, Attempts]:
        """key -> its attempts, of every trial that the storage knows. Raises OSError."""
        objects: dict[str, dict[str, Object]] = {}
        for path, one in self.storage.objects(self.prefix).items():
            key, _, rest = path.partition("/")
            objects.setdefault(key, {})[rest] = one
        return {key: by_attempt(found) for key, found in objects.items()}


class CopiedFolder(TrialFolder):
    """The copy of a trial's folder in the command's home."""

    def __init__(self, folder: Path, storage: Storage):
        super().__init__(folder)
        self.storage, self.prefix = storage, shelf_of(folder)

    def pull(self, attempts: Attempts | None = None, checkpoints: bool = False) -> bool:
        """Makes the copy what the last attempt holds; whether there is one. Raises OSError.

        A trial that runs is copied without its generators, which nobody needs yet. `attempts`: if they are known.
        """
        if attempts is None:
            attempts = by_attempt(self.storage.objects(self.prefix))
        last = newest(attempts)
        if last is None:
            return False
        files, place = attempts[last], f"{self.prefix}/{last}"
        record = self.storage.read(f"{place}/{RECORD}")  # read first and written last: the others may only be ahead
        left_out = {RECORD, *(() if checkpoints else CHECKPOINTS)}
        if _status(record) == "running":
            left_out.update(GENERATORS)
        for name in files.keys() - left_out:
            self._copy(name, files[name], place)
        for name in files_of(self.folder):
            if name not in files and name not in CHECKPOINTS:
                (self.folder / name).unlink()
        write_file(self.record_file, record)
        return True

    def _copy(self, name: str, one: Object, place: str) -> None:
        """Copies have the time of what they copy, by which they are known to be up to date."""
        target = self.folder / name
        if target.exists() and (target.stat().st_size, target.stat().st_mtime_ns) == (one.size, one.written):
            return
        settled = time.time_ns() - one.written > SETTLED
        write_file(target, self.storage.read(f"{place}/{name}"))
        os.utime(target, ns=(one.written,) * 2 if settled else (0, 0))

    def push_all(self) -> None:
        """Takes what only this home holds to the storage, its checkpoint too. Raises OSError."""
        ShippedFolder(self.folder, self.storage, self.prefix).push()

    def has_checkpoint(self) -> bool:
        attempts = by_attempt(self.storage.objects(self.prefix))
        return any(name in attempts.get(newest(attempts) or "", ()) for name in CHECKPOINTS)

    def write_record(self, record: Record) -> None:
        super().write_record(record)
        with suppress(OSError):  # then the next command tries the trial again, as it would have done
            if last := newest(by_attempt(self.storage.objects(self.prefix))):
                self.storage.write(f"{self.prefix}/{last}/{RECORD}", self.record_file.read_bytes())


def _status(record: bytes) -> str:
    try:
        return str(json.loads(record)["status"])
    except (ValueError, KeyError, TypeError):
        return "damaged"


def trouble_of(folder: TrialFolder) -> str:
    """Why the storage lags behind this folder, or ''."""
    return folder.trouble if isinstance(folder, ShippedFolder) else ""


def on_this_node(folder: Path, uri: str, scratch: Path) -> ShippedFolder:
    """The trial of the command's `folder`, fetched into a place of this node. Raises OSError, UserError."""
    made = ShippedFolder(scratch / folder.name, Storage(uri), shelf_of(folder))
    made.fetch()
    return made
