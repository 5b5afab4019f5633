"""Lets the transport of MicroPython (_sockets.py and what it stands on) run on CPython, so that pytest has it too: what it asks
of MicroPython's asyncio, socket, select and ssl is made here of CPython's. install() once, before the package is used.
"""

import asyncio
import select
import socket
import ssl
import sys
import types

import _exochat
import exoclaw_provider_openai._platform_cpython as platform
from exoclaw_provider_openai import _drive, _engine_cpython


class Queue:
    """asyncio.core._io_queue: what a generator coroutine yields to wait for a socket."""

    @staticmethod
    def _wait(sock, reading):
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        add, remove = (loop.add_reader, loop.remove_reader) if reading else (loop.add_writer, loop.remove_writer)
        number = sock.fileno()

        def ready():
            if not future.done():
                future.set_result(None)

        add(number, ready)
        future.add_done_callback(lambda _: remove(number))
        future._asyncio_future_blocking = True  # as `await future` would
        return future

    def queue_read(self, sock):
        return self._wait(sock, True)

    def queue_write(self, sock):
        return self._wait(sock, getattr(sock, "wants_to_read", False))


class Core:
    _io_queue = Queue()

    @staticmethod
    async def sleep_ms(milliseconds):
        await asyncio.sleep(milliseconds / 1000)


class Stream:
    """A MicroPython stream: None where it would wait."""

    def write(self, buffer, start, size):
        try:
            return self.send(memoryview(buffer)[start : start + size])
        except (BlockingIOError, ssl.SSLWantWriteError):
            self.wants_to_read = False
        except ssl.SSLWantReadError:
            self.wants_to_read = True
        return None

    def readinto(self, buffer, most=None):
        try:
            return self.recv_into(buffer, most or len(buffer))
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None


class Socket(Stream, socket.socket):
    pass


class TLSSocket(Stream, ssl.SSLSocket):
    pass


class Context(ssl.SSLContext):
    sslsocket_class = TLSSocket

    def wrap_socket(self, sock, **more):
        return super().wrap_socket(sock, suppress_ragged_eofs=False, **more)

    def load_verify_locations(self, der):
        super().load_verify_locations(cadata=der)


class Attempt:
    """An attempt whose next() goes through the wire that was made of it."""

    def __init__(self, *arguments):
        self._own = _exochat.Attempt(*arguments)
        self._wire = None

    def __getattr__(self, name):
        return getattr(self._own, name)

    def next(self):
        return self._wire.next(platform.clock()) if self._wire else self._own.next()


def wire_of(attempt):
    attempt._wire = _exochat.Wire(attempt._own)
    return attempt._wire


class Poll:
    def __init__(self):
        self._poll = select.poll()
        self.register = self._poll.register

    def ipoll(self, timeout):
        return self._poll.poll(timeout)


def module(name, **contents):
    made = types.ModuleType(name)
    made.__dict__.update(contents)
    return made


def engine_of(settings, client):
    from exoclaw_provider_openai._sockets import Sockets

    return Sockets(settings, platform)


def install():
    parts = {name: getattr(platform, name) for name in dir(platform) if name[:1] != "_"}
    name = "exoclaw_provider_openai._platform_micropython"
    sys.modules["micropython"] = module("micropython", const=lambda value: value)
    sys.modules[name] = module(name, core=Core, **parts)
    from exoclaw_provider_openai import _chunked, _connect, _sockets, _tls

    _drive._exochat = module("_exochat", **{**vars(_exochat), "Attempt": Attempt})
    _sockets._exochat = module("_exochat", **{**vars(_exochat), "Wire": wire_of})
    _sockets._forget = lambda *names: None  # what is changed here stays loaded
    _sockets.Connection.wait = types.coroutine(_sockets.Connection.wait)
    flags = {name: getattr(select, name) for name in ("POLLOUT", "POLLERR", "POLLHUP")}
    _connect.select = module("select", poll=Poll, **flags)
    _connect.socket = module("socket", socket=Socket, getaddrinfo=socket.getaddrinfo, SOCK_STREAM=socket.SOCK_STREAM)
    _chunked._step = types.coroutine(_chunked._step)
    chips = module("ssl", SSLContext=Context, PROTOCOL_TLS_CLIENT=ssl.PROTOCOL_TLS_CLIENT, CERT_REQUIRED=ssl.CERT_REQUIRED)
    usual = _tls.context_of

    def context_of(*arguments):
        sys.modules["ssl"] = chips
        try:
            return usual(*arguments)
        finally:
            sys.modules["ssl"] = ssl

    _tls.context_of = context_of
    _engine_cpython.engine = engine_of
