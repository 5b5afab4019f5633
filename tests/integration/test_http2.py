"""HTTP/2: only where it is wanted, many calls on one connection, and what becomes of them when it breaks."""

import json
import signal

import http2
import pytest
from driver import opened_when
from fronts import Haproxy, Nginx
from http2 import Http2Server
from listener import Listener, rest
from upstream import Upstream
from upstream.chunks import TEXT, WORDS

CALLS = 8


@pytest.fixture
def front(upstream, certificates):
    """nginx with TLS and HTTP/2 in front of the scripted server."""
    with Nginx(upstream.origin, certificate=certificates.make("good"), http2=True) as server:
        yield server


@pytest.fixture
def spoken(certificates):
    """Starts a hand-made server."""
    return lambda script, **settings: Http2Server(certificates.server("good"), script, **settings)


def event(delta, finish=None):
    return b"data: %b\n\n" % json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).encode()


def answer(conn, stream):
    conn.headers(stream, 200)
    for word in WORDS:
        conn.data(stream, event({"content": word}))
    conn.data(stream, event({}, "stop") + b"data: [DONE]\n\n", end=True)


# --- whether


def test_off_by_default(route, front, upstream):
    assert route.answers(base_url=front.base_url)["http_version"] == "1.1"
    assert upstream.requests[-1].header("x-front-protocol") == "HTTP/1.1"


def test_on(route, front, upstream):
    assert route.answers(base_url=front.base_url, http2=True)["http_version"] == "2"
    assert upstream.requests[-1].header("x-front-protocol") == "HTTP/2.0"
    assert route.answers("--http2", base_url=front.base_url)["http_version"] == "2"


def test_the_server_speaks_1_1_only(route, upstream, certificates):
    with Nginx(upstream.origin, certificate=certificates.make("good")) as front:
        assert route.answers(base_url=front.base_url, http2=True)["http_version"] == "1.1"


def test_the_server_knows_no_alpn(route, certificates):
    with Upstream(tls=certificates.server("good")) as server:
        assert route.answers(base_url=server.base_url, http2=True)["http_version"] == "1.1"


def test_never_without_tls(route, upstream):
    assert route.answers(base_url=upstream.base_url, http2=True)["http_version"] == "1.1"
    assert upstream.requests[-1].header("upgrade") is None and upstream.requests[-1].header("http2-settings") is None


@pytest.mark.parametrize("name", ["tool-call", "reasoning", "big-0.5", "drip-7", "tokens-500"])  # 1 MB may wait for us
def test_the_same_answers(route, front, name):
    replies = [route.run("--json", base_url=front.base_url, http2=on, model=name).json for on in (False, True)]
    assert replies[0]["error"] is None
    assert [replies[0][key] for key in ("text", "tool_calls", "usage")] == [
        replies[1][key] for key in ("text", "tool_calls", "usage")
    ]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body(exochat, write_config, front, certificates, tmp_path, chunked):
    (tmp_path / "large.txt").write_bytes(b"0123456789abcde\n" * 200_000)
    keys = {"base_url": front.base_url, "ca_file": certificates.ca, "http2": True, "chunked": chunked}
    arguments = ["--config", write_config({"digest": keys}), "-m", "digest", "-a", tmp_path / "large.txt"]
    ran = exochat(*arguments, "hello")
    assert ran.code == 0, ran
    assert json.loads(ran.out)["length"] == len(exochat(*arguments, "--dry-run", "--no-newline", "hello").stdout)


# --- many at once


def deploy(driver, front, certificates, *names, http2=True, **keys):
    driver.ok("client")
    for name in names:
        driver.deploy(front, name, ca_file=certificates.ca, http2=http2, **keys)
    driver.ok("request", 0, names[0])
    driver.ok("text", 0, "user", "hello")


def replies(driver, calls=CALLS):
    return [driver.ok("reply", number).reply for number in range(calls)]


def connections(upstream):
    return {request.header("x-front-connection") for request in upstream.requests}


