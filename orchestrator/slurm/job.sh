# Starts Ray on this node, in a folder that only this user can reach. The head runs the words after "--", and the others
# wait for its end.
node() {
    RAY_TMPDIR=$(mktemp -d /tmp/orch-XXXXXX)
    export RAY_TMPDIR
    trap 'ray stop --force >/dev/null; rm -rf "$RAY_TMPDIR"' EXIT
    ray symmetric-run --address "$head" --min-nodes "$SLURM_JOB_NUM_NODES" --num-cpus "$SLURM_CPUS_ON_NODE" \
        ${SLURM_MEM_PER_NODE:+--object-store-memory $((SLURM_MEM_PER_NODE * 300000))} "$@"
}

# The same on a node that is not the head: symmetric-run gives up at once where nothing listens yet
join() {
    until timeout 5 bash -c ": >/dev/tcp/${head/://}" 2>/dev/null; do sleep 1; done
    node -- true
}

# As on Ctrl-C, the sweep saves every running trial. A second signal would end it at once, so it gets one
save() {
    [ -n "$sweep" ] && [ -z "$saving" ] || return
    saving=yes
    if [ -s "$begun" ]; then kill -TERM "$(cat "$begun")"; else pkill -TERM -P "$sweep" || kill -TERM "$sweep"; fi
}
saving='' stopped='' requeue='' sweep=''
trap '[ -n "$stopped" ] || requeue=yes; save' TERM # from Slurm, before the time limit or for a job of higher priority
trap 'stopped=yes; requeue=; save' INT             # from `orchestrate stop`, which sends it until the job has ended

begun=$(mktemp)
# The sweep's own process; its output is apart from that of Slurm and Ray
export log begun
run="echo \$\$ >\"\$begun\"; exec $command"
unset RAY_ADDRESS

if [ "$SLURM_JOB_NUM_NODES" -gt 1 ]; then
    export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$token RAY_USAGE_STATS_ENABLED=0
    export RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO=0 RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=300
    export RAY_agent_register_timeout_ms=300000 # on a busy node Ray's agent starts slowly
    export RAY_ROTATION_MAX_BYTES=10000000 RAY_ROTATION_BACKUP_COUNT=1 # else each log may grow to 2.5 GB
    address=$(scontrol show node "$SLURMD_NODENAME" --oneliner | grep -o 'NodeAddr=[^ ]*' | cut -d= -f2)
    case $(getent hosts "$address") in 127.* | ::1*) address=$(hostname -I | cut -d' ' -f1) ;; esac # Debian's /etc/hosts
    head=$address:$((20000 + SLURM_JOB_ID % 20000))
    export head
    export -f node join
    others=$((SLURM_JOB_NUM_NODES - 1))
    srun --nodes="$others" --ntasks="$others" --relative=1 --no-kill --cpu-bind=none bash -c join &
    others=$!
    node --include-dashboard=false -- bash -c "$run --address $head >>\"\$log\" 2>&1" &
else
    bash -c "$run >>\"\$log\" 2>&1" &
fi
sweep=$!
[ -z "$requeue" ] || save # it was told before there was a sweep

# Whether another start can be of use. Where the time is over before a trial begins, it would be so for ever
may_help() {
    [ "${SLURM_RESTART_COUNT:-0}" -lt 2 ] ||
        [ -n "$(find "${log%/*}/trials" -name record.json -newer "$begun" -print -quit 2>/dev/null)" ]
}

code=143
until [ "$code" -le 128 ] || ! kill -0 "$sweep" 2>/dev/null; do # a signal ends `wait`, not the sweep
    wait "$sweep"
    code=$?
done
if [ -n "$requeue" ] && [ "$code" -gt 128 ]; then
    state=
    for _ in 1 2 3 4 5 6; do # a busy controller may not answer at once
        state=$(squeue --noheader --jobs "$SLURM_JOB_ID" --format %T) && break
        sleep 5
    done
    if [ "$state" != RUNNING ]; then
        : # the job was cancelled
    elif ! may_help; then
        echo "the time of job $SLURM_JOB_ID is over, and no trial has begun in this start, its third or later one;" \
            "it is not queued again: the same command goes on, with a longer slurm.time" >>"$log"
    else
        echo "the time of job $SLURM_JOB_ID is over; it is queued again, and goes on from the last checkpoints" >>"$log"
        scontrol requeue "$SLURM_JOB_ID" || # else it ends here
            echo "but Slurm does not queue it again; the same command goes on" >>"$log"
    fi
fi
if [ ! -s "$begun" ] && [ "$code" -le 128 ]; then
    echo "Ray did not start on all nodes, so the sweep did not; slurm-$SLURM_JOB_ID.log in this folder says why" >>"$log"
    code=1
fi
if [ -n "${others:-}" ]; then # they would wait a minute for a head that has ended
    kill "$others"
    wait "$others"
fi
rm -f "$begun"
exit "$code"
