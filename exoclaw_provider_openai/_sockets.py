"""The transport of MicroPython: HTTP/1.1 over a socket of its own, the bytes in windows of 1 KB.

It moves bytes and tells `_exochat`'s Attempt what it sees; what that means is decided there. One connection that served
well is kept for the next request to the same place. How one is made is in _connect.py, a body in chunks in _chunked.py,
and what is said of one that broke in _broken.py. Memory: one window for each request under way.
"""

import _exochat
from micropython import const

from . import _forget
from ._drive import Home
from ._platform_micropython import core, wall

_WINDOW = const(1024)
_EARLY = const(128)  # bytes that are read at once before all is sent
_TURN = const(8192)  # bytes of the body between two turns of the loop
_PAUSE = const(5)  # milliseconds between two looks while the other side takes nothing


def split(url):
    """(https, host, port, target, Host header) of a URL that Deployment has checked and put together."""
    scheme, _, rest = url.partition("://")
    secure = scheme.lower() == "https"
    place, _, target = rest.split("#")[0].partition("/")
    host, mark, port = place.rpartition(":")
    if not mark or "]" in port:
        host = place
        port = ""
    usual = 443 if secure else 80
    port = int(port or usual)
    return secure, host.strip("[]"), port, "/" + target, host if port == usual else "%s:%d" % (host, port)


class Connection:
    """A socket that never blocks. It is closed by the one task that uses it."""

    reused = False
    _raw = None  # the socket below TLS
    socket = None  # what is written and read

    def __init__(self, key):
        self.key = key  # what it was made for, so that it can be used again
        self.stage = "name"  # what is being done so that it stands, and "" when it does: see _connect.py

    def wait(self, write):
        """Until something can be written, or read."""
        yield (core._io_queue.queue_write if write else core._io_queue.queue_read)(self.socket)

    def close(self):
        for one in (self.socket, self._raw):
            if one is not None:
                try:
                    one.close()
                except OSError:
                    pass
        self.socket = self._raw = None


class Sockets(Home):
    """The transport: makes the exchanges of all calls."""

    CAN = _exochat.CAN_CONNECTED | _exochat.CAN_SENT | _exochat.CAN_DRAIN | _exochat.CAN_RESEND
    _idle = None  # the connection that is kept

    def exchange(self, call):
        return Exchange(call, self)

    def keep(self, found):
        """Keeps a connection, or none, in place of the one that is kept."""
        before, self._idle = self._idle, found
        if before is not None:
            before.close()

    async def close(self):
        self.keep(None)