@pytest.mark.parametrize("http2, wanted", [(True, 1), (False, CALLS)])
def test_many_calls_share_a_connection(driver, front, upstream, certificates, http2, wanted):
    deploy(driver, front, certificates, "gate:all", http2=http2)
    driver.ok("start", 0, 0, count=CALLS)
    said = driver("run", began=CALLS)  # all of them are under way
    assert said.summary["began"] == CALLS
    upstream.gate("all").set()
    assert driver("run", quiet=1).code == "EXO_IDLE"
    for reply in replies(driver):
        assert reply.get("failure") is None
        assert reply["answers"][0]["text"] == TEXT
        assert reply["attempts"][0]["http_version"] == ("2" if http2 else "1.1")
    assert len(connections(upstream)) == wanted


def test_a_broken_stream_does_not_disturb_the_others(driver, front, upstream, certificates):
    deploy(driver, front, certificates, "gate:all", "reset-after-300", "early-401", api_key="k")
    for number, model in enumerate(["gate:all", "reset-after-300", "early-401", "gate:all"]):
        driver.ok("start", number, 0, model=model)
    while sum(request.end_time is not None for request in upstream.requests) < 2:
        driver("run", quiet=1, **{"for": 20})
    upstream.gate("all").set()
    assert driver("run", quiet=1).code == "EXO_IDLE"
    failures = [reply["failure"]["code"] if reply.get("failure") else None for reply in replies(driver, 4)]
    assert failures == [None, "EXO_E_RECEIVE", "EXO_E_AUTH", None]
    assert len(connections(upstream)) == 1


@pytest.mark.parametrize("http2", [True, False])
def test_a_stream_that_nobody_reads(driver, front, upstream, certificates, http2):
    """Over HTTP/2 it ends, since pausing it would stop the others; over HTTP/1.1 it waits."""
    deploy(driver, front, certificates, "big-8", "gate:read", http2=http2)
    driver.ok("start", 0, 0, model="big-8")
    with opened_when(upstream, "read", *(["big-8"] if http2 else [])):
        assert driver.chat(model="gate:read", quiet=1).failed is None
    driver("run", quiet=1)
    reply = driver.ok("reply", 0).reply
    if http2:
        assert reply["failure"]["code"] == "EXO_E_CONSUMER_LIMIT"
        assert len(connections(upstream)) == 1
    else:
        assert reply.get("failure") is None and len(reply["answers"][0]["text"]) == 8 << 20


@pytest.mark.parametrize("http2", [True, False])
def test_a_stream_that_is_held(driver, front, upstream, certificates, http2):
    """As above, where the program holds the call; the others of the connection go on meanwhile."""
    deploy(driver, front, certificates, "big-8", "ok", http2=http2)
    driver.ok("start", 0, 0, model="big-8")
    driver("run", until="text")
    driver.ok("hold", 0, 1)
    driver.ok("start", 1, 0, model="ok")
    assert driver("run", until="end").events[-1]["call"] == 1
    driver("run", quiet=1, **{"for": 1000})
    driver.ok("hold", 0, 0)
    driver("run", quiet=1)
    failures = [reply["failure"]["code"] if reply.get("failure") else None for reply in replies(driver, 2)]
    assert failures == ["EXO_E_CONSUMER_LIMIT" if http2 else None, None]


# --- the server wants no more


def test_goaway_between_requests(driver, upstream, certificates):
    """nginx says GOAWAY with every third answer: the next call takes a new connection, and none is lost."""
    pair = certificates.make("good")
    with Nginx(upstream.origin, certificate=pair, http2=True, directives="keepalive_requests 3;") as front:
        deploy(driver, front, certificates, "ok")
        for _ in range(7):
            said = driver.chat(quiet=1)
            assert said.failed is None and said.attempts[0]["http_version"] == "2"
    assert len(upstream.requests) == 7 and len(connections(upstream)) == 3


def test_goaway_with_many_calls(driver, upstream, certificates):
    pair = certificates.make("good")
    with Nginx(upstream.origin, certificate=pair, http2=True, directives="keepalive_requests 3;") as front:
        deploy(driver, front, certificates, "slow-5")
        driver.ok("start", 0, 0, count=CALLS)
        assert driver("run", quiet=1).code == "EXO_IDLE"
        codes = {reply["failure"]["code"] if reply.get("failure") else None for reply in replies(driver)}
    assert codes <= {None, "EXO_E_CLOSED"}  # a call that GOAWAY turned away is not sent again behind the caller's back
    assert len(upstream.requests) <= CALLS


