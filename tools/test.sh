#!/bin/sh
# Runs every test there is, goes on after a failure, and ends with one line that adds up what the runners counted:
#     N passed, N failed
# With EXOCHAT_HEAVY set, as in continuous integration, also the repaired wheel, databases, servers and models of others
# (tools/python-heavy.sh), and all tests of the package over a sanitized module, not only those of the module itself.
# Three builds: with the default compiler, with AddressSanitizer and UndefinedBehaviorSanitizer, and with clang. The
# first two run all of ctest and pytest. The Python package is tested as it is installed, under every CPython from 3.11
# on that is found, and with a sanitized module; _exochat of MicroPython by a script of its own. Then the instructions of
# parts of the core are held to stored figures, coverage is held to its thresholds, and `make demo` is run on a machine that
# has nothing, where tools/check-fresh.sh can make one. A build that fails, a runner that does not run, and one that finds
# no test each count as one failure. What is not to be had here is skipped with a word, and counted.
set -u
cd "$(dirname "$0")/.." || exit 1

# Debian's Python has Debian's pytest; the first one on PATH may be another.
python=${PYTHON:-/usr/bin/python3}
[ -x "$python" ] || python=python3
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
trap 'exit 1' HUP INT TERM
report=$reports/junit.xml

passed=0
failed=0
skipped=0

began=$(date +%s)
title()
{
    printf '\n== %s (after %d min)\n' "$*" $((($(date +%s) - began) / 60))
}

# What could not be run here, and why.
skip()
{
    echo "skipped: $*"
    skipped=$((skipped + 1))
}

# One thing that failed and that no runner counts.
failure()
{
    echo "FAILED: $*"
    failed=$((failed + 1))
}

# check NAME COMMAND ...: one thing that passes or fails as a whole, or is skipped (exit status 77).
check()
{
    name=$1
    shift
    title "$name"
    "$@"
    case $? in
    0) passed=$((passed + 1)) ;;
    77) skipped=$((skipped + 1)) ;;
    *) failure "$name" ;;
    esac
}

# attribute NAME FILE: the number that the first test suite of a JUnit report gives for NAME, or 0.
attribute()
{
    number=$(tr '\n\t' '  ' <"$2" | sed 's/.*<testsuite \([^>]*\)>.*/\1/' | grep -o " $1=\"[0-9]*\"" | tr -dc 0-9)
    echo "${number:-0}"
}

# runner NAME FOLDER COMMAND ...: a test runner that leaves its counts in $report.
runner()
{
    name="$1, $2"
    shift 2
    title "$name"
    rm -f "$report"
    "$@"
    status=$?
    tests=0 bad=0 idle=0
    if [ -s "$report" ]; then
        tests=$(attribute tests "$report")
        bad=$(($(attribute failures "$report") + $(attribute errors "$report")))
        idle=$(($(attribute skipped "$report") + $(attribute disabled "$report")))
    fi
    passed=$((passed + tests - bad - idle))
    failed=$((failed + bad))
    skipped=$((skipped + idle))
    if [ "$tests" = "$idle" ]; then
        failure "$name: no test was run"
    elif [ "$status" != 0 ] && [ "$bad" = 0 ]; then
        failure "$name: exit status $status"
    fi
}

# run_ctest FOLDER [OPTION ...]
run_ctest()
{
    folder=$1
    shift
    runner ctest "$folder" ctest --test-dir "$folder" --output-on-failure --parallel 2 --output-junit "$report" "$@"
}

# run_pytest FOLDER. Most tests wait for a server most of the time: two at once where pytest-xdist is installed.
run_pytest()
{
    EXOCHAT_BINARY=$PWD/$1/exochat
    export EXOCHAT_BINARY
    "$python" -c 'import xdist' 2>/dev/null && jobs="-n 2" || jobs=
    # shellcheck disable=SC2086
    runner pytest "$1" "$python" -m pytest -q -p no:cacheprovider $jobs --junitxml "$report" tests/integration
}

# The tests of _exochat itself, which is what differs from one CPython to the next, and under a sanitizer.
extension="tests/python/test_attempt.py tests/python/test_client.py tests/python/test_encoder.py tests/python/test_engine.py
    tests/python/test_failure.py tests/python/test_leaks.py tests/python/test_module.py tests/python/test_route.py
    tests/python/test_surface.py tests/python/test_tape.py tests/python/test_wire.py"

# run_package PYTHON TESTS [VARIABLE=VALUE ...]: tests of the package as pip installs it (-P: not that of the tree).
run_package()
{
    package_python=$1
    package_tests=$2
    shift 2
    if ! environment=$(tools/python.sh venv "$package_python"); then
        failure "tests/python, $package_python: no environment"
        return
    fi
    EXOCHAT_BINARY=$PWD/build/exochat
    export EXOCHAT_BINARY
    # shellcheck disable=SC2086
    runner pytest "tests/python, $package_python $*" env "$@" "$environment/bin/python" -P -m pytest -q -p no:cacheprovider -n 2 \
        --junitxml "$report" --ignore tests/python/heavy $package_tests
}

title "build"
if tools/build.sh build -DEXO_WERROR=ON -DEXO_PYTHON=ON; then
    run_ctest build
    run_pytest build
else
    failure "build"
    run_ctest build --label-regex '^tree$'
fi

