"""The bounds of a client: connections to one host and in all, those kept for later, names looked up at once. What waits
for one is served in order, is cancelled like everything else, and has its total clock running and no other.
"""

import pytest
from fronts import Nginx
from upstream import Upstream
from upstream.chunks import TEXT

LOOK_UP_MS = 300


def prepare(driver, servers, host="127.0.0.1", policy=False, **options):
    """Deployments m0, m1 … of which each sends "x-n: its number", at the servers in turn."""
    bounds = {key: options.pop(key) for key in list(options) if key.startswith("bounds")}
    driver.ok("client", **bounds)
    for i in range(options.pop("count", 12)):
        server = servers[i % len(servers)]
        url = f"http://{host.format(i)}:{server.port}/v1"
        driver.deploy(server, f"m{i}", **{"base_url": url, "model": "ok", "header": f"x-n:{i}", **options})
    driver.ok("request", 0, "m0")
    driver.ok("text", 0, "user", "hello")


def order(server):
    return [int(request.header("x-n")) for request in server.requests]


def start(driver, *numbers, **options):
    """Call number n for the deployment of that number."""
    for number in numbers:
        driver.ok("start", number, 0, model=f"m{number}", **options)


def reply(driver, number):
    return driver.ok("reply", number)


def resolver(driver, *milliseconds):
    return driver.ok("resolver", *milliseconds).lines[0]


# --- names


