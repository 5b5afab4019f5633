"""A body of the caller's: bytes from an async iterable, or on MicroPython from a generator. It is sent once."""

from . import _codes


class GivenBody:
    """Says what an `_exochat.Encoder` says of its body."""

    def __init__(self, source):
        self.source = source.__aiter__() if hasattr(source, "__aiter__") else iter(source)
        self.begun = False
        self.sent = 0

    async def take(self):
        """The next bytes; b"" at the end. What the source raises goes through."""
        self.begun = True
        while True:
            try:
                if hasattr(self.source, "__anext__"):
                    piece = await self.source.__anext__()
                else:
                    piece = next(self.source)
            except (StopAsyncIteration, StopIteration):
                return b""
            if piece:
                self.sent += len(piece)
                return bytes(piece)

    def aim(self, options):
        return 0

    def size(self, budget):
        return 0

    def rewind(self):
        return _codes.SOURCE_ONCE if self.begun else 0

    def written(self):
        return self.sent

    def total(self):
        return -1

    def spent(self):
        return self.begun

    def message(self):
        return ""

    def close(self):
        self.source = None
