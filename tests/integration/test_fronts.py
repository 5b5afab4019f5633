"""Real servers in front of the endpoint: what nginx and haproxy make of an answer that stalls, breaks or never comes,
and what the client calls it.
"""

import json
import signal

import pytest
from fronts import Haproxy, Nginx
from route import KEY
from upstream.chunks import TEXT, WORDS

FRONTS = ["nginx", "nginx-tls", "nginx-h2", "haproxy", "haproxy-tls", "haproxy-h2"]


@pytest.fixture
def start(upstream, certificates):
    """start("nginx-h2", directives=…) starts a front of that kind before the scripted server."""
    started = []

    def run(kind, backend=None, **options):
        program, _, how = kind.partition("-")
        if how:
            options.update(certificate=certificates.make("good"), http2=how == "h2")
        if program == "nginx":
            front = Nginx(backend or upstream.origin, **options)
        else:
            front = Haproxy(backend or f"127.0.0.1:{upstream.port}", **options)
        started.append(front)
        return front.start()

    yield run
    for front in started:
        front.stop()


def keys_for(front, kind, **more):
    return {"base_url": front.base_url, "http2": kind.endswith("-h2"), **more}


# --- what works


@pytest.mark.parametrize("kind", FRONTS)
def test_an_answer(route, start, upstream, kind):
    attempt = route.answers(**keys_for(start(kind), kind))
    assert attempt["http_version"] == ("2" if kind.endswith("-h2") else "1.1")
    assert upstream.requests[-1].header("authorization") == f"Bearer {KEY}"


@pytest.mark.parametrize("kind", FRONTS)
def test_text_comes_as_it_is_made(route, start, upstream, kind):
    running = route.start(**keys_for(start(kind), kind, model="gate:rest"))
    assert running.read(len(WORDS[0])) == WORDS[0].encode()
    upstream.gate("rest").set()
    ran = running.wait()
    assert (ran.code, WORDS[0] + ran.out) == (0, TEXT)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("kind", FRONTS)
def test_a_large_body_arrives_whole(exochat, write_config, certificates, tmp_path, start, kind, chunked):
    (tmp_path / "large.txt").write_bytes(b"0123456789abcde\n" * 100_000)
    keys = keys_for(start(kind), kind, ca_file=certificates.ca, chunked=chunked)
    arguments = ["--config", write_config({"digest": keys}), "-m", "digest", "-a", tmp_path / "large.txt"]
    ran = exochat(*arguments, "hello")
    assert ran.code == 0, ran
    assert json.loads(ran.out)["length"] == len(exochat(*arguments, "--dry-run", "--no-newline", "hello").stdout)


@pytest.mark.parametrize("kind", ["haproxy", "haproxy-tls", "haproxy-h2"])
def test_haproxy_that_waits_for_the_body(exochat, write_config, certificates, tmp_path, start, kind):
    """option http-buffer-request: nothing goes on before the body, or as much of it as haproxy holds, is there."""
    (tmp_path / "large.txt").write_bytes(b"0123456789abcde\n" * 10_000)
    keys = keys_for(start(kind, directives="option http-buffer-request"), kind, ca_file=certificates.ca)
    for attachments in ((), ("-a", tmp_path / "large.txt")):
        arguments = ["--config", write_config({"digest": keys}), "-m", "digest", *attachments]
        ran = exochat(*arguments, "hello")
        assert ran.code == 0, ran
        assert json.loads(ran.out)["length"] == len(exochat(*arguments, "--dry-run", "--no-newline", "hello").stdout)


# --- what breaks: (behaviour, front, code, words, keys of the trail's attempt)

