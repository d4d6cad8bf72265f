#!/bin/sh
# A worker node of a Ray cluster: trials run on it.
#
# HEAD_ADDRESS         HOST:6379 of the head
# RAY_TOKEN_FILE       a file with the cluster's token, the same as the head's, that only you can read
# NODE_IP              this node's address (default: the host's first one)
# CPUS                 how many trials run here (default: one a processor)
# OBJECT_STORE_BYTES   Ray's shared memory (default: 30% of the memory); data sets lie in it
# TEMP_DIR             a folder for Ray's sockets and logs (default: /tmp); they lie in ray-UID in it, which only you can reach
# AGENT_PORT           port of this node's agent, for the head (default: 52365; two nodes on one machine need different ones)
set -eu

export RAY_AUTH_MODE=token
export RAY_AUTH_TOKEN_PATH="${RAY_TOKEN_FILE:?is not set: a file with the token of the cluster}"
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
"$here/private.sh" "$RAY_AUTH_TOKEN_PATH"
export RAY_USAGE_STATS_ENABLED=0
export RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO=0
export RAY_ROTATION_MAX_BYTES=10000000 RAY_ROTATION_BACKUP_COUNT=1 # else each log may grow to 2.5 GB
# Ray lets everybody write into the folder that it is given, and to its sockets, so a folder above it keeps others out
private=${TEMP_DIR:-/tmp}/ray-$(id -u)
mkdir -p "${TEMP_DIR:-/tmp}"
[ -d "$private" ] || mkdir -m 700 "$private"
"$here/private.sh" "$private"
node_ip=${NODE_IP:-$(hostname -i | cut -d' ' -f1)}

exec ray start --address="${HEAD_ADDRESS:?is not set: HOST:6379 of the head}" --block --disable-usage-stats \
    --node-ip-address="$node_ip" \
    ${CPUS:+"--num-cpus=$CPUS"} \
    ${OBJECT_STORE_BYTES:+"--object-store-memory=$OBJECT_STORE_BYTES"} \
    --temp-dir="$private/ray" \
    ${AGENT_PORT:+"--dashboard-agent-listen-port=$AGENT_PORT"}
