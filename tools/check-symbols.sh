#!/bin/sh
# What the libraries export and what the headers declare is the same: tools/check-symbols.sh SHARED STATIC [ROOT]
# The shared library exports the functions that public headers declare, all of them and nothing else. The static one, in
# which the linker hides nothing, defines only names that begin with exo_.
set -eu
shared=$(realpath "$1")
static=$(realpath "$2")
root=${3:-$(dirname "$0")/..}
cd "$root"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# gcc writes down every function that it saw declared, and where.
for header in include/exochat/*.h; do
    printf '#include <%s>\n' "${header#include/}"
done >"$work/all.c"
gcc -std=c11 -Iinclude -aux-info "$work/declarations" -fsyntax-only "$work/all.c"
sed -n 's|^/\* include/exochat/[^ ]* \*/ extern [^(]*[ *]\([a-z0-9_]*\) (.*|\1|p' "$work/declarations" |
    sort -u >"$work/declared"
nm -D --defined-only "$shared" | awk '{ print $3 }' | sort -u >"$work/exported"
nm -g --defined-only "$static" | awk 'NF == 3 { print $3 }' | sort -u >"$work/global"

# report TEXT: the lines of standard input are names with something wrong.
report()
{
    while read -r symbol; do
        echo "$symbol: $1"
        echo "$symbol" >>"$work/wrong"
    done
}

: >"$work/wrong"
comm -23 "$work/declared" "$work/exported" | report "declared in a public header, but not exported"
comm -13 "$work/declared" "$work/exported" | report "exported, but not declared in a public header"
grep -v '^exo_' "$work/declared" | report "declared in a public header without the prefix exo_"
grep -v '^exo_' "$work/global" | report "a global name of the static library without the prefix exo_"
echo "$(wc -l <"$work/declared") declared, $(wc -l <"$work/exported") exported, $(wc -l <"$work/wrong") wrong"
[ ! -s "$work/wrong" ] && [ -s "$work/declared" ] || failed=1
exit "$failed"
