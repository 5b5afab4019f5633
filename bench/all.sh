#!/bin/sh
# Runs every measurement there is, one after the other, each with a table: bench/all.sh [BUILD], which `make bench` does.
# A part that cannot run here says why, and the others go on. The exit status is 1 where one has failed that could run.
# PEER_ROUNDS (7) is ROUNDS of peers.py, since bench/run.sh has one of its own.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${1:-build}
failed=0

# part TITLE COMMAND ...: exit status 77 is of one that cannot run here, and has said why.
part()
{
    printf '\n## %s\n\n' "$1"
    shift
    "$@"
    status=$?
    case $status in
    0) ;;
    77) echo "not measured here" ;;
    *)
        echo "FAILED: $1, exit status $status"
        failed=1
        ;;
    esac
}

peers()
{
    bench/peers.sh "$build" >/dev/null || { echo "yyjson's source is not to be had" && return 77; }
    ROUNDS=${PEER_ROUNDS:-7} python3 bench/peers.py "$build/bench"
}

chats()
{
    [ -x "$build/bench/peer_curl" ] || { echo "there is no program over libcurl and yyjson" && return 77; }
    bench/instructions/chats.sh "$build/bench"
}

reachable()
{
    tools/python.sh reachable >/dev/null 2>&1 || { echo "pip reaches no PyPI" && return 77; }
}

repair() { reachable && python3 bench/repair/measure.py; }
python() { reachable && bench/python/run.sh; }

micropython()
{
    [ -x build/micropython/unix ] || { echo "MicroPython is not built (tools/micropython.sh unix)" && return 77; }
    reachable && python3 bench/micropython/compare.py
}

echo "on $(nproc) processors, load $(cut -d ' ' -f 1 /proc/loadavg)"
part "Instructions" bench/instructions/run.sh
part "The library and libcurl alone" bench/run.sh "$build"
part "The library, and a program over libcurl and yyjson" peers
part "Instructions of whole chats" chats
part "The repair of JSON" repair
part "The Python package" python
part "MicroPython" micropython
# last, since it measures what the others have built
part "Memory by the size of a prompt" python3 bench/memory.py "$build/memory.svg"
exit "$failed"
