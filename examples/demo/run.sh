#!/bin/sh
# The main job on a local upstream, no key needed: a streamed answer through a fallback chain, and a gigabyte attached.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
exochat=${EXOCHAT_BINARY:-$root/build/exochat}
work=$(mktemp -d)
server=
cleanup() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

: >"$work/server"
python3 "$root/tests/upstream" --port 0 >"$work/server" &
server=$!
tries=0
until grep -q '^listening ' "$work/server"; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || { echo "demo: the local upstream did not start" >&2; exit 1; }
    sleep 0.05
done
UPSTREAM=http://$(sed -n 's/^listening //p' "$work/server")
EXOCHAT_CONFIG=$root/examples/demo/config.yaml
export UPSTREAM EXOCHAT_CONFIG

say '1. A question. The first model answers 503, the second is silent for 2 s, the third one streams:'
echo '$ exochat --trace "Why is the sky blue?"'
"$exochat" --trace 'Why is the sky blue?'

say '2. The same with a photo of 1 GB attached. It is read from disk while it is sent:'
truncate -s 1G "$work/photo.png"
echo '$ exochat -m demo/digest -a photo.png --json "What is in this picture?"'
"$exochat" -m demo/digest -a "$work/photo.png" --json 'What is in this picture?' >"$work/answer" &
command=$!
peak=0
while kill -0 "$command" 2>/dev/null; do
    now=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$command/status" 2>/dev/null || true)
    [ -z "$now" ] || peak=$now
    sleep 0.02
done
wait "$command"
python3 - "$work/answer" "$peak" <<'PY'
import json, sys

answer = json.load(open(sys.argv[1]))
attempt = answer["attempts"][-1]
print("the upstream received:", answer["text"])
print(f"sent {attempt['bytes_sent'] / 1e6:,.0f} MB in {attempt['sent_ms'] / 1e3:.1f} s; peak memory of exochat: {int(sys.argv[2]) / 1024:.1f} MB")
PY

if [ -x "$root/build/python/venv/bin/python" ]; then # `make python` was here
    say '3. From Python:'
    echo '$ build/python/venv/bin/python examples/python/chat.py ok "Why is the sky blue?"'
    EXOCHAT_BASE_URL=$UPSTREAM/v1 "$root/build/python/venv/bin/python" "$root/examples/python/chat.py" ok 'Why is the sky blue?'
fi

say 'To use a real endpoint:'
echo '  export OPENAI_API_KEY=…'
echo "  ${exochat#"$root/"} --base-url https://api.openai.com/v1 --api-key-env OPENAI_API_KEY -m gpt-4o-mini 'Why is the sky blue?'"
say 'From Python, once `make python` has made an environment with the package:'
echo "  EXOCHAT_BASE_URL=https://api.openai.com/v1 EXOCHAT_API_KEY=… build/python/venv/bin/python examples/python/chat.py gpt-4o-mini 'Why is the sky blue?'"
