"""The transport over a client of the caller's: one with stream_post(), as exoclaw's, or with stream(), as httpx has it.

It uses what that protocol offers and nothing behind it: status_code, headers, aiter_bytes() where there is one, else
aread() for what is no stream and aiter_lines() for what is. It sees neither connections nor acknowledgements; what the
client raises is a failure of the transport. Memory: one piece of 16 KB of the body, one piece or line of the response.
"""

import _exochat

from . import _codes, _drive
from ._drive import Home
from ._files import next_piece
from ._injected_errors import translate

PIECE = 16384


class Injected(Home):
    """The transport: makes the exchanges of all calls over one client."""

    CAN = _exochat.CAN_SENT | _exochat.CAN_DRAIN

    def __init__(self, settings, platform, client):
        Home.__init__(self, settings, platform)
        self.client = client
        self._exchanges = getattr(platform, "WeakSet", set)()  # those that run; a stream that is dropped is not held
        self._closed = False
        self.wall = platform.wall
        self.posts = hasattr(client, "stream_post")
        if not self.posts and not hasattr(client, "stream"):
            raise TypeError("client has neither stream_post() nor stream()")

    def exchange(self, call):
        if self._closed:
            raise RuntimeError("the provider was closed")
        made = Exchange(call, self)
        self._exchanges.add(made)
        return made

    def closed(self, exchange):
        self._exchanges.discard(exchange)

    async def close(self):
        """Ends the calls. The client is the caller's."""
        self._closed = True
        for exchange in list(self._exchanges):
            await exchange.call.close()

    def open(self, method, url, headers, body, clocks):
        """The context manager of one request."""
        connect, idle = clocks
        if self.posts:
            return self.client.stream_post(url, headers=dict(headers), content=body, timeout=idle, method=method)
        # connect, read, write, pool; what lies between is the business of our own clocks
        timeout = (connect, None, None, connect)
        return self.client.stream(
            method, url, headers=headers, content=body, timeout=timeout, follow_redirects=False
        )


class _Body:
    """The body as the client takes it. What its making raises is kept aside: the endpoint has no part in it."""

    def __init__(self, exchange):
        self._exchange = exchange  # until all is sent: clients keep the body as long as the response

    def __aiter__(self):
        return self

    async def __anext__(self):
        exchange = self._exchange
        if exchange is None:
            raise StopAsyncIteration
        exchange.uploaded(False)
        body = exchange.call.body
        try:
            piece = await body.take() if hasattr(body, "take") else next_piece(exchange.call, PIECE)
        except Exception as error:
            exchange.broken(0, "", error)
            raise
        if isinstance(piece, int):
            exchange.broken(piece, body.message(), None)
            raise RuntimeError(_exochat.error_text(piece))
        if piece == b"":
            self._exchange = None
            exchange.uploaded(True)
            raise StopAsyncIteration
        return piece


class Exchange:
    """One request of a call."""

    def __init__(self, call, transport):
        self.call = call
        self.transport = transport
        self.error = None  # what the caller's own body raised
        self._manager = None
        self._source = None  # of pieces, or of lines
        self._lines = False
        self._whole = None
        self._response = None
        self._sent = False
        self._ended = False

    # --- told by the body

    def uploaded(self, complete):
        """What was handed out before was taken by the client."""
        if self._ended:
            return
        self._sent = self._sent or complete
        call = self.call
        if call.attempt is not None:
            call.attempt.upload(call.clock(), call.body.written(), -1, complete)
            call.watch.again()

    def broken(self, code, words, error):
        """The body cannot be made: a verdict. It leaves the client as an exception; a client that is interrupted while it
        closes its connection then loses it, so no clock rings, and one that keeps it to itself has until CLOSING."""
        self.error = error
        self.call.attempt.break_off(code or _codes.SOURCE_READ, words or str(error))
        self.call.broke_at = self.call.clock()

    # --- asked by the call

    async def step(self):
        try:
            if self._response is None:
                await self._begin()
            else:
                await self._more()
        except Exception as error:
            if not self._over():
                code, words = translate(error, self._response is not None, self._sent)
                self.call.attempt.closed(self.call.clock(), code, words, self._response is not None)

    def _over(self):
        return self.call.attempt.todo() != _exochat.DO_RUN

    async def _begin(self):
        call, transport = self.call, self.transport
        deployment = call.deployment
        headers = deployment.headers(call.key)
        total = call.body.total()
        if total >= 0 and not transport.posts and not deployment.chunked:
            headers.append(("Content-Length", str(total)))
        clocks = [call.home.clock_of(deployment, n) or None for n in ("connect_timeout", "request_timeout")]
        if call.plan.whole:
            self.uploaded(True)
            manager = transport.open("GET", deployment.url(call.plan.path), headers, None, clocks)
        else:
            manager = transport.open("POST", deployment.url(call.plan.path), headers, _Body(self), clocks)
        response = await manager.__aenter__()
        self._manager = manager
        self._response = response
        self._head(response)

    def _head(self, response):
        attempt, clock = self.call.attempt, self.call.clock
        wall = self.transport.wall()
        if not 100 <= response.status_code <= 999:
            raise ValueError("%r is no status of HTTP" % (response.status_code,))
        code = attempt.status(int(response.status_code))
        for name, value in dict(getattr(response, "headers", None) or {}).items():
            if code == 0:
                code = attempt.header(name, value, wall)
        if code < 0:
            attempt.closed(clock(), code, "", True)
            return
        attempt.head_end(clock())
        self.call.watch.again()
        if hasattr(response, "aiter_bytes"):
            self._source = response.aiter_bytes()
        elif response.status_code // 100 == 2 or not hasattr(response, "aread"):
            self._source = response.aiter_lines()
            self._lines = True
        else:
            self._whole = response.aread
        if hasattr(self._source, "__aiter__"):
            self._source = self._source.__aiter__()

    async def _more(self):
        """The next piece of the response, or its end."""
        call = self.call
        piece = await self._read()
        now = call.clock()
        if piece is None:
            call.attempt.closed(now, 0, "", True)
        else:
            call.attempt.feed(now, piece)

    async def _read(self):
        """The next bytes; None: there are no more."""
        if self._whole is not None:
            read, self._whole = self._whole, None
            return await read()
        if self._source is None:
            return None
        try:
            if hasattr(self._source, "__anext__"):
                piece = await self._source.__anext__()
            else:
                piece = next(self._source)
        except (StopAsyncIteration, StopIteration):
            self._source = None
            return None
        return (piece + "\n").encode("utf-8") if self._lines else piece

    async def drain(self):
        call = self.call
        while True:
            piece = await self._read()
            if piece is None or call.attempt.drain(call.clock(), len(piece)) < 0:
                return

    async def close(self):
        self._ended = True
        self.transport.closed(self)
        manager, self._manager = self._manager, None
        self._source = self._whole = None
        if manager is None:
            return
        platform, since = self.call.home.platform, self.call.clock()
        watch = platform.Watch()

        def left():
            return max(0, _drive.CLOSING - platform.elapsed(since))

        watch.start(lambda: left() == 0, left)
        try:
            await manager.__aexit__(None, None, None)
        except BaseException as error:  # the verdict is there: how the client closes is its own affair
            if not watch.stop(error) and not isinstance(error, Exception):
                raise
        else:
            watch.stop()
