#!/bin/sh
# MLflow's server with basic authentication, on PostgreSQL, artifacts through the server.
#
# MLFLOW_DATABASE                 postgresql://USER@HOST:PORT/NAME, without a password
# MLFLOW_DATABASE_PASSWORD_FILE   a file with its password (optional)
# MLFLOW_AUTH_DATABASE            where users are kept (default: the same database, in tables of its own)
# MLFLOW_ARTIFACTS                a folder, or an address such as s3://BUCKET/PATH
# MLFLOW_ADMIN_USER, MLFLOW_ADMIN_PASSWORD_FILE   the first user, made when there is none yet
# MLFLOW_SECRET_KEY_FILE          signs form tokens (default: random, so that forms opened before a restart are refused)
# HOST, PORT, WORKERS             default 0.0.0.0, 5000, 2
#
# Only you may be able to read these files. Other users can read a command's arguments with ps, so addresses and secrets are passed in the environment and in files.
set -eu
umask 077

database=${MLFLOW_DATABASE:?is not set: postgresql://USER@HOST:PORT/NAME}
auth_database=${MLFLOW_AUTH_DATABASE:-$MLFLOW_DATABASE}
artifacts=${MLFLOW_ARTIFACTS:?is not set: a folder or an address for artifacts}
admin=${MLFLOW_ADMIN_USER:?is not set: the name of the first user}
admin_file=${MLFLOW_ADMIN_PASSWORD_FILE:?is not set: a file with the password of the first user}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
for file in "$admin_file" "${MLFLOW_DATABASE_PASSWORD_FILE:-}" "${MLFLOW_SECRET_KEY_FILE:-}"; do
    [ -z "$file" ] || "$here/private.sh" "$file"
done

if LC_ALL=C grep -q '[^ -~]' "$admin_file"; then
    echo "$admin_file: use printable ASCII; MLflow's client sends other letters to the artifact proxy in another encoding" >&2
    exit 2
fi

private=$(mktemp -d)

if [ -n "${MLFLOW_DATABASE_PASSWORD_FILE:-}" ]; then
    # libpq's password file, in which : and \ are escaped
    password=$(sed 's/[\\:]/\\&/g' "$MLFLOW_DATABASE_PASSWORD_FILE")
    printf '*:*:*:*:%s\n' "$password" >"$private/pgpass"
    export PGPASSFILE="$private/pgpass"
fi

# configparser reads the file, so % is escaped
escaped() { sed 's/%/%%/g'; }
{
    echo '[mlflow]'
    echo 'default_permission = READ'
    # else each request hashes the password anew, for 0.1 s of a processor. MLflow's own example is 60 s, too
    echo 'auth_cache_ttl_seconds = 60'
    echo 'authorization_function = mlflow.server.auth:authenticate_request_basic_auth'
    printf 'database_uri = %s\n' "$(printf '%s' "$auth_database" | escaped)"
    printf 'admin_username = %s\n' "$(printf '%s' "$admin" | escaped)"
    printf 'admin_password = %s\n' "$(escaped <"$admin_file")"
} >"$private/basic_auth.ini"
export MLFLOW_AUTH_CONFIG_PATH="$private/basic_auth.ini"

if [ -n "${MLFLOW_SECRET_KEY_FILE:-}" ]; then
    MLFLOW_FLASK_SERVER_SECRET_KEY=$(cat "$MLFLOW_SECRET_KEY_FILE")
else
    MLFLOW_FLASK_SERVER_SECRET_KEY=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
fi
export MLFLOW_FLASK_SERVER_SECRET_KEY

export PGCLIENTENCODING=UTF8 # else a database that was made without a locale (SQL_ASCII) answers in bytes, and MLflow ends
export MLFLOW_BACKEND_STORE_URI="$database"
export MLFLOW_DISABLE_TELEMETRY=true
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false  # would start eight processes, which only judge text
exec mlflow server --app-name basic-auth --host "${HOST:-0.0.0.0}" --port "${PORT:-5000}" \
    --workers "${WORKERS:-2}" --artifacts-destination "$artifacts"
