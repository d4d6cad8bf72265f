#!/bin/sh
# Exits with 0 if an address answers 200: for healthchecks, because the image has no curl. Example: healthy.sh http://127.0.0.1:5000/health
set -eu
exec python -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=4)' "${1:?which address?}"
