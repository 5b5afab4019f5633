#!/bin/sh
# Measures the library and the command against libcurl alone, on this machine and in this run: bench/run.sh [BUILD]
# bench/README.md says what each figure means. ROUNDS, STREAMS, MEGABYTES (of the upload) and SCALES (streams at once) can be set.
# $BENCH_RESULTS: the rows are kept there (bench/results.py).
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "${1:-$root/build}" && pwd)
: "${ROUNDS:=2000}" "${STREAMS:=1000}" "${MEGABYTES:=256}" "${SCALES:=1000 5000 9500}"
for variable in http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY; do
    unset "$variable"
done

work=$(mktemp -d)
servers=
cleanup()
{
    [ -z "$servers" ] || kill $servers 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# wait_for FILE: until it has a line.
wait_for()
{
    tries=0
    until [ -s "$1" ]; do
        tries=$((tries + 1))
        [ $tries -lt 200 ] || { echo "bench: a server did not start" >&2; exit 1; }
        sleep 0.05
    done
}

flags="-std=gnu11 -O2 -Wall -Wextra -I$root/include"
libraries="$build/libexochat.a $(pkg-config --cflags --libs libcurl yaml-0.1 libssl libcrypto) -pthread"
"${CC:-cc}" $flags "$root/bench/server.c" -o "$work/server"
for program in config latency linear scale starve streams upload; do
    "${CC:-cc}" $flags "$root/bench/$program.c" "$root/bench/baseline.c" "$root/bench/process.c" $libraries -o "$work/$program"
done
"$work/server" >"$work/port" &
servers=$!
wait_for "$work/port"
origin=http://127.0.0.1:$(cat "$work/port")

# row WHAT UNIT OURS BASELINE: one line of the table, with the ratio.
row()
{
    printf '%s\t%s\texochat\t%s\n' "$1" "$2" "$3" >>"$work/rows"
    [ -z "$4" ] || printf '%s\t%s\tbaseline\t%s\n' "$1" "$2" "$4" >>"$work/rows"
    awk -v what="$1" -v unit="$2" -v ours="$3" -v base="$4" 'BEGIN {
        printf "| %-42s | %12s | %12s | %6s |\n", what, ours " " unit, base == "" ? "" : base " " unit,
            base == "" ? "" : sprintf("%.2f", ours / base) }'
}
value() { sed -n "s/^$1 //p" "$2"; }
kilobytes() { awk -v bytes="$1" 'BEGIN { printf "%.1f", bytes / 1024 }'; }

printf '| %-42s | %12s | %12s | %6s |\n' what exochat libcurl ratio
echo "|:-------------------------------------------|-------------:|-------------:|-------:|"

for answer in one fast; do
    "$work/latency" "$origin/$answer" "$ROUNDS" >"$work/latency.txt"
    deltas=$([ $answer = one ] && echo "1 delta" || echo "100 deltas")
    bare=$(value bare "$work/latency.txt")
    row "question to answer, $deltas, buffered" us "$(value buffered "$work/latency.txt")" "$bare"
    row "question to answer, $deltas, streamed" us "$(value streamed "$work/latency.txt")" "$bare"
done

row "memory of a stream in flight, of $STREAMS" KB "$(kilobytes "$("$work/streams" exochat "$origin/hold" "$STREAMS")")" \
    "$(kilobytes "$("$work/streams" bare "$origin/hold" "$STREAMS")")"

