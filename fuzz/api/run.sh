#!/bin/sh
# Plays with the library's functions under AddressSanitizer and UndefinedBehaviorSanitizer, and then, with a client for each
# of four threads, under ThreadSanitizer: fuzz/api/run.sh [SECONDS [SEED]]. Prints what ran; stops at the first finding.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-60}
seed=${2:-$(date +%s)}

play() { # FOLDER THREADS
    echo "== $1, $2 threads, $seconds s, from seed $seed"
    ninja -C "$1" random_api >/dev/null
    "$1/tests/random_api" 1000 "$seed" "$2" "$seconds"
}

tools/build.sh build-api-asan -DCMAKE_BUILD_TYPE=Debug -DEXO_SANITIZE=ON >/dev/null
play build-api-asan 2
tools/build.sh build-api-tsan -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=-fsanitize=thread >/dev/null
export TSAN_OPTIONS="halt_on_error=1 suppressions=$PWD/fuzz/api/tsan.supp"
play build-api-tsan 4
