"""Async HTTP clients of others, as a program may inject them, over a script of answers in place of a network."""

import asyncio
import contextlib
import gc
import json

import _exochat
from upstream import Upstream

try:
    import httpx
except ImportError:
    httpx = None
try:
    import httpx2
except ImportError:
    httpx2 = None
try:
    from exoclaw.http import from_httpx
except ImportError:
    from_httpx = None

SSE = {"content-type": "text/event-stream"}


class Asked:
    """A request as it came."""

    def __init__(self, method, url, headers, body):
        self.method = method
        self.url = url
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)


class Script:
    """Answers, one for each request in order; the last is given for ever. An answer is the bytes of a stream, (status,
    headers, body), an exception to raise, or a coroutine function that takes the request and returns one of these. A body
    is bytes or a list of pieces; an exception among them is raised there."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        self.open = 0  # responses that are not closed

    async def answer(self, asked):
        self.requests.append(asked)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer) and not isinstance(answer, type):
            answer = await answer(asked)
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, (bytes, list)):
            answer = (200, SSE, answer)
        return answer

    async def closed(self):
        """Whether every response is closed. httpx leaves the closing of a generator to its collection."""
        for _ in range(20):
            if self.open == 0:
                return True
            gc.collect()
            await asyncio.sleep(0.01)
        return False

    async def pieces(self, body):
        self.open += 1
        try:
            for piece in [body] if isinstance(body, bytes) else body:
                if isinstance(piece, BaseException):
                    raise piece
                if callable(piece):
                    await piece()
                elif piece:
                    yield piece
        finally:
            self.open -= 1


def mock_of(library, script):
    """An AsyncClient of httpx or httpx2 over the script."""

    async def handler(request):
        body = await request.aread()
        asked = Asked(request.method, str(request.url), request.headers.items(), body)
        status, headers, answer = await script.answer(asked)
        return library.Response(status, headers=headers, content=script.pieces(answer))

    return library.AsyncClient(transport=library.MockTransport(handler))


def asgi_of(script):
    """An httpx.AsyncClient over an ASGI application. It buffers the whole answer."""

    async def application(scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = [(name.decode(), value.decode()) for name, value in scope["headers"]]
        host = dict(headers)["host"]
        asked = Asked(scope["method"], f"{scope['scheme']}://{host}{scope['path']}", headers, body)
        status, headers, answer = await script.answer(asked)
        head = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": head})
        async for piece in script.pieces(answer):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return httpx.AsyncClient(transport=httpx.ASGITransport(application))


KINDS = {
    "exoclaw": from_httpx and httpx and (lambda script: from_httpx(mock_of(httpx, script))),
    "httpx": httpx and (lambda script: mock_of(httpx, script)),
    "httpx2": httpx2 and (lambda script: mock_of(httpx2, script)),
    "asgi": httpx and asgi_of,
}


class Served:
    """The script behind a socket, for the C client: `url` is the base_url of deployments. A context manager."""

    def __init__(self, script):
        self.script = script
        self.upstream = Upstream(scripts={"script": self._answer})

    @property
    def url(self):
        return self.upstream.url_for("script")

    def _answer(self, conn):
        conn.read_body()
        request = conn.request
        asked = Asked(request.method, self.upstream.origin + request.path, request.headers, request.body)
        status, headers, answer = asyncio.run(self.script.answer(asked))
        conn.begin(status, None, headers.items())
        for piece in [answer] if isinstance(answer, bytes) else answer:
            conn.write(piece)
        conn.end()

    def __enter__(self):
        self.upstream.start()
        return self

    def __exit__(self, *_):
        self.upstream.stop()


@contextlib.contextmanager
def behind(kind, script):
    """(client, base_url) of a provider at the script: over httpx without a network, or on the C client."""
    if kind == "httpx":
        yield KINDS["httpx"](script), "http://endpoint.test/v1"
    else:
        with Served(script) as served:
            yield None, served.url


ENGINES = ["httpx"] if httpx else []
if hasattr(_exochat, "Client"):
    ENGINES.append("libcurl")
