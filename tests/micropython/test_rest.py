"""Failure, Route, Health, Head, frame(), repair() and the words of codes."""

import _exochat
from said import CODES, MICROPYTHON, WRONG, raises


def test_failures():
    failure = _exochat.Failure(CODES["EXO_E_CLOCK_FIRST"], "silent")
    assert (failure.code, failure.verdict, failure.clock, failure.message) == (-89, "fall back", "first event", "silent")
    assert (failure.http_status, failure.status, failure.retry_after, failure.offset) == (0, 0, -1, 0)
    assert failure.type == failure.provider_code == failure.request_id == ""
    assert not failure.in_stream and not failure.cut and not failure.keyless
    assert raises(AttributeError, lambda: failure.nonsense) is not None
    try:
        failure.code = 5
    except AttributeError:
        pass
    assert failure.code == -89
    none = _exochat.Failure(0)
    assert none.code == 0 and none.message == ""
    raises(TypeError, _exochat.Failure)
    raises(TypeError, _exochat.Failure, "x")


def test_a_failure_of_a_response():
    failure = _exochat.Failure(0)
    failure.header("Retry-After", b"3", 0)
    failure.header(b"X-Request-Id", "id-1", 0)
    failure.response(503, '{"error":{"message":"key sk-secret-123456 is bad","code":"c"}}')
    assert (failure.status, failure.retry_after, failure.request_id) == (503, 3000, "id-1")
    failure.redact("sk-secret-123456")
    assert "secret" not in failure.message and "***" in failure.message, failure.message
    if MICROPYTHON:
        raises(ValueError, failure.response, 1000000, "")


def test_words_of_codes():
    assert _exochat.error_name(-89) == "EXO_E_CLOCK_FIRST" and _exochat.error_class(-89) == "transport"
    assert _exochat.error_name(5000) == "EXO_E_UNKNOWN" and _exochat.error_class(0) == "none"
    assert _exochat.error_text(-60) == "out of memory"
    known = [code for code in range(-127, 0) if _exochat.error_class(code) != "none"]
    for words, none in ((_exochat.error_name, "EXO_E_UNKNOWN"), (_exochat.error_text, "an unknown code")):
        assert len({words(code) for code in known}) == len(known) > 70
        assert not [code for code in range(-127, 6) if (words(code) == none) != (code < 0 and code not in known)]
        assert words(6) == words(-128) == none


def test_the_strict_route():
    route = _exochat.Route([(3, None), (5, None)], [], None, 1)
    assert route.next(0) == (_exochat.ROUTE_ATTEMPT, 3, 0, 0, False, False)
    route.failed(1, _exochat.Failure(CODES["EXO_E_CONNECT"]), 0)
    assert route.next(2) == (_exochat.ROUTE_ATTEMPT, 5, 1, 0, False, True)
    route.failed(3, _exochat.Failure(CODES["EXO_E_CONNECT"]), 0)
    assert route.next(4)[0] == _exochat.ROUTE_GIVE_UP
    route.abandon()
    route.abandon()


def test_what_was_shown_and_what_is_spent():
    for how in (_exochat.HOW_SHOWN, _exochat.HOW_SPENT, _exochat.HOW_LOCAL):
        route = _exochat.Route([(0, None), (1, None)], [], None, 1)
        route.next(0)
        route.failed(1, _exochat.Failure(CODES["EXO_E_CONNECT"]), how)
        assert route.next(2)[0] == _exochat.ROUTE_GIVE_UP, how
    route = _exochat.Route([(0, None), (1, None)], [], None, 1)
    route.call(0, -1, True)
    route.next(0)
    route.failed(1, _exochat.Failure(CODES["EXO_E_CONNECT"]), _exochat.HOW_SHOWN)
    assert route.next(2) == (_exochat.ROUTE_ATTEMPT, 1, 1, 0, True, True)
    assert route.next(2)[4] is False


