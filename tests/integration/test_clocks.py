"""The four clocks: each one names itself, and only what counts stops it.

A clock that is to ring is short, and the other ones cannot ring: they are as patient as in all tests. A clock that is
not to ring has seconds more than what it waits for needs on an idle machine. A bound says that this clock rang, and not
one of the others.
"""

import re
import socket
import threading

import pytest
from upstream import behaviours
from upstream.chunks import TEXT, WORDS

LONG = 60  # seconds; far less than a patient clock has


def ring(ran, code, clock, least):
    """The call failed since that clock ran out, not before `least` seconds."""
    assert (ran.code, ran.error["code"], ran.error["clock"]) == (1, "EXO_E_" + code, clock), ran
    assert least * 1000 <= ran.json["milliseconds"] and ran.seconds < LONG
    assert f"{clock} clock" in ran.complaint
    assert ran.error["class"] == "transport"


FIRST = ["silent", "headers-then-silent", "half-head-then-silent", "comments-only", "comments-only-5", "wait-30"]


@pytest.mark.parametrize("behaviour", FIRST)
def test_the_first_event_clock(ask, behaviour):
    ran = ask(behaviour, "--json", "--ttft", "400ms")
    ring(ran, "CLOCK_FIRST", "first event", 0.4)
    assert ran.error["verdict"] == "fall back" and ran.json["attempts"][0]["first_event_ms"] is None


@pytest.mark.parametrize("behaviour", ["wait-0.2", "headers-wait-0.2", "comments-0.2-then-ok"])
def test_the_first_event_clock_has_patience(ask, behaviour):
    ran = ask(behaviour, "--json", "--ttft", "60s")
    assert (ran.code, ran.json["text"]) == (0, TEXT) and ran.json["attempts"][0]["first_event_ms"] >= 190


def test_an_event_without_a_token_stops_the_first_event_clock(ask):
    ran = ask("role-wait-4", "--json", "--ttft", "3s")
    assert (ran.code, ran.json["text"]) == (0, TEXT)


def test_until_token_waits_for_one(ask):
    ran = ask("role-wait-30", "--json", "--ttft", "300ms", "--ttft-until", "token")
    ring(ran, "CLOCK_FIRST", "first event", 0.3)


@pytest.mark.parametrize("behaviour", ["one-delta-then-stall", "tool-call", "reasoning", "refusal"])
def test_a_token_is_text_reasoning_refusal_or_a_tool_call(ask, behaviour):
    options = ("--json", "--ttft", "3s", "--ttft-until", "token", "--idle-timeout", "4s")
    ran = ask(behaviour, *options)
    assert ran.error is None or ran.error["clock"] == "idle"


def test_tokens_are_told_apart_from_other_events(ask, upstream):
    """Usage, an empty delta and a filter chunk are events, and no tokens."""

    def no_tokens(conn):
        conn.begin()
        while True:
            conn.event({"choices": [{"delta": {"content": ""}}], "usage": {"prompt_tokens": 1}})
            conn.event({"choices": [], "prompt_filter_results": []})
            conn.stall(0.05)

    upstream.scripts["no-tokens"] = no_tokens
    ran = ask("no-tokens", "--json", "--ttft", "300ms", "--ttft-until", "token")
    ring(ran, "CLOCK_FIRST", "first event", 0.3)


@pytest.mark.parametrize("behaviour", ["one-delta-then-stall", "one-delta-then-comments", "delta-wait-30"])
def test_the_idle_clock(ask, behaviour):
    ran = ask(behaviour, "--json", "--idle-timeout", "3s")
    ring(ran, "CLOCK_IDLE", "idle", 3)
    assert ran.error["verdict"] == "fall back" and ran.json["text"] == WORDS[0]


def test_the_idle_clock_of_a_stream_keeps_what_was_printed(ask):
    ran = ask("one-delta-then-stall", "--idle-timeout", "3s", fallbacks=["ok"])
    assert (ran.code, ran.out) == (1, WORDS[0]) and "idle clock" in ran.complaint


def test_events_wind_the_idle_clock_up(ask):
    ran = ask("slow-800", "--json", "--idle-timeout", "3s")
    assert ran.code == 0 and ran.json["milliseconds"] >= 4000


def test_the_idle_clock_runs_before_the_first_event_too(ask):
    ran = ask("comments-only", "--json", "--ttft", "0", "--idle-timeout", "400ms")
    ring(ran, "CLOCK_IDLE", "idle", 0.4)


def test_the_total_clock_stops_everything(ask, upstream):
    ran = ask("slow-1000", "--json", "--total-timeout", "3s", fallbacks=["ok"])
    ring(ran, "CLOCK_TOTAL", "total", 3)
    assert ran.error["verdict"] == "stop" and len(upstream.requests) == 1


