"""A hand-made HTTP/2 server (RFC 9113) over TLS, for what no real one does on demand.

    def answers_then_breaks(conn):
        stream = conn.read_request()
        conn.headers(stream, 200)
        conn.reset(stream, INTERNAL_ERROR)

    with Http2Server(certificates.server("good"), answers_then_breaks) as server: …

It does not read header fields; a request is its stream's number and its body. Flow control towards the client is not
kept: answers are shorter than the window.
"""

import socket
import struct
import threading

from listener import Listener, rest

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
NO_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, REFUSED_STREAM, CANCEL = 0, 2, 3, 7, 8
ENHANCE_YOUR_CALM, HTTP_1_1_REQUIRED = 11, 13
INITIAL_WINDOW_SIZE = 4
STATUSES = {200: b"\x88", 404: b"\x8d", 500: b"\x8e"}  # in the static table, RFC 7541, appendix A


class Connection:
    """One connection, after TLS and the preface."""

    def __init__(self, sock, server):
        self._sock = sock
        self._file = sock.makefile("rb")
        self._server = server
        self._bodies = {}

    def start(self, **settings):
        """Reads the preface and says our settings, {number: value}."""
        if self._file.read(len(PREFACE)) != PREFACE:
            raise OSError("no preface")
        self.send(SETTINGS, 0, 0, b"".join(struct.pack(">HI", int(key[1:]), settings[key]) for key in settings))

    def read_frame(self):
        head = self._file.read(9)
        if len(head) < 9:
            raise OSError("the client has closed the connection")
        length, kind, flags, stream = int.from_bytes(head[:3], "big"), head[3], head[4], int.from_bytes(head[5:], "big")
        payload = self._file.read(length)
        if kind == SETTINGS and not flags & ACK:
            self.send(SETTINGS, ACK, 0)
        elif kind == PING and not flags & ACK:
            self.send(PING, ACK, 0, payload)
        elif kind == HEADERS:
            self._server.count_request()
            self._bodies[stream] = b""
        elif kind == DATA:
            self._bodies[stream] += payload
            if payload:
                for at in (0, stream):  # as much window as was used
                    self.send(WINDOW_UPDATE, 0, at, struct.pack(">I", len(payload)))
        return kind, flags, stream

    def read_head(self):
        """The number of the next stream whose head has come."""
        while True:
            kind, _, stream = self.read_frame()
            if kind == HEADERS:
                return stream

    def read_request(self):
        """The number of the next stream whose request is complete."""
        while True:
            kind, flags, stream = self.read_frame()
            if kind in (HEADERS, DATA) and flags & END_STREAM:
                return stream

    def send(self, kind, flags, stream, payload=b""):
        self._sock.sendall(len(payload).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream) + payload)

    def headers(self, stream, status, end=False):
        block = STATUSES.get(status) or b"\x08\x03%d" % status  # a literal with the name of index 8
        self.send(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, block)

    def data(self, stream, data, end=False):
        self.send(DATA, END_STREAM if end else 0, stream, data)

    def reset(self, stream, code):
        self.send(RST_STREAM, 0, stream, struct.pack(">I", code))

    def goaway(self, last, code=NO_ERROR):
        self.send(GOAWAY, 0, 0, struct.pack(">II", last, code))

    def say(self, data):
        """Bytes that need be no frame."""
        self._sock.sendall(data)

    def end(self):
        """Ends the connection without a word, not even one of TLS."""
        self._sock.shutdown(socket.SHUT_WR)

    def wait_for_close(self):
        """Reads on until the client closes, so that what was sent reaches it."""
        rest(self._sock)


class Http2Server(Listener):
    """Gives every connection to `script`. `settings` are numbers of RFC 9113, 6.5.2, as in s4=0."""

    def __init__(self, context, script, **settings):
        super().__init__(self._serve)
        context.set_alpn_protocols(["h2"])
        self._context = context
        self._script = script
        self._settings = settings
        self._lock = threading.Lock()
        self.requests = 0  # heads of requests that have come

    @property
    def base_url(self):
        return f"https://127.0.0.1:{self.port}/v1"

    def count_request(self):
        with self._lock:
            self.requests += 1

    def _serve(self, sock):
        with self._context.wrap_socket(sock, server_side=True) as secure:
            secure.settimeout(60)
            connection = Connection(secure, self)
            connection.start(**self._settings)
            self._script(connection)
