"""The files that a request names: opened once for all attempts of a call, read where the encoder asks, never held whole.

Memory: a descriptor for each file and one buffer, on a chip of 2 KB.
"""

import os
import sys

# By the endings of names; as text, since a chip would keep each word by itself.
_TEXT = (
    " txt text log md rst csv tsv json jsonl xml svg html htm css yaml yml toml ini conf cfg c h cc cpp hpp py pyi js ts go rs"
    " java kt swift sh sql tex "
)
_TYPES = (
    " png=image/png jpg=image/jpeg jpeg=image/jpeg gif=image/gif webp=image/webp bmp=image/bmp wav=audio/wav mp3=audio/mpeg"
    " pdf=application/pdf "
)


def FilePart(path, media_type=None):
    """A part of a message's content: a file that is read from disk while it is sent, images and audio as base64, text as
    text. `media_type`: from the name's ending where it is None."""
    part = {"_file": str(path)}
    if media_type is not None:
        part["_type"] = media_type
    return part


def media_type_of(path):
    """By the ending of a file's name."""
    ending = path.rpartition(".")[2].lower()
    if " " in ending or "=" in ending:
        return "application/octet-stream"
    if " %s " % ending in _TEXT:
        return "text/plain"
    _, found, rest = _TYPES.partition(" %s=" % ending)
    return rest.split(" ")[0] if found else "application/octet-stream"


def _status(file, path):
    """(kind, size, date) of an open file; of its path on a Python that cannot ask the descriptor."""
    fstat = getattr(os, "fstat", None)
    status = fstat(file.fileno()) if fstat else os.stat(path)
    date = getattr(status, "st_mtime_ns", None)
    return status[0] & 0o170000, status[6], status[8] if date is None else date


class _Open:
    def __init__(self, path, media_type):
        if os.stat(path)[0] & 0o170000 != 0o100000:
            raise OSError("no regular file")
        self.path = path
        self.media_type = media_type or media_type_of(path)
        self.file = open(path, "rb")
        self.status = _status(self.file, path)

    @property
    def size(self):
        return self.status[1]

    def changed(self):
        return not self.media_type.startswith("text/") and _status(self.file, self.path) != self.status


class Files:
    """What `encoder` names as files. One that cannot be opened is not there: the inline content takes its place."""

    def __init__(self, encoder):
        self._encoder = encoder
        self._open = {}
        self._buffer = None
        for index, (path, media_type) in enumerate(encoder.files()):
            try:
                found = _Open(path, media_type)
            except (OSError, ValueError):
                continue
            self._open[index] = found
            name = path.replace("\\", "/").rpartition("/")[2]
            encoder.file(index, found.size, found.media_type, name)

    def serve(self):
        """Gives the encoder what it asks for. False: it asks for nothing."""
        want = self._encoder.want()
        if want is None:
            return False
        index, offset = want
        found = self._open[index]
        if self._buffer is None:
            self._buffer = bytearray(2048 if sys.implementation.name == "micropython" else 65536)
        try:
            found.file.seek(offset)
            size = found.file.readinto(self._buffer)
            changed = offset + size >= found.size and found.changed()
        except OSError:
            self._fail("SOURCE_READ")
            return True
        if changed:
            self._fail("BODY_CHANGED")
        else:
            self._encoder.fill(self._buffer, min(size, max(0, found.size - offset)))
        return True

    def _fail(self, code):
        from . import _codes

        self._encoder.fail(getattr(_codes, code))

    def close(self):
        for found in self._open.values():
            found.file.close()
        self._open = {}


def read(encoder, size):
    """The next bytes of an encoder's body, at most `size`, or a code."""
    if hasattr(encoder, "read"):
        return encoder.read(size)
    buffer = bytearray(size)
    got = encoder.write(buffer)
    return bytes(memoryview(buffer)[:got]) if got >= 0 else got


def next_piece(call, size):
    """The next bytes of the encoder of `call`, at most `size`; b"" at the end; or a code."""
    while True:
        piece = read(call.body, size)
        if piece != b"" or call.body.done() or not call.serve():
            return piece