def test_the_total_clock_counts_all_attempts(exochat, upstream, write_config):
    hasty = {"stream_ttft_timeout": "200ms"}
    config = write_config(
        {
            "first": {"model": "silent", **hasty, "fallbacks": ["second", "third", "fourth"]},
            "second": {"model": "headers-then-silent", **hasty},
            "third": {"model": "comments-only"},
            "fourth": {"model": "ok"},
        },
        total_timeout="3s",
    )
    ran = exochat("--config", config, "-m", "first", "--json", "hello")
    ring(ran, "CLOCK_TOTAL", "total", 3)
    assert [code for _, code in ran.trail] == ["EXO_E_CLOCK_FIRST"] * 2 + ["EXO_E_CLOCK_TOTAL"]


def test_the_total_clock_of_the_configuration(exochat, upstream, write_config):
    config = write_config({"first": {"model": "silent"}}, total_timeout="400ms")
    ring(exochat("--config", config, "-m", "first", "--json", "hello"), "CLOCK_TOTAL", "total", 0.4)


def test_clocks_are_per_deployment(exochat, upstream, write_config):
    config = write_config(
        {
            "hasty": {"model": "silent", "stream_ttft_timeout": "200ms", "fallbacks": ["patient"]},
            "patient": {"model": "wait-0.6"},
        }
    )
    ran = exochat("--config", config, "-m", "hasty", "--json", "hello")
    assert (ran.code, ran.trail) == (0, [("hasty", "EXO_E_CLOCK_FIRST"), ("patient", None)])


def test_the_connect_clock(exochat, full_port):
    base_url = f"http://127.0.0.1:{full_port}/v1"
    ran = exochat("--base-url", base_url, "-m", "m", "--json", "--connect-timeout", "400ms", "hello")
    ring(ran, "CLOCK_CONNECT", "connect", 0.4)
    assert ran.error["verdict"] == "retry" and ran.json["attempts"][0]["connected_ms"] is None


def test_the_connect_clock_waits_for_tls(exochat, certificates):
    with socket.create_server(("127.0.0.1", 0)) as server:  # the system accepts, nobody answers
        base_url = f"https://127.0.0.1:{server.getsockname()[1]}/v1"
        options = ("--ca", certificates.ca, "--connect-timeout", "400ms")
        ran = exochat("--base-url", base_url, "-m", "m", "--json", *options, "hello")
    ring(ran, "CLOCK_CONNECT", "connect", 0.4)


def test_a_slow_upload_costs_the_first_event_clock_nothing(ask, upstream, sparse):
    """2 MB of body in 4 s, with clocks of 2 s."""

    @behaviours.early
    def slow_uplink(conn):
        conn.limit_receive_buffer(64 << 10)  # more than a segment, so that none waits for a timer of the system's
        conn.read_body(rate=1 << 19)
        behaviours.ok(conn)

    upstream.scripts["slow-uplink"] = slow_uplink
    ran = ask("slow-uplink", "--json", "--ttft", "2s", "--idle-timeout", "2s", "-a", sparse(3 << 19))
    assert (ran.code, ran.json["text"]) == (0, TEXT), ran
    assert ran.json["attempts"][0]["sent_ms"] > 2000 and upstream.requests[0].length > 2 << 20


def test_an_upload_that_stalls_is_idle(ask, upstream, sparse):
    ran = ask("stall-upload-after-64", "--json", "--idle-timeout", "2s", "--ttft", "200ms", "-a", sparse(32 << 20))
    ring(ran, "CLOCK_IDLE", "idle", 2)
    assert not upstream.requests[0].complete


def test_an_upload_that_stalls_falls_back(exochat, upstream, write_config, sparse):
    stalls = {"model": "stall-upload-after-64", "request_timeout": "500ms", "fallbacks": ["digest"]}
    config = write_config({"stalls": stalls, "digest": {}})
    ran = exochat("--config", config, "-m", "stalls", "--json", "-a", sparse(32 << 20), "hello")
    assert ran.trail == [("stalls", "EXO_E_CLOCK_IDLE"), ("digest", None)]


def test_what_follows_the_finish_and_the_body_of_an_error_have_five_seconds(ask):
    """Both at once, as both take their time. The answer stands, without usage; the refusal says what had come."""
    stalled = [ask(name, "--json", start=True) for name in ("finish-then-stall", "stalled-body-400")]
    answered, refused = (running.wait() for running in stalled)
    assert (answered.code, answered.json["text"], answered.json["usage"]) == (0, TEXT, None)
    assert (refused.code, refused.error["code"], refused.error["http_status"]) == (1, "EXO_E_STATUS", 400)
    assert refused.error["message"] == "half a" and refused.error["clock"] is None
    for ran in (answered, refused):
        assert 4900 <= ran.json["milliseconds"] and ran.seconds < LONG


def test_a_clock_of_zero_is_off(ask):
    clocks = ("--ttft", "--connect-timeout", "--idle-timeout", "--total-timeout")
    ran = ask("wait-0.5", "--json", *(word for clock in clocks for word in (clock, "0")))
    assert (ran.code, ran.json["text"]) == (0, TEXT)


