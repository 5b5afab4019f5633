"""Content codings: none is asked for; what is labelled is decoded, under the same limits as everything else."""

import base64
import gzip
import json
import zlib

import pytest
from fronts import Nginx
from upstream.chunks import TEXT

# A good answer as br (RFC 7932), made with the brotli library.
BROTLI = base64.b64decode(
    "G+wBAKwKbGNk5Cen0aOhoTwONxdcFPm1yN4WzFRg6au0udYRcQnbIF1ldFLkq+/pgWHiFbUoLC1KMMnoAhzg9WQT0BXYd0WCYSGb1zxNmoXilSQE"
    "ThrpcEsDwqDO252yjMAhpdU4JD/ZgPcNUwnObi7/R9kF"
)

# A comment line of 96 MB as br.
BROTLI_BOMB = base64.b64decode(
    "z///f/ilXHTiskAA9/4//v//wy8BEIcFALr3//z//4dfAiAOiwB07//5//8PvwRAHBYA6N7/8///H34JgDgsANC9/8///3/8EgBxWACge/8P"
)


def labelled(coding, body, cut=None):
    """A behaviour that sends this body under this label."""

    def behave(conn):
        conn.read_body()
        conn.begin(headers=[("Content-Encoding", coding)])
        conn.write(body[:cut])
        conn.end()

    return behave


def plain_answer():
    choices = [{"index": 0, "delta": {"content": TEXT}, "finish_reason": "stop"}]
    return b"data: " + json.dumps({"choices": choices}).encode() + b"\n\ndata: [DONE]\n\n"


def raw_deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def test_nothing_is_asked_for(route, upstream):
    route.answers(base_url=upstream.base_url)
    assert upstream.requests[-1].header("accept-encoding") == "identity"


@pytest.mark.parametrize(
    "name", ["gzip", "deflate", "ok+gzip+piece-1", "ok+gzip+close", "ok+deflate+length", "tool-call+gzip"]
)
def test_what_is_labelled_is_decoded(route, upstream, name):
    route.answers(base_url=upstream.base_url, model=name, text="" if "tool" in name else TEXT)


@pytest.mark.parametrize(
    "coding, body",
    [
        ("br", BROTLI),
        ("deflate", raw_deflate(plain_answer())),  # without zlib's frame, as some servers send it
        ("x-gzip", gzip.compress(plain_answer())),
        ("GZIP", gzip.compress(plain_answer())),
        ("identity", plain_answer()),
        ("gzip, gzip", gzip.compress(gzip.compress(plain_answer()))),
        ("gzip, identity", gzip.compress(plain_answer())),
    ],
    ids=["br", "raw deflate", "x-gzip", "capitals", "identity", "twice", "gzip and identity"],
)
def test_more_codings(route, upstream, coding, body):
    upstream.scripts["packed"] = labelled(coding, body)
    route.answers(base_url=upstream.base_url, model="packed")


@pytest.mark.parametrize("name", ["gzip", "deflate"])
@pytest.mark.parametrize("http2", [False, True])
def test_through_nginx(route, upstream, certificates, name, http2):
    with Nginx(upstream.origin, certificate=certificates.make("good"), http2=True) as front:
        route.answers(base_url=front.base_url, http2=http2, model=name)


def test_nginx_packs_when_a_header_asks_for_it(route, upstream):
    packs = "gzip on; gzip_min_length 0; gzip_types text/event-stream; gzip_proxied any;"
    with Nginx(upstream.origin, directives=packs) as front:
        asked = route.answers(base_url=front.base_url, headers={"Accept-Encoding": "gzip"})
        assert upstream.requests[-1].header("accept-encoding") == "gzip"
        assert asked["bytes_received"] > 0


# --- what is broken


@pytest.mark.parametrize(
    "coding, body, code",
    [
        ("gzip", plain_answer(), "EXO_E_CODING"),
        ("deflate", b"\xff" * 100, "EXO_E_CODING"),
        ("br", b"\xff" * 100, "EXO_E_CODING"),
        ("exotic", plain_answer(), "EXO_E_CODING"),
        ("gzip", gzip.compress(plain_answer())[:20] + b"\xff" * 80, "EXO_E_CODING"),
        (", ".join(["gzip"] * 12), gzip.compress(plain_answer()), "EXO_E_CODING"),
        ("gzip", gzip.compress(plain_answer())[:40], "EXO_E_TRUNCATED|EXO_E_EMPTY_STREAM"),
        ("br", BROTLI[:60], "EXO_E_TRUNCATED|EXO_E_EMPTY_STREAM"),
    ],
    ids=["not gzip", "not deflate", "not br", "unknown", "damaged", "twelvefold", "half of gzip", "half of br"],
)
def test_what_cannot_be_decoded(route, upstream, coding, body, code):
    upstream.scripts["packed"] = labelled(coding, body)
    ran = route.run("--json", "--no-stream", base_url=upstream.base_url, model="packed", fallbacks=["second"])
    assert ran.code == 0 and ran.trail[0][1] in code.split("|") and ran.trail[1] == ("second", None), ran


