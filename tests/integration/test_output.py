"""What comes out, and how: --json, --events, --trace, --save-stream, interruption, a reader that goes away."""

import json
import os
import signal
import subprocess

import pytest
from command import BINARY, TIMEOUT
from upstream.chunks import TEXT, WORDS

JSON_KEYS = ["text", "reasoning", "refusal", "tool_calls", "finish_reason", "usage", "model", "id"]
JSON_KEYS += ["deployment", "milliseconds", "attempts", "error"]
ATTEMPT_KEYS = {"deployment", "model", "code", "verdict", "message", "http_status", "started_ms", "resolved_ms"}
ATTEMPT_KEYS |= {"connected_ms", "sent_ms", "first_event_ms", "end_ms", "bytes_sent", "bytes_received"}
ATTEMPT_KEYS |= {"http_version", "reused", "resent", "queued_ms"}


@pytest.mark.parametrize("behaviour", ["ok", "status-503", "no-end", "silent", "tool-call"])
def test_the_shape_of_json(ask, behaviour):
    ran = ask(behaviour, "--json", *(("--ttft", "300ms") if behaviour == "silent" else ()))
    assert list(ran.json) == JSON_KEYS
    assert set(ran.json["attempts"][0]) == ATTEMPT_KEYS


def test_json_of_an_answer(ask):
    ran = ask("ok", "--json")
    answer = ran.json
    assert (answer["text"], answer["finish_reason"]) == (TEXT, "stop")
    assert (answer["model"], answer["id"]) == ("ok", "chatcmpl-1-1")
    assert (answer["deployment"], answer["error"], answer["refusal"]) == ("ok", None, None)
    assert ran.stdout.endswith(b"\n") and ran.stdout.count(b"\n") == 1 and ran.stderr == b""


def test_events_of_an_answer(ask):
    ran = ask("ok", "--events")
    *texts, usage, end, trail = ran.events
    assert [event["text"] for event in texts] == list(WORDS) and {event["type"] for event in texts} == {"text"}
    assert (usage["type"], usage["prompt_tokens"], usage["total_tokens"]) == ("usage", 7, 12)
    assert (end["type"], end["finish_reason"], end["error"]) == ("end", "stop", None)
    assert (trail["type"], trail["deployment"], len(trail["attempts"])) == ("trail", "ok", 1)


def test_events_come_as_they_happen(ask, upstream):
    running = ask("gate:go", "--events", start=True)
    line = b""
    while not line.endswith(b"\n"):
        line += running.read(1)
    assert json.loads(line)["text"] == WORDS[0]
    upstream.gate("go").set()
    assert running.wait().code == 0


def test_events_of_tool_calls(ask):
    events = ask("tool-calls-2", "--events").events
    called = [event for event in events if event["type"] == "tool_call"]
    assert {(event["tool"], event["id"], event["name"]) for event in called if event["name"]} == {
        (0, "call_0", "get_weather"),
        (1, "call_1", "get_weather"),
    }
    for tool in (0, 1):
        parts = [event["text"] for event in events if event["type"] == "tool_arguments" and event["tool"] == tool]
        assert json.loads("".join(parts)) == {"city": "Oslo", "days": 2}


def test_events_of_several_choices(ask):
    events = ask("n-3", "--events").events
    texts = {}
    for event in events:
        if event["type"] == "text":
            texts[event["choice"]] = texts.get(event["choice"], "") + event["text"]
    assert texts[0] == "choice 0"


@pytest.mark.parametrize("behaviour", ["status-429", "no-end", "fin-before-headers"])
def test_events_of_a_failure(ask, behaviour):
    ran = ask(behaviour, "--events")
    *_, end, trail = ran.events
    assert ran.code == 1 and end["error"]["code"] == trail["attempts"][0]["code"]
    assert end["error"]["message"] in ran.complaint


@pytest.mark.parametrize("behaviour", ["ok", "status-503", "no-end", "garbage"])
def test_trace_goes_to_standard_error(ask, behaviour):
    plain, traced = ask(behaviour), ask(behaviour, "--trace")
    assert (traced.code, traced.stdout) == (plain.code, plain.stdout)
    assert all(line.startswith("exochat: ") for line in traced.err.splitlines())
    assert f"attempt 1: {behaviour} as {behaviour}: " in traced.err and "1 attempt, " in traced.err