CUT, TRUNCATED, EMPTY = "EXO_E_BODY_CUT", "EXO_E_TRUNCATED", "EXO_E_EMPTY_STREAM"
SERVER, RECEIVE = "EXO_E_SERVER", "EXO_E_RECEIVE"
BREAKS = [
    ("cut-after-300", "nginx", CUT, ""),
    ("cut-after-300", "nginx-h2", RECEIVE, "INTERNAL_ERROR"),
    ("cut-after-300", "haproxy", CUT, ""),
    ("cut-after-300", "haproxy-tls", CUT, ""),
    ("cut-after-800", "haproxy-h2", TRUNCATED, ""),  # haproxy gives a stream that broke a clean end
    ("reset-after-300", "nginx", CUT, ""),
    ("reset-after-300", "nginx-h2", RECEIVE, "INTERNAL_ERROR"),
    ("reset-after-300", "haproxy", CUT, ""),
    ("short-content-length", "haproxy", None, ""),  # all that matters has come before the break
    ("finish-then-cut", "nginx", None, ""),
    ("finish-then-cut", "nginx-h2", None, ""),
    ("finish-then-reset", "haproxy", None, ""),
    ("fin-before-headers", "nginx", SERVER, " 502 "),
    ("fin-before-headers", "nginx-h2", SERVER, " 502 "),
    ("fin-before-headers", "haproxy", SERVER, " 502 "),
    ("reset-before-headers", "nginx", SERVER, " 502 "),
    ("reset-before-headers", "haproxy-tls", SERVER, " 502 "),
    ("garbage", "nginx", "EXO_E_HEAD", "HTTP/0.9"),
    ("garbage", "nginx-h2", "EXO_E_CLOSED", ""),  # nginx sends a stream without a head
    ("garbage", "haproxy", SERVER, " 502 "),
    ("garbage", "haproxy-h2", SERVER, " 502 "),
    ("huge-header-20", "nginx", SERVER, " 502 "),
    ("huge-header-20", "haproxy", SERVER, " 502 "),
    ("unlabelled-gzip", "nginx", "EXO_E_UNLABELLED_GZIP", ""),
    ("unlabelled-gzip", "nginx-h2", "EXO_E_UNLABELLED_GZIP", ""),
    ("error-mid-stream", "nginx-h2", SERVER, "the engine failed"),
    ("no-end", "haproxy-h2", TRUNCATED, ""),
    ("status-503", "haproxy-h2", SERVER, "scripted failure 503"),
]


@pytest.mark.parametrize("name, kind, code, words", BREAKS, ids=[f"{name}, {kind}" for name, kind, _, _ in BREAKS])
def test_the_endpoint_breaks(route, start, name, kind, code, words):
    keys = keys_for(start(kind), kind, model=name)
    if code:
        route.fails(code, words, options=["--no-stream"], **keys)
    else:
        route.answers(**keys)


SLOW = [
    ("one-delta-then-stall", "haproxy", CUT, ""),
    ("one-delta-then-stall", "haproxy-tls", CUT, ""),
    ("one-delta-then-stall", "haproxy-h2", TRUNCATED, ""),
    ("headers-then-silent", "haproxy", CUT, ""),
    ("headers-then-silent", "haproxy-h2", EMPTY, ""),
    ("silent", "haproxy", SERVER, " 504 "),
    ("silent", "haproxy-tls", SERVER, " 504 "),
    ("silent", "haproxy-h2", SERVER, " 504 "),
    ("finish-then-stall", "haproxy", None, ""),
    ("finish-then-stall", "haproxy-h2", None, ""),
]


@pytest.mark.parametrize("name, kind, code, words", SLOW, ids=[f"{name}, {kind}" for name, kind, _, _ in SLOW])
def test_haproxy_cuts_what_stalls(route, start, name, kind, code, words):
    keys = keys_for(start(kind, directives="timeout server 250ms"), kind, model=name)
    if code:
        route.fails(code, words, options=["--no-stream"], **keys)
    else:
        route.answers(**keys)


@pytest.mark.parametrize("kind, code", [("nginx", CUT), ("nginx-h2", RECEIVE)])
def test_nginx_cuts_what_stalls(route, start, kind, code):
    keys = keys_for(start(kind, directives="proxy_read_timeout 250ms;"), kind)
    route.fails(code, options=["--no-stream"], **keys, model="one-delta-then-stall")
    route.fails(SERVER, " 504 ", **keys, model="silent")


@pytest.mark.parametrize("kind", FRONTS)
def test_the_front_dies_in_an_answer(route, start, kind):
    front = start(kind)
    running = route.start("--trace", **keys_for(front, kind, model="gate:never"))
    assert running.read(len(WORDS[0])) == WORDS[0].encode()
    front.signal(signal.SIGTERM)
    ran = running.wait()
    assert (ran.code, ran.out) == (1, "")
    assert f"attempt 1: first as gate:never: {CUT}, status 200, verdict retry: " in ran.err


# --- nobody behind it


@pytest.mark.parametrize("kind", ["haproxy", "haproxy-tls"])
def test_haproxy_without_a_server(route, certificates, kind):
    with Haproxy(None, certificate=certificates.make("good") if "-" in kind else None) as front:
        attempt = route.fails(SERVER, " 503 ", **keys_for(front, kind))
        assert attempt["http_status"] == 503


