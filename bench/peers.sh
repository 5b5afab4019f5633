#!/bin/sh
# Builds the clients that are measured against each other, and the server: bench/peers.sh [BUILD] prints the folder.
# yyjson is Debian's (SUITE, by tools/debian-source.sh), compiled here, as a program would that takes it in.
# shellcheck disable=SC2046,SC2086 # lists of words
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "${1:-$root/build}" && pwd)
: "${SUITE:=trixie}"
made=$build/bench
yyjson=$made/yyjson
"$root/tools/debian-source.sh" "$SUITE" yyjson "$yyjson"
flags="-std=gnu11 -O2 -Wall -Wextra -I$root/include -isystem $yyjson/source/src"
cc=${CC:-cc}
"$cc" -O2 -c "$yyjson/source/src/yyjson.c" -o "$made/yyjson.o"
"$cc" $flags "$root/bench/server.c" -o "$made/server"
rows="$root/bench/rows.c $root/bench/process.c"
json="$root/bench/peer_json.c $made/yyjson.o"
"$cc" $flags "$root/bench/peer_curl.c" $rows $json $(pkg-config --cflags --libs libcurl) -o "$made/peer_curl"
"$cc" $flags "$root/bench/peer_raw.c" $rows $json -o "$made/peer_raw"
"$cc" $flags "$root/bench/peer_exochat.c" $rows "$build/libexochat.a" \
    $(pkg-config --cflags --libs libcurl yaml-0.1 libssl libcrypto) -pthread -o "$made/peer_exochat"
"$cc" $flags "$root/bench/instructions/encode.c" "$build/libexochat.a" -o "$made/encode"
"$cc" $flags "$root/bench/bytes.c" "$root/bench/process.c" "$made/yyjson.o" $(pkg-config --cflags --libs libcrypto) -o "$made/bytes"
echo "$made"
