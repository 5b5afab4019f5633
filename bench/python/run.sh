#!/bin/sh
# Measures the Python package beside others: bench/python/run.sh [BUILD]. bench/README.md says what it shows.
# BUILD (default build) has _exochat, or $EXOCHAT_EXTENSION is its folder.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "${1:-$root/build}" && pwd)
python=$("$root/tools/python-heavy.sh" --venv bench "$root/bench/python/requirements.txt")
mkdir -p "$root/build/python-heavy"
"${CC:-cc}" -std=gnu11 -O2 "$root/bench/server.c" -o "$root/build/python-heavy/server"
exec "$python" "$root/bench/python/measure.py" "$python" "${EXOCHAT_EXTENSION:-$build/bindings/python}" "$root/build/python-heavy/server"
