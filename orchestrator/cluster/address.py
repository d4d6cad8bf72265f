"""The address of a Ray cluster: checked before anything is started."""

from __future__ import annotations

import socket

from orchestrator.errors import UserError


def check_address(address: str) -> None:
    """Raises UserError if nothing listens at a cluster's address, or if it holds a password, which is not shown."""
    if "@" in address:
        raise UserError(
            "--address holds a name or a password, and Ray takes neither: write HOST:PORT without them, and set "
            "RAY_AUTH_TOKEN_PATH to the file with the cluster's token"
        )
    host, _, port = address.rpartition("://")[2].rstrip("/").rpartition(":")
    if address == "auto":
        return
    if not host or not port.isdigit():
        raise UserError(
            f"--address {address}: write auto or HOST:6379 on a machine of the cluster, "
            "ray://HOST:10001 or http://HOST:8265 elsewhere"
        )
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError as error:
        raise UserError(
            f"no Ray cluster answers at {address} ({error}); check that `ray status` works on that host and that "
            "the port can be reached, or leave --address (and $RAY_ADDRESS) out for a local Ray"
        ) from None