def test_retries_and_waits():
    policy = {"retries": 2, "backoff_first": 100, "backoff_max": 1000}
    route = _exochat.Route([(0, None)], [], policy, 12345)
    route.next(0)
    route.failed(0, _exochat.Failure(CODES["EXO_E_SERVER"]), 0)
    what, _, _, wait, _, _ = route.next(0)
    assert what == _exochat.ROUTE_WAIT and 50 <= wait <= 100, wait
    assert route.next(wait)[:3] == (_exochat.ROUTE_ATTEMPT, 0, 1)
    route.succeeded(wait)
    raises(TypeError, _exochat.Route, [(0, None)], [], {"nonsense": 1}, 1)
    raises(ValueError, _exochat.Route, [(0, None)], [], {"retries": -1}, 1)
    raises(ValueError, _exochat.Route, [], [], None, 1)
    raises(TypeError, _exochat.Route, [(0, 5)], [], None, 1)
    raises(WRONG, _exochat.Route, [(0,)], [], None, 1)


def test_cooldown_is_shared():
    health = _exochat.Health()
    policy = {"cooldown": 5000, "cooldown_after": 1}
    route = _exochat.Route([(0, health), (1, None)], [], policy, 1)
    route.next(0)
    route.failed(0, _exochat.Failure(CODES["EXO_E_SERVER"]), 0)
    other = _exochat.Route([(0, health), (1, None)], [], policy, 1)
    collect()
    assert other.next(100)[1] == 1
    third = _exochat.Route([(0, health), (1, None)], [], policy, 1)
    assert third.next(6000)[1] == 0
    third.abandon()


def collect():
    import gc

    gc.collect()


def head(*arguments):
    made = _exochat.Head(*arguments)
    buffer = bytearray(7)
    text = b""
    size = made.write(buffer)
    while size:
        text += bytes(buffer[:size])
        size = made.write(buffer)
    return text


def test_heads():
    lines = head("/v1?x=1", "host:81", [("Authorization", "Bearer k"), ("A", "b")], 12).split(b"\r\n")
    assert lines[0] == b"POST /v1?x=1 HTTP/1.1" and lines[-2:] == [b"", b""]
    assert sorted(lines[1:-2]) == [b"A: b", b"Authorization: Bearer k", b"Content-Length: 12", b"Host: host:81"]
    assert b"Transfer-Encoding: chunked\r\n" in head("/", "h", (), -1)
    assert head("/m", "h", [], -2).startswith(b"GET /m HTTP/1.1\r\n")
    raises(ValueError, _exochat.Head, "/", "h", [("A", "b\r\nEvil: 1")], 1)
    raises(ValueError, _exochat.Head, "/ x", "h", [], 1)
    raises(ValueError, _exochat.Head, "/", "", [], 1)
    raises(ValueError, _exochat.Head, "/", "h", [("Host", "x")], 1)
    raises(ValueError, _exochat.Head, "/", "h", [("", "x")], 1)
    raises(TypeError, _exochat.Head, "/", "h", [("A", 5)], 1)


def test_frames():
    for size in (1, 15, 16, 255, 256, 1000):
        buffer = bytearray(18 + size + 2)
        buffer[18 : 18 + size] = b"x" * size
        begin, end = _exochat.frame(buffer, 18, size)
        assert bytes(buffer[begin:end]) == ("%x\r\n" % size).encode() + b"x" * size + b"\r\n", size
    begin, end = _exochat.frame(bytearray(40), 20, 0)
    assert begin == end
    raises(ValueError, _exochat.frame, bytearray(40), 17 if word() == 8 else 9, 1)
    raises(ValueError, _exochat.frame, bytearray(40), 20, 19)
    raises(ValueError, _exochat.frame, bytearray(40), -1, 1)


def word():
    import sys

    return 8 if sys.maxsize > 2**32 else 4


def test_repair():
    assert _exochat.repair('{"a": 1}') == ('{"a": 1}', False, 1)
    assert _exochat.repair("```json\n{a: 'b',}\n```") == ('{"a":"b"}', False, 1)
    json, cut, values = _exochat.repair('{"a": "b')
    assert cut and values == 1 and json == '{"a":"b"}'
    raises(ValueError, _exochat.repair, "no json here")
    raises(TypeError, _exochat.repair, 5)
