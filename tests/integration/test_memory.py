"""Peak memory: the same for a small file and for one of 1 GB, for a short answer and for a long one."""

import base64
import hashlib
import os
import subprocess

import pytest
from command import BINARY, SANITIZED, TIMEOUT

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


FLOODS = {
    "comments": (b"", b": no end in sight\n" * 4096, 100 * MB),
    "data: ": (b"data: ", b"no end in sight " * 4096, MB // 4),
    "events to a reader that sleeps": (b"", b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n' * 4096, MB // 4),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_is_not_kept(ask, upstream, kind):
    """Measured while it goes on. One event may have 64 MB; what is printed waits for a reader, and so do we."""
    first, rest, enough = FLOODS[kind]

    def flood(conn):
        conn.begin()
        conn.write(first)
        while not conn.upstream.gate("measured").is_set():
            conn.write(rest)
        conn.finish()

    upstream.scripts["flood"] = flood
    running = ask("flood", start=True)
    assert upstream.wait_for(lambda: upstream.requests and upstream.requests[0].bytes_sent >= enough)
    assert running.peak_memory() < (PEAK if kind != "data: " else PEAK + 2 * 64 * MB)
    upstream.gate("measured").set()
    running.stop()


def endless(start, rest, framed=True):
    """A response that never ends."""

    def run(conn):
        conn.send(start)
        while True:
            conn.send(b"%x\r\n%b\r\n" % (len(rest), rest) if framed else rest)

    return run


ENDLESS = {
    "head": endless(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65536, framed=False),
    "interim": endless(b"", b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" * 1000, framed=False),
    "page": endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"<p>no end in sight</p>" * 3000),
    "refusal": endless(b"HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\n\r\n", b"no end in sight " * 4096),
}


@pytest.mark.skipif(not os.path.exists("/usr/bin/time"), reason="no /usr/bin/time here")
@pytest.mark.parametrize("kind", ENDLESS)
def test_an_endless_response_is_not_kept(exochat, upstream, tmp_path, kind):
    """These end by themselves, and so does the command: its peak is taken from the system's books."""
    upstream.scripts["endless"] = ENDLESS[kind]
    peak = tmp_path / "peak"
    measure = ["/usr/bin/time", "-q", "-f", "%M", "-o", peak]
    command = [BINARY, "--base-url", upstream.base_url, "-m", "endless", "hello"]
    ran = subprocess.run(measure + command, stdin=subprocess.DEVNULL, env=exochat.environment, timeout=TIMEOUT)
    assert ran.returncode == 1 and int(peak.read_text()) << 10 < PEAK