def test_goaway_in_an_answer(route, spoken):
    def script(conn):
        stream = conn.read_request()
        conn.headers(stream, 200)
        conn.data(stream, event({"content": WORDS[0]}))
        conn.goaway(stream)
        for word in WORDS[1:]:
            conn.data(stream, event({"content": word}))
        conn.data(stream, event({}, "stop") + b"data: [DONE]\n\n", end=True)
        conn.wait_for_close()

    with spoken(script) as server:
        assert route.answers(base_url=server.base_url, http2=True)["http_version"] == "2"


def test_nginx_ends_politely_in_an_answer(route, front, upstream):
    running = route.start(base_url=front.base_url, http2=True, model="gate:end")
    assert running.read(len(WORDS[0])) == WORDS[0].encode()
    front.signal(signal.SIGQUIT)
    upstream.gate("end").set()
    ran = running.wait()
    assert (ran.code, WORDS[0] + ran.out) == (0, TEXT)


# --- the server breaks


def one_request(then):
    """A script that takes a request and then does something with its stream."""

    def script(conn):
        then(conn, conn.read_request())
        conn.wait_for_close()

    return script


def test_the_hand_made_server_can_answer(route, spoken):
    with spoken(one_request(answer)) as server:
        assert route.answers(base_url=server.base_url, http2=True)["http_version"] == "2"
        assert server.requests == 1


BEFORE_HEADERS = {
    "refused": lambda conn, stream: conn.reset(stream, http2.REFUSED_STREAM),
    "internal error": lambda conn, stream: conn.reset(stream, http2.INTERNAL_ERROR),
    "no error": lambda conn, stream: conn.reset(stream, http2.NO_ERROR),
    "cancelled": lambda conn, stream: conn.reset(stream, http2.CANCEL),
    "calm": lambda conn, stream: conn.reset(stream, http2.ENHANCE_YOUR_CALM),
    "HTTP/1.1 wanted": lambda conn, stream: conn.reset(stream, http2.HTTP_1_1_REQUIRED),
    "go away": lambda conn, stream: conn.goaway(0),
    "go away, calm": lambda conn, stream: conn.goaway(0, http2.ENHANCE_YOUR_CALM),
    "end": lambda conn, stream: conn.end(),
}


@pytest.mark.parametrize("what", BEFORE_HEADERS)
def test_before_the_answer(route, spoken, what):
    """The request is whole with the server: it is not sent again behind the caller's back, whatever the server says."""
    with spoken(one_request(BEFORE_HEADERS[what])) as server:
        attempt = route.fails("EXO_E_CLOSED", base_url=server.base_url, http2=True)
        assert attempt["bytes_sent"] > 0 and attempt["bytes_received"] == 0
        assert server.requests == 2  # one of each run


