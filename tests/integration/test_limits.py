"""Nothing that a server sends is endless to us: what is too large is a typed failure, and soon."""

import zlib

import pytest
from upstream.behaviours import GZIP
from upstream.chunks import TEXT, WORDS

SOON = 100  # seconds; long before a clock, and none of these takes one on an idle machine

LIMITS = [  # (behaviour, code)
    ("huge-header-65", "EXO_E_HEAD_LIMIT"),
    ("huge-header-99", "EXO_E_HEAD_LIMIT"),
    ("huge-header-400", "EXO_E_HEAD_LIMIT"),
    ("endless-header", "EXO_E_HEAD_LIMIT"),
    ("many-headers-257", "EXO_E_HEADERS_LIMIT"),
    ("many-headers-3000", "EXO_E_HEADERS_LIMIT"),
    ("huge-event-65", "EXO_E_EVENT_LIMIT"),
    ("tool-calls-129", "EXO_E_CALLS_LIMIT"),
]


@pytest.mark.parametrize("behaviour, code", LIMITS)
def test_a_limit(ask, behaviour, code):
    ran = ask(behaviour, "--json")
    assert (ran.code, ran.error["code"]) == (1, code), ran
    assert (ran.error["class"], ran.error["verdict"]) == ("limit", "fall back")
    assert ran.seconds < SOON and "limit" in ran.complaint


@pytest.mark.parametrize("behaviour", ["huge-header-60", "many-headers-200", "tool-calls-128", "interim-103"])
def test_less_than_a_limit_is_well(ask, behaviour):
    assert ask(behaviour, "--json").code == 0


def test_endless_interim_responses(ask):
    ran = ask("endless-1xx", "--json")
    assert ran.code == 1 and ran.error["code"] in ("EXO_E_HEAD_LIMIT", "EXO_E_HEADERS_LIMIT") and ran.seconds < SOON


@pytest.mark.parametrize("status, code", [(400, "EXO_E_STATUS"), (401, "EXO_E_AUTH"), (503, "EXO_E_SERVER")])
def test_an_endless_error_body(ask, status, code):
    ran = ask(f"endless-body-{status}", "--json")
    assert (ran.code, ran.error["code"], ran.error["http_status"]) == (1, code, status)
    assert ran.seconds < SOON and len(ran.complaint) < 2000


def test_an_endless_page_in_place_of_a_stream(ask, upstream):
    def endless_page(conn):
        conn.begin(200, "text/html")
        conn.write(b"<html><title>no</title>")
        while True:
            conn.write(b"<p>no end in sight</p>" * 3000)

    upstream.scripts["endless-page"] = endless_page
    ran = ask("endless-page", "--json")
    assert (ran.code, ran.error["code"]) == (1, "EXO_E_NOT_A_STREAM") and ran.seconds < SOON
    assert ran.error["message"] == "no"


def test_an_endless_json_body_in_place_of_a_stream(ask, upstream):
    def endless_json(conn):
        conn.begin(200, "application/json")
        conn.write(b'{"x":"')
        while True:
            conn.write(b"no end in sight " * 65536)

    upstream.scripts["endless-json"] = endless_json
    ran = ask("endless-json", "--json")
    assert (ran.code, ran.error["code"]) == (1, "EXO_E_EVENT_LIMIT") and ran.seconds < SOON


def test_an_endless_line(ask, upstream):
    """Data that does not end, in one line and in many; and a field that means nothing, of which nothing is kept."""
    endings = {
        "data": (b"data: ", b"x" * 65536, "EXO_E_EVENT_LIMIT"),
        "lines": (b"data: x\n", b"data: " + b"y" * 65536 + b"\n", "EXO_E_EVENT_LIMIT"),
        "field": (b"dat", b"a" * 65536, "EXO_E_CLOCK_FIRST"),
        "comment": (b":", b"\n:" * 32768, "EXO_E_CLOCK_FIRST"),
    }
    for name, (first, rest, code) in endings.items():

        def endless(conn, first=first, rest=rest):
            conn.begin()
            conn.write(first)
            while True:
                conn.write(rest)

        upstream.scripts[name] = endless
        ran = ask(name, "--json", *(("--ttft", "1s") if code == "EXO_E_CLOCK_FIRST" else ()))
        assert (ran.code, ran.error["code"]) == (1, code), ran
        assert ran.seconds < SOON


