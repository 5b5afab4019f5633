"""Reads HTTP/1.1 requests from a socket: the head, then the body in pieces, in constant memory whatever its length.

It is tolerant, for it must report what a client really sent; it checks only what it needs to find the borders. Of a
long body it keeps length, SHA-256, the beginning and the end. It does not answer and does not choose a behaviour.
"""

import hashlib
import json
import re
import time
from urllib.parse import unquote, urlsplit

HEAD_BUFFER = 64 << 10  # little is read ahead of the body, so that an unread body stays in the socket
BODY_BUFFER = 1 << 20
BODY_MAX = 1 << 62
HEAD_MAX = 1 << 20
EDGE = 64 << 10  # how much of each end of a body is searched for the model
LOGGED = 4 << 10

MODEL = re.compile(rb'"model"\s*:\s*("(?:[^"\\\x00-\x1f]|\\.)*")')
MODEL_PATH = re.compile(r"/m/([^/]+)(/.*)")


class PeerGone(Exception):
    """The client has closed or reset the connection, or the server is being stopped."""


class BadRequest(Exception):
    """The client sent something that is not an HTTP request."""


class Wire:
    """A buffered reader over a socket. What it returns is valid until the next call."""

    def __init__(self, sock):
        self._sock = sock
        self._buffer = bytearray(HEAD_BUFFER)
        self._start = self._end = 0

    def _fill(self):
        if self._start == self._end:
            self._start = self._end = 0
        elif self._end == len(self._buffer):
            rest = self._buffer[self._start : self._end]
            if self._start == 0:
                self._buffer.extend(bytes(len(self._buffer)))
            self._buffer[: len(rest)] = rest
            self._start, self._end = 0, len(rest)
        try:
            count = self._sock.recv_into(memoryview(self._buffer)[self._end :])
        except OSError as error:
            raise PeerGone(str(error)) from error
        self._end += count
        return count > 0

    def enlarge(self):
        """Makes the buffer as large as is good for bodies."""
        if len(self._buffer) < BODY_BUFFER:
            rest = self._buffer[self._start : self._end]
            self._buffer = bytearray(BODY_BUFFER)
            self._buffer[: len(rest)] = rest
            self._start, self._end = 0, len(rest)

    def until(self, mark, limit):
        """All bytes up to and with `mark`, or None at a clean end before the first byte."""
        searched = 0
        while True:
            at = self._buffer.find(mark, self._start + searched, self._end)
            if at >= 0:
                found = bytes(self._buffer[self._start : at + len(mark)])
                self._start = at + len(mark)
                return found
            have = self._end - self._start
            if have > limit:
                raise BadRequest(f"no {mark!r} in {limit} bytes")
            searched = max(0, have - len(mark) + 1)
            if not self._fill():
                if have:
                    raise PeerGone("the client closed in the middle of a request")
                return None

    def some(self, most):
        """A view of 1 to `most` bytes."""
        if self._start == self._end and not self._fill():
            raise PeerGone("the client closed in the middle of a body")
        count = min(most, self._end - self._start)
        view = memoryview(self._buffer)[self._start : self._start + count]
        self._start += count
        return view

    def skip_blank_lines(self):
        """Drops the line ends that a sloppy client sends after a body (RFC 9112, 2.2)."""
        while self._start < self._end and self._buffer[self._start] in b"\r\n":
            self._start += 1


