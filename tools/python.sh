#!/bin/sh
# The Python package in virtual environments under build/python/, each made once and kept:
#     tools/python.sh list            the interpreters from 3.11 on that are found here, a version and a path on each line
#     tools/python.sh wheel           builds the wheel of this tree against the system's libcurl, and prints its path
#     tools/python.sh venv PYTHON     an environment with that wheel and with what tests/python wants; prints its folder
#     tools/python.sh install         an environment with the package alone, build/python/venv: `make python`
#     tools/python.sh reachable       exit status 77 where pip reaches no PyPI; 1 if that is in continuous integration (CI is set)
# One wheel serves every version: it is built by the first interpreter of the list, Debian's where there is one. pip
# takes what builds it, and what the tests want, from PyPI.
set -eu
cd "$(dirname "$0")/.."
made=$PWD/build/python
mkdir -p "$made"
unset MAKEFLAGS MFLAGS
PIP_DISABLE_PIP_VERSION_CHECK=1
PIP_ROOT_USER_ACTION=ignore
export PIP_DISABLE_PIP_VERSION_CHECK PIP_ROOT_USER_ACTION

# Distinct files, since a name may lead to another's. One that has no headers or no venv of its own is still listed.
list()
{
    for python in /usr/bin/python3 /usr/bin/python3.[0-9][0-9] /usr/local/bin/python3.[0-9][0-9] "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python \
        $(command -v -a python3 2>/dev/null || command -v python3 || true); do
        [ -x "$python" ] || continue
        "$python" -c 'import os, sys
if sys.version_info >= (3, 11) and sys.implementation.name == "cpython" and sys.prefix == sys.base_prefix:
    print("%d.%d.%d" % sys.version_info[:3], os.path.realpath(sys.executable))' 2>/dev/null || true
    done | awk '!seen[$2]++'
}

first()
{
    found=$(list | sed -n '1s/^[^ ]* //p')
    [ -n "$found" ] || { echo "python.sh: no CPython from 3.11 on. On Debian: apt-get install python3-dev python3-venv" >&2; exit 1; }
    echo "$found"
}

usage()
{
    sed -n '2,10s/^# //p' "$0" >&2
    exit 2
}

# environment PYTHON FOLDER
environment()
{
    [ ! -x "$2/bin/pip" ] || return 0
    rm -rf "$2"
    "$1" -m venv "$2" >&2 || { echo "python.sh: $1 makes no environment. On Debian: apt-get install python3-venv" >&2; exit 1; }
}

# Its options are those of pyproject.toml; what was compiled before is not compiled again.
wheel()
{
    environment "$(first)" "$made/build"
    rm -rf "$made/wheels"
    "$made/build/bin/pip" wheel --quiet --no-deps --wheel-dir "$made/wheels" . >&2
    echo "$made"/wheels/*.whl
}

venv()
{
    version=$("$1" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')
    folder=$made/test-$version-$(printf %s "$1" | cksum | cut -d ' ' -f 1)
    environment "$1" "$folder"
    if ! cmp -s tests/python/requirements.txt "$folder/requirements.txt"; then
        "$folder/bin/pip" install --quiet --requirement tests/python/requirements.txt >&2
        cp tests/python/requirements.txt "$folder/"
    fi
    set -- "$made"/wheels/*.whl
    [ -e "$1" ] || wheel >/dev/null
    "$folder/bin/pip" install --quiet --no-deps --force-reinstall "$made"/wheels/*.whl >&2
    echo "$folder"
}

reachable()
{
    environment "$(first)" "$made/build"
    folder=$(mktemp -d)
    status=0
    "$made/build/bin/pip" download --quiet --no-deps --dest "$folder" scikit-build-core >&2 || status=77
    rm -rf "$folder"
    [ "$status" = 0 ] || [ -z "${CI:-}" ] || [ "$CI" = false ] || status=1
    return "$status"
}

case ${1:-} in
list) list ;;
wheel) wheel ;;
venv)
    [ $# = 2 ] || usage
    venv "$2"
    ;;
install)
    environment "$(first)" "$made/venv"
    "$made/venv/bin/pip" install --quiet --no-deps --force-reinstall "$(wheel)"
    "$made/venv/bin/python" -m exoclaw_provider_openai
    echo "An environment with the package: . build/python/venv/bin/activate"
    ;;
reachable) reachable ;;
*) usage ;;
esac
