"""An S3 bucket, or another server with its API, through pyarrow's file system: whole objects by their names.

Credentials are found where AWS's tools look for them (`AWS_ACCESS_KEY_ID`, `~/.aws/credentials`, ...), on each machine.
"""

from __future__ import annotations

import re
import secrets
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from gan_core.error_text import first_line
from orchestrator.errors import UserError, short_repr

FORM = "write s3://BUCKET/PREFIX, with ?endpoint_override=HOST:PORT&scheme=http for a server that is not Amazon's"
CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ~/.aws/credentials"
_AWS_ERROR = re.compile(r"AWS Error (\w+) during \w+ operation: (.*?)(?: \(Request ID:.*)?$", re.DOTALL)
REFUSALS = ("ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH", "INVALID_CLIENT_TOKEN_ID")


class Object(NamedTuple):
    """`size`: bytes. `written_ns`: nanoseconds since 1970 by the store's clock; most stores know whole seconds only."""

    size: int
    written_ns: int


class ObjectStore:
    """The objects under a prefix, by their names below it.

    `uri`: s3://BUCKET/PREFIX, with pyarrow's query. Raises UserError if it is not such an address. The methods raise
    OSError, and FileNotFoundError for an object that does not exist.
    """

    def __init__(self, uri: str):
        import pyarrow
        from pyarrow import fs

        self.uri = uri
        self.bucket = parse_uri(uri).netloc
        option = "allow_delayed_open=true"  # one request for a small object instead of three
        try:
            self._fs, root = fs.FileSystem.from_uri(f"{uri}{'&' if '?' in uri else '?'}{option}")
        except pyarrow.ArrowInvalid as error:
            raise UserError(f"--storage {short_repr(uri)}: {first_line(error)}; {FORM}") from None
        except OSError as error:  # without a region it asks Amazon for the bucket's
            raise UserError(f"--storage {uri} cannot be used: {explain(error, self.bucket)}") from None
        self._root = root.rstrip("/")

    @property
    def location(self) -> str:
        """Bucket and prefix: the same whatever the address of the server."""
        return self._root

    def read(self, name: str) -> bytes:
        with self._fs.open_input_stream(f"{self._root}/{name}") as stream:
            return bytes(stream.read())

    def write(self, name: str, content: bytes) -> None:
        """A reader gets the old object or this one, never half: S3 shows an upload once it is complete."""
        with self._fs.open_output_stream(f"{self._root}/{name}") as stream:
            stream.write(content)

    def copy(self, name: str, target: str) -> None:
        """Copy within the store: the content is not transferred."""
        self._fs.copy_file(f"{self._root}/{name}", f"{self._root}/{target}")

    def delete(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self._fs.delete_file(f"{self._root}/{name}")

    def delete_below(self, prefix: str) -> None:
        with suppress(FileNotFoundError):
            self._fs.delete_dir(f"{self._root}/{prefix}")

    def objects(self, prefix: str) -> dict[str, Object]:
        """The objects below a prefix, by their names below it."""
        from pyarrow import fs

        entries = self._list(prefix, recursive=True).items()
        return {name: Object(info.size, info.mtime_ns) for name, info in entries if info.type == fs.FileType.File}

    def children(self, prefix: str) -> list[str]:
        """The names of objects and folders directly below a prefix, sorted, without slashes."""
        return sorted(self._list(prefix, recursive=False))

    def _list(self, prefix: str, recursive: bool) -> dict[str, Any]:
        from pyarrow import fs

        root = f"{self._root}/{prefix}"
        infos = self._fs.get_file_info(fs.FileSelector(root, recursive=recursive, allow_not_found=True))
        return {info.path[len(root) + 1 :].rstrip("/"): info for info in infos}

    def access_error(self, probe: str = "", token: str = "") -> str:
        """Why objects cannot be written, read and deleted from this machine, or ''.

        `probe`: an object that another machine has written, with the content `token`.
        """
        own_probe, content = f".probe-{secrets.token_hex(8)}", secrets.token_bytes(8)
        try:
            if probe and self.read(probe).decode(errors="replace") != token:
                return "another object stands in the place of the probe's"
            self.write(own_probe, content)
            if self.read(own_probe) != content:
                return "what is written there is not what is read"
            self.delete(own_probe)
        except FileNotFoundError:
            return "files written by the head are not visible there" if probe else "files written there are not visible"
        except OSError as error:
            return explain(error, self.bucket)
        return ""


def parse_uri(uri: str) -> SplitResult:
    """The parts of the address. Raises UserError, without showing what may hold a password."""
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise UserError(f"--storage is no address ({error}); {FORM}") from None
    if "@" in parts.netloc:
        raise UserError(f"--storage holds a name or a password, which would end up in files and logs; {CREDENTIALS}")
    if parts.scheme != "s3":
        raise UserError(f"--storage {short_repr(uri)} is no address of an object store; {FORM}")
    if not parts.netloc:
        raise UserError(f"--storage {short_repr(uri)} names no bucket; {FORM}")
    return parts


def explain(error: OSError, bucket: str) -> str:
    """One line: what an error of the AWS SDK says, and what would be right."""
    match = _AWS_ERROR.search(str(error))
    if not match:
        return first_line(error)
    code, message = match[1], " ".join(match[2].split()).rstrip(".")
    if code == "NO_SUCH_BUCKET":
        return f"there is no bucket {bucket}; make it, or check its name"
    if code in REFUSALS:
        return f"access denied ({message or code}); {CREDENTIALS}"
    if code == "NETWORK_CONNECTION":
        return f"it does not answer ({message}); check endpoint_override (or AWS_ENDPOINT_URL) and scheme"
    return f"{message} ({code})" if message else code