def test_trace_of_an_attempt_that_had_no_connection(ask, exochat, closed_port):
    ran = exochat("--base-url", f"http://127.0.0.1:{closed_port}/v1", "-m", "m", "--trace", "hello")
    assert "received 0; on a new connection\n" in ran.err and "1 attempt, " in ran.err
    ran = ask("status-503", "--trace", fallbacks=["ok"])
    assert ran.err.count("; HTTP/1.1 on a new connection\n") == 2 and "2 attempts, " in ran.err


def test_quiet(ask):
    assert ask("tool-call", "--quiet").stderr == b""
    assert "scripted failure 400" in ask("status-400", "--quiet").complaint


SAVED = ["ok", "ok+piece-7", "ok+gzip", "ok+crlf", "tool-calls-3", "tool-repair", "reasoning", "no-end"]
SAVED += ["error-mid-stream", "finish:error", "malformed-event", "json-200-error", "unlabelled-gzip"]
SAVED += ["frames-after-done", "big-1"]


@pytest.mark.parametrize("behaviour", SAVED)
def test_a_saved_stream_gives_the_same_answer_again(ask, exochat, tmp_path, behaviour):
    path = tmp_path / "saved.sse"
    asked = ask(behaviour, "--json", "--save-stream", path)
    again = exochat("debug", "chat", input=path.read_bytes())
    assert (again.code == 0) == (asked.error is None)
    for key in ("text", "reasoning", "finish_reason", "usage"):
        assert again.json[key] == asked.json[key], key
    calls = [(call["id"], call["name"]) for call in again.json["tool_calls"]]
    assert calls == [(call["id"], call["name"]) for call in asked.json["tool_calls"]]
    if asked.error:
        assert again.error["code"] == asked.error["code"]


def test_a_stream_is_saved_beside_what_is_printed(ask, tmp_path):
    ran = ask("ok", "--save-stream", tmp_path / "s")
    assert ran.out == TEXT and (tmp_path / "s").read_bytes().endswith(b"data: [DONE]\n\n")


def test_a_stream_that_cannot_be_saved(ask, upstream, tmp_path):
    ran = ask("ok", "--save-stream", tmp_path / "nowhere" / "s")
    assert ran.code == 2 and "--save-stream" in ran.complaint and upstream.requests == []
    if os.path.exists("/dev/full"):
        ran = ask("ok", "--save-stream", "/dev/full")
        assert (ran.code, ran.out) == (1, TEXT) and "/dev/full" in ran.complaint


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_keeps_what_was_printed(ask, upstream, number):
    running = ask("gate:never", start=True, fallbacks=["ok"])
    assert running.read(len(WORDS[0])).decode() == WORDS[0]
    running.interrupt(number)
    ran = running.wait()
    assert (ran.code, ran.stdout, ran.complaint) == (130, b"\n", "interrupted")
    assert upstream.wait_requests(1)[0].peer_gone and len(upstream.requests) == 1


@pytest.mark.parametrize("behaviour", ["silent", "headers-then-silent", "stall-upload-after-0"])
def test_an_interruption_before_the_first_word(ask, upstream, behaviour):
    running = ask(behaviour, start=True)
    assert upstream.wait_for(lambda: upstream.requests)
    running.interrupt()
    ran = running.wait()
    assert (ran.code, ran.stdout) == (130, b"") and ran.seconds < 100


def test_an_interruption_under_json_says_so_and_keeps_what_came(ask, upstream):
    running = ask("gate:never", "--json", start=True)
    assert upstream.wait_for(lambda: upstream.requests and upstream.requests[0].bytes_sent > 300)
    running.interrupt()
    ran = running.wait()
    assert (ran.code, ran.error["code"], ran.trail) == (130, "EXO_E_CANCELLED", [("gate:never", "EXO_E_CANCELLED")])
    assert ran.error["retry_after_ms"] is None


