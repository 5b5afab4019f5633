"""The server's side of one connection: the primitive steps that behaviours are made of.

Two layers. Raw steps: send(), stall(), half_close(), close(), reset(), read_body(). On top of them an answer: begin(),
write(), end(), in the framing that a modifier asked for. Every step raises PeerGone when the client has left, so a
behaviour needs no care about that.
"""

import json
import select
import socket
import ssl
import struct
import time
import zlib
from dataclasses import dataclass
from http import HTTPStatus

from upstream.request import HEAD_MAX, Body, PeerGone, Request, Wire

GONE = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)
DRAIN_SECONDS = 5.0
RESET_DELAY = 0.05  # so that the client reads what came before a reset, where nothing tells whether it has


@dataclass
class Options:
    """How an answer goes out, whatever it says. Set by modifiers such as "ok+close"; see behaviours.py."""

    framing: str = "chunked"  # or "length", "close" (the end of the connection is the end of the body), "http10"
    reuse: bool = True  # False: "Connection: close"
    piece: int = 0  # send the body in pieces of so many bytes, each in a segment of its own
    pause: float = 0.0  # and wait so long after each
    line_end: bytes = b"\n"  # of events
    compressor: object = None  # a zlib object that the body goes through
    coding: str = ""  # what Content-Encoding says, if anything
    content_type: str = None  # in place of the behaviour's own; "" for none
    cut: int = None  # break off after so many bytes of the body, as it is before chunking
    cut_by_reset: bool = False  # by RST, not by FIN


class Ended(Exception):
    """A modifier has ended the answer and the connection."""


