#!/bin/sh
# Measures the Python package beside others: bench/python/run.sh. bench/README.md says what it shows.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
[ -n "${BENCH_PYTHON:-}" ] || {
    prepared=$("$root/bench/python/prepare.sh")
    eval "$prepared"
}
export NODE_FOLDER="${NODE_FOLDER:-}"
server=$root/build/python-heavy/server
"${CC:-cc}" -std=gnu11 -O2 "$root/bench/server.c" -o "$server"
exec "$BENCH_PYTHON" "$root/bench/python/measure.py" "$BENCH_PYTHON" "$BENCH_PACKAGE" "$server"