class Request:
    """One request, as the log keeps it. The body's fields grow while the body is read."""

    def __init__(self, raw_head, connection, number, keep_body):
        self.raw_head = raw_head
        self.connection = connection  # counted from 1, as accepted
        self.number = number  # on its connection, from 1
        self.time = time.monotonic()  # when the head was complete
        self.body_time = None  # when the body was complete
        self.answer_time = None  # when the first byte of the answer was handed to the socket
        self.end_time = None  # when the behaviour had ended
        self.behaviour = None  # the name that was chosen
        self.peer_gone = False  # the client left before the behaviour had ended
        self.bytes_sent = 0
        self.length = 0  # of the body, so far
        self.complete = False  # the whole body has been read
        self.chunks = 0  # chunks of a chunked body
        self._model = None
        self._keep = keep_body
        self._parts = []
        self._hash = hashlib.sha256()
        self._first = bytearray()
        self._last = bytearray()
        self._parse(raw_head)

    def _parse(self, raw_head):
        lines = raw_head.decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise BadRequest(f"request line {lines[0]!r}")
        self.method, self.target, self.version = words
        self.headers = []  # (name as sent, value) in order
        for line in lines[1:]:
            if line:
                name, colon, value = line.partition(":")
                if not colon or not name or name != name.strip():
                    raise BadRequest(f"header line {line!r}")
                self.headers.append((name, value.strip(" \t")))
        url = urlsplit(self.target)
        named = MODEL_PATH.fullmatch(url.path)
        self.path_behaviour = unquote(named[1]) if named else None
        self.path = named[2] if named else url.path  # without /m/<behaviour> and query
        self.query = url.query

    def header(self, name, default=None):
        """The value of a header, in any case; several are joined by commas."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else default

    @property
    def chunked(self):
        return (self.header("transfer-encoding") or "").lower() == "chunked"

    @property
    def content_length(self):
        value = self.header("content-length")
        if value is None:
            return None
        if not re.fullmatch(r"[0-9]+", value):
            raise BadRequest(f"Content-Length {value!r}")
        return int(value)

    @property
    def keep_alive(self):
        tokens = [token.strip() for token in (self.header("connection") or "").lower().split(",")]
        return "close" not in tokens and (self.version == "HTTP/1.1" or "keep-alive" in tokens)

    @property
    def body(self):
        """The body as bytes, as far as it was read; None when it was too long to keep."""
        return b"".join(self._parts) if self._parts is not None else None

    @property
    def sha256(self):
        return self._hash.hexdigest()

    @property
    def first(self):
        return bytes(self._first[:LOGGED])

    @property
    def last(self):
        return bytes(self._last[-LOGGED:])

    @property
    def json(self):
        """The body, parsed. Fails for one that was not kept."""
        return json.loads(self.body)

    @property
    def model(self):
        """The `model` of the body, found in its first or last 64 KB; None when it is not (yet) there."""
        if self._model is None:
            found = MODEL.search(self._first) or (self.length > EDGE and MODEL.search(self._last))
            if found:
                self._model = json.loads(found[1])
        return self._model

    def take(self, view):
        """Notes one piece of the body."""
        self.length += len(view)
        self._hash.update(view)
        if len(self._first) < EDGE:
            self._first += view[: EDGE - len(self._first)]
        if len(view) >= EDGE:
            self._last[:] = view[-EDGE:]
        else:
            self._last += view
            if len(self._last) > 4 * EDGE:
                del self._last[:-EDGE]
        if self._parts is not None:
            if self.length <= self._keep:
                self._parts.append(bytes(view))
            else:
                self._parts = None


class Body:
    """Reads the body of one request from the wire, as fast or as slowly as it is asked to."""

    def __init__(self, wire, request):
        self._wire = wire
        self._request = request
        self._left = request.content_length or 0  # of the body, or of the current chunk
        self._chunked = request.chunked
        if not self._chunked and self._left == 0:
            self._finish()

    def _finish(self):
        self._request.complete = True
        self._request.body_time = time.monotonic()

    def _next_chunk(self):
        size = self._line().split(b";")[0].strip()
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,16}", size):
            raise BadRequest(f"chunk size {size!r}")
        self._left = int(size, 16)
        if self._left:
            self._request.chunks += 1
        else:
            while self._line() != b"\r\n":
                pass
            self._finish()

    def _line(self):
        line = self._wire.until(b"\r\n", HEAD_MAX)
        if line is None:
            raise PeerGone("the client closed in the middle of a body")
        return line

    def _piece(self, most):
        """Reads what has come, at most `most` bytes, and returns how many."""
        if self._left == 0:
            self._next_chunk()
            return 0
        view = self._wire.some(min(self._left, most))
        self._request.take(view)
        self._left -= len(view)
        if self._left == 0:
            if not self._chunked:
                self._finish()
            elif self._line() != b"\r\n":
                raise BadRequest("no line end after a chunk")
        return len(view)

    def read(self, limit=None, rate=None):
        """Reads at most `limit` bytes (all by default), at `rate` bytes per second (as they come by default)."""
        if limit is None and rate is None and (self._chunked or self._left > HEAD_BUFFER):
            self._wire.enlarge()
        left = BODY_MAX if limit is None else limit
        most = max(1, int(rate / 20)) if rate else BODY_BUFFER
        while left > 0 and not self._request.complete:
            count = self._piece(min(most, left))
            left -= count
            if rate:
                time.sleep(count / rate)

    def read_to_model(self):
        """Reads only as far as it takes to see the model: usually one piece, at worst the whole body."""
        request = self._request
        while not request.complete and request.length < EDGE and request.model is None:
            self._piece(EDGE)
        if request.model is None:
            self.read()
