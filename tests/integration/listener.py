"""A server that is no server: what it does with a connection is one function of the test's.

    with Listener(say(b"SSH-2.0-x\r\n")) as listener:
        connect("127.0.0.1", listener.port)
    listener.received  # the bytes of each connection whose function has returned them
"""

import socket
import struct
import threading


class Listener:
    """Gives every connection to `handle`, in a thread of its own, and keeps the bytes that it returns."""

    def __init__(self, handle):
        self.handle = handle
        self.port = 0
        self.received = []
        self._changed = threading.Condition()
        self._threads = []

    @property
    def everything(self):
        """All that was received, once all connections are through."""
        for thread in list(self._threads):
            thread.join(60)
        return b"".join(self.received)

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="listener", daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._listener.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._run, args=(sock,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, sock):
        with sock:
            sock.settimeout(60)
            try:
                self.received.append(self.handle(sock) or b"")
            except OSError:
                pass


def rest(sock):
    """What still comes until the other side closes."""
    data = bytearray()
    try:
        while part := sock.recv(65536):
            data += part
    except OSError:
        pass
    return bytes(data)


def stall(sock):
    """Reads and never says anything."""
    return rest(sock)


def close(_):
    """Closes at once."""


def hear_and_close(sock):
    """Closes after the first bytes."""
    return sock.recv(65536)


def hear_and_reset(sock):
    """Resets after the first byte."""
    data = sock.recv(1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return data


def say(data):
    """Says this without being asked, then reads."""

    def handle(sock):
        sock.sendall(data)
        return rest(sock)

    return handle


def answer(data):
    """Says this after the first bytes, then reads."""

    def handle(sock):
        first = sock.recv(65536)
        sock.sendall(data)
        return first + rest(sock)

    return handle
