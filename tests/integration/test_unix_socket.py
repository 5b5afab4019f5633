"""Unix-domain sockets in place of the network."""

import os
import socket

import pytest
from fronts import Nginx
from route import KEY
from upstream import Upstream
from upstream.proxy import Proxy

URL = "http://localhost/v1"
PATH_MAX = 107


@pytest.fixture
def path(tmp_path_factory):
    """A path that is short enough wherever the tests' folder is."""
    return str(tmp_path_factory.mktemp("s") / "s")


@pytest.fixture
def local(path):
    with Upstream(unix=path) as server:
        yield server


def test_an_answer(route, local, path):
    attempt = route.answers(base_url=URL, unix_socket=path)
    assert (attempt["http_version"], attempt["http_status"]) == ("1.1", 200)
    assert local.requests[-1].header("host") == "localhost"
    assert local.requests[-1].header("authorization") == f"Bearer {KEY}"


def test_the_host_is_not_resolved(route, local, path):
    route.answers(base_url="http://no-such-host.invalid:1234/v1?x=1", unix_socket=path)
    assert local.requests[-1].header("host") == "no-such-host.invalid:1234"
    assert local.requests[-1].target == "/v1/chat/completions?x=1"


def test_a_path_is_relative_to_the_configuration(route, tmp_path):
    if len(str(tmp_path / "s.sock")) > PATH_MAX:
        pytest.skip("the tests' folder has too long a path")
    with Upstream(unix=tmp_path / "s.sock"):
        route.answers(base_url=URL, unix_socket="s.sock")


def test_tls(route, certificates, path):
    with Upstream(unix=path, tls=certificates.server("good")) as server:
        route.answers(base_url="https://localhost/v1", unix_socket=path)
        route.fails("EXO_E_TLS", "elsewhere.example", base_url="https://elsewhere.example/v1", unix_socket=path)
        assert len(server.requests) == 1


def test_a_proxy_is_not_asked(route, local, path):
    with Proxy() as proxy:
        env = {"http_proxy": proxy.url, "ALL_PROXY": proxy.url}
        route.answers(base_url=URL, unix_socket=path, env=env)
        route.answers(base_url=URL, unix_socket=path, proxy=proxy.url)
        assert proxy.requests == []
    assert [request.target for request in local.requests] == ["/v1/chat/completions"] * 2


def test_behind_nginx(route, local, path):
    with Nginx(f"http://unix:{path}:") as front:
        route.answers(base_url=front.base_url)


@pytest.mark.parametrize("what", ["nothing", "file", "folder", "nobody listens", "a folder of a file"])
def test_no_socket(route, path, what):
    if what == "file":
        open(path, "wb").close()
    elif what == "folder":
        os.mkdir(path)
    elif what == "nobody listens":
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path)
    elif what == "a folder of a file":
        open(path, "wb").close()
        path += "/s"
    attempt = route.fails("EXO_E_CONNECT", "no connection could be made", base_url=URL, unix_socket=path)
    assert attempt["bytes_sent"] == 0


def test_the_longest_path(exochat, write_config, upstream, tmp_path):
    keys = {"base_url": URL, "unix_socket": "/" + "x" * (PATH_MAX - 1)}
    ran = exochat("--config", write_config({"m": keys}), "-m", "m", "--json", "hello")
    assert ran.code == 1 and ran.error["code"] == "EXO_E_CONNECT"
    keys["unix_socket"] += "x"
    ran = exochat("--config", write_config({"m": keys}), "-m", "m", "--json", "hello")
    assert ran.code == 2 and "unix_socket: " in ran.complaint


@pytest.mark.parametrize(
    "name, code",
    [("cut-after-300", "EXO_E_BODY_CUT"), ("fin-before-headers", "EXO_E_CLOSED"), ("status-503", "EXO_E_SERVER")],
)
def test_what_breaks_is_called_the_same(route, local, path, name, code):
    route.fails(code, options=["--no-stream"], base_url=URL, unix_socket=path, model=name)


def test_a_server_that_stalls(route, local, path):
    keys = {"base_url": URL, "unix_socket": path, "model": "silent", "stream_ttft_timeout": "200ms"}
    route.fails("EXO_E_CLOCK_FIRST", "first event clock", verdict="fall back", **keys)


def test_a_large_body(exochat, write_config, local, path, tmp_path):
    (tmp_path / "large.txt").write_bytes(b"0123456789abcde\n" * 200_000)
    arguments = ["--config", write_config({"digest": {"base_url": URL, "unix_socket": path}}), "-m", "digest"]
    ran = exochat(*arguments, "-a", tmp_path / "large.txt", "hello")
    assert ran.code == 0 and local.requests[-1].length > 3_200_000