AFTER_HEADERS = {
    "internal error": ("EXO_E_RECEIVE", lambda conn, stream: conn.reset(stream, http2.INTERNAL_ERROR)),
    "refused": ("EXO_E_RECEIVE", lambda conn, stream: conn.reset(stream, http2.REFUSED_STREAM)),
    "cancelled": ("EXO_E_RECEIVE", lambda conn, stream: conn.reset(stream, http2.CANCEL)),
    "go away": ("EXO_E_RECEIVE", lambda conn, stream: conn.goaway(0, http2.INTERNAL_ERROR)),
    "end": ("EXO_E_BODY_CUT", lambda conn, stream: conn.end()),
    # libcurl 7.88 takes these two for the end of the answer; that it was not complete is found all the same
    "nonsense": ("EXO_E_TRUNCATED", lambda conn, stream: conn.say(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")),
    "too much": ("EXO_E_TRUNCATED", lambda conn, stream: conn.send(http2.DATA, 0, stream, b"x" * 20_000)),
}


@pytest.mark.parametrize("what", AFTER_HEADERS)
def test_in_the_answer(route, spoken, what):
    code, breaks = AFTER_HEADERS[what]

    def then(conn, stream):
        conn.headers(stream, 200)
        conn.data(stream, event({"content": WORDS[0]}))
        breaks(conn, stream)

    with spoken(one_request(then)) as server:
        attempt = route.fails(code, options=["--no-stream"], base_url=server.base_url, http2=True)
        assert (attempt["http_status"], attempt["http_version"]) == (200, "2")
        assert server.requests == 2


def test_a_clean_end_proves_nothing(route, spoken):
    def then(conn, stream):
        conn.headers(stream, 200)
        conn.data(stream, event({"content": WORDS[0]}), end=True)

    with spoken(one_request(then)) as server:
        route.fails("EXO_E_TRUNCATED", options=["--no-stream"], base_url=server.base_url, http2=True)


def test_1_1_under_the_name_of_2(route, certificates):
    """ALPN has promised HTTP/2, and HTTP/1.1 comes."""
    context = certificates.server("good")
    context.set_alpn_protocols(["h2"])

    def handle(sock):
        with context.wrap_socket(sock, server_side=True) as secure:
            secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: [DONE]\n\n")
            return rest(secure)

    with Listener(handle) as server:
        route.fails("EXO_E_CLOSED", base_url=f"https://127.0.0.1:{server.port}/v1", http2=True)


def test_nginx_dies_in_an_answer(route, front, upstream):
    running = route.start("--json", base_url=front.base_url, http2=True, model="gate:never")
    assert upstream.wait_for(lambda: upstream.requests and upstream.requests[-1].bytes_sent > 0)
    front.signal(signal.SIGTERM)
    ran = running.wait()
    assert (ran.code, ran.trail) == (1, [("first", "EXO_E_BODY_CUT")])


def test_nginx_dies_under_many_calls(driver, front, certificates):
    deploy(driver, front, certificates, "gate:never", "ok")
    driver.ok("start", 0, 0, count=CALLS)
    driver("run", began=CALLS, quiet=1)
    front.signal(signal.SIGTERM)
    assert driver("run", quiet=1).code == "EXO_IDLE"
    assert {reply["failure"]["code"] for reply in replies(driver)} == {"EXO_E_BODY_CUT"}


@pytest.mark.parametrize("name", ["cut-after-300", "reset-after-300"])
def test_the_server_behind_the_front_breaks(route, front, name):
    keys = {"base_url": front.base_url, "http2": True, "model": name}
    route.fails("EXO_E_RECEIVE", "INTERNAL_ERROR", options=["--no-stream"], **keys)


# --- uploads


def test_an_upload_without_a_window(route, spoken):
    """The server grants nothing: no progress."""

    def script(conn):
        conn.read_head()
        conn.wait_for_close()

    with spoken(script, s4=0) as server:
        keys = {"base_url": server.base_url, "http2": True, "request_timeout": "300ms"}
        attempt = route.fails("EXO_E_CLOCK_IDLE", "idle clock", verdict="fall back", **keys)
        assert attempt["http_status"] is None


@pytest.mark.parametrize("status, code", [(401, "EXO_E_AUTH"), (413, "EXO_E_STATUS")])
def test_an_early_answer(exochat, write_config, spoken, certificates, tmp_path, status, code):
    """The answer comes while the body is still on its way, which the server does not want any more (RFC 9113, 8.1)."""

    def script(conn):
        stream = conn.read_head()
        conn.headers(stream, status, end=True)
        conn.reset(stream, http2.NO_ERROR)
        conn.wait_for_close()

    (tmp_path / "large.txt").write_bytes(b"0123456789abcde\n" * 200_000)
    with spoken(script) as server:
        keys = {"base_url": server.base_url, "ca_file": certificates.ca, "http2": True}
        path = write_config({"m": keys})
        ran = exochat("--config", path, "-m", "m", "--json", "-a", tmp_path / "large.txt", "hello")
        assert (ran.code, ran.trail, ran.error["http_status"]) == (1, [("m", code)], status), ran
        assert server.requests == 1


def test_haproxy_speaks_it_too(route, upstream, certificates):
    with Haproxy(f"127.0.0.1:{upstream.port}", certificate=certificates.make("good"), http2=True) as front:
        assert route.answers(base_url=front.base_url, http2=True)["http_version"] == "2"
        assert route.answers(base_url=front.base_url)["http_version"] == "1.1"
