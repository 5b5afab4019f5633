#!/bin/sh
# Installs what the library is measured beside, under build/, and the package of this tree: bench/python/prepare.sh prints lines
# of NAME='VALUE' for the shell: BENCH_PYTHON has the others of requirements.txt, BENCH_PACKAGE is the folder of ours, the wheel of
# this tree, as pip builds and installs it, NODE_FOLDER has openai of npm, where there is a node. Of a build, the _exochat in the
# folder $EXOCHAT_EXTENSION with the package as it lies in this tree takes the wheel's place.
# Exit status 77 where pip reaches no PyPI.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
"$root/tools/python.sh" reachable >/dev/null 2>&1 || { echo "pip reaches no PyPI" >&2 && exit 77; }
python=$("$root/tools/python-heavy.sh" --venv bench "$root/bench/python/requirements.txt")
package=$root/build/python-heavy/ours
if [ -n "${EXOCHAT_EXTENSION:-}" ]; then
    package=$EXOCHAT_EXTENSION:$root
else
    wheel=$("$root/tools/python.sh" wheel)
    rm -rf "$package"
    "$python" -m pip install -q --disable-pip-version-check --no-deps --target "$package" "$wheel" >&2
fi
echo "BENCH_PYTHON='$python'"
echo "BENCH_PACKAGE='$package'"
node=$root/build/node
if command -v npm >/dev/null && mkdir -p "$node" && cp "$root/bench/node/package.json" "$node/" &&
    (cd "$node" && npm install --silent --no-audit --no-fund >&2); then
    echo "NODE_FOLDER='$node'"
else
    echo "openai of npm is left out: there is no node, or npm reaches no registry" >&2
fi