def test_what_is_not_labelled(route, upstream):
    words = "gzip that no header names"
    route.fails("EXO_E_UNLABELLED_GZIP", words, base_url=upstream.base_url, model="unlabelled-gzip")


# --- bombs


def bomb(megabytes, before=b"", block=b":" + b"." * 1022 + b"\n", status=200):
    """A behaviour: labelled gzip that expands a thousand times. The same packed megabyte is sent over and over."""

    def behave(conn):
        packer = zlib.compressobj(wbits=31)
        start = packer.compress(before) + packer.flush(zlib.Z_FULL_FLUSH)
        megabyte = packer.compress(block * 1024) + packer.flush(zlib.Z_FULL_FLUSH)
        conn.read_body()
        conn.begin(status, headers=[("Content-Encoding", "gzip")])
        conn.write(start)
        for _ in range(megabytes):
            conn.write(megabyte)
        conn.end()

    return behave


def test_a_bomb_of_comments(driver, upstream):
    upstream.scripts["bomb"] = bomb(64)
    driver.ok("client", **{"limits.answer": 8 << 20})
    driver.deploy(upstream, "bomb")
    driver.ok("request", 0, "bomb")
    driver.ok("text", 0, "user", "hello")
    before = driver("memory").lines[0]["peak"]
    said = driver.chat(quiet=1)
    assert said.failed == "EXO_E_EXPANSION_LIMIT" and said.failure["verdict"] == "fall back"
    assert driver.sanitized or driver("memory").lines[0]["peak"] - before < 48 << 10  # kilobytes


def test_a_bomb_of_one_event(driver, upstream):
    upstream.scripts["bomb"] = bomb(64, b'data: {"choices":[{"index":0,"delta":{"content":"', b"x" * 1024)
    driver.ok("client", **{"limits.event": 1 << 20})
    driver.deploy(upstream, "bomb")
    driver.ok("request", 0, "bomb")
    driver.ok("text", 0, "user", "hello")
    before = driver("memory").lines[0]["peak"]
    assert driver.chat(quiet=1).failed == "EXO_E_EVENT_LIMIT"
    assert driver.sanitized or driver("memory").lines[0]["peak"] - before < 48 << 10


def test_a_bomb_of_brotli(driver, upstream):
    """81 bytes that libcurl would unpack to 96 MB in one go."""
    upstream.scripts["bomb"] = labelled("br", BROTLI_BOMB)
    driver.setup(upstream, "bomb")
    before = driver("memory").lines[0]["peak"]
    said = driver.chat(quiet=1)
    assert said.failed == "EXO_E_EXPANSION_LIMIT" and said.failure["verdict"] == "fall back"
    assert driver.sanitized or driver("memory").lines[0]["peak"] - before < 160 << 10


@pytest.mark.parametrize("name", ["comments", "event", "brotli"])
def test_bombs_over_http2(driver, upstream, certificates, name):
    """They end there too, and the limit is that of a shared connection."""
    start = b'data: {"choices":[{"index":0,"delta":{"content":"'
    bombs = {"comments": bomb(64), "event": bomb(64, start, b"x" * 1024), "brotli": labelled("br", BROTLI_BOMB)}
    upstream.scripts["bomb"] = bombs[name]
    with Nginx(upstream.origin, certificate=certificates.make("good"), http2=True) as front:
        driver.ok("client")
        driver.deploy(front, "bomb", ca_file=certificates.ca, http2=True)
        driver.ok("request", 0, "bomb")
        driver.ok("text", 0, "user", "hello")
        assert driver.chat(quiet=1).failed == "EXO_E_CONSUMER_LIMIT"


def test_the_commands_own_limit(route, upstream):
    upstream.scripts["bomb"] = bomb(260)
    route.fails("EXO_E_EXPANSION_LIMIT", verdict="fall back", base_url=upstream.base_url, model="bomb")


def test_a_refusal_that_expands(route, upstream):
    """An error body is read as far as its own limit."""
    upstream.scripts["bomb"] = bomb(16, block=b"x" * 1024, status=429)
    attempt = route.fails("EXO_E_RATE_LIMIT", base_url=upstream.base_url, model="bomb")
    assert attempt["bytes_received"] < 4 << 20 and attempt["end_ms"] < 60000
