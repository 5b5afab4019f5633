"""With the heap locked, bodies are written and answers read: nothing is allocated but the events that are handed out."""

import _exochat
from said import CODES, answered, raises, sized, written

try:
    from micropython import heap_lock, heap_unlock
except ImportError:  # another Python
    heap_lock = heap_unlock = lambda: None

EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"a\\n\\u00e4 quoted \\" piece"},"finish_reason":null}]}\n\n'


def test_a_body_is_written():
    request = {"messages": [{"role": "user", "content": "h\u00e4 " * 500, "n": [1, 2.5, None, True]}] * 3, "seed": 2**70}
    encoder = sized(request, {"model": "m", "extra_body": {"user": "u"}})
    expected = written(encoder, 1000)
    assert encoder.rewind() == 0
    buffer = bytearray(len(expected))
    at = 0
    heap_lock()
    while not encoder.done():
        end = at + 100
        if end > len(buffer):
            end = len(buffer)
        at += encoder.write(buffer, at, end)
    heap_unlock()
    assert bytes(buffer) == expected


def test_a_body_is_sized_again():
    encoder = _exochat.Encoder({"messages": [{"role": "user", "content": "x" * 5000}]})
    assert encoder.aim({"model": "m"}) == 0
    heap_lock()
    code = 1
    while code == 1:
        code = encoder.size(500)
    heap_unlock()
    assert code == 0


def test_a_file_is_written():
    encoder = _exochat.Encoder({"messages": [{"role": "user", "_content_file": "f"}]})
    encoder.file(0, 1000, "text/plain", "f")
    encoder.aim({})
    data = b"y" * 1000
    code = 1
    while code == 1:
        code = encoder.size(1000)
        want = encoder.want()
        if want is not None:
            encoder.fill(data, 1000 if want[1] == 0 else 0)
    buffer = bytearray(64)
    sent = 0
    first = True
    while not encoder.done():
        heap_lock()
        sent += encoder.write(buffer)
        heap_unlock()
        if encoder.want() is not None:
            encoder.fill(data, 1000 if first else 0)
            first = False
    assert sent == encoder.total()


def feed(made, times):
    while times > 0:
        made.feed(1, EVENT)
        assert made.next() is None
        times -= 1


def test_an_answer_is_read():
    made = answered({"wanted": ()})
    feed(made, 130)  # until its text has room for more
    heap_lock()
    feed(made, 20)
    heap_unlock()
    made.feed(2, b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')
    assert made.next() is None and made.failure() is None
    assert made.answer(0).content == 'a\n\u00e4 quoted " piece' * 150


def test_a_wire_is_read():
    made = _exochat.Attempt({"wanted": ()}, 0)
    wire = _exochat.Wire(made)
    made.connected(0, False)
    made.upload(0, 1, -1, True)
    wire.feed(0, 0, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    assert wire.next(0) is None
    times = 130
    while times > 0:
        wire.feed(1, 0, EVENT)
        wire.next(1)
        times -= 1
    heap_lock()
    times = 20
    while times > 0:
        wire.feed(1, 0, EVENT)
        wire.next(1)
        times -= 1
    heap_unlock()
    assert made.todo() == _exochat.DO_RUN


def test_no_memory_is_said():
    import sys

    if sys.implementation.name != "micropython":
        return
    made = answered({"wanted": ()})
    made.feed(1, EVENT * 300)
    heap_lock()
    made.next()
    heap_unlock()
    while made.next() is not None:
        pass
    assert made.failure().code == CODES["EXO_E_NO_MEMORY"], made.failure()
    encoder = sized({"messages": []})
    heap_lock()
    try:
        encoder.files()
    except MemoryError:
        pass
    heap_unlock()
