"""Wire and Head: HTTP/1.1 around an attempt, as raw sockets have it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import _exochat
from bodies import CODES, events
from test_attempt import DONE, event

BODY = event(content="The tide turns.") + event(finish_reason="stop") + DONE
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Request-Id: r-1\r\n"


def chunked(body, size=50):
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


RESPONSES = {
    "length": HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY,
    "chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(BODY),
    "interim": b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY,
    "close": HEAD + b"\r\n" + BODY,
}


def received(data, split, orderly=True):
    """(the attempt, the wire, the events) of a connection that brings these bytes and is then closed."""
    attempt = _exochat.Attempt({}, 0)
    attempt.connected(1, False)
    attempt.upload(2, 10, 0, True)
    wire = _exochat.Wire(attempt)
    found = []
    for at in range(0, len(data), split):
        wire.feed(3, 1_700_000_000, data[at : at + split])
        found += events(lambda: wire.next(3))
    reusable = wire.reusable()
    if attempt.todo() == _exochat.DO_RUN:
        wire.closed(4, 0 if orderly else CODES["EXO_E_RECEIVE"], "reset by peer")
        found += events(lambda: wire.next(4))
    return attempt, reusable, found


@pytest.mark.parametrize("name", RESPONSES)
@pytest.mark.parametrize("split", [1, 2, 3, 10, 64, 10_000])
def test_responses(name, split):
    attempt, reusable, found = received(RESPONSES[name], split)
    assert attempt.failure() is None
    assert [found_[2] for found_ in found if found_[0] == "content"] == ["The tide turns."]
    assert attempt.answer(0).content == "The tide turns."
    assert attempt.end(9)["http_status"] == 200
    assert reusable == (name != "close")


@given(st.sampled_from(sorted(RESPONSES)), st.integers(0, 700), st.integers(1, 100), st.booleans())
def test_a_response_that_is_cut_anywhere(name, cut, split, orderly):
    attempt, reusable, _ = received(RESPONSES[name][:cut], split, orderly)
    failure = attempt.failure()
    if b"[DONE]\n\n" in RESPONSES[name][:cut]:
        assert failure is None
    elif failure is not None:
        assert failure.verdict == "retry"
        assert failure.code in (
            {CODES["EXO_E_CLOSED"], CODES["EXO_E_HEAD"], CODES["EXO_E_BODY_CUT"], CODES["EXO_E_TRUNCATED"],
             CODES["EXO_E_EMPTY_STREAM"], CODES["EXO_E_MALFORMED"]} if orderly else {CODES["EXO_E_RECEIVE"]}
        )  # fmt: skip
    assert not (reusable and failure)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"SSH-2.0-x\r\n", "EXO_E_HEAD"),
        (HEAD + b"Content-Length: x\r\n\r\n", "EXO_E_CONTENT_LENGTH"),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", "EXO_E_CODING"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", "EXO_E_CHUNK"),
        (HEAD + b"A: " + b"b" * 70_000, "EXO_E_HEAD_LIMIT"),
        (b"", "EXO_E_CLOSED"),
    ],
)
def test_what_is_no_response(data, code):
    attempt, reusable, _ = received(data, 1000)
    assert attempt.failure().code == CODES[code]
    assert not reusable


def test_a_refusal_with_its_headers():
    attempt, _, _ = received(b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nwait", 5)
    assert (attempt.failure().code, attempt.failure().retry_after) == (CODES["EXO_E_RATE_LIMIT"], 7000)


def test_what_is_drained_makes_the_connection_reusable():
    attempt = _exochat.Attempt({}, 0)
    attempt.connected(1, False)
    wire = _exochat.Wire(attempt)
    assert not wire.byte_seen()
    data = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(BODY)
    wire.feed(3, 0, data[:-5])
    events(lambda: wire.next(3))
    assert wire.byte_seen()
    assert attempt.todo() == _exochat.DO_DRAIN and not wire.reusable()
    assert attempt.drain(4, 0) == 250
    wire.feed(5, 0, data[-5:])
    assert wire.next(5) is None
    assert wire.reusable() and attempt.drain(5, 5) == 249


def test_feeding_in_order():
    attempt = _exochat.Attempt({}, 0)
    wire = _exochat.Wire(attempt)
    buffer = bytearray(RESPONSES["length"] + b"#" * 20)
    wire.feed(0, 0, buffer, len(buffer) - 20)
    with pytest.raises(ValueError):
        wire.feed(0, 0, b"x")
    with pytest.raises(BufferError):
        buffer.append(1)
    events(lambda: wire.next(0))
    buffer.append(1)
    with pytest.raises(ValueError):
        wire.feed(0, 0, b"xyz", 4)
    with pytest.raises(TypeError):
        _exochat.Wire(5)
    attempt.close()
    with pytest.raises(ValueError, match="closed"):
        wire.next(0)


def test_head():
    head = _exochat.Head("/v1/chat/completions", "host:8080", [("Authorization", "Bearer k\u00e9")], 1234)
    buffer = bytearray(20)
    written = b""
    while count := head.write(buffer, 3):
        written += buffer[3 : 3 + count]
    assert written == (
        "POST /v1/chat/completions HTTP/1.1\r\nHost: host:8080\r\nAuthorization: Bearer k\u00e9\r\n"
        "Content-Length: 1234\r\n\r\n"
    ).encode()
    buffer = bytearray(500)
    assert b"Transfer-Encoding: chunked" in buffer[: _exochat.Head("/", "h", [], -1).write(buffer)] or b"chunked" in buffer
    assert _exochat.Head("/m", "h", (), -2).write(buffer) and buffer.startswith(b"GET /m HTTP/1.1\r\nHost: h\r\n\r\n")


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (("/", "h", [("A", "b\r\nX: y")], 1), ValueError),
        (("/", "h\n", [], 1), ValueError),
        (("/ x", "h", [], 1), ValueError),
        (("", "h", [], 1), ValueError),
        (("/", "h", [("Host", "x")], 1), ValueError),
        (("/", "h", [("a", "x"), ("A", "y")], 1), ValueError),
        (("/", "h", [("a b", "x")], 1), ValueError),
        (("/", "h", [], -3), ValueError),
        (("/", "h", ["ab"], 1), TypeError),
        (("/", "h", [("a", 1)], 1), TypeError),
        ((b"/", "h", [], 1), TypeError),
        (("/", "h", 5, 1), TypeError),
    ],
)
def test_a_head_that_cannot_be_sent(args, error):
    with pytest.raises(error):
        _exochat.Head(*args)


def test_write_outside_of_the_buffer():
    with pytest.raises(ValueError):
        _exochat.Head("/", "h", [], 1).write(bytearray(5), 6)