# Many at once on one thread; the baseline of each row is the smallest number.
for count in $SCALES; do
    "$work/scale" "$origin" "$count" >"$work/scale.$count"
    smallest=${smallest:-$count}
    for part in "first:first event of all:ms" "kilobytes:memory of each:KB" "cancel:cancel all:ms" "event:processor time of an event:us"; do
        name=${part%%:*} rest=${part#*:}
        row "$count streams, ${rest%:*}" "${rest##*:}" "$(value "$name" "$work/scale.$count")" "$(value "$name" "$work/scale.$smallest")"
    done
done

# A small call beside streams that never stop, which another process sends; the baseline is the same call alone.
"$work/server" >"$work/flood" &
servers="$servers $!"
wait_for "$work/flood"
"$work/starve" "http://127.0.0.1:$(cat "$work/flood")/flood/0" "$origin/one" "$STREAMS" 50 >"$work/starve.txt"
row "first event beside $STREAMS that flood" ms "$(value beside "$work/starve.txt")" "$(value alone "$work/starve.txt")"

# Long and many streams while text is printed; the baseline is a tenth of them.
# linear_row WHAT UNIT KIND COUNT
linear_row()
{
    row "$1" "us $2" "$("$work/linear" "$origin" "$3" "$4" | sed -n 's/^each //p')" \
        "$("$work/linear" "$origin" "$3" $(($4 / 10)) | sed -n 's/^each //p')"
}
linear_row "5 million tiny events" "/100" events 50000
linear_row "an answer of 250 MB" "/MB" megabytes 250
linear_row "10,000 streams nobody asks for" "each" beside 10000

# With TLS, by the scripted server of the tests.
if python3 - "$root/tests" "$work" <<'PY' 2>/dev/null; then
import sys
sys.path.insert(0, sys.argv[1])
from upstream.tls import Certificates
Certificates(sys.argv[2]).make("good")
PY
    python3 "$root/tests/upstream" --tls "$work/good.pem" "$work/good.key" >"$work/secure" &
    servers="$servers $!"
    wait_for "$work/secure"
    BENCH_CA=$work/ca.pem BENCH_MODEL=one-delta-then-stall
    export BENCH_CA BENCH_MODEL
    secure=https://localhost:$(sed 's/.*://' "$work/secure")/v1
    ours=$("$work/streams" exochat "$secure" "$STREAMS")
    row "memory of a stream with TLS, of $STREAMS" KB "$(kilobytes "$ours")" "$(kilobytes "$("$work/streams" bare "$secure" "$STREAMS")")"
    unset BENCH_CA BENCH_MODEL
fi

truncate -s "${MEGABYTES}M" "$work/photo.png"
"$work/upload" "$origin/fast" "$work/photo.png" "$work/body" 5 >"$work/upload.txt"
row "upload of a $MEGABYTES MB attachment" MB/s "$(value attached "$work/upload.txt")" "$(value bare "$work/upload.txt")"
rm -f "$work/body"

# What each name in a large configuration costs; the baseline is a tenth of them.
"$work/config" 19000 >"$work/config.txt"
for what in keys aliases models; do
    row "configuration, of 19,000 names: $what" us "$(value "$what-many" "$work/config.txt")" \
        "$(value "$what-few" "$work/config.txt")"
done

# Peak resident memory of the command, over http and over https with all the certificates of the system loaded. The
# baseline is the smallest attachment.
# peak_row WHAT SIZE OPTION ...
peak_row()
{
    what=$1 size=$2
    shift 2
    truncate -s "$size" "$work/photo.png"
    command time -f %M -o "$work/peak" "$build/exochat" "$@" -a "$work/photo.png" "What is this?" >"$work/said" ||
        { cat "$work/said" "$work/peak"; exit 1; }
    peak=$(awk '{ printf "%.1f", $1 / 1024 }' "$work/peak")
    row "$what, ${size}B attached" MB "$peak" "$smallest"
    smallest=${smallest:-$peak}
}
smallest=
for size in 1K 100M 1G; do
    peak_row "peak memory of the command" "$size" --base-url "$origin/fast" -m bench
done
if [ -n "${secure:-}" ] && [ -r /etc/ssl/certs/ca-certificates.crt ]; then
    cat /etc/ssl/certs/ca-certificates.crt "$work/ca.pem" >"$work/bundle.pem"
    smallest=
    for size in 1K 100M 1G; do
        peak_row "the same over https" "$size" --base-url "$secure" --ca "$work/bundle.pem" -m ok
    done
fi
[ -z "${BENCH_RESULTS:-}" ] || BENCH_SAID=1 python3 "$root/bench/results.py" alone "libcurl=$(pkg-config --modversion libcurl)" <"$work/rows"
