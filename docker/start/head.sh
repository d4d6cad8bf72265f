#!/bin/sh
# The head of a Ray cluster: nodes join it, jobs are submitted to it, and the command of a sweep runs on it.
#
# RAY_TOKEN_FILE       a file with the cluster's token (64 hex digits or more) that only you can read; who connects must have it
# NODE_IP              this node's address (default: the host's first one)
# PORT, CLIENT_PORT, DASHBOARD_PORT   default 6379 (nodes), 10001 (ray:// clients), 8265 (jobs; asks for the token)
# CPUS                 how many trials run here (default: all; 0 leaves the machine to the command)
# OBJECT_STORE_BYTES   Ray's shared memory (default: 30% of the memory); data sets lie in it
# TEMP_DIR             a folder for Ray's sockets and logs (default: /tmp); they lie in ray-UID in it, which only you can reach
# AGENT_PORT           port of this node's agent, for the head (default: 52365; two nodes on one machine need different ones)
# MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD_FILE   MLflow's user for the commands that run here (optional)
set -eu

export RAY_AUTH_MODE=token
export RAY_AUTH_TOKEN_PATH="${RAY_TOKEN_FILE:?is not set: a file with the token of the cluster}"
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
"$here/private.sh" "$RAY_AUTH_TOKEN_PATH"
export RAY_USAGE_STATS_ENABLED=0
export RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO=0
export GRPC_ENABLE_FORK_SUPPORT=0 # with it 1 in 20 processes of ray:// clients dies (ray-project/ray#63202)
export RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S=120 # a process starts for each ray:// client, which takes long on a busy head
export RAY_ROTATION_MAX_BYTES=10000000 RAY_ROTATION_BACKUP_COUNT=1 # else each log may grow to 2.5 GB
# Ray lets everybody write into the folder that it is given, and to its sockets, so a folder above it keeps others out
private=${TEMP_DIR:-/tmp}/ray-$(id -u)
mkdir -p "${TEMP_DIR:-/tmp}"
[ -d "$private" ] || mkdir -m 700 "$private"
"$here/private.sh" "$private"
node_ip=${NODE_IP:-$(hostname -i | cut -d' ' -f1)}

if [ -n "${MLFLOW_TRACKING_PASSWORD_FILE:-}" ]; then
    "$here/private.sh" "$MLFLOW_TRACKING_PASSWORD_FILE"
    # MLflow's own file, so that `docker compose exec` and submitted jobs find it. configparser reads it, so % is escaped
    (
        umask 077
        mkdir -p "$HOME/.mlflow"
        rm -f "$HOME/.mlflow/credentials"
        {
            echo '[mlflow]'
            printf 'mlflow_tracking_username = %s\n' "${MLFLOW_TRACKING_USERNAME:?is not set: the name of the user}"
            printf 'mlflow_tracking_password = %s\n' "$(sed 's/%/%%/g' "$MLFLOW_TRACKING_PASSWORD_FILE")"
        } >"$HOME/.mlflow/credentials"
    )
fi

exec ray start --head --block --disable-usage-stats --node-ip-address="$node_ip" --port="${PORT:-6379}" \
    --ray-client-server-port="${CLIENT_PORT:-10001}" \
    --include-dashboard=true --dashboard-host="$node_ip" --dashboard-port="${DASHBOARD_PORT:-8265}" \
    ${CPUS:+"--num-cpus=$CPUS"} \
    ${OBJECT_STORE_BYTES:+"--object-store-memory=$OBJECT_STORE_BYTES"} \
    --temp-dir="$private/ray" \
    ${AGENT_PORT:+"--dashboard-agent-listen-port=$AGENT_PORT"}