@pytest.mark.parametrize("count", [300])
def test_calls_to_one_name_share_one_look_up(driver, upstream, count):
    driver.setup(upstream, "ok", base_url=f"http://one.slow:{upstream.port}/v1")
    before = resolver(driver, LOOK_UP_MS)
    driver.ok("start", 0, 0, model="ok", count=count)
    driver("run", **{"for": LOOK_UP_MS // 3})
    during = resolver(driver)
    summary = driver("run", quiet=1).summary
    after = resolver(driver)
    assert (summary["ended"], summary["failed"]) == (count, 0) and len(upstream.requests) == count
    assert (after["look_ups"], after["at_once"]) == (1, 1)
    assert during["threads"] <= before["threads"] + 1
    assert all(reply(driver, i).attempts[0]["queued_ms"] == 0 for i in range(3))  # it is no bound that they waited for
    driver.chat(quiet=1)
    assert resolver(driver)["look_ups"] == 1


def test_a_name_that_is_none_fails_for_all(driver, upstream):
    driver.setup(upstream, "ok", base_url=f"http://no.lost:{upstream.port}/v1")
    resolver(driver, LOOK_UP_MS)
    driver.ok("start", 0, 0, model="ok", count=50)
    summary = driver("run", quiet=1).summary
    assert (summary["ended"], summary["failed"]) == (50, 50)
    for number in (0, 1, 49):
        said = reply(driver, number)
        assert said.failed == "EXO_E_RESOLVE" and "no.lost" in said.failure["message"]
    assert resolver(driver)["look_ups"] == 1
    assert driver.chat(quiet=1).failed == "EXO_E_RESOLVE" and resolver(driver)["look_ups"] == 2


@pytest.mark.parametrize("lookups", [1, 2, 5])
def test_so_many_names_at_once(driver, upstream, lookups):
    prepare(driver, [upstream], host="h{}.slow", count=10, **{"bounds.lookups": lookups})
    before = resolver(driver, 100)
    start(driver, *range(10))
    driver("run", **{"for": 50})
    during = resolver(driver)
    summary = driver("run", quiet=1).summary
    after = resolver(driver)
    assert (summary["ended"], summary["failed"]) == (10, 0)
    assert after["look_ups"] == 10 and after["at_once"] == lookups
    assert during["threads"] <= before["threads"] + lookups
    waited = [reply(driver, i).attempts[0]["queued_ms"] for i in range(10)]
    assert all(wait == 0 for wait in waited[:lookups]) and all(wait > 0 for wait in waited[lookups:])
    if lookups == 1:
        assert order(upstream) == list(range(10)) and waited == sorted(waited)


def test_the_one_that_asked_first_is_cancelled(driver, upstream):
    prepare(driver, [upstream], host="same.slow", count=4)
    resolver(driver, LOOK_UP_MS)
    start(driver, 0, 1, 2, 3)
    driver("run", **{"for": 50})
    driver.ok("cancel", 0)
    summary = driver("run", quiet=1).summary
    assert (summary["ended"], summary["failed"]) == (3, 0) and resolver(driver)["look_ups"] == 1


def test_the_clock_of_the_one_that_asked_first_runs_out(driver, upstream):
    driver.setup(upstream, "ok", base_url=f"http://same.slow:{upstream.port}/v1")
    driver.deploy(upstream, "hasty", model="ok", base_url=f"http://same.slow:{upstream.port}/v1", connect_timeout=50)
    resolver(driver, 1500)
    driver.ok("start", 0, 0, model="hasty")
    driver.ok("start", 1, 0, model="ok", count=3)
    summary = driver("run", quiet=1).summary
    assert (summary["ended"], summary["failed"]) == (4, 1)
    assert reply(driver, 0).failed == "EXO_E_CLOCK_CONNECT" and resolver(driver)["look_ups"] == 1


def test_all_give_up_and_the_look_up_is_there_for_the_next(driver, upstream):
    prepare(driver, [upstream], host="same.slow", count=4)
    resolver(driver, LOOK_UP_MS)
    for _ in range(20):
        start(driver, 0, 1, 2)
        driver("run", **{"for": 1})
        driver.ok("free", 0, count=3)
    assert driver.chat(quiet=1).failed is None and resolver(driver)["look_ups"] == 1


@pytest.mark.parametrize("entries", [["-{0}"], ["{0}:127.0.0.2", "-{0}"], ["+{0}:127.0.0.2", "other:1:127.0.0.1", "-{0}"]])
def test_an_entry_of_resolve_that_is_taken_back(driver, upstream, entries):
    """The name is looked up then, and once for all."""
    origin = f"back.slow:{upstream.port}"
    resolve = [entry.format(origin) for entry in entries]
    driver.setup(upstream, "ok", base_url=f"http://{origin}/v1", resolve=resolve)
    resolver(driver, 50)
    for _ in range(3):
        driver.ok("start", 0, 0, model="ok", count=20)
        assert driver("run", quiet=1).summary["failed"] == 0
        driver.ok("free", 0, count=20)
    assert resolver(driver)["look_ups"] == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_an_address_is_no_name(driver, host):
    try:
        server = Upstream(host.strip("[]")).start()
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    try:
        driver.setup(server, "ok", base_url=f"http://{host}:{server.port}/v1", **{"bounds.lookups": 1})
        driver.deploy(server, "hangs", base_url=f"http://a.hung:{server.port}/v1", connect_timeout=200)
        driver.ok("start", 1, 0, model="hangs")  # it has the only look-up
        driver("run", **{"for": 20})
        assert driver.chat(model="ok", quiet=1).failed is None
        driver("run", quiet=1)
    finally:
        server.stop()


def test_a_name_that_hangs_holds_up_no_other(driver, upstream):
    prepare(driver, [upstream], host="quick.slow", count=2, **{"bounds.lookups": 2})
    driver.deploy(upstream, "hangs", base_url=f"http://a.hung:{upstream.port}/v1", connect_timeout=100)
    resolver(driver, 1)
    driver.ok("start", 5, 0, model="hangs")
    driver("run", **{"for": 20})
    assert driver.chat(quiet=1).failed is None
    driver("run", quiet=1)
    assert reply(driver, 5).failed == "EXO_E_CLOCK_CONNECT"


def test_waiting_for_a_look_up_has_no_clock_but_the_total_one(driver, upstream):
    prepare(driver, [upstream], host="h{}.slow", count=3, connect_timeout=1000, **{"bounds.lookups": 1})
    resolver(driver, 600)
    start(driver, 0, 1)
    start(driver, 2, total_timeout=100)
    driver("run", quiet=1)
    assert reply(driver, 0).failed is None
    second = reply(driver, 1)
    assert second.failed is None and second.attempts[0]["queued_ms"] >= 500
    assert reply(driver, 2).failed == "EXO_E_CLOCK_TOTAL"


# --- connections


def peak(servers):
    """The most connections that were open at once, as the servers saw it; an end that they have not seen yet counts."""
    seen = {"most": 0}
    for server in servers:
        original = server._open.__class__

        class Watched(original):
            def add(self, item):
                super().add(item)
                seen["most"] = max(seen["most"], sum(len(one._open) for one in servers))

        server._open = Watched(server._open)
    return seen


@pytest.mark.parametrize("most", [1, 2, 4])
def test_so_many_to_one_host(driver, most):
    with Upstream() as server, Upstream() as other:
        seen = peak([server])
        prepare(driver, [server], **{"bounds.connections_per_host": most})
        driver.deploy(other, "other", model="ok")
        start(driver, *range(12))
        assert driver.chat(model="other", quiet=1).failed is None  # a host that is full holds up nobody else
        summary = driver("run", quiet=1).summary
        assert (summary["ended"], summary["failed"]) == (12, 0)
        assert seen["most"] <= most and server.connections <= most
        if most == 1:
            assert order(server) == list(range(12))


@pytest.mark.parametrize("most", [1, 2, 3])
def test_so_many_in_all(driver, most):
    """Those that are kept count too: one host's goes for another's."""
    with Upstream() as one, Upstream() as two, Upstream() as three:
        servers = [one, two, three]
        prepare(driver, servers, **{"bounds.connections": most})
        for number in (0, 1, 2):  # they are kept
            assert driver.chat(model=f"m{number}", quiet=1).failed is None
            assert one.wait_for(lambda: sum(server.open_connections for server in servers) <= most)
        start(driver, *range(12))
        summary = driver("run", quiet=1).summary
        assert (summary["ended"], summary["failed"]) == (12, 0)
        assert one.wait_for(lambda: sum(server.open_connections for server in servers) <= most)
        if most == 1:
            assert [len(server.requests) for server in servers] == [5, 5, 5]


def test_while_the_first_one_runs(driver, upstream):
    """Whoever waits has no clock but the total one; whoever leaves the line holds up nobody."""
    clocks = {"connect_timeout": 300, "stream_ttft_timeout": 300, "request_timeout": 300}
    prepare(driver, [upstream], **{"bounds.connections_per_host": 1})
    for number in range(1, 5):
        driver.deploy(upstream, f"m{number}", model="ok", header=f"x-n:{number}", **clocks)
    driver.deploy(upstream, "m0", model="gate:go", header="x-n:0")
    driver.ok("policy", "m3", cooldown=60000, cooldown_after=1)
    start(driver, 0, 1, 2)
    start(driver, 3, total_timeout=150)
    start(driver, 4)
    driver("run", **{"for": 500})
    assert reply(driver, 3).failed == "EXO_E_CLOCK_TOTAL"
    driver.ok("cancel", 2)
    upstream.gate("go").set()
    driver("run", quiet=1)
    first, second, fourth = (reply(driver, number) for number in (0, 1, 4))
    assert first.failed is second.failed is fourth.failed is None
    assert first.attempts[0]["queued_ms"] == 0
    assert second.attempts[0]["queued_ms"] >= 400 and fourth.attempts[0]["queued_ms"] >= 400
    assert order(upstream) == [0, 1, 4] and upstream.connections == 1
    said = driver.chat(model="m3", quiet=1)  # nothing has cooled down
    assert [attempt["code"] for attempt in said.attempts] == ["EXO_OK"]


def test_what_the_total_clock_says_of_a_wait(driver, upstream):
    prepare(driver, [upstream], **{"bounds.connections": 1})
    driver.deploy(upstream, "m0", model="gate:go")
    start(driver, 0)
    driver.pump(lambda: upstream.requests)
    start(driver, 1, total_timeout=50)
    driver("run", **{"for": 200})
    said = reply(driver, 1)
    assert said.failed == "EXO_E_CLOCK_TOTAL" and "client's bounds" in said.failure["message"]
    assert said.attempts[0]["queued_ms"] >= 40 and said.attempts[0]["connected_ms"] == -1
    upstream.gate("go").set()
    driver("run", quiet=1)


@pytest.mark.parametrize("how", ["cancel", "free"])
def test_the_one_that_has_the_connection_goes(driver, upstream, how):
    prepare(driver, [upstream], **{"bounds.connections_per_host": 1})
    driver.deploy(upstream, "m0", model="gate:go")
    start(driver, 0, 1, 2)
    driver.pump(lambda: upstream.requests)
    driver.ok(how, 0)
    summary = driver("run", quiet=1).summary
    assert (summary["ended"], summary["failed"]) == (2, 0)


def test_the_one_that_has_the_connection_fails(driver, upstream):
    prepare(driver, [upstream], **{"bounds.connections": 1})
    driver.deploy(upstream, "m0", model="reset")
    driver.ok("policy", "m0", retries=2, backoff_first=1, backoff_max=1)
    start(driver, 0, 1, 2)
    driver("run", quiet=1)
    assert reply(driver, 1).failed is None and reply(driver, 2).failed is None


def test_bounds_that_change(driver, upstream):
    prepare(driver, [upstream], **{"bounds.connections_per_host": 1})
    for number in range(12):
        driver.deploy(upstream, f"m{number}", model="gate:go", header=f"x-n:{number}")
    start(driver, *range(12))
    driver.pump(lambda: upstream.requests)
    driver("run", **{"for": 100})
    assert upstream.connections == 1
    driver.ok("bounds", **{"bounds.connections_per_host": 5})
    driver.pump(lambda: len(upstream.requests) == 5)
    driver.ok("bounds", **{"bounds.connections": 7})
    driver.pump(lambda: len(upstream.requests) == 7)
    upstream.gate("go").set()
    summary = driver("run", quiet=1).summary
    assert summary["failed"] == 0 and upstream.connections == 7
    assert order(upstream)[:1] == [0] and sorted(order(upstream)) == list(range(12))


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_so_many_are_kept(driver, upstream, kept):
    prepare(driver, [upstream], **{"bounds.idle_connections": kept})
    for number in range(8):
        driver.deploy(upstream, f"m{number}", model="gate:go", header=f"x-n:{number}")
    start(driver, *range(8))
    driver.pump(lambda: len(upstream.requests) == 8)
    upstream.gate("go").set()
    driver("run", quiet=1)
    driver("run", **{"for": 300})
    assert upstream.wait_for(lambda: upstream.open_connections <= kept)
    before = upstream.connections
    assert driver.chat(model="m0", quiet=1).failed is None
    assert upstream.connections == before + (kept == 0)


def test_over_http2_many_share_one(driver, upstream, certificates):
    """Once it is known that they can."""
    with Nginx(upstream.origin, certificate=certificates.make("good"), http2=True) as front:
        driver.ok("client", **{"bounds.connections_per_host": 1})
        driver.deploy(upstream, "ok", base_url=front.base_url, http2=1, ca_file=certificates.ca)
        driver.ok("request", 0, "ok")
        driver.ok("text", 0, "user", "hello")
        driver.ok("start", 0, 0, count=30)
        summary = driver("run", quiet=1).summary
        assert (summary["ended"], summary["failed"]) == (30, 0)
        said = [reply(driver, number) for number in range(30)]
        assert {one.attempts[0]["http_version"] for one in said} == {"2"}
        assert {one.answer["text"] for one in said} == {TEXT}


@pytest.mark.parametrize("name", ["connections_per_host", "connections", "lookups"])
def test_what_is_no_bound(driver, upstream, name):
    assert driver("client", **{f"bounds.{name}": 0}).code != "EXO_OK"
    driver.setup(upstream, "ok")
    said = driver("bounds", **{f"bounds.{name}": 0})
    assert said.code == "EXO_E_ARGUMENT" and said.message.startswith(f"bounds.{name}: must be 1")
