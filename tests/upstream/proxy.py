"""Proxies for tests: HTTP (CONNECT and absolute-form) and SOCKS5, with or without a password, and a way to refuse.

    with Proxy("http") as proxy:
        client.proxy = proxy.url                 # http://127.0.0.1:PORT or socks5h://127.0.0.1:PORT
        proxy.requests == [("CONNECT", "localhost:8443")]

`routes` says where "host:port" really lies; anything else is taken as it is. One thread per direction.
"""

import base64
import socket
import threading
from urllib.parse import urlsplit

LINE_MAX = 64 << 10


class Proxy:
    """kind         "http" or "socks5"
    user, password  asked for when given
    routes          "host:port" → (host, port)
    refuse          an HTTP status (SOCKS5: a reply code) that every request gets
    """

    def __init__(self, kind="http", *, user=None, password=None, routes=None, refuse=None):
        self.kind = kind
        self.credentials = None if user is None else (user, password or "")
        self.routes = dict(routes or {})
        self.refuse = refuse
        self.requests = []  # (method, target), in the order of arrival; the method of SOCKS5 is "SOCKS5"
        self.heads = []  # raw heads of HTTP requests
        self.port = 0
        self._listener = None
        self._sockets = set()

    @property
    def url(self):
        return f"{'http' if self.kind == 'http' else 'socks5h'}://127.0.0.1:{self.port}"

    def start(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()
        return self

    def stop(self):
        for sock in [self._listener, *self._sockets]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._listener.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._run, args=(sock,), daemon=True).start()

    def _run(self, client):
        self._sockets.add(client)
        try:
            if self.kind == "http":
                self._http(client)
            else:
                self._socks5(client)
        except (OSError, ValueError, EOFError):
            pass
        finally:
            self._sockets.discard(client)
            client.close()

    # --- HTTP (RFC 9110, 9.3.6; RFC 9112, 3.2.2)

    def _http(self, client):
        head = read_until(client, b"\r\n\r\n")
        self.heads.append(head)
        method, target, _ = head.split(b"\r\n")[0].decode("latin-1").split(" ")
        self.requests.append((method, target))
        if self.credentials and not self._authorised(head):
            client.sendall(b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="proxy"\r\n')
            client.sendall(b"Content-Length: 0\r\nConnection: close\r\n\r\n")
        elif self.refuse:
            client.sendall(b"HTTP/1.1 %d Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % self.refuse)
        elif method == "CONNECT":
            with self._connect(target) as server:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                self._tunnel(client, server)
        else:
            url = urlsplit(target)
            if url.scheme != "http" or not url.netloc:
                client.sendall(b"HTTP/1.1 400 Not absolute-form\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            with self._connect(url.netloc if ":" in url.netloc else url.netloc + ":80") as server:
                path = target[target.index(url.netloc) + len(url.netloc) :] or "/"
                lines = head.split(b"\r\n")
                lines[0] = f"{method} {path} HTTP/1.1".encode("latin-1")
                lines = [line for line in lines if not line.lower().startswith(b"proxy-")]
                server.sendall(b"\r\n".join(lines))
                self._tunnel(client, server)

    def _authorised(self, head):
        token = base64.b64encode(":".join(self.credentials).encode())
        return b"\r\nproxy-authorization: basic " + token.lower() + b"\r\n" in head.lower() and token in head

    # --- SOCKS5 (RFC 1928, RFC 1929)

    def _socks5(self, client):
        version, count = read_exactly(client, 2)
        methods = read_exactly(client, count)
        wanted = 2 if self.credentials else 0
        if version != 5 or wanted not in methods:
            client.sendall(b"\x05\xff")
            return
        client.sendall(bytes([5, wanted]))
        if self.credentials:
            read_exactly(client, 1)
            given = tuple(read_exactly(client, read_exactly(client, 1)[0]).decode() for _ in range(2))
            client.sendall(b"\x01\x00" if given == self.credentials else b"\x01\x01")
            if given != self.credentials:
                return
        _, command, _, kind = read_exactly(client, 4)
        if kind == 3:
            host = read_exactly(client, read_exactly(client, 1)[0]).decode("latin-1")
        elif kind == 1:
            host = socket.inet_ntop(socket.AF_INET, read_exactly(client, 4))
        else:
            host = socket.inet_ntop(socket.AF_INET6, read_exactly(client, 16))
        target = f"{host}:{int.from_bytes(read_exactly(client, 2), 'big')}"
        self.requests.append(("SOCKS5", target))
        reply = self.refuse or (0 if command == 1 else 7)
        if reply:
            client.sendall(bytes([5, reply, 0, 1]) + bytes(6))
            return
        with self._connect(target) as server:
            client.sendall(bytes([5, 0, 0, 1]) + bytes(6))
            self._tunnel(client, server)

    # --- both

    def _connect(self, target):
        host, _, port = target.rpartition(":")
        server = socket.create_connection(self.routes.get(target, (host.strip("[]"), int(port))), timeout=10)
        server.settimeout(None)
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sockets.add(server)
        return server

    def _tunnel(self, client, server):
        back = threading.Thread(target=pump, args=(server, client), daemon=True)
        back.start()
        pump(client, server)
        back.join()
        self._sockets.discard(server)


def pump(source, sink):
    """Copies until the source ends, then ends the sink's side."""
    buffer = bytearray(256 << 10)
    try:
        while count := source.recv_into(buffer):
            sink.sendall(memoryview(buffer)[:count])
    except OSError:
        pass
    for sock, how in ((sink, socket.SHUT_WR), (source, socket.SHUT_RD)):
        try:
            sock.shutdown(how)
        except OSError:
            pass


def read_exactly(sock, count):
    data = b""
    while len(data) < count:
        part = sock.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def read_until(sock, mark):
    """Reads byte by byte, so that what follows stays in the socket."""
    data = bytearray()
    while not data.endswith(mark):
        if len(data) > LINE_MAX:
            raise ValueError("the head is too long")
        data += read_exactly(sock, 1)
    return bytes(data)
