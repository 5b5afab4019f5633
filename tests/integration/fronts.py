"""Starts nginx and haproxy in front of a server, unprivileged, in the foreground, on ports that the system chooses.

    with Nginx(upstream.origin, certificate=certificates.make("good"), http2=True) as front:
        ask(front.base_url)

A front gets its listening socket from us, bound already: no port is ever guessed or taken twice. Its files are in a
folder of its own, which goes when it is stopped. Requests that nginx passes on carry X-Front-Protocol (the HTTP version
that the client spoke) and X-Front-Connection (a number that is the same for all requests of one connection).
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest

PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))
START_SECONDS = 60
STOP_SECONDS = 10

NGINX = """
daemon off;
{user}
worker_processes 1;
pid nginx.pid;
error_log stderr;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_max_body_size 0;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port}{listen};
        {certificate}
        {directives}
        location / {{
            proxy_pass {backend};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header X-Front-Protocol $server_protocol;
            proxy_set_header X-Front-Connection $connection;
            proxy_buffering off;
            proxy_request_buffering off;
        }}
    }}
}}
"""

HAPROXY = """
defaults
    mode http
    retries 0
    timeout connect 10s
    timeout client 60s
    timeout server 60s
    {directives}
frontend front
    bind fd@{descriptor}{bind}
    {rules}
    default_backend back
backend back
    {server}
"""


class Front:
    """What the two have in common. `certificate` is the pair (certificate, key) of a TLS front; None: a plain one."""

    program = None

    def __init__(self, certificate=None, http2=False, directives=""):
        self.certificate = certificate
        self.http2 = http2
        self.directives = directives
        self.port = 0
        self.folder = None
        self._process = None

    @property
    def origin(self):
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    @property
    def base_url(self):
        return self.origin + "/v1"

    def start(self):
        binary = shutil.which(self.program, path=PATH)
        if not binary:
            pytest.skip(f"{self.program} is not installed")
        self.folder = tempfile.mkdtemp(prefix=f"exochat-{self.program}-")
        with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
            self.port = listener.getsockname()[1]
            arguments = self._configure(listener.fileno())
            with open(self._path("log"), "wb") as log:
                self._process = subprocess.Popen(
                    [binary, *arguments],
                    cwd=self.folder,
                    env={**os.environ, "NGINX": f"{listener.fileno()};"},
                    pass_fds=[listener.fileno()],
                    start_new_session=True,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        """Ends it, and with it every connection that it has. Once is enough; twice does no harm."""
        if self._process:
            self.signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            finally:
                self.signal(signal.SIGKILL, os.killpg)  # its workers too, if it has left any
                self._process.wait()
                self._process = None
        if self.folder:
            shutil.rmtree(self.folder)
            self.folder = None

    def signal(self, number, send=os.kill):
        try:
            send(self._process.pid, number)
        except ProcessLookupError:
            pass  # it has ended by itself

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @property
    def log(self):
        """What it has said so far."""
        with open(self._path("log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _write(self, name, text):
        with open(self._path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self._path(name)

    def _wait(self):
        """The system has accepted for it since before it ran, so any reaction to nonsense means that it runs."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=START_SECONDS) as connection:
                connection.sendall(b"\r\n\r\nnonsense\r\n\r\n")
                connection.recv(1)
        except OSError:
            pass  # a reset is a reaction too
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=START_SECONDS).close()
        except ConnectionRefusedError:  # then it was the last one
            raise RuntimeError(f"{self.program} ended with {self._process.wait(STOP_SECONDS)}:\n{self.log}") from None


class Nginx(Front):
    """`backend` is a URL without a path, or "http://unix:PATH:". `directives` are those of a server block."""

    program = "nginx"

    def __init__(self, backend, **options):
        super().__init__(**options)
        self.backend = backend

    def _configure(self, _):
        listen = (" ssl" if self.certificate else "") + (" http2" if self.http2 else "")
        pair = "ssl_certificate {}; ssl_certificate_key {};".format(*self.certificate) if self.certificate else ""
        text = NGINX.format(
            user="" if os.geteuid() else "user root root;",  # its workers must see the folders of the tests
            port=self.port,
            listen=listen,
            certificate=pair,
            directives=self.directives,
            backend=self.backend,
        )
        return ["-p", self.folder, "-e", "stderr", "-c", self._write("nginx.conf", text)]


class Haproxy(Front):
    """`backend` is "HOST:PORT", or None: then there is no server behind it. `directives` are those of `defaults`,
    `rules` those of the frontend.
    """

    program = "haproxy"

    def __init__(self, backend, rules="", **options):
        super().__init__(**options)
        self.backend = backend
        self.rules = rules

    def _configure(self, descriptor):
        bind = ""
        if self.certificate:
            bind = f" ssl crt {self._bundle()} alpn {'h2,' if self.http2 else ''}http/1.1"
        server = f"server upstream {self.backend}" if self.backend else ""
        text = HAPROXY.format(
            descriptor=descriptor, bind=bind, directives=self.directives, rules=self.rules, server=server
        )
        return ["-db", "-f", self._write("haproxy.cfg", text)]

    def _bundle(self):
        """haproxy wants certificate and key in one file."""
        parts = []
        for path in self.certificate:
            with open(path, encoding="ascii") as file:
                parts.append(file.read())
        return self._write("bundle.pem", "".join(parts))
