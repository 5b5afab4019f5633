"""The servers that the tests of the transport talk to, started by check.py and by pytest (conftest.py), and where they
are, as the file that at.py reads."""

import contextlib
import json
import pathlib
import socket
import subprocess
import sys

import stage
from upstream import Upstream, chunks
from upstream.tls import Certificates

STREAMS = [stage.ROOT / "tests" / "streams"]
KEPT = 1 << 16  # bytes of a body that are told


class Mute:
    """Accepts connections and says nothing; `full`: does not even accept them."""

    def __init__(self, full=False):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0 if full else 128)
        self.port = self.listener.getsockname()[1]
        self.held = []
        for _ in range(8 if full else 0):  # until the queue is full, and the next SYN is not answered
            waiting = socket.socket()
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(("127.0.0.1", self.port))
            self.held.append(waiting)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in [self.listener, *self.held]:
            one.close()


def told(conn):
    """Answers with what was asked: the head, the body, and how many connections there were."""
    request = conn.request
    said = {"headers": request.headers, "connections": conn.upstream.connections, "length": request.length}
    said["chunks"] = request.chunks
    said["sha256"] = request.sha256
    if request.length < KEPT:
        said["body"] = request.body.decode()
    chunks.answer(conn, json.dumps(said))


def echo_key(conn):
    """401, whose words repeat the key."""
    conn.respond(401, chunks.error("bad key: " + conn.request.header("authorization").split()[-1]))


SCRIPTS = {"told": told, "echo-key": echo_key}


def local(url):
    """TLS is verified by name: mbedTLS 2.28 does not match addresses."""
    return url.replace("127.0.0.1", "localhost")


def written(work, at):
    """The file that says where they are."""
    file = work / "at.json"
    file.write_text(json.dumps(at))
    return file


@contextlib.contextmanager
def usual(work):
    """Everything that the provider's tests talk to: the file of addresses."""
    certificates = Certificates(work)
    (work / "other").mkdir()
    other = Certificates(work / "other")
    with contextlib.ExitStack() as stack:

        def upstream(tls=None):
            return stack.enter_context(Upstream(streams=STREAMS, tls=tls, scripts=SCRIPTS))

        plain = upstream()
        at = {"plain": plain.base_url, "port": plain.port, "work": str(work), "ca": certificates.ca, "other_ca": other.ca}
        for name in ("good", "wrong_name", "expired", "not_yet", "self_signed"):
            at["tls" if name == "good" else name] = local(upstream(certificates.server(name)).base_url)
        taken = stack.enter_context(socket.socket())
        taken.bind(("127.0.0.1", 0))
        at["closed"] = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        at["mute_tls"] = f"https://localhost:{stack.enter_context(Mute()).port}/v1"
        at["full"] = f"http://127.0.0.1:{stack.enter_context(Mute(full=True)).port}/v1"
        at["ca_der"] = str(work / "ca.der")
        subprocess.run(["openssl", "x509", "-in", at["ca"], "-outform", "DER", "-out", at["ca_der"]], check=True)
        at["streams"] = str(STREAMS[0])
        yield written(work, at)


@contextlib.contextmanager
def for_scenarios(work, secure):
    """The rows of tests/scenarios with their addresses, as a file."""
    sys.path.insert(0, str(stage.ROOT / "tests" / "scenarios"))
    import scenarios

    certificates = Certificates(work)
    (work / "unknown").mkdir()
    turn = local if secure else str
    with contextlib.ExitStack() as stack:
        context = certificates.server("good") if secure else None
        main = stack.enter_context(Upstream(streams=STREAMS, tls=context))
        unknown = stack.enter_context(Upstream(tls=Certificates(work / "unknown").server()))
        taken = stack.enter_context(socket.socket())
        taken.bind(("127.0.0.1", 0))
        elsewhere = {
            "deaf": f"http://127.0.0.1:{stack.enter_context(Mute(full=True)).port}/v1",
            "closed": f"http://127.0.0.1:{taken.getsockname()[1]}/v1",
            "unresolvable": "http://nowhere.invalid/v1",
            "tls": local(unknown.base_url),
        }
        at = {}
        for row in scenarios.load(stage.ROOT / "tests" / "scenarios" / "scenarios.json"):
            server = main
            if row.get("says"):
                server = stack.enter_context(Upstream(streams=STREAMS, tls=context))
                scenarios.teach(server, row)
            first = elsewhere.get(row.get("endpoint")) or turn(server.url_for(row["chain"][0]))
            at[row["name"]] = {"base_url": turn(server.base_url), "first_url": first, "ca": certificates.ca}
        yield written(pathlib.Path(work), at)
