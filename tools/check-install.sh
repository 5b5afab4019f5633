#!/bin/sh
# What is installed can be used: tools/check-install.sh BUILD
# Installs the build folder into an empty one, builds examples/chat.c against each of the libraries there with what
# pkg-config says, has both ask the scripted upstream (where there is Python), and lists what was installed.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(realpath "$1")
work=$(mktemp -d)
server=
cleanup()
{
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

fail()
{
    echo "$*"
    exit 1
}

cmake --install "$build" --prefix "$work/usr" >/dev/null
PKG_CONFIG_PATH=$(dirname "$(find "$work/usr" -name exochat.pc)")
export PKG_CONFIG_PATH

# Linking at build time takes the libraries that Requires.private names as well, and not those that they need in turn:
# they are shared. The whole archive is linked, so that nothing it needs is missing there.
libraries=$(pkg-config --variable=libdir exochat)
private=$(pkg-config --print-requires-private exochat)
# shellcheck disable=SC2046,SC2086
{
    ${CC:-cc} -std=c11 "$root/examples/chat.c" $(pkg-config --cflags --libs exochat) -o "$work/with-shared"
    ${CC:-cc} -std=c11 "$root/examples/chat.c" $(pkg-config --cflags exochat) -Wl,--whole-archive \
        "$libraries/libexochat.a" -Wl,--no-whole-archive $(pkg-config --libs $private) -pthread -o "$work/with-static"
}

base_url=
if command -v python3 >/dev/null; then
    : >"$work/server"
    PYTHONDONTWRITEBYTECODE=1 python3 "$root/tests/upstream" --port 0 >"$work/server" &
    server=$!
    tries=0
    until grep -q '^listening ' "$work/server"; do
        tries=$((tries + 1))
        [ $tries -lt 200 ] || fail "the scripted upstream did not start"
        sleep 0.05
    done
    base_url=http://$(sed -n 's/^listening //p' "$work/server")/v1
fi

LD_LIBRARY_PATH=$libraries
EXOCHAT_BASE_URL=$base_url
EXOCHAT_API_KEY=sk-test
no_proxy='*'
export LD_LIBRARY_PATH EXOCHAT_BASE_URL EXOCHAT_API_KEY no_proxy
for program in with-shared with-static; do
    status=0
    said=$("$work/$program" 2>&1) || status=$?
    [ "$status" = 2 ] && [ "$said" = "usage: $work/$program MODEL QUESTION" ] ||
        fail "$program without arguments: exit status $status, '$said'"
    [ -n "$base_url" ] || continue
    said=$("$work/$program" echo 'Is it there?') || fail "$program: exit status $?"
    [ "$said" = 'Is it there?' ] || fail "$program says '$said'"
done
find "$work/usr" ! -type d | sed "s|$work||" | sort
