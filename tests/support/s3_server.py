"""A real S3 server (moto's) on loopback. It can be told to refuse everything after a number of requests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from pyarrow import fs

from support.ports import free_port

KEYS = {"AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "s3cret", "AWS_EC2_METADATA_DISABLED": "true"}


class S3:
    """`port`: on 127.0.0.1."""

    def __init__(self, port: int):
        self.port = port

    def uri(self, path: str) -> str:
        """The address of `path`: a bucket, or bucket/prefix."""
        return f"s3://{path}?scheme=http&endpoint_override=127.0.0.1:{self.port}&region=us-east-1"

    def make_bucket(self, name: str) -> None:
        store, _ = fs.FileSystem.from_uri(self.uri(name) + "&allow_bucket_creation=true")
        store.create_dir(name)

    def allow(self, requests: float) -> None:
        """Answer this many requests from now on and refuse all that follow; infinity: refuse none."""
        url, plain = f"http://127.0.0.1:{self.port}/moto-api/reset-auth", {"Content-Type": "text/plain"}
        urlopen(Request(url, str(requests).encode(), plain), timeout=30).close()


def use_keys(patch: pytest.MonkeyPatch) -> None:
    """Put the credentials for it into the environment."""
    for name, value in KEYS.items():
        patch.setenv(name, value)
    patch.delenv("AWS_ENDPOINT_URL", raising=False)


@contextmanager
def s3_server(folder: Path) -> Iterator[S3]:
    """`folder`: for its log."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with open(folder / "s3.log", "ab") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, env=os.environ | KEYS)
    try:
        for _ in range(600):
            try:
                urlopen(f"http://127.0.0.1:{port}/moto-api/data.json", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None, (folder / "s3.log").read_text()
                time.sleep(0.1)
        else:
            raise AssertionError("no S3 server within a minute")
        yield S3(port)
    finally:
        server.kill()
        server.wait()
