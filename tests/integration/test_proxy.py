"""Proxies: which one is used, what it gets to see, what it is called when it fails, and that its password stays ours.

"endpoint.example" has no address here: whoever reaches it, reached it through the proxy.
"""

import base64

import listener
import pytest
from fronts import Haproxy, Nginx
from listener import Listener
from route import KEY
from upstream import Upstream
from upstream.proxy import Proxy

HOST = "endpoint.example"
USER, PASSWORD = "alice", "pass-8c1d55aa07"
KINDS = ["http", "socks5"]


@pytest.fixture
def plain(upstream):
    """An endpoint without TLS that only a proxy can reach: (server, routes of the proxy, base_url)."""
    with Upstream() as server:
        yield server, {f"{HOST}:{server.port}": ("127.0.0.1", server.port)}, f"http://{HOST}:{server.port}/v1"


@pytest.fixture
def secure(certificates):
    """The same with TLS, under the name that its certificate is for; the proxy leads it elsewhere than the resolver."""
    with Upstream(tls=certificates.server("good")) as server:
        yield server, {"localhost:1": ("127.0.0.1", server.port)}, "https://localhost:1/v1"


@pytest.fixture(params=["plain", "secure"])
def endpoint(request):
    return request.getfixturevalue(request.param)


def with_credentials(proxy, user=USER, password=PASSWORD):
    return proxy.url.replace("://", f"://{user}:{password}@")


# --- through the proxy


def test_http_in_absolute_form(route, plain):
    server, routes, url = plain
    with Proxy(routes=routes) as proxy:
        route.answers(base_url=url + "?api-version=1", proxy=proxy.url)
        assert proxy.requests == [("POST", f"{url}/chat/completions?api-version=1")]
    assert server.requests[-1].target == "/v1/chat/completions?api-version=1"
    assert server.requests[-1].header("host") == f"{HOST}:{server.port}"


def test_https_through_connect(route, secure):
    server, routes, url = secure
    with Proxy(routes=routes) as proxy:
        route.answers(base_url=url, proxy=proxy.url)
        assert proxy.requests == [("CONNECT", "localhost:1")]
        head = proxy.heads[0].lower()
    assert KEY.encode() not in head and b"authorization" not in head
    assert server.requests[-1].header("authorization") == f"Bearer {KEY}"
    assert not [name for name, _ in server.requests[-1].headers if name.lower().startswith("proxy-")]


def test_own_headers_are_not_for_the_proxy(route, secure):
    _, routes, url = secure
    with Proxy(routes=routes) as proxy:
        route.answers(base_url=url, proxy=proxy.url, headers={"X-Team": "blue"}, auth_header="api-key", auth_scheme="")
        assert b"blue" not in proxy.heads[0] and b"api-key" not in proxy.heads[0].lower()


def test_socks_by_name(route, endpoint):
    _, routes, url = endpoint
    with Proxy("socks5", routes=routes) as proxy:
        route.answers(base_url=url, proxy=proxy.url)
        assert proxy.url.startswith("socks5h:") and proxy.requests == [("SOCKS5", next(iter(routes)))]


def test_socks_by_address(route, upstream):
    with Proxy("socks5") as proxy:
        url = f"http://localhost:{upstream.port}/v1"
        resolve = [f"localhost:{upstream.port}:127.0.0.1"]
        route.answers(base_url=url, resolve=resolve, proxy=proxy.url.replace("socks5h:", "socks5:"))
        assert proxy.requests == [("SOCKS5", f"127.0.0.1:{upstream.port}")]


def test_socks_does_not_verify_less(route, secure, certificates):
    with Upstream(tls=certificates.server("wrong_name")) as server:
        for kind in KINDS:
            with Proxy(kind, routes={"localhost:1": ("127.0.0.1", server.port)}) as proxy:
                route.fails("EXO_E_TLS", "localhost", base_url="https://localhost:1/v1", proxy=proxy.url)
        assert server.requests == []