def test_an_interruption_while_retries_wait(ask, upstream):
    running = ask("retry-after-20", "--retries", "3", start=True)
    assert upstream.wait_requests(1)
    running.interrupt()
    ran = running.wait()
    assert ran.code == 130 and ran.seconds < 19 and len(upstream.requests) == 1


def test_a_second_interruption_ends_at_once(ask, upstream):
    running = ask("silent", start=True)
    assert upstream.wait_for(lambda: upstream.requests)
    running.interrupt()
    running.interrupt()
    running.process.wait(TIMEOUT)
    assert running.process.returncode in (130, -signal.SIGINT)


@pytest.mark.parametrize("options", [(), ("--events",), ("--json",)])
def test_a_reader_that_goes_away_ends_it_quietly(ask, upstream, options):
    running = ask("gate:go", *options, start=True)
    assert upstream.wait_for(lambda: upstream.requests and upstream.requests[0].answer_time)
    running.process.stdout.close()
    upstream.gate("go").set()
    running.process.stdout = None
    ran = running.wait()
    assert (ran.code, ran.stderr) == (1, b"")
    assert ran.seconds < 100


def test_a_reader_that_goes_away_ends_a_flood(ask, upstream):
    def flood(conn):
        conn.begin()
        while True:
            conn.write(b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n' * 1000)

    upstream.scripts["flood"] = flood
    running = ask("flood", start=True)
    assert running.read(100) == b"x" * 100
    running.process.stdout.close()
    running.process.stdout = None
    ran = running.wait()
    assert (ran.code, ran.stderr) == (1, b"") and ran.seconds < 100
    assert upstream.wait_requests(1)[0].peer_gone


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize("options", [(), ("--json",), ("--events",), ("--no-stream",), ("--dry-run",)])
def test_a_full_disk(exochat, upstream, options):
    args = [BINARY, "--base-url", upstream.base_url, "-m", "ok", *options, "hello"]
    with open("/dev/full", "w") as full:
        ran = subprocess.run(
            args, stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, env=exochat.environment, timeout=TIMEOUT
        )
    assert ran.returncode == 1 and b"standard output" in ran.stderr and b"Sanitizer" not in ran.stderr


def test_control_characters_of_a_message_do_not_reach_the_terminal(ask, upstream):
    message = "\x1b]0;title\x07\r\n\x9b31m \u009b31m"
    upstream.scripts["escape"] = lambda conn: conn.respond(400, {"error": {"message": message, "code": "\x1b[1m"}})
    ran = ask("escape")
    assert ran.code == 1 and not set(ran.complaint) & {"\x1b", "\x07", "\r", "\n", "\x9b"}
    assert not set(ask("escape", "--trace").err) & {"\x1b", "\x07", "\r"}


def shell(exochat, script, *arguments):
    """Runs a script in which $EXOCHAT is the command."""
    return subprocess.run(
        ["sh", "-c", script, "sh", *arguments],
        env={**exochat.environment, "EXOCHAT": str(BINARY)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT,
    )


def test_standard_streams_that_are_closed(upstream, exochat):
    """Sockets and files must not be taken for them."""
    ran = shell(exochat, '"$EXOCHAT" --base-url "$1" -m ok hello 2>&- <&-', upstream.base_url)
    assert (ran.returncode, ran.stdout.decode()) == (0, TEXT + "\n") and upstream.requests[0].complete
    assert upstream.requests[0].json["messages"] == [{"role": "user", "content": "hello"}]


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", ">&- 2>&- <&-", "1</dev/null"])
@pytest.mark.parametrize("options", ["", "--json", "--events", "--no-stream", "--dry-run", "--help", "--version"])
def test_an_answer_that_nobody_can_have_is_not_asked_for(upstream, exochat, closed, options):
    ran = shell(exochat, f'exec "$EXOCHAT" --base-url "$1" -m ok {options} hello {closed}', upstream.base_url)
    assert (ran.returncode, ran.stdout, upstream.connections) == (1, b"", 0)
    assert b"standard output is closed" in ran.stderr or "2>&-" in closed


@pytest.mark.parametrize("command", ["models", "check", "models --remote", "check --probe", "debug json"])
def test_what_the_other_commands_print_is_not_lost_either(upstream, exochat, write_config, command):
    config = write_config({"ok": {}})
    option = "" if command.startswith("debug") else f"--config {config}"
    ran = shell(exochat, f'"$EXOCHAT" {command} {option} >&-')
    assert ran.returncode == 1 and b"standard output is closed" in ran.stderr and upstream.connections == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize("command", ["models", "models --json", "models --remote", "check", "check --probe", "--help"])
def test_a_full_disk_under_the_other_commands(upstream, exochat, write_config, command):
    config = write_config({"ok": {}}, default_model="ok")
    ran = shell(exochat, f'"$EXOCHAT" {command} --config {config} >/dev/full')
    assert ran.returncode == 1 and b"standard output: " in ran.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_standard_error_that_takes_nothing_is_no_matter(upstream, exochat):
    ran = shell(exochat, '"$EXOCHAT" --base-url "$1" -m reasoning --trace hello 2>/dev/full', upstream.base_url)
    assert (ran.returncode, ran.stdout.decode()) == (0, TEXT + "\n")


@pytest.mark.parametrize("part, text", [("chat", "data: [DONE]"), ("sse", "data: x"), ("encode", '{"messages":[]}')])
def test_a_full_disk_under_debug(exochat, part, text):
    ran = shell(exochat, f"""printf '{text}\n\n' | "$EXOCHAT" debug {part} >/dev/full""")
    assert ran.returncode == 1


@pytest.mark.parametrize("name, number", [("INT", signal.SIGINT), ("TERM", signal.SIGTERM)])
def test_a_signal_that_is_ignored_stays_so(upstream, exochat, name, number):
    """As for jobs that a shell starts in the background."""
    script = f"""trap '' {name}; exec "$EXOCHAT" --base-url "$1" -m gate:go hello"""
    environment = {**exochat.environment, "EXOCHAT": str(BINARY)}
    process = subprocess.Popen(
        ["sh", "-c", script, "sh", upstream.base_url], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout.read(len(WORDS[0])).decode() == WORDS[0]
        process.send_signal(number)
        process.send_signal(number)
        upstream.gate("go").set()
        out, _ = process.communicate(timeout=TIMEOUT)
        assert (process.returncode, out.decode()) == (0, "".join(WORDS[1:]) + "\n")
    finally:
        process.kill()
        process.wait()


# --- several choices, and what could not be read


def test_several_choices_are_printed_under_their_numbers(ask):
    ran = ask("n-3", "-o", "n=3")
    assert (ran.code, ran.out.rstrip("\n")) == (0, "[0]\nchoice 0\n[1]\nchoice 1\n[2]\nchoice 2")
    ran = ask("n-3", "-o", "n=3", "--json")
    assert [choice["text"] for choice in ran.json["choices"]] == ["choice 0", "choice 1", "choice 2"]
    assert (ran.json["text"], ran.json["usage"]["total_tokens"]) == ("choice 0", 12)
    lines = [json.loads(line) for line in ask("n-3", "-o", "n=3", "--events").out.splitlines()]
    assert {line["choice"] for line in lines if line["type"] == "text"} == {0, 1, 2}


def test_more_choices_than_can_be_kept_are_refused(ask, upstream):
    ran = ask("n-20", "-o", "n=20")
    assert ran.code == 2 and "at most 16" in ran.complaint and upstream.requests == []


def test_choices_that_did_not_come_are_not_printed(ask):
    ran = ask("ok", "-o", "n=3")
    assert (ran.code, ran.out.rstrip("\n")) == (0, "[0]\n" + TEXT)


def test_one_choice_is_printed_as_it_is(ask):
    for n in ("1", '"2"', "0"):
        ran = ask("ok", "-o", f"n={n}")
        assert (ran.code, ran.out) == (0, TEXT)
    assert "choices" not in ask("ok", "--json").json


@pytest.mark.parametrize("form", [[], ["--json"], ["--events"], ["--no-stream"]])
def test_noise_is_said_in_every_form(ask, form):
    ran = ask("malformed-event", *form)
    assert ran.code == 0 and "1 event of the stream could not be read" in ran.complaint
