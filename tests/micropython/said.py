"""What the tests say again and again: exceptions that must come, bodies, attempts and their events."""

import sys

import _exochat

MICROPYTHON = sys.implementation.name == "micropython"
WRONG = (TypeError, ValueError)  # which of them, the two Pythons see differently

CODES = {}
for _number in range(1, 120):
    CODES[_exochat.error_name(-_number)] = -_number


def raises(kind, function, *arguments):
    """The words of the exception that must come."""
    try:
        function(*arguments)
    except kind as error:
        return str(error)
    raise AssertionError("%s did not come" % (kind,))


def sized(request, options=None):
    encoder = _exochat.Encoder(request)
    assert encoder.aim(options or {}) == 0
    code = 1
    while code == 1:
        code = encoder.size(1000)
    assert code == 0, (code, encoder.message())
    return encoder


def written(encoder, window):
    buffer = bytearray(window)
    body = b""
    while not encoder.done():
        size = encoder.write(buffer)
        assert size > 0, size
        body += bytes(buffer[:size])
    assert encoder.write(buffer) == 0
    return body


def body(request, options=None, window=1000):
    """The bytes of a request's body."""
    encoder = sized(request, options)
    made = written(encoder, window)
    assert encoder.total() == len(made) == encoder.written()
    return made


def attempt(options=None, now=0):
    """An attempt whose request is out."""
    made = _exochat.Attempt(options or {}, now)
    made.connected(now, False)
    made.upload(now, 10, -1, True)
    made.upload(now, 10, -1, True)
    return made


def answered(options=None, now=0):
    """An attempt whose response has begun."""
    made = attempt(options, now)
    assert made.status(200) == 0
    assert made.header("content-type", "text/event-stream", 0) == 0
    made.head_end(now)
    return made


def events(source, *arguments):
    """All events that are there."""
    made = []
    event = source.next(*arguments)
    while event is not None:
        made.append(event)
        event = source.next(*arguments)
    return made
