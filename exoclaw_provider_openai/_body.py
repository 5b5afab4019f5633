"""What a request sends: the encoder's body with the files that it names, or a body of the caller's.

Both say: aim(), size(), serve(), rewind(), written(), total(), spent(), message(), close(); bytes are taken of them by
the transport.
"""

import _exochat

from . import _codes
from ._plan import extra_of


def _nothing():
    """What serves an encoder that asks for no file."""
    return False


class EncodedBody:
    """The body that is made of a plan's request, for one deployment after another."""

    def __init__(self, request):
        self._encoder = encoder = _exochat.Encoder(request)
        self._files = None
        if encoder.files():
            from ._files import Files

            self._files = Files(encoder)
        self.size = encoder.size
        self.serve = self._files.serve if self._files else _nothing
        self.rewind = encoder.rewind
        self.written = encoder.written
        self.total = encoder.total
        self.spent = encoder.spent
        self.message = encoder.message
        self.done = encoder.done
        self.write = encoder.write

    def aim(self, deployment, name, plan):
        """Begins a body for one deployment. 0, or the code of what is wrong."""
        options = {"model": deployment.model or name, "extra_body": extra_of(deployment, plan.defaults)}
        if deployment.drop:
            options["drop"] = deployment.drop
        if deployment.rename:
            options["rename"] = deployment.rename
        return self._encoder.aim(options)

    def read(self, size):
        """The next bytes, at most `size`; b"" at the end; or a code."""
        from ._files import read

        while True:
            piece = read(self._encoder, size)
            if piece != b"" or self._encoder.done() or not self.serve():
                return piece

    def close(self):
        if self._files:
            self._files.close()
        self._encoder.close()


class GivenBody:
    """A body of the caller's: bytes from an async iterable, or on MicroPython from a generator. It is sent once."""

    def __init__(self, source):
        self._source = source.__aiter__() if hasattr(source, "__aiter__") else iter(source)
        self._begun = False
        self._sent = 0

    async def take(self):
        """The next bytes; b"" at the end. What the source raises goes through."""
        self._begun = True
        while True:
            try:
                if hasattr(self._source, "__anext__"):
                    piece = await self._source.__anext__()
                else:
                    piece = next(self._source)
            except (StopAsyncIteration, StopIteration):
                return b""
            if piece:
                self._sent += len(piece)
                return bytes(piece)

    def aim(self, deployment, name, plan):
        return 0

    def size(self, budget):
        return 0

    def serve(self):
        return False

    def rewind(self):
        return _codes.SOURCE_ONCE if self._begun else 0

    def written(self):
        return self._sent

    def total(self):
        return -1

    def spent(self):
        return self._begun

    def message(self):
        return ""

    def close(self):
        self._source = None
