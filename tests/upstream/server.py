"""The listener: accepts, one thread per connection, chooses a behaviour for every request, keeps the log.

Bounded by `max_connections` (further ones wait in the system's queue) and by `keep_body` bytes of each logged body.
"""

import os
import socket
import threading
import time
from urllib.parse import quote

from upstream import behaviours
from upstream.connection import Connection, Ended
from upstream.request import BadRequest, PeerGone


class Upstream:
    """A scripted server. Use it as a context manager, or with start() and stop().

    scripts     name → behaviour, tried before the library of behaviours.py. A behaviour is a callable that takes the
                Connection, or the name of another behaviour. Names are what requests say as `model` or in the path.
                Change it at any time. Decorate with behaviours.early what must run before the body is read.
    default     the behaviour for requests that name none or an unknown one; without it they get a real endpoint's 404
    tls         a server-side ssl.SSLContext; see tls.py
    unix        the path of a unix-domain socket to listen on, in place of host and port
    streams     folders in which the behaviour "file:<name>" looks for recorded answers
    redirect_to where the redirect behaviours point
    """

    def __init__(
        self,
        host="127.0.0.1",
        port=0,
        *,
        scripts=None,
        default=None,
        tls=None,
        unix=None,
        streams=(),
        redirect_to="http://127.0.0.1:9/v1/chat/completions",
        max_connections=1024,
        keep_body=16 << 20,
        receive_buffer=None,
    ):
        self.host = host
        self.port = port
        self.scripts = dict(scripts or {})
        self.default = default
        self.tls = tls
        self.unix = unix
        self.streams = [os.fspath(folder) for folder in streams]
        self.redirect_to = redirect_to
        self.keep_body = keep_body
        self.receive_buffer = receive_buffer
        self.stopping = threading.Event()
        self.requests = []  # of type Request, in the order of their heads
        self.connections = 0  # accepted so far
        self.handshake_errors = []  # why TLS handshakes failed
        self.errors = []  # exceptions out of behaviours, and requests that were not HTTP
        self._changed = threading.Condition()
        self._slots = threading.Semaphore(max_connections)
        self._open = set()
        self._gates = {}
        self._counters = {}
        self._listener = None
        self._thread = None

    # --- running

    def start(self):
        if self.unix:
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            address = os.fspath(self.unix)
        else:
            self._listener = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_STREAM)
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            address = (self.host, self.port)
        if self.receive_buffer:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        self._listener.bind(address)
        self._listener.listen(512)
        if not self.unix:
            self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="upstream", daemon=True)
        self._thread.start()
        return self

    def stop(self):
        """Closes the listener and every connection; behaviours that stall are woken."""
        self.stopping.set()
        try:
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        except OSError:
            pass
        self._listener.close()
        self._thread.join(5)
        with self._changed:
            still_open = list(self._open)
            self._changed.notify_all()
        for connection in still_open:
            connection.abort()
        if self.unix:
            try:
                os.unlink(self.unix)
            except OSError:
                pass

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # --- for tests

    @property
    def origin(self):
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    @property
    def base_url(self):
        return self.origin + "/v1"

    def url_for(self, behaviour):
        """A base_url whose requests all meet `behaviour`, whatever model they name."""
        return f"{self.origin}/m/{quote(behaviour, safe='')}/v1"

    @property
    def open_connections(self):
        return len(self._open)

    def wait_for(self, condition, timeout=60.0):
        """Waits until `condition()` is true; False when it did not become so in time."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not condition():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, 0.05))
        return True

    def wait_requests(self, count, timeout=60.0):
        """Waits until `count` requests have been answered to their end, and returns the log."""
        self.wait_for(lambda: sum(request.end_time is not None for request in self.requests) >= count, timeout)
        return self.requests

    def gate(self, name="open"):
        """The Event that the behaviour "gate:<name>" waits for."""
        with self._changed:
            return self._gates.setdefault(name, threading.Event())

    def clear(self):
        """Forgets the log, the gates and the counters; connections stay."""
        with self._changed:
            self.requests.clear()
            self.handshake_errors.clear()
            self.errors.clear()
            self._gates.clear()
            self._counters.clear()

    # --- for behaviours

    def count(self, key):
        """How often this was called with `key`, this time included."""
        with self._changed:
            self._counters[key] = self._counters.get(key, 0) + 1
            return self._counters[key]

    def forget(self, connection):
        with self._changed:
            self._open.discard(connection)
            self._changed.notify_all()

    # --- the threads

    def _accept(self):
        while not self.stopping.is_set():
            self._slots.acquire()
            try:
                sock, _ = self._listener.accept()
            except OSError:
                self._slots.release()
                if self.stopping.wait(0.01):
                    return
                continue
            with self._changed:
                self.connections += 1
                number = self.connections
                self._changed.notify_all()
            threading.Thread(target=self._run, args=(sock, number), name=f"upstream-{number}", daemon=True).start()

    def _run(self, sock, number):
        connection = None
        try:
            if not self.unix:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                sock.settimeout(60)
                sock = self.tls.wrap_socket(sock, server_side=True)
                sock.settimeout(None)
            connection = Connection(self, sock, number)
            with self._changed:
                self._open.add(connection)
            if not self.stopping.is_set():
                self._serve(connection)
            connection.finish()
        except PeerGone:
            pass
        except BadRequest as error:
            self.errors.append(error)
            connection.refuse()
        except OSError as error:
            (self.errors if connection else self.handshake_errors).append(error)
        finally:
            connection.close() if connection else sock.close()
            self._slots.release()

    def _serve(self, connection):
        """Answers request after request, until one of the two sides has had enough."""
        while connection.reusable and not connection.closed:
            request = connection.read_request()
            if request is None:
                return
            with self._changed:
                self.requests.append(request)
                self._changed.notify_all()
            try:
                self._answer(connection, request)
                if connection.reusable and not connection.closed:
                    connection.read_body()  # an early answer left it lying
            except Ended:
                return
            except (PeerGone, BadRequest) as error:
                request.peer_gone = isinstance(error, PeerGone)
                raise
            except Exception as error:
                self.errors.append(error)
                raise PeerGone("a behaviour failed") from error
            finally:
                with self._changed:
                    request.end_time = time.monotonic()
                    self._changed.notify_all()

    def _answer(self, connection, request):
        name = request.path_behaviour
        if name is None and request.method == "POST":
            connection.read_to_model()
            name = request.model
        request.behaviour = name
        if request.method == "GET" and name is None:
            behaviours.answer_get(connection)
        elif not behaviours.run(connection, name):
            if not self.default or not behaviours.run(connection, self.default):
                behaviours.unknown_model(connection)
