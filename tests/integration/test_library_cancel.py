"""The hosted library: a call is cancelled, or freed, or its client is, at every moment of its life."""

import contextlib
import socket

import pytest
from upstream import behaviours
from upstream.chunks import TEXT


def big_text(driver, folder):
    """A text file so large that sizing it takes many turns, and sending it too."""
    path = folder / "big.txt"
    with open(path, "wb") as file:
        file.write(b"0123456789abcde\n" * (1 << 19))
    driver.ok("file", 0, "user", path)


def running(driver, upstream, model, until):
    """Starts call 0 and lets it run until the condition on the upstream's first request is true."""
    driver.setup(upstream, model)
    driver.ok("start", 0, 0)
    driver.pump(lambda: upstream.requests and until(upstream.requests[0]))


def before_start(driver, upstream, folder):
    driver.setup(upstream, "ok")
    driver.ok("start", 0, 0)


def in_sizing(driver, upstream, folder):
    driver.setup(upstream, "ok")
    big_text(driver, folder)
    driver.ok("start", 0, 0)
    assert driver("run", **{"for": 0}).code == "EXO_OK"
    assert upstream.connections == 0


def in_upload(driver, upstream, folder):
    @behaviours.early
    def read_a_little(conn):
        conn.read_body(64 << 10)
        conn.stall(until=upstream.gate("upload"))
        conn.read_body()

    upstream.scripts["read-a-little"] = read_a_little
    driver.setup(upstream, "read-a-little")
    big_text(driver, folder)
    driver.ok("start", 0, 0)
    driver.pump(lambda: upstream.requests and upstream.requests[0].length > 0)


def before_the_first_event(driver, upstream, folder):
    running(driver, upstream, "silent", lambda request: request.complete)


def in_the_head(driver, upstream, folder):
    running(driver, upstream, "half-head-then-silent", lambda request: request.answer_time)


def in_mid_stream(driver, upstream, folder):
    driver.setup(upstream, "one-delta-then-stall")
    driver.ok("start", 0, 0)
    assert driver("run", until="text").shown == "Every "


def with_events_unread(driver, upstream, folder):
    driver.setup(upstream, "ok")
    driver.ok("start", 0, 0)
    driver("run", until="text")
    upstream.wait_requests(1)


def in_a_paused_transfer(driver, upstream, folder):
    driver.setup(upstream, "big-8")
    driver.ok("start", 0, 0)
    driver("run", until="text", quiet=True)
    driver.ok("sleep", 100)


def in_the_body_of_an_error(driver, upstream, folder):
    running(driver, upstream, "stalled-body-500", lambda request: request.bytes_sent > 100)
    driver("run", **{"for": 20})


def in_backoff(driver, upstream, folder):
    driver.setup(upstream, "status-503")
    driver.ok("policy", "status-503", retries=5, backoff_first=200000, backoff_max=200000)
    driver.ok("start", 0, 0)
    driver.pump(lambda: upstream.requests and upstream.requests[0].end_time)
    driver("run", **{"for": 50})


def in_grace(driver, upstream, folder):
    """While it waits for a connection that is being drained."""
    driver.setup(upstream, "never-ends")
    assert driver.chat().failed is None
    driver.ok("start", 0, 0)
    driver("run", **{"for": 0})


MOMENTS = [
    before_start,
    in_sizing,
    in_upload,
    before_the_first_event,
    in_the_head,
    in_mid_stream,
    with_events_unread,
    in_a_paused_transfer,
    in_the_body_of_an_error,
    in_backoff,
    in_grace,
]
NAMES = [moment.__name__ for moment in MOMENTS]


@pytest.mark.parametrize("moment", MOMENTS, ids=NAMES)
def test_nothing_comes_after_cancel(driver, upstream, tmp_path, moment):
    moment(driver, upstream, tmp_path)
    assert driver.ok("cancel", 0).ms < 60000
    said = driver("run")
    assert said.code == "EXO_IDLE" and said.events == []
    reply = driver.ok("reply", 0)
    assert reply.failed == "EXO_E_CANCELLED" and reply.failure["verdict"] == "stop"
    assert all(attempt["code"] in ("EXO_E_CANCELLED", "EXO_E_SERVER") for attempt in reply.attempts)
    driver.ok("cancel", 0)
    assert driver("reply", 0).code == "EXO_NOT_FOUND"
    driver.ok("free", 0)
    upstream.gate("upload").set()
    driver.pump(lambda: all(request.end_time for request in upstream.requests))
    driver.deploy(upstream, "ok")
    driver.ok("request", 0, "ok")
    driver.ok("text", 0, "user", "hello")
    assert driver.chat().answer["text"] == TEXT


@pytest.mark.parametrize("moment", MOMENTS, ids=NAMES)
def test_a_call_may_be_freed_while_it_runs(driver, upstream, tmp_path, moment):
    moment(driver, upstream, tmp_path)
    driver.ok("free", 0)
    assert driver("run").code == "EXO_IDLE"
    driver.ok("request", 0, "ok")
    driver.ok("text", 0, "user", "hello")
    driver.deploy(upstream, "ok")
    assert driver.chat().failed is None


@pytest.mark.parametrize("moment", MOMENTS, ids=NAMES)
def test_a_client_may_be_freed_with_calls_running(driver, upstream, tmp_path, moment):
    moment(driver, upstream, tmp_path)
    driver.ok("start", 1, 0)
    driver.ok("start", 2, 0, buffered=True)
    assert driver.ok("free_client").ms < 60000
    driver.ok("free_request", 0)
    upstream.gate("upload").set()
    assert upstream.wait_for(lambda: upstream.open_connections == 0)


