"""A body as it is: what _stream_body() returns."""

import _exochat

from ._files import Files, read

PIECE = 16384


class RawBody:
    """An async iterable of bytes: head and messages as the encoder makes them of one object, in pieces."""

    def __init__(self, head, messages):
        body = dict(head)
        body.pop("messages", None)
        body["messages"] = messages
        self._encoder = encoder = _exochat.Encoder(body)
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
        """The next piece; none at the end, and where there is an error."""
        encoder = self._encoder
        while not encoder.done():
            piece = read(encoder, PIECE)
            if isinstance(piece, int):
                self._code = piece
                return b""
            if piece:
                return piece
            if not self._files.serve():
                break
        return b""

    def _close(self):
        self._files.close()
        self._encoder.close()
        self._encoder = None
