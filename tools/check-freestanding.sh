#!/bin/sh
# The core needs nothing but a compiler and five functions of string.h: tools/check-freestanding.sh [ROOT]
# Compiles it with -ffreestanding -Os for this machine and, where arm-none-eabi-gcc is installed, for a Cortex-M4; finds
# writable data and undefined symbols; links it with tests/freestanding/start.c and no library but libgcc, runs that where
# it can, also without what a build may leave out: the tables of names and texts, and, with EXO_SMALL, what only makes it faster; prints the size of every module, and holds the Cortex-M4 to CAP bytes.
set -eu
# Code and constants of the whole core on a Cortex-M4; tools/size.py prints the same number.
CAP=49152
root=$(cd "${1:-$(dirname "$0")/..}" && pwd)
cd "$root"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

fail()
{
    echo "FAILED: $*"
    failed=1
}

# What the core may leave undefined: string.h's part that freestanding C always finds, and libgcc's integer arithmetic.
allowed='^(memcpy|memmove|memset|memcmp|memchr|strlen'
allowed="$allowed|__(u?(div|mod|divmod)|mul|neg|ashl|ashr|lshr|u?cmp|clz|ctz|ffs|popcount|bswap)[sdt]i[234]?"
allowed="$allowed|__aeabi_(u?idiv(mod)?|u?ldivmod|lmul|llsl|llsr|lasr|u?lcmp)|__gnu_thumb1_case_[a-z]+)\$"

# check NAME LIMIT PREFIX COMPILER OPTION ...: one target; LIMIT in bytes of code and constants, or 0.
check()
{
    name=$1 limit=$2 prefix=$3
    shift 3
    out=$work/${name%,*}-${name#*, }
    mkdir "$out"
    strict="-std=c11 -ffreestanding -Os -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
    strict="$strict -fno-stack-protector -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -Iinclude"

    for source in $(sed -n 's/^EXO_CORE_SOURCES += //p' src/core/core.mk); do
        "$@" $strict -c "src/core/$source" -o "$out/${source%.c}.o" || fail "$name: $source does not compile"
    done
    set -- "$@" $strict

    for object in "$out"/*.o; do
        module=$(basename "$object" .o)
        # A section that is loaded and is not read-only is writable data, whatever its name.
        "${prefix}objdump" -h "$object" | awk -v module="$module" '
            /^ *[0-9]+ / { section = $2; size = $3 }
            /ALLOC/ && !/READONLY/ && size !~ /^0+$/ { print module ": writable data in " section; bad = 1 }
            END { exit bad }' || fail "$name: $module has writable globals"
        if "${prefix}nm" "$object" | grep ' C '; then
            fail "$name: $module has common symbols"
        fi
    done
    "${prefix}nm" -g --defined-only "$out"/*.o | awk 'NF == 3 { print $3 }' | sort -u >"$out/defined"
    "${prefix}nm" -u "$out"/*.o | awk '$1 == "U" { print $2 }' | sort -u | comm -23 - "$out/defined" |
        grep -vE "$allowed" >"$out/undefined" || true
    [ ! -s "$out/undefined" ] || fail "$name: undefined symbols:" $(cat "$out/undefined")
    grep -v '^exo_' "$out/defined" >"$out/foreign" || true
    [ ! -s "$out/foreign" ] || fail "$name: global names without exo_:" $(cat "$out/foreign")

    # With the tables of names and texts that a build may leave out, at last, and before that without.
    echo "$name:"
    for drop in "-DEXO_NO_ERROR_TEXTS -DEXO_NO_ERROR_NAMES" -DEXO_NO_ERROR_NAMES -DEXO_NO_ERROR_TEXTS ""; do
        if [ -f src/core/error.c ]; then
            "$@" $drop -c src/core/error.c -o "$out/error.o" || fail "$name: error.c does not compile: $drop"
            [ -z "$drop" ] || "${prefix}size" "$out/error.o" | awk -v drop="$drop" '
                NR > 1 { printf "    %-14s %6d bytes with %s\n", "error", $1, drop }'
        fi
        # Without the option gcc may turn the loop of memset() into a call of memset().
        "$@" $drop -fno-tree-loop-distribute-patterns -nostdlib -nostartfiles -static -Wl,--fatal-warnings \
            tests/freestanding/start.c "$out"/*.o -lgcc -o "$out/program" || fail "$name: does not link: $drop"
        if [ "${name%,*}" = x86_64-linux-gnu ] && [ -x "$out/program" ]; then
            "$out/program" || fail "$name: the linked program exits with $?: $drop"
        fi
    done
    "${prefix}size" "$out"/*.o | awk -v limit="$limit" '
        NR > 1 {
            sub(/.*\//, "", $6)
            sub(/\.o$/, "", $6)
            printf "    %-14s %6d bytes\n", $6, $1
            sum += $1
        }
        END {
            printf "    %-14s %6d bytes%s\n", "all", sum, (limit > 0 ? " of " limit : "")
            exit (limit > 0 && sum > limit)
        }' || fail "$name: the core is larger than $limit bytes"
}

host=$(gcc -dumpmachine)
case $host in
x86_64-* | aarch64-*) options="-fno-pie -no-pie -mgeneral-regs-only" ;;
*) options="-fno-pie -no-pie" ;;
esac
check "$host" 0 "" gcc $options
check "$host, small" 0 "" gcc $options -DEXO_SMALL
if command -v arm-none-eabi-gcc >/dev/null; then
    check cortex-m4 $CAP arm-none-eabi- arm-none-eabi-gcc -DEXO_SMALL -mthumb -mcpu=cortex-m4
else
    echo "arm-none-eabi-gcc is not installed: the Cortex-M4 is not checked"
fi
exit "$failed"
