"""Attempt, Wire, Answer: events, clocks, facts, and buffers that change while they are read."""

import json

import _exochat
from said import CODES, WRONG, answered, attempt, events, raises

DONE = b"data: [DONE]\n\n"


def delta(**fields):
    finish = fields.pop("finish_reason") if "finish_reason" in fields else None
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}).encode() + b"\n\n"


def test_one_event_for_each_string():
    made = answered()
    made.feed(1, delta(content='a "quoted" \u00e4 \n text') + delta(reasoning_content="r") + delta(finish_reason="stop") + DONE)
    assert events(made) == [
        ("content", 0, 'a "quoted" \u00e4 \n text', 0, "", "", None, False, None),
        ("reasoning", 0, "r", 0, "", "", None, False, None),
    ]
    assert made.todo() in (_exochat.DO_DRAIN, _exochat.DO_OVER) and made.failure() is None
    answer = made.answer(0)
    assert answer.content == 'a "quoted" \u00e4 \n text' and answer.reasoning == "r" and answer.proven
    assert answer.finish_reason == "stop" and answer.finish_family == "normal" and answer.refusal is None
    assert answer.service_tier is None and answer.id == ""
    assert made.answer(0) is None and made.answer(1) is None


def test_tool_calls():
    call = [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":'}}]
    more = [{"index": 0, "function": {"arguments": " 1, }"}}]
    made = answered()
    made.feed(1, delta(tool_calls=call) + delta(tool_calls=more) + delta(finish_reason="tool_calls") + DONE)
    kinds = [event[0] for event in events(made)]
    assert kinds == ["tool_call", "tool_arguments", "tool_arguments"], kinds
    answer = made.answer(0)
    assert tuple(answer.tool_calls) == (("c1", "f", '{"a":1}', '{"a": 1, }', None),), answer.tool_calls


def test_usage():
    made = answered()
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "prompt_tokens_details": {"cached_tokens": 1}}
    made.feed(1, delta(content="x", finish_reason="stop") + b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\n" + DONE)
    counts = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "cached_tokens": 1}
    assert [event[6] for event in events(made) if event[0] == "usage"] == [counts]
    answer = made.answer(0)
    assert answer.usage == counts and json.loads(answer.usage_json) == usage


def test_wanted_events():
    for wanted, kinds in ((None, ["content", "reasoning"]), (("content",), ["content"]), ((), []), (["reasoning"], ["reasoning"])):
        made = answered({"wanted": wanted})
        made.feed(1, delta(content="x") + delta(reasoning="y"))
        assert [event[0] for event in events(made)] == kinds
        assert made.shown() == bool(kinds)
    raises(ValueError, _exochat.Attempt, {"wanted": ["nonsense"]}, 0)
    raises(WRONG, _exochat.Attempt, {"wanted": [1]}, 0)


def test_options():
    assert "nonsense" in raises(TypeError, _exochat.Attempt, {"nonsense": 1}, 0)
    raises(TypeError, _exochat.Attempt, {"connect_timeout": "1"}, 0)
    raises(ValueError, _exochat.Attempt, {"ttft_until": "never"}, 0)
    raises(ValueError, _exochat.Attempt, {"choices": 0}, 0)
    raises(TypeError, _exochat.Attempt, [], 0)
    _exochat.Attempt({"ttft_until": "token", "limits": {"event": 1000}, "think_tags": True, "keep_replay": False}, 0).close()


def rings(made, now, name):
    """Until when it is quiet, and that it rings then."""
    left = made.timeout(now)
    made.tick(now + left - 1)
    assert made.todo() == _exochat.DO_RUN, name
    made.tick(now + left)
    failure = made.failure()
    assert failure is not None and _exochat.error_name(failure.code) == name, (name, failure)
    return left


