#!/bin/sh
# Counts the instructions of whole chats, of this library and of the program over libcurl and yyjson, with callgrind:
# bench/instructions/chats.sh FOLDER, which bench/peers.sh has printed. Those of libcurl are among them, the kernel's are not.
set -eu
folder=$1
command -v valgrind >/dev/null || { echo "skipped: no valgrind" && exit 77; }
work=$(mktemp -d)
"$folder/server" >"$work/port" &
server=$!
trap 'kill $server; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
until [ -s "$work/port" ]; do sleep 0.05; done
origin=http://127.0.0.1:$(cat "$work/port")

# count PROGRAM ROW AMOUNT
count()
{
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$folder/$1" "$2" "$origin" "$3" 2>&1 | sed -n 's/.*Collected : //p'
}

# row WHAT ROW FEW MANY PARTS: of a chat that has so many parts
row()
{
    ours=$((($(count peer_exochat "$2" "$4") - $(count peer_exochat "$2" "$3")) / ($4 - $3) / $5))
    theirs=$((($(count peer_curl "$2" "$4") - $(count peer_curl "$2" "$3")) / ($4 - $3) / $5))
    awk -v what="$1" -v ours="$ours" -v theirs="$theirs" 'BEGIN {
        printf "| %-48s | %10d | %18d | %5.2f |\n", what, ours, theirs, ours / theirs }'
}

echo "| instructions                                     | exochat    | libcurl and yyjson | ratio |"
echo "|:-------------------------------------------------|-----------:|-------------------:|------:|"
row "a chat: 20 KB in 40 messages, 200 chunks" chat 10 30 1
row "a chunk of 20,000, for the whole answer" long 1 3 20000
row "a chunk of 20,000, each shown" long-shown 1 3 20000
row "1,000 bytes of a request in 400 messages" big-list 2 12 1000
row "1,000 bytes of a file" big-file 2 12 1000
