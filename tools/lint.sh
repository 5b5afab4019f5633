#!/bin/sh
# Layout and lint: tools/lint.sh, or tools/lint.sh --format to lay out all C files.
set -u
cd "$(dirname "$0")/.." || exit 1

# files NAME ...: those that are ours, whether committed yet or not.
files()
{
    git ls-files --cached --others --exclude-standard -- "$@"
}

if [ "${1:-}" = --format ]; then
    files '*.c' '*.h' | xargs clang-format -i
    exit
fi

failed=0
files '*.c' '*.h' | xargs clang-format --dry-run -Werror || failed=1

cmake -S . -B build-lint -DEXO_TESTS=OFF -DEXO_EXAMPLES=OFF -DEXO_PYTHON=ON >/dev/null || failed=1
run-clang-tidy -quiet -p build-lint "$PWD/src/" "$PWD/bindings/python/" || failed=1

for script in $(files '*.sh' .ci/run); do
    shell=$(sed -n '1s/.*[\/ ]//p' "$script")
    "$shell" -n "$script" || failed=1
done

# Parsed, not run, and nothing is left behind.
files '*.py' | xargs /usr/bin/python3 -c 'import ast, sys
for name in sys.argv[1:]:
    ast.parse(open(name, "rb").read(), name)' || failed=1

[ "$failed" = 0 ] && echo "lint: all is well"
exit "$failed"