@contextlib.contextmanager
def deaf_port():
    """A port whose listener accepts nothing, and whose queue is full: a connection is neither made nor refused."""
    with socket.socket() as listener, contextlib.ExitStack() as fillers:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        yield listener.getsockname()[1]


@contextlib.contextmanager
def mute_port():
    """A port where connections stand, and nobody ever says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield listener.getsockname()[1]


@pytest.mark.parametrize("port, scheme", [(deaf_port, "http"), (mute_port, "https")], ids=["tcp", "tls"])
def test_cancel_while_connecting(driver, certificates, port, scheme):
    with port() as number:
        driver.ok("client")
        url = f"{scheme}://127.0.0.1:{number}/v1"
        driver.ok("deploy", "m", base_url=url, ca_file=certificates.ca, connect_timeout=600000)
        driver.ok("request", 0, "m")
        driver.ok("text", 0, "user", "hello")
        driver.ok("start", 0, 0)
        driver.ok("start", 1, 0)
        assert driver("run", **{"for": 100}).code == "EXO_OK"
        assert driver.ok("cancel", 0).ms < 60000
        driver.ok("free", 1)
        assert driver("run").code == "EXO_IDLE"
        reply = driver.ok("reply", 0)
        assert reply.failed == "EXO_E_CANCELLED" and reply.attempts[0]["connected_ms"] == -1


@pytest.mark.parametrize("port, scheme", [(deaf_port, "http"), (mute_port, "https")], ids=["tcp", "tls"])
def test_the_connect_clock(driver, certificates, port, scheme):
    with port() as number:
        driver.ok("client")
        url = f"{scheme}://127.0.0.1:{number}/v1"
        driver.ok("deploy", "m", base_url=url, ca_file=certificates.ca, connect_timeout=150)
        driver.ok("request", 0, "m")
        driver.ok("text", 0, "user", "hello")
        said = driver.chat()
        assert said.failed == "EXO_E_CLOCK_CONNECT" and said.failure["clock"] == "connect" and 150 <= said.ms < 60000


@pytest.mark.parametrize("kind", ["text", "reasoning", "tool_call", "tool_arguments", "refusal", "usage", "end"])
def test_cancel_inside_of_event_handling(driver, upstream, kind):
    model = {"tool_call": "tool-call", "tool_arguments": "tool-call"}.get(kind, kind)
    model = model if model in ("reasoning", "refusal", "tool-call") else "ok"
    driver.setup(upstream, model)
    said = driver.chat(cancel_at=kind)
    assert said.kinds.count(kind) == 1 and said.kinds[-1] == kind
    assert said.failed == (None if kind == "end" else "EXO_E_CANCELLED")


def test_cancel_at_a_restart(driver, upstream):
    driver.setup(upstream, "cut-after-600", "ok")
    driver.ok("fallback", "cut-after-600", "ok")
    said = driver.chat(restart=True, cancel_at="restart")
    assert said.kinds[-1] == "restart" and said.failed == "EXO_E_CANCELLED"
    assert driver("run").events == []


def test_a_cancelled_attempt_is_logged_as_one(driver, upstream):
    driver.setup(upstream, "one-delta-then-stall", log=1)
    driver.ok("start", 0, 0)
    driver("run", until="text")
    attempt, call = driver.ok("cancel", 0).records
    assert attempt["error.type"] == call["error.type"] == "EXO_E_CANCELLED"
    assert (attempt["exochat.record"], call["exochat.record"]) == ("attempt", "call")


def test_cancel_after_the_end_changes_nothing(driver, upstream):
    driver.setup(upstream, "ok")
    driver.ok("start", 0, 0)
    assert driver("run").kinds[-1] == "end"
    driver.ok("cancel", 0)
    assert driver.ok("reply", 0).failed is None


def test_calls_may_be_freed_in_any_order(driver, upstream):
    driver.setup(upstream, "ok", "one-delta-then-stall", "status-500")
    for call in range(12):
        driver.ok("start", call, 0, model=("ok", "one-delta-then-stall", "status-500")[call % 3])
    ended = 0
    for _ in range(600):  # a minute
        ended += driver("run", quiet=True, **{"for": 100}).summary["ended"] if ended < 8 else 0
    assert ended == 8
    for call in (11, 0, 5, 6, 1, 10, 3):
        driver.ok("free", call)
    driver.ok("reply", 9)
    for call in (4, 7):
        driver.ok("cancel", call)
        assert driver.ok("reply", call).failed == "EXO_E_CANCELLED"
    for call in (2, 8, 4, 9, 7):
        driver.ok("free", call)
    assert driver("run").code == "EXO_IDLE"
    assert driver.chat().failed is None


def test_cancelling_one_call_leaves_the_others_alone(driver, upstream):
    driver.setup(upstream, "slow-20")
    driver.ok("start", 0, 0, count=6)
    driver("run", until="text")
    for call in (1, 3, 5):
        driver.ok("cancel", call)
    said = driver("run")
    assert {event["call"] for event in said.events} == {0, 2, 4}
    for call in range(6):
        assert driver.ok("reply", call).failed == ("EXO_E_CANCELLED" if call % 2 else None)
