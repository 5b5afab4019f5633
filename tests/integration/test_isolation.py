"""Which deployments may share a connection: those of which all that identifies it is equal, and no others. Every pair of
a table, one after the other and side by side; the server tells by which connection each request came.
"""

import itertools
import shutil

import pytest
from command import PATIENCE
from route import KEY
from upstream import Upstream
from upstream.proxy import Proxy

HOST = "endpoint.example"
SHARED = "shared"  # the identity of those that differ in nothing that counts


def numbers_by_name(driver, server, names, rounds):
    """name → the connections by which its requests came, as `rounds` of names ask."""
    seen = {name: set() for name in names}
    for name in itertools.chain.from_iterable(rounds):
        said = driver.chat(model=name, quiet=1)
        assert said.failed is None, (name, said.failure)
        request = server.requests[-1]
        seen[name].add(request.connection)
    return seen


def expect_isolation(driver, server, variants):
    """variants: name → (identity, options). Each identity has one connection, and none has another's."""
    driver.ok("client")
    for name, (_, options) in variants.items():
        clocks = {key: seconds * 1000 for key, seconds in PATIENCE.items()}
        driver.ok("deploy", name, **{"model": "ok", **clocks, **options})
    driver.ok("request", 0, "ok")
    driver.ok("text", 0, "user", "hello")
    seen = numbers_by_name(driver, server, variants, itertools.permutations(variants, 2))
    by_identity = {}
    for name, (identity, _) in variants.items():
        by_identity.setdefault(identity, set()).update(seen[name])
    assert {identity: len(numbers) for identity, numbers in by_identity.items()} == dict.fromkeys(by_identity, 1)
    assert len(set.union(*by_identity.values())) == len(by_identity) == server.connections
    driver.ok("free_client")


def same(base):
    """What may differ, as far as a connection is concerned."""
    return {
        "plain": (SHARED, base),
        "another key": (SHARED, {**base, "api_key": "k-2"}),
        "another header for it": (SHARED, {**base, "api_key": "k-2", "auth_header": "x-key", "auth_scheme": ""}),
        "more headers": (SHARED, {**base, "header": "x-team:blue"}),
        "another body": (SHARED, {**base, "extra_body": '{"seed":1}', "drop": "user"}),
        "other clocks": (SHARED, {**base, "connect_timeout": 500000, "request_timeout": 500001}),
        "chunked": (SHARED, {**base, "chunked": 1}),
        "lenient": (SHARED, {**base, "lenient_end": 1, "think_tags": 1}),
    }


def test_over_tcp(driver, tmp_path_factory):
    """The addresses of one deployment are not another's, nor are the connections to them."""
    with Upstream() as server, Proxy() as proxy, Proxy("socks5") as socks:
        # A proxy of the environment would have to be set before the driver began.
        origin = f"{HOST}:{server.port}"
        proxy.routes[origin] = socks.routes[origin] = ("127.0.0.1", server.port)
        base = {"base_url": f"http://{origin}/v1", "resolve": f"{origin}:127.0.0.1"}
        credentials = proxy.url.replace("://", "://user:{}@")
        variants = {
            **same(base),
            "more addresses": ("more addresses", {**base, "resolve": f"{origin}:127.0.0.1,127.0.0.2"}),
            "brackets": ("brackets", {**base, "resolve": f"{origin}:127.0.0.1,[::1]"}),
            "plus": ("plus", {**base, "resolve": f"+{origin}:127.0.0.1"}),
            "wildcard": ("wildcard", {**base, "resolve": f"*:{server.port}:127.0.0.1"}),
            "after a removal": ("minus", {**base, "resolve": [f"-{origin}", f"{origin}:127.0.0.1"]}),
            "another name too": ("two", {**base, "resolve": [f"{origin}:127.0.0.1", "other.example:80:127.0.0.1"]}),
            "the other way round": ("owt", {**base, "resolve": ["other.example:80:127.0.0.1", f"{origin}:127.0.0.1"]}),
            "http proxy": ("http proxy", {**base, "proxy": proxy.url}),
            "its password": ("password 1", {**base, "proxy": credentials.format("1")}),
            "another password": ("password 2", {**base, "proxy": credentials.format("2")}),
            "socks": ("socks", {**base, "proxy": socks.url}),
            "of the environment": ("environment", {**base, "proxy": "environment"}),
            "http2": ("http2", {**base, "http2": 1}),
            "ca_file": ("ca_file", {**base, "ca_file": __file__}),
            "ca_dir": ("ca_dir", {**base, "ca_dir": "/"}),
            "client_cert": ("client_cert", {**base, "client_cert": "/a"}),
            "client_key": ("client_key", {**base, "client_cert": "/a", "client_key": "/b"}),
            "ca_pem": ("ca_pem", {**base, "ca_pem_from": __file__}),
        }
        expect_isolation(driver, server, variants)
        assert {request.header("host") for request in server.requests} == {origin}