def bomb(block, times):
    """Labelled gzip of `block`, so many times, composed without compressing more than one."""

    def run(conn):
        conn.begin(headers=[("Content-Encoding", "gzip")])
        compressor = zlib.compressobj(9, wbits=GZIP)
        conn.write(compressor.compress(b"") + compressor.flush(zlib.Z_FULL_FLUSH))
        one = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
        squeezed = one.compress(block) + one.flush(zlib.Z_FULL_FLUSH)
        for _ in range(times):
            conn.write(squeezed)
        conn.end()

    return run


def test_a_gzip_bomb_of_comments(ask, upstream):
    upstream.scripts["bomb"] = bomb((b":" + b"." * 1022 + b"\n") * 1024, 300)
    ran = ask("bomb", "--json")
    assert (ran.code, ran.error["code"]) == (1, "EXO_E_EXPANSION_LIMIT"), ran
    assert ran.error["verdict"] == "fall back" and ran.seconds < SOON


def test_a_little_of_a_gzip_bomb_is_a_good_answer(ask):
    assert ask("gzip-bomb-1").out == TEXT


def test_a_gzip_bomb_in_an_error_body(ask, upstream):
    def bomb_400(conn):
        compressor = zlib.compressobj(9, wbits=GZIP)
        body = compressor.compress(b"x" * (64 << 20)) + compressor.flush()
        conn.respond(400, body, "text/plain", headers=[("Content-Encoding", "gzip")])

    upstream.scripts["bomb-400"] = bomb_400
    ran = ask("bomb-400", "--json")
    assert (ran.code, ran.error["code"], ran.error["http_status"]) == (1, "EXO_E_STATUS", 400)
    assert ran.seconds < SOON


def test_a_deep_event(ask, upstream):
    def deep(conn):
        conn.begin()
        conn.event({"choices": [{"delta": {"content": WORDS[0]}}]})
        conn.event('{"choices":' + "[" * 100000 + "]" * 100000 + "}")
        conn.event({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        conn.end()

    upstream.scripts["deep"] = deep
    ran = ask("deep", "--json")  # nothing of it is looked at
    assert (ran.code, ran.json["text"]) == (0, WORDS[0])

    def only_deep(conn):
        conn.begin()
        conn.event('{"choices":' + "[" * 100000 + "]" * 100000 + "}")
        conn.end()

    upstream.scripts["only-deep"] = only_deep
    ran = ask("only-deep", "--json")
    assert (ran.code, ran.error["code"]) == (1, "EXO_E_EMPTY_STREAM")


def test_a_deep_error_body(ask, upstream):
    upstream.scripts["deep-400"] = lambda conn: conn.respond(400, '{"error":' + '{"a":[' * 10000)
    ran = ask("deep-400", "--json")
    assert (ran.code, ran.error["code"]) == (1, "EXO_E_STATUS")


def test_huge_tool_indexes_size_nothing(ask, upstream):
    def indexes(conn):
        conn.begin()
        for i, index in enumerate((0, 2**31, 2**53, 2**63)):
            call = {"index": index, "id": f"c{i}", "function": {"name": "f", "arguments": "{}"}}
            conn.event({"choices": [{"delta": {"tool_calls": [call]}}]})
        conn.event({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]})
        conn.end()

    upstream.scripts["indexes"] = indexes
    ran = ask("indexes", "--json")
    assert ran.code == 0 and [call["id"] for call in ran.json["tool_calls"]] == ["c0", "c1", "c2", "c3"]


def test_endless_tool_arguments(ask, upstream):
    def arguments(conn):
        conn.begin()
        conn.event({"choices": [{"delta": {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f"}}]}}]})
        part = {"index": 0, "function": {"arguments": "x" * (1 << 20)}}
        while True:
            conn.event({"choices": [{"delta": {"tool_calls": [part]}}]})

    upstream.scripts["arguments"] = arguments
    ran = ask("arguments", "--json")
    assert (ran.code, ran.error["code"]) == (1, "EXO_E_ARGUMENTS_LIMIT") and ran.seconds < SOON


@pytest.mark.parametrize("behaviour", ["huge-header-99", "many-headers-300", "endless-1xx"])
def test_a_limit_falls_back(ask, behaviour):
    assert ask(behaviour, fallbacks=["ok"]).out == TEXT


def test_sixty_four_top_level_keys_and_no_more(ask, upstream, write_messages):
    keys = {f"key{i}": i for i in range(70)}
    ran = ask("ok", "--messages", write_messages({"messages": [{"role": "user", "content": "x"}], **keys}))
    assert ran.code == 2 and "keys" in ran.complaint and upstream.requests == []


def test_a_long_answer_in_tiny_events(ask):
    ran = ask("tokens-20000")
    assert ran.code == 0 and ran.out.split() == [f"w{i}" for i in range(20000)]
