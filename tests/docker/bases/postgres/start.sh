#!/bin/sh
# Does what the official image does with POSTGRES_USER, POSTGRES_DB and POSTGRES_PASSWORD_FILE: root reads the password, and
# the user postgres makes a database with it if the folder PGDATA is empty.
set -eu

if [ "$(id -u)" = 0 ]; then
    POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
    export POSTGRES_PASSWORD
    install --directory --owner=postgres --mode=700 "$PGDATA"
    install --directory --owner=postgres /var/run/postgresql
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    secret=$(mktemp)
    printf '%s\n' "$POSTGRES_PASSWORD" >"$secret"
    initdb --username="$POSTGRES_USER" --pwfile="$secret"
    rm "$secret"
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    pg_ctl --wait --options="-c listen_addresses=''" start
    createdb --username="$POSTGRES_USER" "$POSTGRES_DB"
    pg_ctl --wait --mode=fast stop
fi
unset POSTGRES_PASSWORD
exec postgres -c listen_addresses='*'