def test_clocks():
    options = {"connect_timeout": 1000, "stream_ttft_timeout": 2000, "request_timeout": 3000}
    for start in (0, 5, 1 << 29, (1 << 30) - 500):
        made = _exochat.Attempt(options, start)
        assert rings(made, start, "EXO_E_CLOCK_CONNECT") == 1000
        assert made.failure().clock == "connect" and made.failure() is made.failure()
        assert rings(attempt(options, start), start, "EXO_E_CLOCK_FIRST") == 2000
        made = answered(options, start)
        made.feed(start, delta(content="x"))
        events(made)
        assert rings(made, start, "EXO_E_CLOCK_IDLE") == 3000
        options["total_left"] = 700
        made = _exochat.Attempt(options, start)
        assert rings(made, start, "EXO_E_CLOCK_TOTAL") == 700
        del options["total_left"]


def test_a_clock_that_wraps():
    """ticks_ms() begins anew after its period: a moment behind the end is later, not earlier."""
    import sys

    if sys.implementation.name != "micropython":
        return
    try:
        import time
    except ImportError:  # a board without
        return

    end = time.ticks_add(0, -1)
    start = end - 300
    made = _exochat.Attempt({"connect_timeout": 1000}, start)
    made.tick(200)  # 501 ms later
    assert made.todo() == _exochat.DO_RUN
    assert made.timeout(200) == 499, made.timeout(200)
    made.tick(699)
    assert made.failure().code == CODES["EXO_E_CLOCK_CONNECT"]


def test_clocks_stand_still_while_held():
    made = attempt({"stream_ttft_timeout": 1000, "request_timeout": 0})
    made.hold(100, True)
    made.tick(60000)
    assert made.todo() == _exochat.DO_RUN
    made.hold(60000, False)
    assert rings(made, 60000, "EXO_E_CLOCK_FIRST") == 900


def test_total_may_be_told_later():
    made = attempt({"total_left": -1})
    made.total(0, 50)
    made.tick(50)
    assert made.failure().clock == "total"


def test_a_refusal():
    made = attempt()
    made.status(429)
    made.header("Retry-After", "7", 0)
    made.header(b"x-request-id", bytearray(b"abc"), 0)
    made.head_end(1)
    made.feed(2, b'{"error":{"message":"slow down","type":"t","code":"c"}}')
    assert events(made) == []
    made.closed(3, 0, "", True)
    assert events(made) == []
    failure = made.failure()
    assert (failure.code, failure.http_status, failure.status) == (CODES["EXO_E_RATE_LIMIT"], 429, 429)
    assert (failure.message, failure.type, failure.provider_code) == ("slow down", "t", "c")
    assert (failure.retry_after, failure.request_id, failure.verdict) == (7000, "abc", "retry")
    entry = made.end(4)
    assert entry["http_status"] == 429 and entry["end_ms"] == 4 and entry["code"] == failure.code, entry
    assert entry["queued_ms"] == 0, entry
    assert made.request_id() == "abc"


def test_resend():
    made = _exochat.Attempt({}, 0)
    made.connected(0, True)
    made.upload(1, 5, -1, True)
    made.closed(2, CODES["EXO_E_CLOSED"], "", False)
    assert made.next() is None and made.todo() == _exochat.DO_RESEND
    made.resent(3, False)
    assert made.next() is None and made.failure().code == CODES["EXO_E_CLOSED"]


def test_break_off_and_words():
    made = attempt()
    made.break_off(CODES["EXO_E_BODY_CHANGED"], "why")
    assert made.next() is None and made.failure().message == "why"
    made = attempt()
    made.closed(1, CODES["EXO_E_RECEIVE"], "ECONNRESET", False)
    assert made.next() is None and made.failure().message == "ECONNRESET"


def test_feeding_before_reading():
    made = answered()
    made.feed(1, b"data: ")
    raises(ValueError, made.feed, 1, b"x")
    made.next()
    made.feed(1, b"")
    made.feed(1, b"abc", 1)
    made.next()
    raises(ValueError, made.feed, 1, b"abc", 2, 1)
    raises(ValueError, made.feed, 1, b"abc", 0, 4)
    raises(TypeError, made.feed, 1, 5)


def test_a_fed_buffer_that_is_resized():
    made = answered()
    data = bytearray(delta(content="one") + delta(content="two"))
    made.feed(1, data)
    assert made.next()[2] == "one"
    try:
        data.extend(b"." * 5000)
    except BufferError:
        return
    raises(ValueError, made.next)
    made.close()
    raises(ValueError, made.next)


