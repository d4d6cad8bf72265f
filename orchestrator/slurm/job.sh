# Starts Ray on this node, in a folder that only this user can reach. The head runs the words after "--", and the others
# wait for its end.
node() {
    RAY_TMPDIR=$(mktemp -d /tmp/orch-XXXXXX)
    export RAY_TMPDIR
    "$bin/ray" symmetric-run --address "$head" --min-nodes "$SLURM_JOB_NUM_NODES" --num-cpus "$SLURM_CPUS_ON_NODE" \
        ${SLURM_MEM_PER_NODE:+--object-store-memory $((SLURM_MEM_PER_NODE * 300000))} "$@"
    code=$?
    rm -rf "$RAY_TMPDIR"
    return "$code"
}

begun=$(mktemp)
# The sweep's own process; its output is apart from that of Slurm and Ray
export log
run="echo \$\$ >$begun; exec $command"

if [ "$SLURM_JOB_NUM_NODES" -gt 1 ]; then
    export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$token RAY_USAGE_STATS_ENABLED=0
    export RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO=0 RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=600
    export RAY_agent_register_timeout_ms=300000            # on a busy node Ray's agent starts slowly
    export RAY_gcs_rpc_server_reconnect_timeout_s=30       # so long the other nodes wait for a head that has ended
    export RAY_ROTATION_MAX_BYTES=10000000 RAY_ROTATION_BACKUP_COUNT=1 # else each log may grow to 2.5 GB
    unset RAY_ADDRESS
    address=$(scontrol show node "$SLURMD_NODENAME" --oneliner | grep -o 'NodeAddr=[^ ]*' | cut -d= -f2)
    head=$address:$((20000 + SLURM_JOB_ID % 20000))
    export head bin
    export -f node
    srun --nodes=$((SLURM_JOB_NUM_NODES - 1)) --ntasks-per-node=1 --relative=1 --no-kill bash -c 'node -- true' &
    others=$!
    node --include-dashboard=false -- bash -c "$run --address $head >>\"\$log\" 2>&1" &
else
    bash -c "$run >>\"\$log\" 2>&1" &
fi
sweep=$!

# As on Ctrl-C, the sweep saves every running trial
save() {
    if [ -s "$begun" ]; then kill -TERM "$(cat "$begun")"; else kill -TERM "$sweep"; fi
}
requeue=
trap 'requeue=yes; save' TERM # from Slurm, before the time limit or for a job of higher priority
trap 'requeue=; save' INT     # from `orchestrate stop`

code=143
until [ "$code" -le 128 ] || ! kill -0 "$sweep" 2>/dev/null; do # a signal ends `wait`, not the sweep
    wait "$sweep"
    code=$?
done
[ -z "${others:-}" ] || wait "$others"
if [ ! -s "$begun" ] && [ "$code" -eq 0 ]; then
    echo "Ray did not start: see the output of the Slurm job in this folder" >>"$log"
    code=1
fi
rm -f "$begun"
# The state is another one if the job was cancelled
if [ -n "$requeue" ] && [ "$code" -gt 128 ] && [ "$(squeue --noheader --jobs "$SLURM_JOB_ID" --format %T)" = RUNNING ]; then
    echo "the time of job $SLURM_JOB_ID is over; it is queued again, and goes on from the last checkpoints" >>"$log"
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