class Exchange:
    """One request of a call. `out_buf[start:end]` is what is to be written next."""

    error = None  # what the caller's own body raised
    connection = None
    head = None  # while it is not written
    chunks = None
    start = end = 0
    complete = False  # nothing comes behind what is in the window
    sent = False  # the whole request is written
    deaf = ""  # why the other side takes nothing any more

    def __init__(self, call, transport):
        self.call = call
        self.transport = transport
        self.attempt = call.attempt
        self.clock = call.clock
        self.wire = _exochat.Wire(call.attempt)
        self.out_buf = bytearray(_WINDOW)
        self.buf = bytearray(_EARLY)

    # --- asked by the call

    async def step(self):
        """Connects, sends or receives, whichever is next."""
        if self.connection is None:
            await self._begin()
        elif self.sent or self.deaf or self.attempt.phase() == _exochat.PHASE_REFUSAL:
            await self.recv()
        else:
            await self.send()

    async def drain(self):
        """Reads on behind the verdict."""
        wire = self.wire
        while not wire.reusable():
            size = self.connection.socket.readinto(self.buf)
            if size is None:
                await self.connection.wait(False)
            elif size == 0:
                return
            else:
                wire.feed(self.clock(), 0, self.buf, size)
                wire.next(self.clock())
                if self.attempt.drain(self.clock(), size) < 0:
                    return

    async def close(self):
        found, self.connection = self.connection, None
        if found is None:
            return
        good = self.sent and not self.deaf and self.attempt.todo() in (_exochat.DO_DRAIN, _exochat.DO_OVER)
        if good and self.attempt.failure() is None and self.wire.reusable():
            self.transport.keep(found)
            found.reused = True
        else:
            found.close()

    # --- the connection and the head

    async def _begin(self):
        call, transport = self.call, self.transport
        deployment = call.deployment
        whole = call.plan.whole
        secure, host, port, target, name = split(deployment.url(call.plan.path))
        total = -2 if whole else -1 if deployment.chunked else call.body.total()
        self.head = _exochat.Head(target, name, deployment.headers(call.key), total)
        self.complete = whole
        if total == -1:
            from ._chunked import Chunks

            self.chunks = Chunks(self)
        found = transport._idle
        if found is not None and found.key is deployment:
            transport._idle = None
        else:
            transport.keep(None)
            self.connection = found = Connection(deployment)
            try:
                from ._connect import connect

                await connect(found, host, port)
                connect = None
                _forget("_connect")
                found.stage = ""
                if secure:
                    from ._tls import context_of

                    found.stage = "ca"
                    context = context_of(deployment, transport.settings.ca)
                    context_of = None
                    _forget("_tls")
                    found.stage = "tls"  # the handshake is made with the first bytes that are written
                    found.socket = context.wrap_socket(found._raw, server_hostname=host, do_handshake_on_connect=False)
            except (OSError, ValueError) as error:
                from ._broken import tell

                _forget("_connect", "_tls")
                return tell(self, error)
        self.connection = found
        if not found.stage:
            self.attempt.connected(self.clock(), found.reused)

    # --- sending

    async def send(self):
        """Sends until something comes back, or for one turn of the loop."""
        found = self.connection
        budget = _TURN
        while budget > 0 and not self.sent:
            if self.start == self.end and not await self.fill():
                return
            try:
                size = found.socket.write(self.out_buf, self.start, self.end - self.start) if self.end > self.start else 0
            except (OSError, ValueError) as error:
                from ._broken import tell

                return tell(self, error)
            if size is None:
                if not found.stage:
                    break
                await found.wait(True)
                continue
            if found.stage:
                found.stage = ""
                self.attempt.connected(self.clock(), False)
            self.start += size
            budget -= size
            self.tell()
        if not found.stage and not self.listen():
            await core.sleep_ms(0 if budget <= 0 or self.sent else _PAUSE)

    def tell(self):
        """How the upload stands: what lies in the window counts as not accepted."""
        left = self.end - self.start
        self.sent = self.complete and not left and self.head is None
        written = self.call.body.written()
        self.attempt.upload(self.clock(), written - left if written > left else 0, -1, self.sent)

    async def fill(self):
        """The next window, if there is one. False: the body cannot be made; the attempt was told why."""
        out = self.out_buf
        at = 0
        if self.head is not None:
            at = self.head.write(out)
            if at <= _WINDOW // 2:  # else the rest of it, if any, is first in the next one
                self.head = None
        self.start = 0
        self.end = at
        if self.complete or self.head is not None:
            return True
        if self.chunks is not None:
            return await self.chunks.fill(at)
        size = await self.take(at, _WINDOW)
        self.end += max(0, size)
        return size >= 0

    async def take(self, start, end):
        """Stores bytes of the encoder's in out_buf[start:end] and says how many; -1: it cannot go on."""
        body = self.call.body
        while True:
            size = body.write(self.out_buf, start, end)
            if size < 0:
                self.attempt.break_off(size, body.message())
                return -1
            self.complete = body.done()
            if size > 0 or self.complete:
                return size
            if not self.call.serve():
                await core.sleep_ms(0)

    # --- receiving

    def listen(self):
        """Feeds what has come while sending. True: something, or the end."""
        try:
            size = self.connection.socket.readinto(self.buf)
        except (OSError, ValueError) as error:
            from ._broken import tell

            tell(self, error)
            return True
        return size is not None and self._came(size)

    def _came(self, size):
        if size:
            self.wire.feed(self.clock(), wall(), self.buf, size)
        elif self.sent or self.wire.byte_seen():
            self.wire.closed(self.clock(), 0, "")
        else:
            from ._broken import lost

            lost(self, None)
        return True

    async def recv(self):
        if self.attempt.phase() == _exochat.PHASE_SEND:
            self.tell()  # once more: nothing has changed, so that the body is out
        if self.sent:
            self.buf = self.out_buf
        while True:
            try:
                size = self.connection.socket.readinto(self.buf)
            except (OSError, ValueError) as error:
                from ._broken import lost

                return lost(self, error)
            if size is not None:
                self._came(size)
                return
            await self.connection.wait(False)
