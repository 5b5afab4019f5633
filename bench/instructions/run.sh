#!/bin/sh
# Counts the instructions of the parts of the core with callgrind: bench/instructions/run.sh [SHAPE ...]
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=1073741824
export GLIBC_TUNABLES
sources=$(sed -n "s|^EXO_CORE_SOURCES += |$root/src/core/|p" "$root/src/core/core.mk")
"${CC:-cc}" -std=c11 -O2 -Wno-format-nonliteral -I"$root/include" "$root/bench/instructions/decode.c" $sources -o "$work/decode"
"${CC:-cc}" -std=c11 -O2 -I"$root/include" "$root/bench/instructions/encode.c" $sources -o "$work/encode"
count()
{
    "$@" || exit 1
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>&1 | sed -n 's/.*Collected : //p'
}
for shape in ${*:-plain obfuscation mistral tool azure}; do
    few=$(count "$work/decode" "$shape" 200)
    many=$(count "$work/decode" "$shape" 1200)
    full=$(READ_ALL=1 count "$work/decode" "$shape" 200)
    fully=$(READ_ALL=1 count "$work/decode" "$shape" 1200)
    echo "decode $shape $(((many - few) / 1000)) $(((fully - full) / 1000))"
done
for text in clean prose mixed source base64; do
    none=$(count "$work/encode" "$text" 0.1 0)
    sized=$(count "$work/encode" "$text" 1.1 0)
    written=$(count "$work/encode" "$text" 1.1 2)
    once=$(count "$work/encode" "$text" 0.1 2)
    # instructions for a hundred bytes: sizing (with making the text), writing
    echo "encode $text size $(((sized - none) / 10000)) write $((((written - sized) - (once - none)) / 20000)) for 100 bytes"
done
