#!/bin/sh
# Runs the measurements, one after the other, prints a table of each, and at the end the one of all aims; writes the tables of
# docs/performance.md and docs/memory.svg, of what was measured; what was not stays as it is. `make bench` does it.
#     bench/all.sh [-n] [-q] [PART ...]
# PART is one of PARTS below; without any it is all of them, in some 20 minutes on a machine that does nothing else.
# -n writes nothing in the tree. -q: quick, everything once and little of it, to see that it runs; writes nothing in the tree either.
# BUILD (build) is the folder of the library's build. What can be set for a part is in bench/README.md.
# A part that cannot run here says why, and the others go on. The exit status is 1 where one has failed that could run.
# shellcheck disable=SC2048,SC2329 # the parts are called by their names
set -u
cd "$(dirname "$0")/.." || exit 1
PARTS="instructions alone chats counted bytes repair python micropython memory"
usage()
{
    sed -n '2,8s/^# //p' "$0" >&2
    echo "PARTS: $PARTS" >&2
    exit 2
}

write=--take
results=results
while getopts nq option; do
    case $option in
    n) write= ;;
    q)
        write=
        results=quick-results # not to be taken over by mistake
        ROUNDS=100 STREAMS=50 MEGABYTES=8 SCALES="20 40" PEER_ROUNDS=1 PYTHON_ROUNDS=1
        PYTHON_CLIENTS=${PYTHON_CLIENTS:-ours original aiohttp openai-npm}
        PYTHON_ROWS=${PYTHON_ROWS:-start chat big-one sequence}
        PEER_ROWS=${PEER_ROWS:-start chat long big-one streams:50 hold:50}
        export ROUNDS STREAMS MEGABYTES SCALES PYTHON_ROUNDS PYTHON_ROWS PYTHON_CLIENTS
        ;;
    *) usage ;;
    esac
done
shift $((OPTIND - 1))
for part in "$@"; do
    case " $PARTS " in *" $part "*) ;; *) usage ;; esac
done
BUILD=$(cd "${BUILD:-build}" && pwd) || exit 1
BENCH_RESULTS=$BUILD/bench/$results
PYTHONDONTWRITEBYTECODE=1
export BUILD BENCH_RESULTS PYTHONDONTWRITEBYTECODE
rm -rf "$BENCH_RESULTS"
mkdir -p "$BENCH_RESULTS"
failed=0
began=$(date +%s)

# ---- what the parts want, made once when the first one asks for it

peers()
{
    case ${made_peers:-} in
    yes) ;;
    no) return 77 ;;
    *)
        made_peers=no
        bench/peers.sh "$BUILD" >/dev/null || { echo "yyjson's source is not to be had" && return 77; }
        made_peers=yes
        ;;
    esac
}

others()
{
    case ${made_others:-} in
    yes) ;;
    no) return 77 ;;
    *)
        made_others=no
        prepared=$(bench/python/prepare.sh) || return
        eval "$prepared"
        export BENCH_PYTHON BENCH_PACKAGE NODE_FOLDER="${NODE_FOLDER:-}"
        made_others=yes
        ;;
    esac
}

# ---- the parts; exit status 77 is of one that cannot run here, and has said why

instructions() { bench/instructions/run.sh; }
alone() { bench/run.sh "$BUILD"; }
counted() { peers && ROUNDS=${PEER_ROUNDS:-3} bench/instructions/chats.sh "$BUILD/bench"; }
bytes() { peers && ROUNDS=${PEER_ROUNDS:-5} python3 bench/bytes.py "$BUILD/bench"; }
repair() { others && ROUNDS=${PEER_ROUNDS:-5} python3 bench/repair/measure.py; }
python() { others && bench/python/run.sh; }
micropython() { others && ROUNDS=${PEER_ROUNDS:-3} python3 bench/micropython/compare.py; }

chats()
{
    peers || return
    others || echo "without the Python provider"
    # shellcheck disable=SC2086
    ROUNDS=${PEER_ROUNDS:-7} python3 bench/peers.py "$BUILD/bench" ${PEER_ROWS:-}
}

memory()
{
    peers || echo "without the programs over yyjson"
    others || echo "without Python"
    python3 bench/memory.py
}

echo "on $(nproc) processors, load $(cut -d ' ' -f 1 /proc/loadavg)"
for part in ${*:-$PARTS}; do
    printf '\n## %s (after %d s, load %s)\n\n' "$part" $(($(date +%s) - began)) "$(cut -d ' ' -f 1 /proc/loadavg)"
    "$part"
    status=$?
    case $status in
    0) ;;
    77) echo "not measured here" ;;
    *)
        echo "FAILED: $part, exit status $status"
        failed=1
        ;;
    esac
    [ "$status" = 0 ] || rm -f "$BENCH_RESULTS/$part.jsonl"
done

printf '\n# Everything, after %d s\n' $(($(date +%s) - began))
python3 bench/report.py --print "$BENCH_RESULTS" || failed=1
[ -z "$write" ] || python3 bench/report.py --take "$BENCH_RESULTS" || failed=1
exit "$failed"