# The Python package, under every CPython.
title "the Python package"
tools/python.sh reachable
pypi=$?
case $pypi in
0)
    if tools/python.sh wheel; then
        tools/python.sh list
        # All tests on the first and the newest; on those between, what may differ.
        all=$(tools/python.sh list)
        first=$(echo "$all" | sed -n '1s/^[^ ]* //p')
        newest=$(echo "$all" | sort -V | sed -n '$s/^[^ ]* //p')
        run_package "$first" tests/python EXOCHAT_SDIST=1
        run_package "$first" "tests/micropython -n 6" # the suite of MicroPython; its rows wait most of the time
        for found in $(echo "$all" | cut -d ' ' -f 2); do
            case $found in
            "$first") ;;
            "$newest") run_package "$found" tests/python ;;
            *) run_package "$found" "$extension" ;;
            esac
        done
        check "types" tools/check-types.sh
        if [ -n "${EXOCHAT_HEAVY:-}" ]; then
            runner pytest "the repaired wheel" tools/wheel.sh check "$report"
            runner pytest "tests/python/heavy" tools/python-heavy.sh build -rs --junitxml "$report"
        fi
    else
        failure "the wheel"
    fi
    ;;
77) skip "the Python package: pip reaches no PyPI" ;;
*) failure "pip reaches no PyPI" ;;
esac

# A test may expect that a program fails, and take a sanitizer's report for that. So AddressSanitizer reports to a file,
# and any such file is a failure; UndefinedBehaviorSanitizer cannot, so it ends the program with a status that none has.
title "build-asan"
if tools/build.sh build-asan -DEXO_WERROR=ON -DEXO_PYTHON=ON -DEXO_SANITIZE=ON -DCMAKE_BUILD_TYPE=Debug; then
    rm -f build-asan/sanitizer.*
    ASAN_OPTIONS="log_path=$PWD/build-asan/sanitizer:log_exe_name=1:exitcode=86"
    ASAN_OPTIONS="$ASAN_OPTIONS:detect_stack_use_after_return=1:strict_string_checks=1"
    UBSAN_OPTIONS="exitcode=86:print_stacktrace=1"
    EXOCHAT_SANITIZED=1 # peak memory is not measured under a sanitizer
    export ASAN_OPTIONS UBSAN_OPTIONS EXOCHAT_SANITIZED
    run_ctest build-asan
    run_pytest build-asan
    if [ "$pypi" = 0 ]; then
        # What Python itself never frees is no leak of ours: tests/python/test_leaks.py counts.
        [ -n "${EXOCHAT_HEAVY:-}" ] && sanitized=tests/python || sanitized=$extension
        run_package "$first" "$sanitized" EXOCHAT_EXTENSION="$PWD/build-asan/bindings/python" PYTHONMALLOC=malloc \
            LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0"
    fi
    unset ASAN_OPTIONS UBSAN_OPTIONS EXOCHAT_SANITIZED
    for said in build-asan/sanitizer.*; do
        [ -e "$said" ] || continue
        cat "$said"
        failure "$said"
    done
else
    failure "build-asan"
fi

# A runner whose last line is `N passed, N failed`.
counted()
{
    title "$1"
    shift
    "$@" >"$reports/said" 2>&1
    cat "$reports/said"
    line=$(tail -n 1 "$reports/said" | sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p')
    if [ -z "$line" ]; then
        failure "$*"
        return
    fi
    passed=$((passed + ${line% *}))
    failed=$((failed + ${line#* }))
}

# Where references are counted: the tests of _exochat itself, since few packages are to be had for a debug build. It is
# built without libyaml, so that what configuration files are answered with then is seen too.
counting=$(command -v /usr/bin/python3-dbg || true)
if [ -z "$counting" ]; then
    skip "no python3-dbg"
# gcc would take pyconfig.h from beside what the headers are links to, and that is not of the debug build.
elif CFLAGS=-fno-canonical-system-headers tools/build.sh build-dbg -DEXO_PYTHON=ON -DPython_EXECUTABLE="$counting" -DEXO_TESTS=OFF \
    -DEXO_EXAMPLES=OFF -DEXO_CONFIG=OFF -DEXO_OPENSSL=OFF; then
    packages=
    for name in $(tools/python.sh list | sed -n '1s/^[^ ]* //p'); do
        packages=$(tools/python.sh venv "$name")
        packages=$("$packages/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    done
    runner pytest "tests/python, $counting" env EXOCHAT_EXTENSION="$PWD/build-dbg/bindings/python" EXOCHAT_EXAMPLES=20 PYTHONPATH="$packages" \
        "$counting" -P -m pytest -q -p no:cacheprovider --junitxml "$report" tests/python/test_leaks.py tests/python/test_tape.py \
        tests/python/test_encoder.py tests/python/test_attempt.py tests/python/test_client.py tests/python/test_config.py
else
    failure "build-dbg"
fi

counted "micropython" "$python" tests/micropython/check.py

check "build-clang" env CC=clang tools/build.sh build-clang -DEXO_WERROR=ON -DEXO_PYTHON=ON
check "instructions" bench/instructions/run.sh --check
check "coverage" tools/coverage.sh --fail-under-line 95 --fail-under-branch 90
check "fresh" tools/check-fresh.sh demo

echo
if [ "$skipped" -gt 0 ]; then
    echo "skipped: $skipped"
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
