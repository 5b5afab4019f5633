"""A body as it is: what _stream_body() returns."""

import _exochat

from ._files import Files

PIECE = 16384


class RawBody:
    """An async iterable of bytes."""

    def __init__(self, request):
        self._encoder = _exochat.Encoder(request)
        self._files = Files(self._encoder)
        self._sized = False

    def __aiter__(self):
        return self

    async def __anext__(self):
        encoder = self._encoder
        if encoder is None:
            raise StopAsyncIteration
        code = 0
        if not self._sized:
            self._sized = True
            code = encoder.aim({"as_is": True})
            while code == 0:
                code = encoder.size(PIECE * 16)
                if code != 1:
                    break
                self._files.serve()
                code = 0
        piece = b""
        while code == 0 and not piece and not encoder.done():
            piece = encoder.read(PIECE)
            if isinstance(piece, int):
                code = piece
            elif not piece and not self._files.serve():
                break
        if code < 0:
            words = encoder.message() or _exochat.error_text(code)
            self._close()
            raise ValueError(words)
        if not piece:
            self._close()
            raise StopAsyncIteration
        return piece

    def _close(self):
        self._files.close()
        self._encoder.close()
        self._encoder = None