def test_the_flag_takes_the_place_of_the_configuration(route, plain, closed_port):
    _, routes, url = plain
    with Proxy(routes=routes) as proxy:
        route.answers("--proxy", proxy.url, base_url=url, proxy=f"http://127.0.0.1:{closed_port}")
        assert len(proxy.requests) == 1


def test_http2_through_connect(route, upstream, certificates):
    with Nginx(upstream.origin, certificate=certificates.make("good"), http2=True) as front, Proxy() as proxy:
        assert route.answers(base_url=front.base_url, proxy=proxy.url, http2=True)["http_version"] == "2"
        assert proxy.requests == [("CONNECT", f"127.0.0.1:{front.port}")]


# --- a proxy behind TLS


@pytest.fixture
def secure_proxy(certificates):
    """Starts TLS in front of an http proxy."""

    def make(proxy, name="good"):
        return Haproxy(f"127.0.0.1:{proxy.port}", certificate=certificates.make(name), directives="mode tcp")

    return make


def test_https_proxy(route, endpoint, secure_proxy):
    _, routes, url = endpoint
    with Proxy(routes=routes) as proxy, secure_proxy(proxy) as front:
        route.answers(base_url=url, proxy=f"https://127.0.0.1:{front.port}")
        assert len(proxy.requests) == 1


@pytest.mark.parametrize("name", ["expired", "wrong_name", "self_signed"])
def test_https_proxy_that_cannot_be_trusted(route, endpoint, secure_proxy, name):
    server, routes, url = endpoint
    with Proxy(routes=routes, user=USER, password=PASSWORD) as proxy, secure_proxy(proxy, name) as front:
        address = f"https://{USER}:{PASSWORD}@127.0.0.1:{front.port}"
        attempt = route.fails("EXO_E_TLS", "TLS handshake failed", base_url=url, proxy=address)
        assert attempt["bytes_sent"] == 0
        assert proxy.requests == [] and server.requests == []


# --- passwords


@pytest.mark.parametrize("kind", KINDS)
def test_a_password(route, endpoint, kind):
    server, routes, url = endpoint
    with Proxy(kind, routes=routes, user=USER, password=PASSWORD) as proxy:
        ran = route.run("--json", "--trace", base_url=url, proxy=with_credentials(proxy))
        assert ran.code == 0 and PASSWORD not in ran.out + ran.err
        assert len(proxy.requests) == 1
    token = base64.b64encode(f"{USER}:{PASSWORD}".encode())
    assert token not in server.requests[-1].raw_head and PASSWORD.encode() not in server.requests[-1].raw_head


