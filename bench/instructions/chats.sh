#!/bin/sh
# Counts the instructions of whole chats, of this library and of the program over libcurl and yyjson, with callgrind:
# bench/instructions/chats.sh FOLDER, which bench/peers.sh has printed. Those of libcurl are among them, the kernel's are not.
# Of `chat` they are of one, of `long` and `long-shown` of a chunk, of `big-list` and `big-file` of a thousand bytes. In how
# many pieces an answer comes is chance, so they are counted $ROUNDS (3) times.
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

# row ROW FEW MANY PARTS: of a chat that has so many parts
row()
{
    for program in peer_exochat peer_curl; do
        client=$([ $program = peer_exochat ] && echo exochat || echo libcurl)
        printf '%s\tcount\t%s' "$1" "$client" >>"$work/rows"
        for _ in $(seq "${ROUNDS:-3}"); do
            few=$(count $program "$1" "$2")
            many=$(count $program "$1" "$3")
            printf '\t%d' $(((many - few) / ($3 - $2) / $4)) >>"$work/rows"
        done
        echo >>"$work/rows"
    done
}

row chat 10 30 1
row long 1 3 20000
row long-shown 1 3 20000
row big-list 2 12 1000
row big-file 2 12 1000
python3 "$(dirname "$0")/../results.py" counted <"$work/rows"
