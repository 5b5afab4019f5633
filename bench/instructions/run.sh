#!/bin/sh
# Counts the instructions of parts of the core with callgrind: bench/instructions/run.sh [--check | --store] [PART ...]
# PART is decode, encode or repair; all are counted by default, and printed as `NAME COUNT`. --check compares them with
# what the file `expected` has of this compiler and fails where one is more than 10 % above it; --store writes them there.
# Another compiler than those that it has, or no valgrind: says so, and exit status 77.
# $BENCH_RESULTS: what was counted is kept there (bench/results.py).
#     decode/SHAPE/hit, miss     an event of a stream: of a shape that is remembered, read in full
#     encode/TEXT/size, write    1,000 bytes of text: sized, written into windows of 16 KB
#     repair/INPUT               a kilobyte of JSON, beside bench/repair
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
expected=$root/bench/instructions/expected
mode=show
case ${1:-} in
--check | --store)
    mode=${1#--}
    shift
    ;;
esac
command -v valgrind >/dev/null || { echo "skipped: no valgrind" && exit 77; }

# What decides how many instructions there are: compiler, its version, the processor's kind.
CC=${CC:-cc}
defined() { "$CC" -dM -E -x c /dev/null | sed -n "s/^#define $1 //p"; }
if [ -n "$(defined __clang__)" ]; then
    compiler="clang $(defined __clang_major__).$(defined __clang_minor__).$(defined __clang_patchlevel__)"
else
    compiler="gcc $(defined __GNUC__).$(defined __GNUC_MINOR__).$(defined __GNUC_PATCHLEVEL__)"
fi
compiler="$compiler $("$CC" -dumpmachine | cut -d - -f 1)"
if [ "$mode" = check ] && ! grep -q "^$compiler " "$expected"; then
    echo "not compared: compiler $compiler"
    exit 77
fi

# The C library picks memcpy and its like by the processor, and by the size of its caches: always those of plain x86-64.
lacking=-AVX512F,-AVX512VL,-AVX2,-AVX,-AVX_Fast_Unaligned_Load,-SSE4_2,-SSE4_1,-SSSE3,-ERMS,-FSRM,-BMI1,-BMI2,-LZCNT,-MOVBE,-RTM
GLIBC_TUNABLES=glibc.cpu.hwcaps=$lacking:glibc.cpu.x86_non_temporal_threshold=1073741824
export GLIBC_TUNABLES

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
sources=$(sed -n "s|^EXO_CORE_SOURCES += |$root/src/core/|p" "$root/src/core/core.mk")
# program NAME SOURCE
program()
{
    # shellcheck disable=SC2086
    "$CC" -std=gnu11 -O2 -I"$root/include" "$2" $sources -o "$work/$1"
}

# count VARIABLE PROGRAM ARGUMENT ...: how many instructions a run takes.
count()
{
    variable=$1 name=$2
    shift 2
    if ! valgrind --tool=callgrind --callgrind-out-file=/dev/null "$work/$name" "$@" >"$work/said" 2>&1; then
        cat "$work/said" >&2
        exit 1
    fi
    eval "$variable=$(sed -n 's/.*Collected : //p' "$work/said")"
}

# part NAME COUNT
part()
{
    printf '%-28s %8d\n' "$1" "$2" | tee -a "$work/counted"
}

decode()
{
    program decode "$root/bench/instructions/decode.c"
    for shape in plain obfuscation mistral tool azure; do
        count few decode "$shape" 200
        count many decode "$shape" 1200
        part "decode/$shape/hit" $(((many - few) / 1000))
        READ_ALL=1
        export READ_ALL
        count few decode "$shape" 200
        count many decode "$shape" 1200
        unset READ_ALL
        part "decode/$shape/miss" $(((many - few) / 1000))
    done
}

encode()
{
    program encode "$root/bench/instructions/encode.c"
    for text in clean prose mixed source base64; do
        count made encode "$text" 1 -1
        count sized encode "$text" 1 0
        count written encode "$text" 1 2
        # that of bytes which become base64 is known without reading them
        [ "$text" = base64 ] || part "encode/$text/size" $(((sized - made) / 1000))
        part "encode/$text/write" $(((written - sized) / 2000))
    done
}

repair()
{
    program repair "$root/bench/repair/repair.c"
    for input in "$root"/bench/repair/*.txt; do
        count few repair 2 "$input"
        count many repair 22 "$input"
        part "repair/$(basename "$input" .txt)" $(((many - few) / 100)) # of each five times are taken
    done
}

echo "$compiler"
for one in ${*:-decode encode repair}; do
    "$one"
done
[ -z "${BENCH_RESULTS:-}" ] || awk '{ print $1 "\tcount\texochat\t" $2 }' "$work/counted" |
    BENCH_SAID=1 python3 "$root/bench/results.py" instructions "compiler=$compiler" "valgrind=$(valgrind --version | sed 's/.*-//')"

case $mode in
store)
    {
        grep '^#' "$expected"
        {
            sed "s|^|$compiler |; s|  *| |g" "$work/counted"
            grep -v '^#' "$expected" | awk -v compiler="$compiler" 'FNR == NR { counted[$1] = 1; next }
                !($1 " " $2 " " $3 == compiler && ($4 in counted))' "$work/counted" -
        } | sort -V
    } >"$work/stored"
    cp "$work/stored" "$expected"
    ;;
check)
    awk -v compiler="$compiler" '
        FNR == NR { if ($1 " " $2 " " $3 == compiler) stored[$4] = $5; next }
        !($1 in stored) { print "FAILED: " $1 " has no stored figure (--store)"; failed = 1; next }
        $2 > stored[$1] * 1.1 { printf "FAILED: %s: %d instructions, more than 10 %% above %d\n", $1, $2, stored[$1]; failed = 1 }
        $2 < stored[$1] * 0.9 { printf "%s: %d instructions, more than 10 %% below %d: store it\n", $1, $2, stored[$1] }
        END { exit failed }' "$expected" "$work/counted"
    ;;
esac
