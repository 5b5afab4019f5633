"""Tests of the scripted server itself: what it logs, how it frames, how it breaks off; and every behaviour runs."""

import hashlib
import http.client
import json
import re
import socket
import ssl
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from upstream import Upstream, behaviours  # noqa: E402
from upstream.chunks import TEXT, USAGE  # noqa: E402
from upstream.proxy import Proxy  # noqa: E402
from upstream.tls import Certificates  # noqa: E402

PATH = "/v1/chat/completions"


@pytest.fixture
def upstream(tmp_path):
    with Upstream(streams=[tmp_path]) as server:
        yield server
        assert not server.errors


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


def body_for(model, text="hello", **extra):
    return json.dumps({"model": model, "messages": [{"role": "user", "content": text}], "stream": True, **extra})


class Client:
    """A connection of raw bytes."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def post(self, body, path=PATH, length=None):
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body) if length is None else length}\r\n\r\n"
        self.socket.sendall(head.encode() + body.encode())

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def rest(self):
        data = bytearray()
        while part := self.socket.recv(65536):
            data += part
        return bytes(data)


def raw(upstream, model):
    """Everything that the server sends until it closes."""
    with Client(upstream.port) as client:
        client.post(body_for(model))
        return client.rest()


def ask(upstream, model, text="hello", connection=None, **extra):
    connection = connection or http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=60)
    connection.request("POST", PATH, body_for(model, text, **extra), {"Content-Type": "application/json"})
    response = connection.getresponse()
    return response, response.read()


def events(body):
    lines = re.split(r"\r\n|\n|\r", body.decode())
    return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]


def text_of(body):
    text = ""
    for event in events(body):
        if event != "[DONE]":
            for choice in json.loads(event)["choices"]:
                text += choice["delta"].get("content") or ""
    return text


def test_ok_answers_with_text_usage_and_done(upstream):
    response, body = ask(upstream, "ok")
    assert response.status == 200 and response.headers["Content-Type"] == "text/event-stream"
    assert text_of(body) == TEXT
    assert json.loads(events(body)[-2])["usage"] == USAGE
    assert events(body)[-1] == "[DONE]"


def test_the_log_tells_what_came(upstream):
    ask(upstream, "echo", "two words")
    request = upstream.wait_requests(1)[0]
    assert (request.method, request.path, request.model) == ("POST", PATH, "echo")
    assert request.header("CONTENT-type") == "application/json"
    assert request.json["messages"][0]["content"] == "two words"
    assert (request.connection, request.number, request.complete, request.peer_gone) == (1, 1, True, False)
    assert request.time <= request.body_time <= request.answer_time <= request.end_time


def test_a_connection_is_kept(upstream):
    connection = http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=60)
    for model in ("ok", "status-503", "ok+length", "early-401"):
        ask(upstream, model, connection=connection)
    assert upstream.connections == 1
    assert [request.number for request in upstream.requests] == [1, 2, 3, 4]


def test_the_path_beats_the_model(upstream):
    with Client(upstream.port) as client:
        client.post(body_for("ok"), path="/m/status-418/v1/chat/completions?a=b")
        assert client.socket.recv(100).startswith(b"HTTP/1.1 418 ")
    assert (upstream.requests[0].path, upstream.requests[0].query) == (PATH, "a=b")
    assert upstream.url_for("file:a b") == f"http://127.0.0.1:{upstream.port}/m/file%3Aa%20b/v1"


def test_an_unknown_model_is_404_unless_there_is_a_default(upstream):
    assert ask(upstream, "gpt-nothing")[0].status == 404
    assert ask(upstream, "ok+nothing")[0].status == 404
    upstream.default = "echo"
    assert text_of(ask(upstream, "gpt-nothing", "now")[1]) == "now"


def test_scripts_are_functions_or_aliases(upstream):
    upstream.scripts["mine"] = lambda conn: conn.respond(201, {"model": conn.request.model})
    upstream.scripts["vendor/model"] = "status-429"
    assert json.loads(ask(upstream, "mine")[1]) == {"model": "mine"}
    assert ask(upstream, "vendor/model")[0].status == 429


def test_models_are_listed(upstream):
    connection = http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=60)
    connection.request("GET", "/v1/models")
    assert "ok" in [model["id"] for model in json.load(connection.getresponse())["data"]]


@pytest.mark.parametrize("framing", ["", "+close", "+length", "+http10", "+noreuse", "+piece-1", "+piece-7+length"])
def test_framings_carry_the_same_body(upstream, framing):
    assert text_of(ask(upstream, "ok" + framing)[1]) == TEXT


@pytest.mark.parametrize("ending", ["+crlf", "+cr"])
def test_line_ends(upstream, ending):
    body = ask(upstream, "ok" + ending)[1]
    assert text_of(body) == TEXT
    assert (b"\n" in body) == (ending == "+crlf")


def test_a_chunked_request_is_read(upstream):
    connection = http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=60)
    body = body_for("digest").encode()
    pieces = [body[i : i + 5] for i in range(0, len(body), 5)]
    connection.request("POST", PATH, iter(pieces), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    report = json.loads(text_of(connection.getresponse().read()))
    assert report == {"length": len(body), "sha256": hashlib.sha256(body).hexdigest(), "chunks": len(pieces)}


@pytest.mark.parametrize("front", [True, False])
def test_a_huge_body_is_hashed_and_not_kept(upstream, front):
    upstream.keep_body = 1 << 20
    model, text = b'"model":"digest",', b'"text":"' + b"x" * (40 << 20) + b'"'
    body = b"{" + (model + text if front else text + b"," + model[:-1]) + b"}"
    connection = http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=60)
    connection.request("POST", PATH, body)
    report = json.loads(text_of(connection.getresponse().read()))
    assert report == {"length": len(body), "sha256": hashlib.sha256(body).hexdigest(), "chunks": 0}
    request = upstream.requests[0]
    assert request.body is None
    assert (request.first, request.last) == (body[:4096], body[-4096:])


def test_cut_and_reset_after_n_bytes(upstream):
    whole = ask(upstream, "ok")[1].replace(b"chatcmpl-1-1", b"chatcmpl-2-1").replace(b'"ok"', b'"cut-after-99+close"')
    assert raw(upstream, "cut-after-99+close").partition(b"\r\n\r\n")[2] == whole[:99]
    with pytest.raises(ConnectionResetError):
        raw(upstream, "reset-after-99")
    with pytest.raises(http.client.IncompleteRead):
        ask(upstream, "cut-after-99")


@pytest.mark.parametrize("model, error", [("fin-before-headers", None), ("reset-before-headers", ConnectionResetError)])
def test_no_answer(upstream, model, error):
    if error:
        with pytest.raises(error):
            raw(upstream, model)
    else:
        assert raw(upstream, model) == b""


@pytest.mark.parametrize("model, seen", [("early-413", "open"), ("early-413-fin", "fin"), ("early-413-unread", "open")])
def test_an_early_answer_comes_before_the_body(upstream, model, seen):
    with Client(upstream.port) as client:
        client.post(body_for(model) + " " * 1000, length=1 << 20)
        assert client.socket.recv(65536).startswith(b"HTTP/1.1 413 ")
        client.socket.settimeout(60 if seen == "fin" else 0.2)
        try:
            assert client.socket.recv(1) == b"" and seen == "fin"
        except TimeoutError:
            assert seen == "open"


def test_an_early_reset(upstream):
    with Client(upstream.port) as client:
        client.post(body_for("early-413-reset"), length=1 << 20)
        assert upstream.wait_requests(1)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            for _ in range(100):
                client.socket.sendall(b" " * 4096)
                time.sleep(0.01)


def test_a_stalled_upload_reads_only_so_much(upstream):
    with Client(upstream.port) as client:
        client.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.post(body_for("stall-upload-after-64") + " " * (64 << 20))
        assert upstream.wait_for(lambda: upstream.requests and upstream.requests[0].length >= 64 << 10)
        client.reset()
    request = upstream.wait_requests(1)[0]
    assert request.peer_gone and 64 << 10 <= request.length < 1 << 20


def test_a_silent_server_notices_that_the_client_left(upstream):
    with Client(upstream.port) as client:
        client.post(body_for("silent"))
        assert upstream.wait_for(lambda: upstream.requests and upstream.requests[0].complete)
        assert upstream.requests[0].end_time is None
    assert upstream.wait_requests(1)[0].peer_gone
    assert upstream.wait_for(lambda: upstream.open_connections == 0)


def test_stop_wakes_everything():
    with Upstream() as upstream:
        clients = [Client(upstream.port) for _ in range(3)]
        for client, model in zip(clients, ("silent", "comments-only", "endless-1xx")):
            client.post(body_for(model))
        assert upstream.wait_for(lambda: len(upstream.requests) == 3)
    assert upstream.wait_for(lambda: upstream.open_connections == 0)
    for client in clients:
        client.socket.close()


def test_a_gate_waits_for_the_test(upstream):
    with Client(upstream.port) as client:
        client.post(body_for("gate:a+noreuse"))
        time.sleep(0.1)
        assert upstream.requests[0].end_time is None
        upstream.gate("a").set()
        assert b"[DONE]" in client.rest()


def test_sequences_count_requests(upstream):
    statuses = [ask(upstream, "fail-2-then-ok")[0].status for _ in range(4)]
    assert statuses == [503, 503, 200, 200]
    statuses = [ask(upstream, "sequence:status-429,early-401,ok")[0].status for _ in range(4)]
    assert statuses == [429, 401, 200, 200]


@pytest.mark.parametrize("model", ["close-on-reuse", "reset-on-reuse", "read-body-work-0.1s-close", "partial-on-reuse"])
def test_only_the_second_request_of_a_connection_is_dropped(upstream, model):
    connection = http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=60)
    assert text_of(ask(upstream, model, connection=connection)[1]) == TEXT
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        ask(upstream, model, connection=connection)
    assert upstream.connections == 1


def test_a_file_is_streamed_unchanged(upstream, tmp_path):
    data = bytes(range(256)) * 300
    (tmp_path / "noise.sse").write_bytes(data)
    assert ask(upstream, "file:noise")[1] == ask(upstream, "file:noise.sse+close")[1] == data
    assert ask(upstream, "file:../noise.sse")[0].status == 404


def test_what_is_not_http_is_refused():
    with Upstream() as upstream, Client(upstream.port) as client:
        client.socket.sendall(b"hello\r\n\r\n")
        assert client.rest().startswith(b"HTTP/1.1 400 ")
        assert upstream.wait_for(lambda: upstream.errors)


SAMPLES = {"{n}": "9", "{name}": "ok"}
NO_HEAD = "silent|wait|(fin|reset)-before|(fin|reset|stall)-upload|slow-reader|garbage|http09"
STATUS = r"(status|html|empty|body|stalled-body|endless-body|context|content-filter|quota|redirect|early)-\{n\}"


@pytest.mark.parametrize("listed", [name for name, _ in behaviours.catalogue()])
def test_every_behaviour_runs(upstream, listed):
    name = re.sub(STATUS, r"\1-400", listed).replace("should-retry-{name}-{n}", "should-retry-true-500")
    name = name.replace("interim-{n}", "interim-103").replace("-to-{n}", "-to-99")
    for slot, sample in SAMPLES.items():
        name = name.replace(slot, sample)
    with Client(upstream.port) as client:
        client.post(body_for(name))
        upstream.wait_for(lambda: upstream.requests)
        if not re.match(NO_HEAD, name):
            assert client.socket.recv(65536).startswith(b"HTTP/1"), name
        client.socket.settimeout(0.1)  # a little of what follows, however much comes
        deadline = time.monotonic() + 0.2
        try:
            while time.monotonic() < deadline and client.socket.recv(65536):
                pass
        except (TimeoutError, ConnectionResetError):
            pass
    assert upstream.wait_requests(1)[0].end_time


@pytest.mark.parametrize("name", ["good", "expired", "not_yet", "wrong_name", "self_signed"])
def test_certificates(certificates, name):
    context = ssl.create_default_context(cafile=certificates.ca)
    with Upstream(tls=certificates.server(name)) as upstream:
        connection = http.client.HTTPSConnection("127.0.0.1", upstream.port, timeout=60, context=context)
        if name == "good":
            for model in ("ok", "ok+close"):
                assert text_of(ask(upstream, model, connection=connection)[1]) == TEXT
        else:
            with pytest.raises(ssl.SSLCertVerificationError):
                connection.connect()
            assert upstream.wait_for(lambda: upstream.handshake_errors)


def test_a_client_certificate(certificates):
    context = ssl.create_default_context(cafile=certificates.ca)
    context.load_cert_chain(*certificates.make("client"))
    with Upstream(tls=certificates.server(client_ca=True)) as upstream:
        connection = http.client.HTTPSConnection("127.0.0.1", upstream.port, timeout=60, context=context)
        assert text_of(ask(upstream, "ok", connection=connection)[1]) == TEXT


def test_a_unix_socket(tmp_path):
    path = tmp_path / "upstream.sock"
    with Upstream(unix=path), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"GET /v1/models HTTP/1.0\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200 ")
    assert not path.exists()


def test_an_http_proxy(upstream):
    target = f"there.example:{upstream.port}"
    with Proxy(user="u", password="p", routes={target: ("127.0.0.1", upstream.port)}) as proxy:
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=60)
        connection.request("POST", f"http://{target}{PATH}", body_for("ok"), {"Proxy-Authorization": "Basic dTpw"})
        assert text_of(connection.getresponse().read()) == TEXT
        tunnelled = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=60)
        tunnelled.set_tunnel("there.example", upstream.port, {"Proxy-Authorization": "Basic dTpw"})
        assert text_of(ask(upstream, "ok", connection=tunnelled)[1]) == TEXT
        assert proxy.requests == [("POST", f"http://{target}{PATH}"), ("CONNECT", target)]
        assert upstream.requests[0].header("proxy-authorization") is None
        refused = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=60)
        refused.set_tunnel("there.example", upstream.port)
        with pytest.raises(OSError, match="407"):
            refused.connect()


def test_a_socks5_proxy(upstream):
    routes = {"there.example:80": ("127.0.0.1", upstream.port)}
    with Proxy("socks5", routes=routes) as proxy, Client(proxy.port) as client:
        client.socket.sendall(b"\x05\x01\x00")
        assert client.socket.recv(2) == b"\x05\x00"
        client.socket.sendall(b"\x05\x01\x00\x03\x0dthere.example\x00\x50")
        assert client.socket.recv(10) == b"\x05\x00\x00\x01" + bytes(6)
        client.post(body_for("ok+noreuse"))
        assert b"[DONE]" in client.rest()
        assert proxy.requests == [("SOCKS5", "there.example:80")]


def test_the_command_says_when_it_is_ready():
    command = [sys.executable, str(TESTS / "upstream"), "--port", "0", "--alias", "glm=echo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        word, address = process.stdout.readline().split()
        connection = http.client.HTTPConnection(address, timeout=60)
        connection.request("POST", PATH, body_for("glm", "said"))
        assert (word, text_of(connection.getresponse().read())) == ("listening", "said")
        process.terminate()
        assert process.wait(60) == 0
