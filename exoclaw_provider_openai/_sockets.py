"""The transport of MicroPython: HTTP/1.1 over a socket of its own, the bytes in windows of 1 KB.

It moves bytes and tells `_exochat`'s Attempt what it sees; what that means is decided there. One connection that served
well is kept for the next request to the same place. Memory: two windows for each request under way.
"""

import _exochat

from . import _codes
from ._connection import Broken, Connection, resolve, words_of
from ._platform_micropython import core
from ._upload import WINDOW, Upload

TURN = 8192  # bytes of the body between two turns of the loop
PAUSE = 5  # milliseconds between two looks while the other side takes nothing


def split(url):
    """(https, host, port, target, Host header) of a URL that Deployment has checked."""
    scheme, _, rest = url.partition("://")
    secure = scheme.lower() == "https"
    cut = len(rest)
    for mark in "/?#":
        at = rest.find(mark)
        if 0 <= at < cut:
            cut = at
    place, target = rest[:cut], rest[cut:].split("#")[0]
    if not target.startswith("/"):
        target = "/" + target
    if place.startswith("["):
        host, _, port = place[1:].partition("]")
        port = port[1:]
    else:
        host, _, port = place.partition(":")
    usual = 443 if secure else 80
    number = int(port) if port else usual
    name = "[%s]" % host if ":" in host else host
    return secure, host, number, target, name if number == usual else "%s:%d" % (name, number)


class Sockets:
    """The transport: makes the exchanges of all calls."""

    def __init__(self, settings, wall):
        self.CAN = _exochat.CAN_CONNECTED | _exochat.CAN_SENT | _exochat.CAN_DRAIN | _exochat.CAN_RESEND
        self.settings = settings
        self.wall = wall
        self._idle = None

    def exchange(self, call):
        return Exchange(call, self)

    def take(self, key):
        """The connection that is kept, if it is for `key`; another one is closed."""
        found, self._idle = self._idle, None
        if found is not None and found.key != key:
            found.close()
            found = None
        return found

    def keep(self, connection):
        self.close()
        connection.reused = True
        self._idle = connection

    def context(self, deployment):
        from . import _tls

        ca = self.settings.ca if deployment.ca is None else deployment.ca
        return _tls.context(ca, deployment.client_cert, deployment.client_key)

    def close(self):
        found, self._idle = self._idle, None
        if found is not None:
            found.close()


class Exchange:
    """One request of a call."""

    def __init__(self, call, transport):
        self.call = call
        self.transport = transport
        self.attempt = call.attempt
        self.clock = call.home.clock
        self.wire = _exochat.Wire(call.attempt)
        self._connection = None
        self._upload = None
        self._in = bytearray(WINDOW)
        self._sent = False  # the whole request is written
        self._deaf = ""  # why the other side takes nothing any more

    @property
    def error(self):
        """What the caller's own body raised."""
        return self._upload.error if self._upload else None

    # --- asked by the call

    async def step(self):
        """Connects, sends or receives, whichever is next."""
        try:
            if self._connection is None:
                await self._begin()
            elif self._sent or self._deaf or self.attempt.phase() == _exochat.PHASE_REFUSAL:
                await self._receive()
            else:
                await self._send()
        except Broken as broken:
            self.wire.closed(self.clock(), broken.code, broken.words)

    async def drain(self):
        """Reads on behind the verdict."""
        wire = self.wire
        while not wire.reusable():
            size = self._connection.read(self._in)
            if size is None:
                await self._connection.readable()
            elif size == 0:
                return
            else:
                wire.feed(self.clock(), 0, self._in, size)
                wire.next(self.clock())
                if self.attempt.drain(self.clock(), size) < 0:
                    return

    def spent(self):
        return self.call.body.spent()

    async def close(self):
        found, self._connection = self._connection, None
        if found is None:
            return
        good = self._sent and not self._deaf and self.attempt.todo() in (_exochat.DO_DRAIN, _exochat.DO_OVER)
        if good and self.attempt.failure() is None and self.wire.reusable():
            self.transport.keep(found)
        else:
            found.close()

    # --- the connection and the head

    async def _begin(self):
        call = self.call
        deployment = call.deployment
        whole = getattr(call.plan, "whole", False)
        secure, host, port, target, name = split(deployment.url("/models") if whole else deployment.url())
        total = -2 if whole else -1 if deployment.chunked else call.body.total()
        head = _exochat.Head(target, name, deployment.headers(call.key), total)
        self._upload = Upload(head, None if whole else call.body, total == -1, call.attempt)
        found = self.transport.take(deployment)
        if found is None:
            found = Connection(deployment)
            self._connection = found
            context = None
            if secure:
                try:
                    context = self.transport.context(deployment)
                except (ValueError, OSError) as error:
                    raise Broken(_codes.TLS, words_of(error))
            await found.open(await resolve(host, port, deployment.resolve))
            if secure:
                found.secure(context, host)
        self._connection = found
        if found.reused or not secure:
            self._stands()

    def _stands(self):
        found = self._connection
        found.stands = True
        self.attempt.connected(self.clock(), found.reused)

    # --- sending

    async def _send(self):
        """Sends until something comes back, or for one turn of the loop."""
        found, upload = self._connection, self._upload
        budget = TURN
        while budget > 0 and not self._sent:
            if not await upload.fill():
                return
            try:
                size = found.write(upload.out, upload.start, upload.left()) if upload.left() else 0
            except (OSError, ValueError) as error:
                if not found.stands:
                    raise Broken(*found.why(error))
                self._deaf = words_of(error) or "?"
                return
            if size is None:
                if found.stands:
                    break
                await found.writable()
                continue
            if not found.stands:
                self._stands()
            upload.start += size
            budget -= size
            self._tell()
        if found.stands and not self._listen():
            await core.sleep_ms(0 if budget <= 0 or self._sent else PAUSE)

    def _tell(self):
        """How the upload stands: what lies in the window counts as not accepted."""
        left = self._upload.left()
        self._sent = self._upload.complete and not left
        written = self.call.body.written()
        self.attempt.upload(self.clock(), written - left if written > left else 0, -1, self._sent)

    # --- receiving

    def _listen(self):
        """Feeds what has come while sending. True: something, or the end."""
        try:
            size = self._connection.read(self._in)
        except (OSError, ValueError) as error:
            self._deaf = words_of(error) or "?"
            return True
        return size is not None and self._came(size)

    def _came(self, size):
        now = self.clock()
        if size:
            self.wire.feed(now, self.transport.wall(), self._in, size)
        elif self._sent or self.wire.byte_seen():
            self.wire.closed(now, 0, "")
        else:
            self.wire.closed(now, _codes.RESET_IN_UPLOAD, self._deaf)
        return True

    async def _receive(self):
        if self.attempt.phase() == _exochat.PHASE_SEND:
            self._tell()  # once more: nothing has changed, so that the body is out
        while True:
            try:
                size = self._connection.read(self._in)
            except (OSError, ValueError) as error:
                self._lost(words_of(error))
                return
            if size is not None:
                self._came(size)
                return
            await self._connection.readable()

    def _lost(self, words):
        """The connection broke off."""
        code = _codes.RECEIVE if self.wire.byte_seen() else _codes.CLOSED if self._sent else _codes.RESET_IN_UPLOAD
        self.wire.closed(self.clock(), code, self._deaf or words)
