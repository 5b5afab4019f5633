"""Bodies out of an Encoder, and attempts fed with bytes: what several of the tests of _exochat do."""

import _exochat

CODES = {_exochat.error_name(-number): -number for number in range(1, 120)}


def aimed(request, **options):
    """An Encoder of `request`, sized for the given options."""
    encoder = _exochat.Encoder(request)
    assert encoder.aim(options) == 0
    size(encoder)
    return encoder


def size(encoder, budget=1 << 20, files=()):
    """Sizes to the end and returns the code."""
    while (code := encoder.size(budget)) == 1:
        serve(encoder, files)
    return code


def serve(encoder, files, piece=4096):
    """Fills in what is wanted, out of the bytes of the files."""
    wanted = encoder.want()
    if wanted:
        index, offset = wanted
        encoder.fill(files[index][offset : offset + piece])


def written(encoder, window=1 << 16, files=()):
    """The whole body, through windows of the given size; or the negative code."""
    buffer = bytearray(window)
    body = bytearray()
    while not encoder.done():
        count = encoder.write(buffer)
        if count < 0:
            return count
        body += buffer[:count]
        serve(encoder, files)
    return bytes(body)


def body(request, window=1 << 16, **options):
    """The body of a request, as bytes; or the negative code."""
    encoder = aimed(request, **options)
    code = size(encoder)
    return written(encoder, window) if code == 0 else code


def events(source):
    """All events that are there now. `source` is the next() of an Attempt or of a Wire."""
    found = []
    while (event := source()) is not None:
        found.append(event)
    return found


def answered(data, split, options=None, status=200):
    """(the attempt, its events) for a response of these bytes, fed in pieces of `split` bytes."""
    attempt = _exochat.Attempt(options or {}, 0)
    attempt.connected(1, False)
    attempt.upload(1, 10, 0, True)
    assert attempt.status(status) == 0
    attempt.head_end(2)
    found = []
    for at in range(0, len(data), split):
        if attempt.todo() != _exochat.DO_RUN:
            break
        attempt.feed(3, data[at : at + split])
        found += events(attempt.next)
    if attempt.todo() == _exochat.DO_RUN:
        attempt.closed(4, 0, "", bool(data))
        found += events(attempt.next)
    return attempt, found
