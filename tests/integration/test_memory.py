"""Peak memory: the same for a small file and for one of 1 GB, for a short answer and for a long one."""

import base64
import hashlib

import pytest
from command import SANITIZED

pytestmark = pytest.mark.skipif(SANITIZED, reason="a sanitizer's shadow memory is not ours")

KB, MB, GB = 1 << 10, 1 << 20, 1 << 30
SIZES = {"1 KB": KB, "100 MB": 100 * MB, "1 GB": GB}
PEAK = 12 * MB
SPREAD = MB


def peak_of(ask, upstream, behaviour, *options):
    """Peak memory of a call whose whole body has been sent; the answer is then allowed to end."""
    upstream.clear()
    running = ask(behaviour, *options, start=True)
    assert upstream.wait_for(lambda: upstream.requests and upstream.requests[0].answer_time, 60)
    assert running.read(1)
    peak = running.peak_memory()
    upstream.gate("measured").set()
    assert running.wait().code == 0
    return peak, upstream.requests[0]


def test_attachments_of_any_size(ask, upstream, sparse):
    """The 1 GB is sparse: it costs no disk, and all of it is read, encoded, sent and hashed."""
    peaks = {}
    block = bytes(3 * MB)
    encoded = base64.b64encode(block)
    for name, size in SIZES.items():
        peaks[name], request = peak_of(ask, upstream, "gate:measured", "-a", sparse(size))
        hashed = hashlib.sha256(b'{"model":"gate:measured","messages":[{"role":"user","content":[')
        hashed.update(b'{"type":"text","text":"hello"},{"type":"image_url","image_url":{"url":"data:image/png;base64,')
        for _ in range(size // len(block)):
            hashed.update(encoded)
        hashed.update(base64.b64encode(bytes(size % len(block))))
        hashed.update(b'"}}]}],"stream":true,"stream_options":{"include_usage":true}}')
        assert request.complete and request.sha256 == hashed.hexdigest()
    assert max(peaks.values()) < PEAK, peaks
    assert max(peaks.values()) - min(peaks.values()) < SPREAD, peaks


def test_texts_of_any_size(ask, upstream, tmp_path):
    """A text is read twice: for its length, and to be sent."""
    peaks = {}
    for size in (KB, 40 * MB):
        with open(tmp_path / "words.txt", "wb") as file:
            for _ in range(max(1, size // MB)):
                file.write(b"gr\xc3\xbc\xc3\x9fe\n" * (min(size, MB) // 8))
        peaks[size], request = peak_of(ask, upstream, "gate:measured", "-a", tmp_path / "words.txt")
        assert request.complete
    assert max(peaks.values()) < PEAK and max(peaks.values()) - min(peaks.values()) < SPREAD, peaks


def test_chunked_uploads(exochat, upstream, write_config, sparse):
    config = write_config({"m": {"model": "gate:measured", "chunked": True}})
    running = exochat.start("--config", config, "-m", "m", "-a", sparse(100 * MB), "hello")
    assert upstream.wait_for(lambda: upstream.requests and upstream.requests[0].answer_time, 60)
    assert running.peak_memory() < PEAK
    upstream.gate("measured").set()
    assert running.wait().code == 0 and upstream.requests[0].complete


def long_answer(megabytes):
    event = b'data: {"choices":[{"delta":{"content":"' + b"0123456789abcdef" * 64 + b'"}}]}\n\n'

    def run(conn):
        conn.begin()
        for _ in range(megabytes):
            conn.write(event * 1024)
        conn.event({"choices": [{"delta": {"content": "!"}}]})
        conn.stall(until=conn.upstream.gate("measured"))
        conn.event({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        conn.end()

    return run


def test_streamed_answers_of_any_length(ask, upstream):
    """What is printed as it comes is not kept."""
    peaks = {}
    for megabytes in (1, 64):
        upstream.clear()
        upstream.scripts["long"] = long_answer(megabytes)
        running = ask("long", start=True)
        length = 0
        while length <= megabytes * MB:  # the last byte is the mark
            length += len(running.read(min(MB, megabytes * MB + 1 - length)))
        peaks[megabytes] = running.peak_memory()
        upstream.gate("measured").set()
        assert running.wait().code == 0
    assert max(peaks.values()) < PEAK and max(peaks.values()) - min(peaks.values()) < SPREAD, peaks


@pytest.mark.parametrize("kind", ["comments", "page", "refusal", "header", "slow reader"])
def test_what_a_server_floods_us_with_is_not_kept(ask, upstream, kind):
    """Measured while the flood goes on."""

    def flood(conn):
        if kind == "header":
            conn.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            conn.stall(until=conn.upstream.gate("measured"))
            conn.reset()
        status, content_type = {"page": (200, "text/html"), "refusal": (400, "text/plain")}.get(kind, (200, "text/plain"))
        conn.begin(status, content_type)
        conn.write(b"<html>" if kind == "page" else b"")
        block = b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n' if kind == "slow reader" else b": comment, or not\n"
        while not conn.upstream.gate("measured").is_set():
            conn.write(block * 4096)
        conn.finish()

    upstream.scripts["flood"] = flood
    running = ask("flood", "--total-timeout", "20s", start=True)
    enough = {"comments": 100 * MB, "slow reader": MB // 4}.get(kind, 0)
    assert upstream.wait_for(lambda: upstream.requests and upstream.requests[0].bytes_sent >= enough, 30)
    if running.process.poll() is None:
        try:
            assert running.peak_memory() < PEAK
        except StopIteration:
            pass  # it ended in this moment
    upstream.gate("measured").set()
    running.wait()