class Connection:
    """One accepted connection; `request` is the one being answered."""

    def __init__(self, upstream, sock, number):
        self.upstream = upstream
        self.number = number
        self.request = None
        self.behaviour = None  # the name under which the library's function was found
        self.options = Options()
        self.closed = False
        self.reusable = True
        self.begun = False  # the head of the answer is out
        self._sock = sock
        self._wire = Wire(sock)
        self._body = None
        self._requests = 0
        self._framing = None
        self._head = b""
        self._held = bytearray()  # a body of framing "length", until its length is known
        self._written = 0  # bytes of the body so far

    # --- raw steps

    def send(self, data):
        """Sends bytes as they are."""
        if self.request and self.request.answer_time is None:
            self.request.answer_time = time.monotonic()
        try:
            self._sock.sendall(data)
        except (OSError, ValueError) as error:
            raise PeerGone(str(error)) from error
        if self.request:
            self.request.bytes_sent += len(data)

    def stall(self, seconds=None, until=None):
        """Does nothing: for so long, or until the Event `until` is set, or for ever. PeerGone as soon as the client
        leaves; but a FIN that waits behind an unread body is not seen, only a reset.
        """
        poller = select.poll()
        poller.register(self._sock, GONE & ~(select.POLLHUP | select.POLLERR))  # those two are always reported
        deadline = None if seconds is None else time.monotonic() + seconds
        while not (until and until.is_set()):
            left = 0.05 if until else 1.0
            if deadline is not None:
                left = min(left, deadline - time.monotonic())
                if left <= 0:
                    return
            if self.upstream.stopping.is_set() or poller.poll(left * 1000):
                raise PeerGone("the client left while the server stalled")

    def half_close(self):
        """Ends our side (FIN; with TLS a close_notify first). Reading goes on."""
        self.reusable = False
        try:
            if isinstance(self._sock, ssl.SSLSocket):
                self._sock.settimeout(0)
                try:
                    self._sock.unwrap()
                except (OSError, ValueError):
                    pass  # it is sent; the client's own is not waited for
                self._sock.settimeout(None)
            socket.socket.shutdown(self._sock, socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        """Closes at once. Where the client's bytes lie unread, the system makes a reset of it."""
        if not self.closed:
            self.closed = True
            self.upstream.forget(self)
            self._sock.close()

    def reset(self):
        """Closes with RST."""
        if not self.closed:
            try:
                linger = struct.pack("ii", 1, 0)
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            except OSError:
                pass
        self.close()

    def reset_when_read(self):
        """Closes with RST as soon as the client has read all that was sent: what it had not read, a reset would drop."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while self._unread() and time.monotonic() < deadline:
            time.sleep(0.002)
        self.reset()

    def _unread(self):
        """How many bytes are on their way to the client or wait for it in its system. 0 after a delay where Linux's table
        of connections is not to be had."""
        try:
            ours, theirs = self._sock.getsockname()[1], self._sock.getpeername()[1]
            with open("/proc/net/tcp6" if self._sock.family == socket.AF_INET6 else "/proc/net/tcp", encoding="ascii") as table:
                rows = [row.split() for row in table][1:]
        except (OSError, IndexError, TypeError):
            time.sleep(RESET_DELAY)
            return 0
        unread = 0
        for row in rows:
            ports = tuple(int(address.rpartition(":")[2], 16) for address in row[1:3])
            sent, received = (int(queue, 16) for queue in row[4].split(":"))
            unread += sent if ports == (ours, theirs) else received if ports == (theirs, ours) else 0
        return unread

    def finish(self):
        """Closes politely: ends our side, reads what the client still sends for a while, then closes."""
        if self.closed:
            return
        self.half_close()
        try:
            self._sock.settimeout(DRAIN_SECONDS)
            deadline = time.monotonic() + DRAIN_SECONDS
            scratch = bytearray(1 << 16)
            while time.monotonic() < deadline and socket.socket.recv_into(self._sock, scratch):
                pass
        except (OSError, ValueError):
            pass
        self.close()

    def refuse(self):
        """400 to what is not HTTP."""
        try:
            self.send(self.head(400, [("Content-Length", "0"), ("Connection", "close")]))
        except PeerGone:
            pass
        self.finish()

    def limit_receive_buffer(self, size):
        """Keeps the system from taking in much more than the behaviour reads."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)

    def abort(self):
        """Wakes whatever step is under way in another thread; that step raises PeerGone."""
        try:
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)
        except OSError:
            pass

    # --- the request

    def read_request(self):
        """The next request's head, or None when the client has closed the connection."""
        self._wire.skip_blank_lines()
        head = self._wire.until(b"\r\n\r\n", HEAD_MAX)
        if head is None:
            return None
        self._requests += 1
        self.request = Request(head, self.number, self._requests, self.upstream.keep_body)
        self._body = Body(self._wire, self.request)
        self.options = Options()
        self.begun = False
        self._framing = None
        self._held.clear()
        self._written = 0
        self.reusable = self.request.keep_alive
        return self.request

    def read_body(self, limit=None, rate=None):
        """Reads the body, or the next `limit` bytes of it, at most `rate` bytes per second."""
        self._body.read(limit, rate)

    def read_to_model(self):
        self._body.read_to_model()

    # --- an answer

    def head(self, status, headers):
        """The bytes of a response head: a status (a number or the whole status line) and (name, value) pairs."""
        if isinstance(status, int):
            try:
                reason = HTTPStatus(status).phrase
            except ValueError:
                reason = "Unassigned"
            status = f"HTTP/1.1 {status} {reason}"
        lines = [status] + [f"{name}: {value}" for name, value in headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def begin(self, status=200, content_type="text/event-stream", headers=()):
        """Starts an answer whose body comes by write() and end()."""
        options = self.options
        self._framing = options.framing
        if options.content_type is not None:
            content_type = options.content_type
        fields = [("Content-Type", content_type)] if content_type else []
        if options.coding:
            fields.append(("Content-Encoding", options.coding))
        fields += headers
        if self._framing == "chunked":
            fields.append(("Transfer-Encoding", "chunked"))
        if self._framing in ("close", "http10") or not options.reuse:
            self.reusable = False
        if not self.reusable:
            fields.append(("Connection", "close"))
        self._head = self.head(status, fields)
        if self._framing == "http10":
            self._head = self._head.replace(b"HTTP/1.1", b"HTTP/1.0", 1)
        if self._framing != "length":
            self.send(self._head)
        self.begun = True

    def write(self, data):
        """Sends a part of the body, compressed and framed as the options say."""
        compressor = self.options.compressor
        if compressor:
            data = compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)
        self._write(data)

    def _write(self, data):
        if self._framing == "length":
            self._held += data
            return
        room = len(data) if self.options.cut is None else self.options.cut - self._written
        self._frame(data[:room])
        if self.options.cut is not None and len(data) >= room:
            self._break_off()

    def _frame(self, data):
        self._written += len(data)
        piece = self.options.piece or len(data)
        for at in range(0, len(data), piece or 1):
            part = data[at : at + piece]
            self.send(b"%x\r\n%b\r\n" % (len(part), part) if self._framing == "chunked" else part)
            if self.options.piece and self.options.pause:
                time.sleep(self.options.pause)

    def _break_off(self):
        if self.options.cut_by_reset:
            self.reset_when_read()
        self.finish()
        raise Ended

    def end(self):
        """Ends the answer."""
        if self.options.compressor:
            self._write(self.options.compressor.flush())
        if self._framing == "chunked":
            self.send(b"0\r\n\r\n")
        elif self._framing == "length":
            head = self._head[:-2] + b"Content-Length: %d\r\n\r\n" % len(self._held)
            held, self._framing = bytes(self._held), "close"
            self._held.clear()
            if self.options.piece or self.options.cut is not None:
                self.send(head)
                self._write(held)
            else:
                self.send(head + held)  # in one segment where it fits

    def respond(self, status, body=b"", content_type="application/json", headers=()):
        """A whole answer with a Content-Length. `body` is bytes, str, or a value to send as JSON."""
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body, ensure_ascii=False)
        if isinstance(body, str):
            body = body.encode()
        self.options.framing = "length"
        self.begin(status, content_type, headers)
        self.write(body)
        self.end()

    def event(self, value):
        """One event; a str goes out as it is, anything else as JSON."""
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        self.lines(f"data: {text}", "")

    def comment(self, text=""):
        self.lines(f": {text}" if text else ":", "")

    def lines(self, *lines):
        """Lines of an event stream, each ended as the options say."""
        self.write(b"".join(line.encode() + self.options.line_end for line in lines))