@pytest.mark.parametrize("flag", [False, True], ids=["in the configuration", "as a flag"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_password_is_not_shown(route, endpoint, kind, flag):
    server, routes, url = endpoint
    with Proxy(kind, routes=routes, user=USER, password="another") as proxy:
        address = with_credentials(proxy)
        options = ["--trace", "--events", *(["--proxy", address] if flag else [])]
        ran = route.run(*options, base_url=url, proxy=None if flag else address)
        assert ran.code == 1 and "EXO_E_PROXY" in ran.err
        assert PASSWORD not in ran.out + ran.err
        route.fails("EXO_E_PROXY", "proxy refused or failed", base_url=url, proxy=address)
    assert server.requests == []


@pytest.mark.parametrize("address", [f"http://{USER}:{PASSWORD}@[::1", f"gopher://{USER}:{PASSWORD}@127.0.0.1:1"])
def test_a_password_in_an_address_that_is_none(exochat, write_config, upstream, address):
    path = write_config({"m": {"proxy": address}})
    for arguments in (["--config", path, "-m", "m"], ["--base-url", upstream.base_url, "-m", "m", "--proxy", address]):
        ran = exochat(*arguments, "--trace", "--json", "hello")
        assert ran.code == 2 and "proxy: must be an http, https, socks4" in ran.complaint
        assert PASSWORD not in ran.out + ran.err
    path = write_config({"m": {}})
    for arguments in (["--json", "-m", "m", "hello"], ["models", "-m", "m", "--remote"]):
        command = [arguments.pop(0)] if arguments[0] == "models" else []
        ran = exochat(*command, "--config", path, *arguments, env={"http_proxy": address})
        assert ran.code == 1 and "Unsupported proxy address" in ran.complaint
        assert PASSWORD not in ran.out + ran.err
    assert upstream.connections == 0


def test_a_password_in_the_environment(route, plain):
    _, routes, url = plain
    with Proxy(routes=routes, user=USER, password="another") as proxy:
        ran = route.run("--json", "--trace", base_url=url, env={"http_proxy": with_credentials(proxy)})
        assert ran.code == 1 and ran.error["code"] == "EXO_E_PROXY"
        assert PASSWORD not in ran.out + ran.err


# --- a proxy that fails


def test_no_credentials(route, endpoint):
    server, routes, url = endpoint
    with Proxy(routes=routes, user=USER, password=PASSWORD) as proxy:
        route.fails("EXO_E_PROXY", "proxy refused or failed", base_url=url, proxy=proxy.url)
    with Proxy("socks5", routes=routes, user=USER, password=PASSWORD) as proxy:
        route.fails("EXO_E_PROXY", "authentication", base_url=url, proxy=proxy.url)
    assert server.requests == []


@pytest.mark.parametrize("status", [301, 400, 403, 407, 502, 503, 504])
def test_connect_is_refused(route, secure, status):
    server, routes, url = secure
    with Proxy(routes=routes, refuse=status) as proxy:
        attempt = route.fails("EXO_E_PROXY", f"response {status}", base_url=url, proxy=proxy.url)
        assert (attempt["connected_ms"], attempt["bytes_sent"]) == (None, 0)
    assert server.requests == []


@pytest.mark.parametrize(
    "status, code, verdict",
    [(407, "EXO_E_PROXY", "retry"), (502, "EXO_E_SERVER", "retry"), (403, "EXO_E_AUTH", "stop")],
)
def test_absolute_form_is_refused(route, plain, status, code, verdict):
    """407 can only be the proxy's; of the others nobody can say whose they are."""
    server, routes, url = plain
    with Proxy(routes=routes, refuse=status) as proxy:
        attempt = route.fails(code, f" {status} from first", verdict=verdict, base_url=url, proxy=proxy.url)
        assert attempt["http_status"] == status
    assert server.requests == []


@pytest.mark.parametrize("reply", range(1, 9))
def test_socks_is_refused(route, plain, reply):
    server, routes, url = plain
    with Proxy("socks5", routes=routes, refuse=reply) as proxy:
        route.fails("EXO_E_PROXY", "SOCKS5", base_url=url, proxy=proxy.url)
    assert server.requests == []


@pytest.mark.parametrize(
    "handle",
    [listener.close, listener.hear_and_close, listener.hear_and_reset, listener.answer(b"SSH-2.0-x\r\n\r\n")]
    + [listener.answer(b"HTTP/1.1 200 OK\r\nX-Endless: " + b"x" * 500_000)],
    ids=["closes", "closes after the request", "resets", "nonsense", "a head without an end"],
)
@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_a_proxy_that_breaks_off(route, scheme, handle):
    with Listener(handle) as proxy:
        address = f"{scheme}://127.0.0.1:{proxy.port}"
        route.fails("EXO_E_PROXY", base_url="https://localhost:1/v1", proxy=address)
        assert KEY.encode() not in proxy.everything


@pytest.mark.parametrize("scheme", ["http", "https", "socks5h"])
def test_a_proxy_that_stalls(route, scheme):
    with Listener(listener.stall) as proxy:
        address = f"{scheme}://127.0.0.1:{proxy.port}"
        keys = {"base_url": "https://localhost:1/v1", "proxy": address, "connect_timeout": "200ms"}
        route.fails("EXO_E_CLOCK_CONNECT", "connect clock", **keys)
        assert KEY.encode() not in proxy.everything


def test_a_proxy_that_closes_the_tunnel(route):
    """What happens behind 200 is the handshake's affair."""
    with Listener(listener.answer(b"HTTP/1.1 200 OK\r\n\r\nSSH-2.0-x\r\n")) as proxy:
        address = f"http://127.0.0.1:{proxy.port}"
        route.fails("EXO_E_TLS", "wrong version number", base_url="https://localhost:1/v1", proxy=address)
        assert KEY.encode() not in proxy.everything


@pytest.mark.parametrize("scheme", ["http", "https", "socks4a", "socks5", "socks5h"])
def test_nobody_listens(route, plain, closed_port, scheme):
    _, _, url = plain
    address = f"{scheme}://127.0.0.1:{closed_port}"
    keys = {"base_url": url, "resolve": [f"{HOST}:{url.split(':')[2].split('/')[0]}:127.0.0.1"], "proxy": address}
    route.fails("EXO_E_CONNECT", f"port {closed_port}", **keys)


def test_a_proxy_without_an_address(route, plain):
    _, _, url = plain
    route.fails("EXO_E_PROXY", "no-such-proxy.invalid", base_url=url, proxy="http://no-such-proxy.invalid:80")


# --- the environment


@pytest.mark.parametrize(
    "variable, schemes",
    [
        ("http_proxy", "plain"),
        ("https_proxy", "secure"),
        ("HTTPS_PROXY", "secure"),
        ("all_proxy", "plain secure"),
        ("ALL_PROXY", "plain secure"),
        ("HTTP_PROXY", ""),  # a CGI program's "Proxy:" header would be in it
    ],
)
def test_a_variable(exochat, write_config, upstream, certificates, variable, schemes):
    with Upstream(tls=certificates.server("good")) as secure, Proxy() as proxy:
        path = write_config(
            {
                "plain": {"model": "ok"},
                "secure": {"model": "ok", "base_url": secure.base_url, "ca_file": certificates.ca},
            }
        )
        for name in ("plain", "secure"):
            before = len(proxy.requests)
            ran = exochat("--config", path, "-m", name, "hello", env={variable: proxy.url})
            assert ran.code == 0, ran
            assert len(proxy.requests) - before == (name in schemes.split())


@pytest.mark.parametrize(
    "exceptions, direct",
    [
        ("127.0.0.1", True),
        ("localhost,127.0.0.1", True),
        ("127.0.0.0/8", True),
        ("*", True),
        ("127.0.0.2", False),
        ("example.com", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
def test_no_proxy(route, upstream, variable, exceptions, direct):
    with Proxy() as proxy:
        route.answers(base_url=upstream.base_url, env={"http_proxy": proxy.url, variable: exceptions})
        assert len(proxy.requests) == (not direct)


@pytest.mark.parametrize("exceptions, direct", [("example", True), (".example", True), ("other.example", False)])
def test_no_proxy_by_name(route, upstream, exceptions, direct):
    resolve = [f"{HOST}:{upstream.port}:127.0.0.1"]
    with Proxy(routes={f"{HOST}:{upstream.port}": ("127.0.0.1", upstream.port)}) as proxy:
        env = {"http_proxy": proxy.url, "NO_PROXY": exceptions}
        route.answers(base_url=f"http://{HOST}:{upstream.port}/v1", resolve=resolve, env=env)
        assert len(proxy.requests) == (not direct)


def test_an_empty_proxy_is_none(route, upstream):
    with Proxy() as proxy:
        route.answers(base_url=upstream.base_url, proxy="", env={"http_proxy": proxy.url, "ALL_PROXY": proxy.url})
        assert proxy.requests == []


def test_the_configuration_is_asked_before_the_environment(route, upstream, closed_port):
    with Proxy() as proxy:
        route.answers(
            base_url=upstream.base_url, proxy=proxy.url, env={"http_proxy": f"http://127.0.0.1:{closed_port}"}
        )
        assert len(proxy.requests) == 1
