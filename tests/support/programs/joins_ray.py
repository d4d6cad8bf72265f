"""Joins the Ray cluster at argv[1] as a client, and prints the addresses of its living nodes."""

from __future__ import annotations

import sys

import ray


def main() -> None:
    ray.init(sys.argv[1], log_to_driver=False, logging_level="ERROR")
    print("joined", *sorted(node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]))


if __name__ == "__main__":
    main()
