"""An S3 bucket, or what speaks its language, through pyarrow's file system: whole objects by their names.

Credentials are where AWS's tools look for them (`AWS_ACCESS_KEY_ID`, `~/.aws/credentials`, ...), on each machine.
"""

from __future__ import annotations

import re
import secrets
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from gan_core.error_text import first_line
from orchestrator.errors import UserError, short_repr

FORM = "write s3://BUCKET/PREFIX, with ?endpoint_override=HOST:PORT&scheme=http for a server that is not Amazon's"
CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ~/.aws/credentials"
_AWS_ERROR = re.compile(r"AWS Error (\w+) during \w+ operation: (.*?)(?: \(Request ID:.*)?$", re.DOTALL)
REFUSALS = ("ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH", "INVALID_CLIENT_TOKEN_ID")


class Object(NamedTuple):
    """`written`: nanoseconds since 1970 by the store's clock, of which most say whole seconds."""

    size: int
    written: int


class ObjectStore:
    """The objects under a prefix, by their names below it.

    `uri`: s3://BUCKET/PREFIX, with pyarrow's query. Raises UserError where it is no such address. Its methods raise
    OSError, and FileNotFoundError for an object that is not there.
    """

    def __init__(self, uri: str):
        import pyarrow
        from pyarrow import fs

        self.uri = uri
        self.bucket = checked(uri).netloc
        more = "allow_delayed_open=true"  # one request for a small object instead of three
        try:
            self._fs, root = fs.FileSystem.from_uri(f"{uri}{'&' if '?' in uri else '?'}{more}")
        except pyarrow.ArrowInvalid as error:
            raise UserError(f"--storage {short_repr(uri)}: {first_line(error)}; {FORM}") from None
        except OSError as error:  # without a region it asks Amazon for the bucket's
            raise UserError(f"--storage {uri} cannot be used: {reason(error, self.bucket)}") from None
        self._root = root.rstrip("/")

    @property
    def location(self) -> str:
        """Bucket and prefix: the same in whatever way the server is reached."""
        return self._root

    def read(self, name: str) -> bytes:
        with self._fs.open_input_stream(f"{self._root}/{name}") as stream:
            return bytes(stream.read())

    def write(self, name: str, content: bytes) -> None:
        """A reader finds the old object or this one, never half: S3 shows an upload once it is complete."""
        with self._fs.open_output_stream(f"{self._root}/{name}") as stream:
            stream.write(content)

    def copy(self, name: str, to: str) -> None:
        """Within the store: the content does not travel."""
        self._fs.copy_file(f"{self._root}/{name}", f"{self._root}/{to}")

    def delete(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self._fs.delete_file(f"{self._root}/{name}")

    def delete_below(self, prefix: str) -> None:
        with suppress(FileNotFoundError):
            self._fs.delete_dir(f"{self._root}/{prefix}")

    def objects(self, prefix: str) -> dict[str, Object]:
        """Those below a prefix, by their names below it."""
        from pyarrow import fs

        found = self._listed(prefix, recursive=True)
        return {name: Object(i.size, i.mtime_ns) for name, i in found.items() if i.type == fs.FileType.File}

    def folders(self, prefix: str) -> list[str]:
        """What stands directly below a prefix, without its slash; in order."""
        return sorted(self._listed(prefix, recursive=False))

    def _listed(self, prefix: str, recursive: bool) -> dict[str, Any]:
        from pyarrow import fs

        root = f"{self._root}/{prefix}"
        found = self._fs.get_file_info(fs.FileSelector(root, recursive=recursive, allow_not_found=True))
        return {info.path[len(root) + 1 :].rstrip("/"): info for info in found}

    def trouble(self, sign: str = "", token: str = "") -> str:
        """Why objects cannot be written, read and deleted here, or ''.

        `sign`: an object of another machine, in which `token` stands.
        """
        mine, content = f".probe-{secrets.token_hex(8)}", secrets.token_bytes(8)
        try:
            if sign and self.read(sign).decode(errors="replace") != token:
                return "another object stands in the place of the probe's"
            self.write(mine, content)
            if self.read(mine) != content:
                return "what is written there is not what is read"
            self.delete(mine)
        except FileNotFoundError:
            return "what the head writes there is not seen" if sign else "what is written there is not seen"
        except OSError as error:
            return reason(error, self.bucket)
        return ""


def checked(uri: str) -> Any:
    """The parts of the address. Raises UserError; what may hold a password is not shown."""
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


def reason(error: OSError, bucket: str) -> str:
    """What an error of the AWS SDK says, in one line, and what would be right."""
    found = _AWS_ERROR.search(str(error))
    if not found:
        return first_line(error)
    code, said = found[1], " ".join(found[2].split()).rstrip(".")
    if code == "NO_SUCH_BUCKET":
        return f"there is no bucket {bucket}; make it, or check its name"
    if code in REFUSALS:
        return f"it does not let this in ({said or code}); {CREDENTIALS}"
    if code == "NETWORK_CONNECTION":
        return f"it does not answer ({said}); check endpoint_override (or AWS_ENDPOINT_URL) and scheme"
    return f"{said} ({code})" if said else code
