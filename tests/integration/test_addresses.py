"""Where a request goes, and as whom: base_url, its query, fixed addresses, authentication, and redirects, which go
nowhere.
"""

import socket

import pytest
from route import KEY
from upstream import Upstream

HOST = "endpoint.example"


# --- base_url


@pytest.mark.parametrize(
    "tail, target",
    [
        ("/v1", "/v1/chat/completions"),
        ("/v1/", "/v1/chat/completions"),
        ("/v1///", "/v1/chat/completions"),
        ("", "/chat/completions"),
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions/", "/v1/chat/completions"),
        ("/openai/deployments/gpt%204?api-version=2024-10-21", None),
        ("/v1?api-version=2024-10-21&x=a%20b", "/v1/chat/completions?api-version=2024-10-21&x=a%20b"),
        ("/v1/?x=/v1/chat/completions", "/v1/chat/completions?x=/v1/chat/completions"),
        ("?x=1", "/chat/completions?x=1"),
    ],
)
def test_the_path_and_the_query(route, upstream, tail, target):
    route.answers(base_url=upstream.origin + tail)
    azure = "/openai/deployments/gpt%204/chat/completions?api-version=2024-10-21"
    assert upstream.requests[-1].target == (target or azure)


def test_the_query_over_tls(route, certificates):
    with Upstream(tls=certificates.server("good")) as server:
        route.answers(base_url=server.base_url + "?api-version=2024-10-21")
        assert server.requests[-1].query == "api-version=2024-10-21"


@pytest.mark.parametrize(
    "url",
    ["localhost/v1", "//localhost/v1", "ftp://localhost/v1", "file:///etc/passwd", "http://user:pw-31337@localhost/v1"]
    + ["http://localhost/v1#top", "http:///v1", "http://local host/v1", "https://localhost:99999/v1", ""],
)
def test_what_is_no_base_url(exochat, write_config, url):
    ran = exochat("--config", write_config({"m": {"base_url": url}}), "-m", "m", "hello")
    assert ran.code == 2 and "base_url" in ran.complaint and "pw-31337" not in ran.err


# --- fixed addresses


def test_an_address_that_is_given(route, upstream):
    resolve = [f"{HOST}:{upstream.port}:127.0.0.1"]
    route.answers(base_url=f"http://{HOST}:{upstream.port}/v1", resolve=resolve)
    assert upstream.requests[-1].header("host") == f"{HOST}:{upstream.port}"


def test_an_address_for_another_port_or_name(route, upstream):
    url = f"http://{HOST}:{upstream.port}/v1"
    for entry in (f"{HOST}:{upstream.port + 1}:127.0.0.1", f"other.example:{upstream.port}:127.0.0.1"):
        route.fails("EXO_E_RESOLVE", f"Could not resolve host: {HOST}", base_url=url, resolve=[entry])


def test_the_second_address_serves(route, upstream):
    """Nobody listens at the first."""
    resolve = [f"{HOST}:{upstream.port}:127.0.0.2,127.0.0.1"]
    route.answers(base_url=f"http://{HOST}:{upstream.port}/v1", resolve=resolve)


@pytest.fixture
def dead_address(upstream):
    """The server's port at 127.0.0.2, where a connection is neither accepted nor refused."""
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.2", upstream.port))
        full.listen(0)
        for client in (first, second):
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        yield "127.0.0.2"


def test_one_of_several_addresses_is_dead(route, upstream, dead_address):
    """It gets a part of the connect clock, and the next one what is left."""
    resolve = [f"{HOST}:{upstream.port}:{dead_address},127.0.0.1"]
    keys = {"base_url": f"http://{HOST}:{upstream.port}/v1", "resolve": resolve}
    attempt = route.answers(connect_timeout="4s", **keys)
    assert 1500 <= attempt["connected_ms"] < 4000


def test_all_addresses_are_dead(route, upstream, dead_address):
    resolve = [f"{HOST}:{upstream.port}:{dead_address},{dead_address}"]
    keys = {"base_url": f"http://{HOST}:{upstream.port}/v1", "resolve": resolve}
    route.fails("EXO_E_CLOCK_CONNECT", "--connect-timeout", connect_timeout="600ms", **keys)


def test_addresses_of_one_deployment_are_not_the_others(exochat, write_config, upstream, closed_port):
    """Both name the same host and port, and each has its own idea of where that is."""
    url = f"http://{HOST}:{upstream.port}/v1"
    first = {"base_url": url, "resolve": [f"{HOST}:{upstream.port}:127.0.0.2"], "fallbacks": ["b"]}
    second = {"base_url": url, "resolve": [f"{HOST}:{upstream.port}:127.0.0.1"], "model": "ok"}
    ran = exochat("--config", write_config({"a": first, "b": second}), "-m", "a", "--json", "hello")
    assert ran.trail == [("a", "EXO_E_CONNECT"), ("b", None)]


# --- authentication


@pytest.mark.parametrize(
    "keys, header, value",
    [
        ({}, "authorization", f"Bearer {KEY}"),
        ({"auth_header": "api-key", "auth_scheme": ""}, "api-key", KEY),
        ({"auth_header": "X-Api-Key"}, "x-api-key", f"Bearer {KEY}"),
        ({"auth_scheme": "Token"}, "authorization", f"Token {KEY}"),
        ({"auth_scheme": ""}, "authorization", KEY),
        ({"api_key_env": None}, None, None),
    ],
    ids=["bearer", "azure", "another header", "another scheme", "no scheme", "no key"],
)
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_the_key_on_the_wire(route, upstream, certificates, keys, header, value, secure):
    with Upstream(tls=certificates.server("good") if secure else None) as server:
        route.answers(base_url=server.base_url, **keys)
        request = server.requests[-1]
    names = ("authorization", "api-key", "x-api-key")
    assert {name: request.header(name) for name in names if request.header(name)} == ({header: value} if header else {})
    assert request.raw_head.count(KEY.encode()) == (1 if header else 0)


# --- redirects


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_from_https_to_http_is_refused(route, upstream, certificates, status):
    target = f"{upstream.base_url}/chat/completions"
    with Upstream(tls=certificates.server("good"), redirect_to=target) as server:
        keys = {"base_url": server.base_url, "model": f"redirect-{status}"}
        attempt = route.fails("EXO_E_REDIRECT", str(status), verdict="stop", **keys)
        assert attempt["http_status"] == status and len(server.requests) == 2
    assert upstream.requests == []


def test_to_the_same_place_is_refused_too(route, certificates):
    with Upstream(tls=certificates.server("good")) as server:
        server.redirect_to = f"{server.origin}/m/ok/v1/chat/completions"
        route.fails("EXO_E_REDIRECT", verdict="stop", base_url=server.base_url, model="redirect-307")
        assert [request.path_behaviour for request in server.requests] == [None, None]


def test_the_list_of_models_is_not_redirected(exochat, upstream):
    def elsewhere(conn):
        conn.respond(302, b"", headers=[("Location", f"{upstream.base_url}/models")])

    with Upstream(scripts={"gone": elsewhere}) as server:
        ran = exochat("models", "--base-url", server.url_for("gone"), "--remote")
        assert ran.code == 1 and "302" in ran.complaint
    assert upstream.requests == []