@pytest.mark.parametrize("kind", ["haproxy", "haproxy-tls"])
def test_haproxy_before_a_server_that_is_down(route, start, closed_port, kind):
    route.fails(SERVER, " 503 ", **keys_for(start(kind, f"127.0.0.1:{closed_port}"), kind))


@pytest.mark.parametrize("missing", [False, True], ids=["a server that is down", "no server"])
def test_haproxy_over_http2_with_nobody_behind_it(route, certificates, closed_port, missing):
    """haproxy answers 503 and at once cancels the stream. Where the body was still on its way, libcurl 7.88 drops the
    answer with it: the call fails as a closed connection, which may be tried elsewhere just as well.
    """
    pair = certificates.make("good")
    with Haproxy(None if missing else f"127.0.0.1:{closed_port}", certificate=pair, http2=True) as front:
        ran = route.run("--json", fallbacks=["second"], **keys_for(front, "haproxy-h2"))
    assert ran.code == 0 and ran.json["text"] == TEXT
    assert ran.trail[0] in [("first", "EXO_E_CLOSED"), ("first", SERVER)] and ran.trail[1:] == [("second", None)]


@pytest.mark.parametrize("kind", ["nginx", "nginx-tls", "nginx-h2"])
def test_nginx_before_a_server_that_is_down(route, start, closed_port, kind):
    route.fails(SERVER, " 502 ", **keys_for(start(kind, f"http://127.0.0.1:{closed_port}"), kind))


# --- what the front refuses


def test_plain_http_to_the_tls_port(route, start):
    """nginx says so; the request, key included, has gone out in the clear, as the configuration wants it."""
    front = start("nginx-tls")
    url = front.base_url.replace("https:", "http:")
    route.fails("EXO_E_STATUS", "400", "HTTPS port", verdict="stop", base_url=url)


def test_haproxy_refuses_a_request_that_is_too_large(route, start):
    """Its 400 is sent with a reset right behind it, so that the answer may be lost on the way."""
    headers = {"X-Large": "x" * 20_000}
    ran = route.run("--json", **keys_for(start("haproxy"), "haproxy", headers=headers))
    assert ran.code == 1
    assert ran.trail[0][1] in ("EXO_E_STATUS", "EXO_E_RESET_IN_UPLOAD", "EXO_E_CLOSED"), ran


def test_haproxy_refuses_by_rule(route, start, upstream):
    front = start("haproxy-tls", rules="http-request deny deny_status 400")
    route.fails("EXO_E_STATUS", " 400 ", verdict="stop", base_url=front.base_url)
    assert upstream.requests == []


def test_nginx_wants_a_client_certificate(route, start, certificates):
    certificate, key = certificates.make("client")
    front = start("nginx-tls", directives=f"ssl_client_certificate {certificates.ca}; ssl_verify_client on;")
    words = ("400", "No required SSL certificate was sent")
    route.fails("EXO_E_STATUS", *words, verdict="stop", base_url=front.base_url)
    route.answers(base_url=front.base_url, client_cert=certificate, client_key=key)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nginx_redirects(route, start, upstream, status):
    front = start("nginx-tls", directives=f"return {status} {upstream.base_url}/chat/completions;")
    route.fails("EXO_E_REDIRECT", str(status), verdict="stop", base_url=front.base_url)
    assert upstream.requests == []


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("kind", ["nginx", "nginx-tls", "nginx-h2"])
def test_nginx_limits_the_body(exochat, write_config, certificates, upstream, tmp_path, start, kind, chunked):
    """413 while the body is still on its way."""
    (tmp_path / "large.txt").write_bytes(b"0123456789abcde\n" * 200_000)
    front = start(kind, directives="client_max_body_size 1k;")
    keys = keys_for(front, kind, ca_file=certificates.ca, chunked=chunked)
    path = write_config({"m": {**keys, "fallbacks": ["spare"]}, "spare": {"model": "ok"}})
    ran = exochat("--config", path, "-m", "m", "--json", "-a", tmp_path / "large.txt", "hello")
    assert (ran.code, ran.trail) == (1, [("m", "EXO_E_STATUS")]), ran
    assert ran.error["http_status"] == 413 and "413" in ran.complaint
    assert ran.json["attempts"][0]["bytes_sent"] < 3_000_000
    assert not any(request.complete for request in upstream.requests)  # of a chunked one it passes the head on
