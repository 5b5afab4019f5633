#!/bin/sh
# Line and branch coverage of src/core by its own tests: tools/coverage.sh [--fail-under-line N] [--fail-under-branch N]
# Prints a table of lines, one of branches, and the totals; other options go to gcovr as well. Branches that only the
# compiler knows do not count.
set -eu
cd "$(dirname "$0")/.."
folder=build-coverage

tools/build.sh "$folder" -DEXO_COVERAGE=ON -DEXO_HOSTED=OFF -DCMAKE_BUILD_TYPE=Debug
find "$folder" -name '*.gcda' -delete
ctest --test-dir "$folder" --label-regex '^core$' --no-tests=error --output-on-failure --parallel 2

gcovr --root . --filter 'src/core/' --exclude-unreachable-branches --exclude-throw-branches \
    --json "$folder/coverage.json" "$folder"
gcovr --root . --add-tracefile "$folder/coverage.json" --branches
gcovr --root . --add-tracefile "$folder/coverage.json" --print-summary "$@"
