"""The scripted server (tests/upstream) for the tests of Client, and small drivers of a client."""

import socket
import threading

import pytest

import _exochat
from upstream import Upstream

ALL = ("content", "reasoning", "refusal", "tool_call", "tool_arguments", "usage", "fallback")
PATIENCE = 60_000  # milliseconds; a wait that is to end by something else
ASK = {"messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def upstream(tmp_path):
    with Upstream(streams=[tmp_path]) as server:
        yield server
        assert not server.errors


@pytest.fixture
def client(upstream):
    made = client_of(upstream)
    yield made
    made.close()


class Trickle:
    """A server for one connection: an answer of `count` pieces of one byte of text, each sent by itself."""

    def __init__(self, count):
        self._count = count
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, error, trace):
        self._listener.close()
        self._thread.join()

    def _serve(self):
        connection, _ = self._listener.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            received = b""
            while not received.endswith(b"}"):
                received += connection.recv(65536)
            try:
                self._send(connection)
            except OSError:  # the other side has had enough
                pass

    def _pieces(self):
        yield b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        for _ in range(self._count):
            yield b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'
        yield b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'

    def _send(self, connection):
        for piece in self._pieces():
            connection.sendall(piece)


class Poised(Trickle):
    """The same, but it sends nothing before answer(), and then all of it, which is less than a socket holds."""

    def __init__(self, count):
        super().__init__(count)
        self.asked = threading.Event()  # the request is here
        self._told = threading.Event()
        self._sent = threading.Event()

    def answer(self):
        self._told.set()
        assert self._sent.wait(PATIENCE / 1000)

    def _send(self, connection):
        self.asked.set()
        self._told.wait(PATIENCE / 1000)
        connection.sendall(b"".join(self._pieces()))
        connection.shutdown(socket.SHUT_WR)
        self._sent.set()


def client_of(upstream, *names, options=None, **deployment):
    """A client with a deployment for each name; a test adds its own with deploy()."""
    made = _exochat.Client(options)
    for name in names:
        deploy(made, upstream, name, **deployment)
    return made


def deploy(client, upstream, name, **options):
    client.deploy(name, {"base_url": upstream.base_url, "connect_timeout": PATIENCE, "request_timeout": PATIENCE, **options})
    return name


def events_of(client, wanted=None):
    """Turns until `wanted` calls have ended (all of them, unless told), and returns what came: [(user, event)]."""
    found = []
    ended = 0
    wanted = client.calls() if wanted is None else wanted
    while ended < wanted:
        more, events = client.turn()
        found += events
        ended += sum(event[0] == "end" for _, event in events)
        if not more and not events and ended < wanted:
            client.wait(PATIENCE)
    return found


def ask(client, model, request=ASK, user=None, **options):
    """(the call, its events) once it has ended."""
    call = client.start(model, request, options, user)
    return call, [event for _, event in events_of(client, 1)]
