#!/bin/sh
# Every public header compiles alone, twice in a row, as C11 and as C++17: tools/check-headers.sh [ROOT]
set -eu
root=${1:-$(dirname "$0")/..}
cd "$root"

failed=0
count=0
for header in include/exochat/*.h; do
    name=${header#include/}
    for language in "gcc -x c -std=c11 -Wstrict-prototypes" "g++ -x c++ -std=c++17" "clang -x c -std=c11" \
        "clang -x c++ -std=c++17"; do
        command -v "${language%% *}" >/dev/null || [ "${language%% *}" != clang ] || continue
        count=$((count + 1))
        printf '#include <%s>\n#include <%s>\nextern int nothing;\n' "$name" "$name" |
            $language -Iinclude -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -fsyntax-only - || {
            echo "$name does not compile alone with $language"
            failed=$((failed + 1))
        }
    done
done
echo "$count compilations, $failed failed"
[ "$failed" = 0 ]