def test_a_body_that_is_kept_whole():
    made = answered({"whole": True})
    for piece in (b"any", b"thing"):
        made.feed(1, piece)
        assert made.next() is None
    made.closed(2, 0, "", True)
    assert made.next() is None and made.failure() is None and made.body() == b"anything"


def test_draining():
    made = answered()
    made.feed(1, delta(content="x", finish_reason="stop") + DONE)
    events(made)
    assert made.todo() == _exochat.DO_DRAIN
    assert made.drain(10, 0) == 250
    assert made.drain(20, 1000) == 240
    assert made.drain(20, 70000) == -1


# --- the wire


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunked(data, size):
    made = b""
    for at in range(0, len(data), size):
        piece = data[at : at + size]
        made += b"%x\r\n" % len(piece) + piece + b"\r\n" if hasattr(b"", "hex") and False else hexed(len(piece)) + piece + b"\r\n"
    return made + b"0\r\n\r\n"


def hexed(number):
    return ("%x\r\n" % number).encode()


def on_wire(data, split, options=None, read=None):
    made = attempt(options)
    wire = _exochat.Wire(made)
    got = []
    for at in range(0, len(data), split):
        wire.feed(1, 0, bytearray(data[at : at + split]))
        got += events(wire, 1)
    return made, wire, got


def test_a_response_at_every_split():
    body = delta(content="h\u00e4llo") + delta(finish_reason="stop") + DONE
    data = HEAD + chunked(body, 31)
    for split in range(1, len(data) + 1, 1 if len(data) < 400 else 7):
        made, wire, got = on_wire(data, split)
        assert [event[2] for event in got] == ["h\u00e4llo"], split
        assert made.failure() is None and wire.reusable() and wire.byte_seen()
        assert made.answer(0).content == "h\u00e4llo"


def test_a_wire_that_closes():
    body = delta(content="x") + delta(finish_reason="stop") + DONE
    made, wire, got = on_wire(b"HTTP/1.1 200 OK\r\n\r\n" + body, 1000)
    wire.closed(2, 0, "")
    assert events(wire, 2) == [] and made.failure() is None and not wire.reusable()
    made, wire, got = on_wire(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + body[:20], 1000)
    wire.closed(2, 0, "")
    assert events(wire, 2) == [] and made.failure().code == CODES["EXO_E_BODY_CUT"]
    made, wire, got = on_wire(b"", 1)
    wire.closed(2, 0, "")
    assert events(wire, 2) == [] and made.failure().code == CODES["EXO_E_CLOSED"] and not wire.byte_seen()
    made, wire, got = on_wire(b"HTTP/1.1 200 OK\r\n", 100)
    wire.closed(2, CODES["EXO_E_RECEIVE"], "ECONNRESET")
    assert events(wire, 2) == [] and made.failure().message == "ECONNRESET"


def test_a_wire_that_is_no_http():
    made, wire, got = on_wire(b"SSH-2.0-x\r\n", 4)
    assert made.failure().code == CODES["EXO_E_HEAD"]
    limits = {"limits": {"headers": 64, "head": 8192}}
    made, wire, got = on_wire(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 100, 50, limits)
    assert made.failure().code == CODES["EXO_E_HEADERS_LIMIT"]
    made, wire, got = on_wire(b"HTTP/1.1 200 OK\r\na: " + b"x" * 20000, 1000, limits)
    assert made.failure().code == CODES["EXO_E_HEAD_LIMIT"]
    raises(TypeError, _exochat.Wire, 5)
    raises(TypeError, _exochat.Wire, _exochat.Health())


def test_what_an_attempt_of_a_wire_reads():
    """Attempt.next() goes through the wire that was made of it."""
    import sys

    if sys.implementation.name != "micropython":
        return
    made = attempt()
    wire = _exochat.Wire(made)
    wire.feed(1, 0, HEAD + chunked(delta(content="x"), 10))
    assert made.next()[2] == "x" and made.next() is None
