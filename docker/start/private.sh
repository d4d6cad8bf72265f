#!/bin/sh
# Exits with 2 if others than you can read a secret, or reach a folder. Example: private.sh "$RAY_TOKEN_FILE"
set -eu
path=${1:?which file or folder?}

entry=$(ls -ldnL -- "$path") || exit 2
mode=${entry%% *}
case $mode in
    -???------*) exit 0 ;;
    d???------*) ;;
    d*)
        echo "$path: others can reach this folder ($mode); chmod 700 it, or name another folder" >&2
        exit 2
        ;;
    *)
        echo "$path: others can read this secret ($mode); make a new one if somebody may have, and chmod 600 it" >&2
        exit 2
        ;;
esac

# Somebody else may have made a folder of this name, where all may make one
owner=$(echo "$entry" | awk '{ print $3 }')
if [ -h "$path" ] || [ "$owner" != "$(id -u)" ]; then
    echo "$path: this folder is a link or not yours; name another folder" >&2
    exit 2
fi
