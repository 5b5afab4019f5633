"""A body as it is: what _stream_body() returns."""

import json

import _exochat

from ._files import Files, read

PIECE = 16384


class RawBody:
    """An async iterable of bytes: the head, which is small, as one piece; the messages behind it as the encoder makes
    them, in pieces."""

    def __init__(self, head, messages):
        head = dict(head)
        head.pop("messages", None)
        _exochat.Encoder(head).close()  # says what of it is no JSON
        words = json.dumps(head)[:-1]
        self._head = (words + ", " if head else words).encode()
        self._encoder = encoder = _exochat.Encoder({"messages": messages})
        self._files = Files(encoder)
        code = encoder.aim({"as_is": True})
        if code == 0:
            while (code := encoder.size(PIECE * 16)) == 1:
                self._files.serve()
        self._code = code

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self._encoder is None:
            raise StopAsyncIteration
        if self._code == 0 and self._head:
            piece, self._head = self._head[:PIECE], self._head[PIECE:]
            return piece
        piece = self._next() if self._code == 0 else b""
        if self._code < 0:
            words = self._encoder.message() or _exochat.error_text(self._code)
            self._close()
            raise ValueError(words)
        if not piece:
            self._close()
            raise StopAsyncIteration
        return piece

    def _next(self):
        """The next piece of the messages; the brace before them is the head's."""
        encoder = self._encoder
        while not encoder.done():
            first = encoder.written() == 0
            piece = read(encoder, PIECE)
            if isinstance(piece, int):
                self._code = piece
                return b""
            if piece:
                return piece[1:] if first else piece
            if not self._files.serve():
                break
        return b""

    def _close(self):
        self._files.close()
        self._encoder.close()
        self._encoder = None