def test_over_tls(driver, certificates, tmp_path):
    """The name that is verified, and sent as SNI, stays that of the URL."""
    ca = tmp_path / "copy.pem"
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificates.make("client")
    shutil.copy(certificates.ca, ca)
    shutil.copy(certificates.path("client"), cert)
    shutil.copy(certificates.key("client"), key)
    with Upstream(tls=certificates.server("good")) as server, Proxy() as proxy:
        origin = f"localhost:{server.port}"
        base = {"base_url": f"https://{origin}/v1", "resolve": f"{origin}:127.0.0.1", "ca_file": certificates.ca}
        mine = {"client_cert": certificates.path("client"), "client_key": certificates.key("client")}
        variants = {
            **same(base),
            "more addresses": ("more addresses", {**base, "resolve": f"{origin}:127.0.0.1,127.0.0.2"}),
            "a copy of the authority": ("ca copy", {**base, "ca_file": ca}),
            "its bytes": ("bytes", {**base, "ca_file": [], "ca_pem_from": certificates.ca}),
            "and a folder": ("folder", {**base, "ca_dir": tmp_path}),
            "certificate": ("certificate", {**base, **mine}),
            "the same": ("certificate", {**base, **mine}),
            "another": ("another", {**base, **mine, "client_cert": cert}),
            "another key": ("another key", {**base, **mine, "client_key": key}),
            "proxy": ("proxy", {**base, "proxy": proxy.url}),
            "http2": ("http2", {**base, "http2": 1}),
        }
        expect_isolation(driver, server, variants)


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_hosts_behind_one_proxy(driver, kind):
    """This proxy sends all requests of a connection to where the first one goes."""
    with Upstream() as one, Upstream() as other, Proxy(kind) as proxy:
        servers = {"a": one, "b": other}
        driver.ok("client")
        for name, server in servers.items():
            url = f"http://{name}.example:{server.port}/v1"
            proxy.routes[f"{name}.example:{server.port}"] = ("127.0.0.1", server.port)
            driver.ok("deploy", name, model="ok", base_url=url, proxy=proxy.url, api_key=f"key-of-{name}")
        driver.ok("request", 0, "a")
        driver.ok("text", 0, "user", "hello")
        for name in "abbaab":
            assert driver.chat(model=name, quiet=1).failed is None
        assert len(proxy.requests) == 2
        for name, server in servers.items():
            assert {request.header("authorization") for request in server.requests} == {f"Bearer key-of-{name}"}
            assert (server.connections, len(server.requests)) == (1, 3)


def test_unix_sockets(driver, tmp_path_factory):
    folder = tmp_path_factory.mktemp("s")
    base = {"base_url": "http://localhost/v1"}
    with Upstream(unix=folder / "a") as one, Upstream(unix=folder / "b") as other:
        driver.ok("client")
        for name, path in (("a", folder / "a"), ("b", folder / "b"), ("c", folder / "a")):
            driver.ok("deploy", name, model="ok", unix_socket=path, **base)
        driver.ok("request", 0, "a")
        driver.ok("text", 0, "user", "hello")
        for name in "abcabc":
            assert driver.chat(model=name, quiet=1).failed is None
        assert (one.connections, len(one.requests)) == (1, 4)
        assert (other.connections, len(other.requests)) == (1, 2)


def test_a_key_goes_to_its_own_addresses_only(driver):
    """Two deployments of one name, each at an address of its own, in turns and all at once."""
    with Upstream() as first, Upstream("127.0.0.2", first.port) as second:
        servers = {"a": first, "b": second}
        driver.ok("client")
        for name, server in servers.items():
            resolve = f"{HOST}:{first.port}:{server.host}"
            url = f"http://{HOST}:{first.port}/v1"
            driver.ok("deploy", name, base_url=url, resolve=resolve, model="ok", api_key=f"key-of-{name}")
        driver.ok("request", 0, "a")
        driver.ok("text", 0, "user", "hello")
        for name in "abbaab":
            assert driver.chat(model=name, quiet=1).failed is None
        for at in range(0, 40, 2):
            driver.ok("start", at, 0, model="a")
            driver.ok("start", at + 1, 0, model="b")
        driver("run", quiet=1)
        for name, server in servers.items():
            assert len(server.requests) == 23
            assert {request.header("authorization") for request in server.requests} == {f"Bearer key-of-{name}"}


