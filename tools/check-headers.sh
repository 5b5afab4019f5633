#!/bin/sh
# Every public header compiles alone, twice in a row, as C11 and as C++17, and EXO_<TYPE>_INIT in it initialises a variable
# of exo_<type>, every field of it: tools/check-headers.sh [ROOT]
set -eu
root=${1:-$(dirname "$0")/..}
cd "$root"

failed=0
count=0
for header in include/exochat/*.h; do
    name=${header#include/}
    variables=$(sed -n 's/^#define EXO_\([A-Z0-9_]*\)_INIT\>.*/\1/p' "$header" | while read -r macro; do
        type=$(printf '%s' "$macro" | tr '[:upper:]' '[:lower:]')
        echo "exo_$type one_$type = EXO_${macro}_INIT;"
    done)
    for language in "gcc -x c -std=c11 -Wstrict-prototypes" "g++ -x c++ -std=c++17" "clang -x c -std=c11" \
        "clang -x c++ -std=c++17"; do
        command -v "${language%% *}" >/dev/null || [ "${language%% *}" != clang ] || continue
        count=$((count + 1))
        printf '#include <%s>\n#include <%s>\nextern int nothing;\n%s\n' "$name" "$name" "$variables" |
            $language -Iinclude -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -fsyntax-only - || {
            echo "$name does not compile alone with $language"
            failed=$((failed + 1))
        }
    done
done
echo "$count compilations, $failed failed"
[ "$failed" = 0 ]
