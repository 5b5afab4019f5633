"""Nothing is left behind: neither memory nor references, after successes, failures, and want of memory at any place."""

import gc
import sys
import tempfile
import tracemalloc

import pytest

import _exochat
from bodies import CODES, answered, body, events, written
from test_attempt import DONE, STREAMS, event
from test_wire import RESPONSES, received

TOOLS = (STREAMS / "delta-tool-index-missing.sse").read_bytes()
REQUEST = {
    "messages": [
        {"role": "user", "content": "x" * 100, "_content_file": "/f"},
        {"role": "user", "content": [{"_file": "/g", "_type": "image/png"}, {"type": "text", "text": "\u00e9" * 3000}]},
    ],
    "tools": [{"n": [1, 2.5, None, True, 10**30, {"k\u00e9y": {}, 5: 6}]}],
}


def encode():
    encoder = _exochat.Encoder(REQUEST)
    encoder.file(0, -1, "text/plain", "f")
    encoder.file(1, 3, "image/png", "g")
    encoder.aim({"model": "m", "drop": ["x"], "rename": {"tools": "functions"}, "extra_body": {"a": ["\u00e9", 1]}})
    files = [b"file", b"png"]
    while encoder.size(1000) == 1:
        if encoder.want():
            encoder.fill(files[encoder.want()[0]][encoder.want()[1] :])
    assert isinstance(written(encoder, 100, files), bytes)
    encoder.rewind()
    encoder.read(50)


def refuse():
    for request in ({"a": [1, "\u00e9", object()]}, {"a": {1: 2, "1": 3}}, {"messages": [{"content": float("nan")}]}):
        with pytest.raises((TypeError, ValueError)):
            _exochat.Encoder(request)


def answer():
    attempt, _ = answered(TOOLS, 20)
    attempt.answer(0)
    attempt, _ = answered(event(content="\u00e9\n" * 500) + event(finish_reason="stop") + DONE, 100)
    attempt.end(5)
    attempt.answer(0)


def fail():
    attempt, _ = answered(b'{"error": {"message": "no"}}', 10, {"whole": False}, 500)
    assert attempt.failure().code == CODES["EXO_E_SERVER"]
    repr(attempt.failure())


def abandon():
    attempt = _exochat.Attempt({"limits": {"answer": 1000}}, 0)
    attempt.connected(0, False)
    attempt.status(200)
    attempt.head_end(0)
    attempt.feed(0, event(content="a") + event(content="b"))
    attempt.next()


def wire():
    received(RESPONSES["chunked"], 7)
    received(RESPONSES["length"][:150], 100)


def head():
    _exochat.Head("/", "h", [("A", "b"), ("C", "d")], 5).write(bytearray(100))
    with pytest.raises(ValueError):
        _exochat.Head("/", "h", [("A", "b\r\n")], 5)


def walk():
    route = _exochat.Route([(0, _exochat.Health()), (1, None)], [(2, None)], {"retries": 1}, 5)
    route.next(0)
    route.failed(1, _exochat.Failure(-81, "x"), 0)
    route.next(1)


def mend():
    _exochat.repair('{"a": [1, 2')
    with pytest.raises(ValueError):
        _exochat.repair("prose")


FILE = """
defaults: {base_url: "http://127.0.0.1:9/v1", headers: {X-One: "1"}, body: {deep: [1, 2.5, null]}}
models: {a: {drop: [temperature], rename: {max_tokens: max_completion_tokens}, fallbacks: [b], retries: 1}, b: {}}
"""


def read(text):
    """What config() makes of a file; where it reads none, what it raises."""
    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        file.write(text.encode())
        file.flush()
        try:
            return _exochat.config(file.name)
        except RuntimeError:
            return None


def config():
    said = read(FILE)
    assert said is None or said["models"]["b"]["deployment"]["extra_body"] == {"deep": [1, 2.5, None]}


def misread():
    for text in ("models: {a: {base_url: nowhere}}", "models: ["):
        try:
            assert read(text) is None
        except ValueError:
            pass


WORK = [encode, refuse, answer, fail, abandon, wire, head, walk, mend]
WORK += [config, misread] if hasattr(_exochat, "config") else []


def grown(work, measure):
    """The least that a round of 100 adds: what Python keeps for itself (free lists) comes to an end soon, a leak does not."""
    least = None
    before = None
    for _ in range(12):
        for _ in range(100):
            work()
        gc.collect()
        now = measure()
        least = now - before if before is not None and (least is None or now - before < least) else least
        before = now
    return least


def blamed(work):
    """Whose memory a further round of 100 leaves, the most first."""
    before = tracemalloc.take_snapshot()
    for _ in range(100):
        work()
    gc.collect()
    differences = tracemalloc.take_snapshot().compare_to(before, "traceback")
    return "\n".join(f"{left.size_diff} bytes: {left.traceback}" for left in differences[:8])


@pytest.mark.parametrize("work", WORK, ids=lambda work: work.__name__)
def test_memory_is_flat(work):
    tracemalloc.start(8)
    try:
        assert grown(work, lambda: tracemalloc.get_traced_memory()[0]) < 100, blamed(work)  # a byte of each
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(not hasattr(sys, "gettotalrefcount"), reason="not a debug build of Python")
@pytest.mark.parametrize("work", WORK, ids=lambda work: work.__name__)
def test_references_are_flat(work):
    assert grown(work, sys.gettotalrefcount) < 50


@pytest.mark.skipif(
    hasattr(sys, "gettotalrefcount") or sys.version_info >= (3, 12),
    reason="CPython 3.12 crashes for want of memory by itself (PyFunction_NewWithQualName), a debug build asserts",
)
@pytest.mark.parametrize("work", [encode, answer, fail, wire, head, walk, mend], ids=lambda work: work.__name__)
def test_every_allocation_may_fail(work):
    testcapi = pytest.importorskip("_testcapi", reason="needs CPython's own test module")
    for at in range(3000):
        work()
        gc.disable()
        try:
            testcapi.set_nomemory(at, at + 1)
            try:
                work()
                survived = True
            except (MemoryError, AssertionError, TypeError, AttributeError):
                survived = False
            finally:
                testcapi.remove_mem_hooks()
        finally:
            gc.enable()
        if survived and at > 50:
            break
    work()


def test_objects_that_were_never_used():
    for _ in range(3):
        attempt = _exochat.Attempt({}, 0)
        _exochat.Wire(attempt)
        _exochat.Encoder({}).files()
        _exochat.Health()
    assert events(attempt.next) == []
    assert body({}, as_is=True) == b"{}"
