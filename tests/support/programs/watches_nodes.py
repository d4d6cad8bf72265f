"""Joins the Ray cluster at argv[1] and prints the addresses of its living nodes, as a line, whenever they change."""

from __future__ import annotations

import sys
import time

import ray


def main() -> None:
    ray.init(sys.argv[1], log_to_driver=False, logging_level="ERROR")
    known: list[str] = []
    while True:
        addresses = sorted(node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"])
        if addresses != known:
            print(*addresses, flush=True)
        known = addresses
        time.sleep(0.2)


if __name__ == "__main__":
    main()