def test_clocks_stand_still_while_nobody_reads(ask, upstream):
    """Standard output is a full pipe for longer than the idle clock."""
    running = ask("big-2", "--idle-timeout", "3s", start=True)
    assert running.read(1 << 16)
    threading.Event().wait(4)
    rest = running.wait()
    assert rest.code == 0 and len(rest.out) == (2 << 20) - (1 << 16)


TIMES = {"300ms": 300, "0.3": 300, "0.3s": 300, "0.005m": 300}


@pytest.mark.parametrize("text", TIMES)
def test_times_are_written_in_several_ways(ask, text):
    ran = ask("silent", "--json", "--ttft", text)
    if ran.code == 2:
        assert re.search("ttft", ran.complaint)  # refused, never misread
    else:
        ring(ran, "CLOCK_FIRST", "first event", 0.3)


@pytest.mark.parametrize("text", ["", "x", "-1", "25h", "1d", "h", "15sec", "1e3", "nan", "9999999999999999999", " 5"])
@pytest.mark.parametrize("option", ["--connect-timeout", "--ttft", "--idle-timeout", "--total-timeout"])
def test_a_time_that_is_none(ask, upstream, option, text):
    ran = ask("ok", option, text)
    assert ran.code == 2 and option in ran.complaint and upstream.requests == []


@pytest.mark.parametrize("text", ["1h", "24h", "1 h", "2m", "1.5m", "0.0001"])
@pytest.mark.parametrize("option", ["--connect-timeout", "--ttft", "--idle-timeout", "--total-timeout"])
def test_a_time_of_the_configuration_is_one_of_the_command(ask, option, text):
    ran = ask("ok", option, text)
    assert ran.code != 2


@pytest.mark.parametrize("option", ["--connect-timeout", "--idle-timeout", "--total-timeout"])
def test_only_the_first_event_clock_can_be_auto(ask, upstream, option):
    ran = ask("ok", option, "auto")
    assert ran.code == 2 and option in ran.complaint and upstream.requests == []


def test_auto_takes_the_place_of_a_number(exochat, upstream, write_config):
    config = write_config({"m": {"model": "wait-4", "stream_ttft_timeout": "200ms"}})
    hasty = exochat("--config", config, "-m", "m", "--json", "hello")
    ring(hasty, "CLOCK_FIRST", "first event", 0.2)
    patient = exochat("--config", config, "-m", "m", "--json", "--ttft", "auto", "hello")
    assert (patient.code, patient.json["text"]) == (0, TEXT)


def test_reading_begins_before_the_upload_has_ended(ask, upstream, sparse):
    """An answer that comes early is an answer, and its clocks are those of a stream."""

    @behaviours.early
    def early_then_stall(conn):
        conn.begin()
        conn.event({"choices": [{"delta": {"content": "early"}}]})
        conn.stall()

    upstream.scripts["early-then-stall"] = early_then_stall
    ran = ask("early-then-stall", "--json", "--idle-timeout", "3s", "-a", sparse(32 << 20))
    ring(ran, "CLOCK_IDLE", "idle", 3)
    assert ran.json["text"] == "early"


def flood(first, rest):
    """A stream that begins with one thing and goes on with another, as fast as it can, for ever."""

    def run(conn):
        conn.begin()
        conn.write(first)
        while True:
            conn.write(rest * 1000)

    return run


EVENT = b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n'
FLOODS = [  # (first, rest, option, code, clock)
    (b"", b": no end in sight\n\n", "--ttft", "CLOCK_FIRST", "first event"),
    (b"", b"data: not json\n\n", "--ttft", "CLOCK_FIRST", "first event"),
    (EVENT, b": no end in sight\n\n", "--idle-timeout", "CLOCK_IDLE", "idle"),
    (EVENT, EVENT, "--total-timeout", "CLOCK_TOTAL", "total"),
]


@pytest.mark.parametrize("first, rest, option, code, clock", FLOODS)
def test_no_flood_stops_a_clock(ask, upstream, first, rest, option, code, clock):
    upstream.scripts["flood"] = flood(first, rest)
    ring(ask("flood", "--json", option, "500ms"), code, clock, 0.5)


def test_no_flood_of_text_stops_the_total_clock_of_a_stream(ask, upstream):
    upstream.scripts["flood"] = flood(EVENT, EVENT)
    ran = ask("flood", "--total-timeout", "3s")
    assert ran.code == 1 and "total clock" in ran.complaint and ran.seconds < LONG and ran.out.startswith("xxx")


def test_a_flood_after_the_finish_has_five_seconds_too(ask, upstream):
    finish = b'data: {"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}\n\n'
    upstream.scripts["flood"] = flood(finish, b":\n")
    ran = ask("flood", "--json")
    assert (ran.code, ran.json["text"]) == (0, "x") and 4900 <= ran.json["milliseconds"] and ran.seconds < LONG


def test_asking_for_the_models_has_clocks_too(exochat, upstream, full_port):
    stalled = exochat("models", "--remote", "--connect-timeout", "0.3", "--base-url", f"http://127.0.0.1:{full_port}/v1")
    assert stalled.code == 1 and "EXO_E" not in stalled.out and "--connect-timeout" in stalled.complaint