def test_an_address_that_is_given_is_nobody_elses(driver, upstream):
    """Without it the name is none, however often it was looked up for others."""
    url = f"http://{HOST}:{upstream.port}/v1"
    driver.setup(upstream, "with", base_url=url, resolve=f"{HOST}:{upstream.port}:127.0.0.1", model="ok")
    driver.deploy(upstream, "without", base_url=url, model="ok")
    for _ in range(3):
        assert driver.chat(model="with", quiet=1).failed is None
        said = driver.chat(model="without", quiet=1)
        assert said.failed == "EXO_E_RESOLVE" and HOST in said.failure["message"]
    assert len(upstream.requests) == 3


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_more_identities_than_are_kept(driver, certificates, secure):
    """Connections of those that nobody uses are closed, the oldest first; what is in use stays."""
    with Upstream(tls=certificates.server("good") if secure else None) as server:
        origin = f"localhost:{server.port}"
        driver.ok("client")
        for i in range(40):
            options = {"resolve": [f"{origin}:127.0.0.1", f"n{i}.example:80:127.0.0.1"], "api_key": KEY}
            driver.ok("deploy", f"m{i}", base_url=f"{server.base_url.replace('127.0.0.1', 'localhost')}", model="ok",
                      ca_file=certificates.ca, **options)
        driver.ok("request", 0, "m0")
        driver.ok("text", 0, "user", "hello")
        driver.ok("start", 0, 0, model="m0")
        driver("run", quiet=1)
        for i in range(40):
            assert driver.chat(model=f"m{i}", quiet=1).failed is None
        assert server.connections == 40 and server.wait_for(lambda: server.open_connections <= 34)
        assert driver.chat(model="m39", quiet=1).failed is None and server.connections == 40
        assert driver.chat(model="m0", quiet=1).failed is None and server.connections == 41


def test_nothing_of_a_request_is_in_the_next(driver):
    """What is kept from one request to the next carries nothing of another deployment, nor of another call: whatever went
    before, each is sent as it is by a client that has sent nothing else."""
    with Upstream() as server:
        base = {"base_url": f"http://127.0.0.1:{server.port}/v1", "api_key": "key-of-base"}
        deployments = {
            "base": base,
            "no key": {**base, "api_key": "", "header": "x-team:red"},
            "another key": {**base, "api_key": "another-key"},
            "its header": {**base, "auth_header": "x-key", "auth_scheme": "Token"},
            "headers": {**base, "header": ["x-team:blue", "x-empty:"]},
            "another path": {**base, "base_url": base["base_url"] + "/v2"},
            "chunked": {**base, "chunked": 1},
            "another body": {**base, "extra_body": '{"top_k":1}', "drop": "user"},
        }
        calls = {
            "plain": {},
            "a key": {"api_key": "key-of-call"},
            "without": {"api_key": ""},
            "a header": {"header": "x-call:1"},
            "traced": {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
            "large": {"request": 1},
        }

        def begin():
            driver.ok("client")
            for name, options in deployments.items():
                driver.ok("deploy", name, model="ok", **options)
            for number, text in enumerate(("hello", "x" * 100000)):
                driver.ok("request", number, "ok")
                driver.ok("text", number, "user", text)

        def sent(name, call):
            said = driver.chat(model=name, quiet=1, **calls[call])
            assert said.failed is None, (name, call, said.failure)
            request = server.requests[-1]
            return request.raw_head, request.body

        kinds = [(name, "plain") for name in deployments] + [("base", call) for call in calls if call != "plain"]
        kinds += [("headers", "a key"), ("its header", "a key"), ("chunked", "traced")]
        expected = {}
        for kind in kinds:
            begin()
            expected[kind] = sent(*kind)
            driver.ok("free_client")
        assert len(set(expected.values())) == len(kinds)
        begin()
        for kind in itertools.chain.from_iterable(itertools.permutations(kinds, 2)):
            assert sent(*kind) == expected[kind], kind
        for round_, key in enumerate(("second", "third")):  # deployed anew, it is another one
            driver.ok("deploy", "base", model="ok", **{**base, "api_key": key})
            head, body = expected["base", "plain"]
            assert sent("base", "plain") == (head.replace(b"key-of-base", key.encode()), body), round_
        driver.ok("free_client")


def test_a_connection_is_closed_for_its_own_failure(driver):
    """libcurl gives a connection on as soon as a response has ended: that it failed is nothing to the next request."""
    with Upstream() as server:
        server.scripts["refused"] = "status-503"
        driver.ok("client")
        for name in ("refused", "ok"):
            driver.ok("deploy", name, model=name, base_url=server.base_url)
        driver.ok("request", 0, "ok")
        driver.ok("text", 0, "user", "hello")
        for round_ in range(50):
            assert driver.chat(quiet=1).failed is None
            driver.ok("start", 0, 0, model="refused", buffered=True)
            driver.ok("start", 1, 0, count=3, buffered=True)
            said = driver("run")
            assert said.summary["failed"] == 1, (round_, said.lines)
            driver.ok("free", 0, count=4)
