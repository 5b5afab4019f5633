"""A request's body in chunks, for MicroPython's transport (_sockets.py): of the encoder's, or of the caller's.

Memory: the caller's piece at hand.
"""

import _exochat
from micropython import const

from . import _codes

_BEFORE = const(18)  # bytes that _exochat.frame() wants before and behind a chunk
_BEHIND = const(2)
_LAST = b"0\r\n\r\n"


class Chunks:
    """Fills the window of one exchange."""

    def __init__(self, exchange):
        self._exchange = exchange
        self._piece = None  # of a body of the caller's, and how much of it is taken
        self._taken = 0

    async def fill(self, at):
        """Makes a chunk; the head, out[:at], goes right before it. False: the body cannot be made."""
        exchange = self._exchange
        out = exchange.out_buf
        start, end = at + _BEFORE, len(out) - _BEHIND - len(_LAST)
        take = exchange.take if hasattr(exchange.call.body, "write") else self._take
        size = await take(start, end)
        if size < 0:
            return False
        begin = end = at
        if size:
            begin, end = _exochat.frame(out, start, size)
            if at:
                out[begin - at : begin] = out[:at]
        exchange.start = begin - at
        if exchange.complete:
            out[end : end + len(_LAST)] = _LAST
            end += len(_LAST)
        exchange.end = end
        return True

    async def _take(self, start, end):
        """Stores bytes of the caller's body, whose pieces have any size."""
        exchange = self._exchange
        if self._piece is None:
            try:
                self._piece = await _next_piece(exchange.call.body)
            except Exception as error:
                exchange.error = error
                exchange.attempt.break_off(_codes.SOURCE_READ, str(error))
                return -1
            self._taken = 0
        piece = self._piece
        if not piece:
            exchange.complete = True
            return 0
        size = min(len(piece) - self._taken, end - start)
        exchange.out_buf[start : start + size] = memoryview(piece)[self._taken : self._taken + size]
        self._taken += size
        if self._taken == len(piece):
            self._piece = None
        return size


async def _next_piece(body):
    """The next bytes of a body of the caller's; b"" at its end."""
    if hasattr(body.source, "__anext__"):
        return await body.take()
    body.begun = True
    piece = b""
    while piece is not None and not piece:
        piece = await _step(body.source)
    piece = piece or b""
    body.sent += len(piece)
    return piece if isinstance(piece, bytes) else bytes(piece)  # the caller's buffer may be another by and by


def _step(source):
    """The next bytes of a generator of the caller's, which may wait (MicroPython has no async generators): what it yields
    that is no bytes goes to the loop. None: it is over."""
    while True:
        try:
            piece = next(source)
        except StopIteration:
            return None
        if piece is not None:
            return piece
        yield
