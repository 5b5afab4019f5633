#!/bin/sh
# Measures the Python package beside others: bench/python/run.sh. bench/README.md says what it shows.
# What is measured is the wheel of this tree, as pip builds and installs it; or, of a build, the _exochat in the folder
# $EXOCHAT_EXTENSION with the package as it lies in this tree.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
python=$("$root/tools/python-heavy.sh" --venv bench "$root/bench/python/requirements.txt")
made=$root/build/python-heavy
mkdir -p "$made"
"${CC:-cc}" -std=gnu11 -O2 "$root/bench/server.c" -o "$made/server"
package=$made/ours
if [ -n "${EXOCHAT_EXTENSION:-}" ]; then
    package=$EXOCHAT_EXTENSION:$root
else
    wheel=$("$root/tools/python.sh" wheel)
    rm -rf "$package"
    "$python" -m pip install -q --disable-pip-version-check --no-deps --target "$package" "$wheel"
fi
# openai of npm, where there is a node
node=$root/build/node
if command -v npm >/dev/null && mkdir -p "$node" && cp "$root/bench/node/package.json" "$node/" &&
    (cd "$node" && npm install --silent --no-audit --no-fund >&2); then
    NODE_FOLDER=$node
    export NODE_FOLDER
else
    echo "openai of npm: there is no node, or npm reaches no registry"
fi
exec "$python" "$root/bench/python/measure.py" "$python" "$package" "$made/server"
