#!/bin/sh
# Fuzzes every target with libFuzzer, so many seconds each: fuzz/run.sh [SECONDS [TARGET ...]]. Findings stay in build-fuzz/.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -eq 0 ] || shift
targets=${*:-$(ls fuzz/fuzz_*.c | sed 's|.*/fuzz_\(.*\)\.c|\1|')}
sources=$(sed -n 's|^EXO_CORE_SOURCES += |src/core/|p' src/core/core.mk)
mkdir -p build-fuzz

seeds() {
    case $1 in
    stream) echo tests/streams ;;
    *) echo "fuzz/seeds/$1" ;;
    esac
}

# What a target is about, where it is not the core.
subject() {
    case $1 in
    head) echo src/client/curl/head.c ;;
    esac
}

for target in $targets; do
    # shellcheck disable=SC2046,SC2086
    clang -std=c11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Iinclude "fuzz/fuzz_$target.c" $(subject "$target") $sources -o "build-fuzz/$target"
    mkdir -p "build-fuzz/corpus-$target"
    echo "== $target, $seconds s"
    "build-fuzz/$target" -max_total_time="$seconds" -max_len=16384 -timeout=10 -print_final_stats=1 -artifact_prefix="build-fuzz/$target-" \
        "build-fuzz/corpus-$target" "$(seeds "$target")" 2>"build-fuzz/$target.log" || { tail -40 "build-fuzz/$target.log"; exit 1; }
    grep -E '^stat::number_of_executed_units|^stat::average_exec' "build-fuzz/$target.log"
done
