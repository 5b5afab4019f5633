"""A request's head and body as windows of bytes, for a transport that writes them as they are (_sockets.py).

The head and the beginning of the body share the first window, so that they leave in one write. Memory: one window.
"""

import _exochat

from . import _codes
from ._platform_micropython import core

WINDOW = 1024
BEFORE = 18  # bytes that _exochat.frame() wants before and behind a chunk
BEHIND = 2
LAST = b"0\r\n\r\n"


class Upload:
    """`out[start:end]` is what is to be written next; whoever writes it moves `start`."""

    def __init__(self, head, body, chunked, attempt):
        self.out = bytearray(BEFORE + WINDOW + BEHIND + len(LAST))
        self.start = 0
        self.end = 0
        self.complete = False  # nothing comes behind what is in the window
        self.error = None  # what the caller's own body raised
        self._head = head
        self._body = body
        self._chunked = chunked
        self._attempt = attempt
        self._piece = None  # of a body of the caller's, and how much of it is taken
        self._taken = 0

    def left(self):
        return self.end - self.start

    async def fill(self):
        """The next window, where this one is written and there is one. False: the body cannot be made; the attempt was
        told why."""
        if self.start < self.end or self.complete:
            return True
        out = self.out
        at = 0
        self.start = 0
        if self._head is not None:
            at = self._head.write(out)
            self.end = at
            if at > WINDOW // 2:
                return True
            self._head = None
        start, end = at, len(out)
        if self._chunked:
            start += BEFORE
            end -= BEHIND + len(LAST)
        size = await self._take(start, end)
        if size < 0:
            return False
        if self._chunked:
            self._frame(at, start, size)
        else:
            self.end = at + size
        return True

    def _frame(self, at, start, size):
        """Makes a chunk of what was stored; the head, `at` bytes of it, goes right before."""
        out = self.out
        begin = end = at
        if size:
            begin, end = _exochat.frame(out, start, size)
            if at:
                out[begin - at : begin] = out[:at]
        self.start = begin - at
        if self.complete:
            out[end : end + len(LAST)] = LAST
            end += len(LAST)
        self.end = end

    async def _take(self, start, end):
        """Stores bytes of the body in out[start:end] and says how many; -1: it cannot be made."""
        body = self._body
        if body is None:
            self.complete = True
            return 0
        if not hasattr(body, "write"):
            return await self._take_given(start, end)
        while True:
            size = body.write(self.out, start, end)
            if size < 0:
                self._attempt.break_off(size, body.message())
                return -1
            self.complete = body.done()
            if size > 0 or self.complete:
                return size
            if not body.serve():
                await core.sleep_ms(0)

    async def _take_given(self, start, end):
        """The same of a body of the caller's, whose pieces have any size."""
        if self._piece is None:
            try:
                self._piece = await _next_piece(self._body)
            except Exception as error:
                self.error = error
                self._attempt.break_off(_codes.SOURCE_READ, str(error))
                return -1
            self._taken = 0
        piece = self._piece
        if not piece:
            self.complete = True
            return 0
        size = min(len(piece) - self._taken, end - start)
        self.out[start : start + size] = memoryview(piece)[self._taken : self._taken + size]
        self._taken += size
        if self._taken == len(piece):
            self._piece = None
        return size


async def _next_piece(body):
    """The next bytes of a body of the caller's; b"" at its end."""
    if hasattr(body._source, "__anext__"):
        return await body.take()
    body._begun = True
    piece = b""
    while piece is not None and not piece:
        piece = await _step(body._source)
    piece = piece or b""
    body._sent += len(piece)
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
