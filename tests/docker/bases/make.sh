#!/bin/sh
# Makes the containers' two base images of Debian's packages, for an engine that reaches no registry of images. Needs root,
# debootstrap, an engine, and Debian's packages; makes
#   python:3.11-slim-bookworm   with Debian's Python; build docker/Dockerfile on it with --build-arg PYTHON=3.11
#   postgres:15-debian          with Debian's PostgreSQL; for tests, with POSTGRES_IMAGE=postgres:15-debian
#
# DEBIAN_MIRROR   where Debian's packages are (default: as debootstrap knows)
# The host's own certificates (/usr/local/share/ca-certificates) are taken along, so that pip trusts whom the host trusts.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
own=/usr/local/share/ca-certificates
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates \
    bookworm "$root" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} >&2
ln -s python3 "$root/usr/bin/python"
if [ -n "$(ls "$own" 2>/dev/null)" ]; then
    cp "$own"/*.crt "$root$own/"
    env --unset=TMPDIR chroot "$root" update-ca-certificates >&2 # TMPDIR is a folder of the host
fi
rm -rf "$root/var/cache/apt/archives" "$root/var/lib/apt/lists" "$root/usr/share/doc" "$root/usr/share/man"
tar --directory "$root" --create . | docker import - python:3.11-slim-bookworm
docker build --network host --tag postgres:15-debian "$here/postgres"
