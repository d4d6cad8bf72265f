#!/bin/sh
# Makes what docker/compose.yaml needs: random secrets in docker/secrets/, readable by you alone, and docker/.env with your user
# id, because the containers run as you (else they could not read them). Files that exist already are not changed.
set -eu
umask 077

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
secrets=$here/secrets
owner=$(id -u)
mkdir -p "$secrets"

for name in ray_token postgres_password mlflow_password mlflow_secret_key; do
    if [ ! -s "$secrets/$name" ]; then
        od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$secrets/$name.new"
        mv "$secrets/$name.new" "$secrets/$name"
        echo "made docker/secrets/$name"
    fi
done

# Containers do not run as root, so where root makes the secrets they belong to the image's usual user
if [ "$owner" = 0 ]; then
    owner=1000
    chown -R "$owner" "$secrets"
fi
if ! grep -qs '^CONTAINER_UID=' "$here/.env"; then
    echo "CONTAINER_UID=$owner" >>"$here/.env"
    echo "wrote docker/.env"
fi
