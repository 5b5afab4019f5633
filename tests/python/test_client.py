"""Client and Call over libcurl: events, deployments, waiting, and every way in which a call or a client may end."""

import asyncio
import gc
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Mapping
from pathlib import Path

import pytest

import _exochat

if not hasattr(_exochat, "Client"):
    pytest.skip("built without the hosted library", allow_module_level=True)

from bodies import CODES
from exoclaw_provider_openai._answer import trail_entry
from upstreams import ALL, ASK, PATIENCE, Poised, Trickle, ask, client, client_of, deploy, events_of, upstream  # noqa: F401


def texts(events):
    return "".join(event[2] for event in events if event[0] == "content")


# ---- calls

def test_a_call(client, upstream):
    deploy(client, upstream, "ok", api_key="k-1", headers={"X-Extra": "1"})
    call, events = ask(client, "ok", {**ASK, "temperature": 0.5}, user="mine", wanted=ALL)
    assert events[-1] == ("end", 0, "", 0, "", "", None, False, None)
    assert call.done() and call.failure() is None and call.user == "mine"
    answer = call.answer(0)
    assert answer.proven and answer.content == texts(events) and answer.finish_reason == "stop"
    assert [event[6] for event in events if event[0] == "usage"] == [answer.usage]
    assert call.answer(1) is None and call.deployment() == "ok" and call.milliseconds() >= 0
    (entry,) = call.trail()
    assert (entry["deployment"], entry["model"], entry["code"], entry["http_status"]) == ("ok", "ok", None, 200)
    raw = {name: 0 for name in entry}
    assert list(entry) == list(trail_entry(raw))  # that of a call which is driven from Python
    (request,) = upstream.requests
    assert json.loads(request.body) == {
        "model": "ok", **ASK, "temperature": 0.5, "stream": True, "stream_options": {"include_usage": True},
    }  # fmt: skip
    assert request.header("authorization") == "Bearer k-1" and request.header("x-extra") == "1"
    assert client.calls() == 0


def test_text_of_any_width_reaches_the_other_side(client, upstream):
    text = "a\u00e9\u20ac\U0001f600\ud800\n\"" * 5000
    call, events = ask(client, deploy(client, upstream, "echo"), {"messages": [{"role": "user", "content": text}]})
    assert texts(events) == text.replace("\ud800", "\ufffd") == call.answer(0).content


def test_many_calls_at_once(client, upstream):
    deploy(client, upstream, "echo")
    calls = [client.start("echo", {"messages": [{"role": "user", "content": f"call {i}"}]}, None, i) for i in range(100)]
    assert client.calls() == 100
    found = events_of(client)
    for i, call in enumerate(calls):
        assert texts(event for user, event in found if user == i) == f"call {i}" == call.answer(0).content


def test_only_what_is_wanted(client, upstream):
    deploy(client, upstream, "tool-call")
    _, events = ask(client, "tool-call", wanted=("tool_call",))
    assert [event[0] for event in events] == ["tool_call", "end"]
    call, events = ask(client, "tool-call", buffered=True)
    assert [event[0] for event in events] == ["end"]
    ((name, arguments),) = [(call[1], call[2]) for call in call.answer(0).tool_calls]
    assert name == "get_weather" and json.loads(arguments) == {"city": "Oslo", "days": 2}


def test_fallbacks_are_told_where_they_are_asked_for(client, upstream):
    for name in ("status-500", "status-502", "ok"):
        deploy(client, upstream, name)
    client.route("status-500", ["status-502", "ok"], [], None)
    call, events = ask(client, "status-500", wanted=ALL)
    assert [(event[5], event[8].code) for event in events if event[0] == "fallback"] == [
        ("status-502", CODES["EXO_E_SERVER"]), ("ok", CODES["EXO_E_SERVER"]),
    ]  # fmt: skip
    assert [entry["http_status"] for entry in call.trail()] == [500, 502, 200]
    assert call.deployment() == "ok" and call.failure() is None
    _, events = ask(client, "status-500")
    assert "fallback" not in [event[0] for event in events]
    client.route("status-500", [], [], {"retries": 0})
    call, events = ask(client, "status-500", wanted=("fallback",))
    assert [(event[0], event[5]) for event in events] == [("fallback", ""), ("end", "")]
    assert events[-1][8].code == call.failure().code == CODES["EXO_E_SERVER"]


def test_context_fallbacks_and_retries(client, upstream):
    for name in ("context-400", "ok", "fail-1-then-ok"):
        deploy(client, upstream, name)
    client.route("context-400", [], ["ok"], None)
    assert ask(client, "context-400")[0].deployment() == "ok"
    client.route("fail-1-then-ok", [], [], {"retries": 1, "backoff_first": 1, "backoff_max": 1})
    assert len(ask(client, "fail-1-then-ok")[0].trail()) == 2


def test_a_stream_that_breaks_begins_anew(client, upstream):
    for name in ("ok",):
        deploy(client, upstream, name)
    deploy(client, upstream, "broken", model="cut-after-500")
    client.route("broken", ["ok"], [], None)
    call, events = ask(client, "broken")
    assert call.failure() is not None and call.answer(0).proven is False
    call, events = ask(client, "broken", restart=True)
    kinds = [event[0] for event in events]
    assert "restart" in kinds and events[kinds.index("restart")][8] is not None
    assert call.failure() is None and texts(events[kinds.index("restart") :]) == call.answer(0).content


def test_options_of_a_call(client, upstream):
    deploy(client, upstream, "ok", extra_body={"user": "deployment's", "k": {"deep": ["\u00e9", 1.5, None, True, 10**30]}})
    ask(client, "ok", defaults={"user": "call's", "seed": 7}, headers=[("X-Call", "\u00e9")], api_key="call-key")
    request = upstream.requests[-1]
    sent = json.loads(request.body)
    assert sent["user"] == "deployment's" and sent["seed"] == 7
    assert sent["k"] == {"deep": ["\u00e9", 1.5, None, True, 10**30]}
    assert request.header("authorization") == "Bearer call-key"
    deploy(client, upstream, "silent")
    call, _ = ask(client, "silent", total_timeout=30)
    assert call.failure().clock == "total"
    call, _ = ask(client, "silent", stream_ttft_timeout=30)
    assert call.failure().clock == "first event"


def test_a_key_for_each_deployment(client, upstream):
    for name in ("key:one", "key:two"):
        deploy(client, upstream, name)
    client.route("key:one", ["key:two"], [], None)
    assert ask(client, "key:one", api_key={"key:one": "one", "key:two": "two"})[0].failure() is None
    assert ask(client, "key:two", api_key={"key:two": "two"})[0].failure() is None
    assert ask(client, "key:two", api_key={"key:two": "other"})[0].failure().code == CODES["EXO_E_AUTH"]
    assert ask(client, "key:two")[0].failure().code == CODES["EXO_E_AUTH"]
    with pytest.raises(ValueError, match="no such deployment: 'nobody'"):
        client.start("key:two", ASK, {"api_key": {"nobody": "x"}}, None)
    with pytest.raises(TypeError, match="api_key"):
        client.start("key:two", ASK, {"api_key": {"key:two": 5}}, None)


def test_several_choices(client, upstream):
    call, events = ask(client, deploy(client, upstream, "n-3"), {**ASK, "n": 3}, choices=3)
    assert [call.answer(i).content for i in range(4) if call.answer(i)] == ["choice 0", "choice 1", "choice 2"]
    assert {event[1] for event in events if event[0] == "content"} == {0, 1, 2}


def test_files_of_any_path(client, upstream, tmp_path):
    (tmp_path / "long.txt").write_bytes(b"line\n" * 100_000)
    (tmp_path / "p.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    request = {
        "messages": [
            {"role": "user", "_content_file": tmp_path / "long.txt", "content": "inline"},
            {"role": "user", "_content_file": str(tmp_path / "gone"), "content": "inline"},
            {"role": "user", "content": [{"_file": tmp_path / "p.png"}, {"type": "text", "text": "?"}]},
        ]
    }
    call, _ = ask(client, deploy(client, upstream, "ok"), request)
    assert call.failure() is None
    sent = json.loads(upstream.requests[-1].body)["messages"]
    assert sent[0]["content"] == "line\n" * 100_000 and sent[1]["content"] == "inline"
    assert sent[2]["content"][0] == {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}


def test_what_is_wrong_with_a_request_is_raised_or_told(client, upstream):
    deploy(client, upstream, "ok")
    with pytest.raises(TypeError, match=r"messages\[0\]\.content"):
        client.start("ok", {"messages": [{"content": object()}]}, None, None)
    with pytest.raises(TypeError, match="no such option: timeout"):
        client.start("ok", ASK, {"timeout": 5}, None)
    with pytest.raises(ValueError, match="wanted"):
        client.start("ok", ASK, {"wanted": ["text"]}, None)
    with pytest.raises(TypeError, match=r"defaults\.a: of type object"):
        client.start("ok", ASK, {"defaults": {"a": object()}}, None)
    with pytest.raises(TypeError, match="headers"):
        client.start("ok", ASK, {"headers": ["x"]}, None)
    assert client.calls() == 0 and upstream.requests == []
    for model, request, code in (
        ("nobody", ASK, "EXO_E_UNKNOWN_MODEL"),
        ("ok", {"messages": "x", "max_tokens": 1}, None),
        ("ok", {**ASK, "messages": [{"content": [{"_file": "/nowhere/x.png"}]}]}, "EXO_E_SOURCE_READ"),
        ("ok", {**{f"k{i}": i for i in range(80)}, **ASK}, "EXO_E_KEYS_LIMIT"),
    ):
        call, events = ask(client, model, request)
        assert [event[0] for event in events][-1] == "end"
        if code:
            assert call.failure().code == CODES[code] and events[-1][8].code == CODES[code]


def test_the_id_and_the_tier_of_a_response(client, upstream):
    call, _ = ask(client, deploy(client, upstream, "status-500"))
    assert call.request_id() == call.failure().request_id
    data = {"service_tier": "flex", "choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]}
    attempt = _exochat.Attempt({}, 0)
    attempt.connected(0, False)
    attempt.status(200)
    attempt.header("x-request-id", "r-7", 0)
    attempt.head_end(0)
    attempt.feed(0, b"data: %s\n\ndata: [DONE]\n\n" % json.dumps(data).encode())
    while attempt.next():
        pass
    assert attempt.answer(0).service_tier == "flex" and attempt.request_id() == "r-7"


# ---- deployments

@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({}, ValueError, "base_url"),
        ({"base_url": "ftp://x"}, ValueError, "EXO_E_URL"),
        ({"base_url": 5}, TypeError, "base_url"),
        ({"base_url": "http://a\0b"}, ValueError, "base_url: holds NUL"),
        ({"base_url": "http://x", "keys": 1}, TypeError, "no such option: keys"),
        ({"base_url": "http://x", "headers": {"A": "b\r\nC: d"}}, ValueError, "EXO_E_HEADER"),
        ({"base_url": "http://x", "headers": [("A", 5)]}, TypeError, "headers"),
        ({"base_url": "http://x", "headers": [["A", "b"]]}, TypeError, "headers"),
        ({"base_url": "http://x", "extra_body": {"a": object()}}, TypeError, r"extra_body\.a"),
        ({"base_url": "http://x", "extra_body": {1: 1, "1": 2}}, ValueError, "extra_body: the key"),
        ({"base_url": "http://x", "drop": "abc"}, TypeError, "drop"),
        ({"base_url": "http://x", "rename": {"a": 1}}, TypeError, "rename"),
        ({"base_url": "http://x", "ca_pem": 5}, TypeError, "ca_pem"),
        ({"base_url": "http://x", "resolve": [1]}, TypeError, "resolve"),
        ({"base_url": "http://x", "connect_timeout": -5}, ValueError, "connect_timeout"),
        ({"base_url": "http://x", "http2": 1}, TypeError, "http2: bool"),
    ],
)
def test_a_deployment_that_is_wrong_says_where(client, options, error, words):
    with pytest.raises(error, match=words):
        client.deploy("m", options)


def test_a_route_that_is_wrong(client, upstream):
    deploy(client, upstream, "ok")
    for args, error in (
        (("nobody", [], [], None), ValueError),
        (("ok", "abc", [], None), TypeError),
        (("ok", [5], [], None), TypeError),
        (("ok", [], [], {"retry": 1}), TypeError),
        ((5, [], [], None), TypeError),
    ):
        with pytest.raises(error):
            client.route(*args)


def test_a_client_that_is_wrong():
    with pytest.raises(TypeError, match="no such option"):
        _exochat.Client({"limit": {}})
    with pytest.raises(TypeError, match="no such option"):
        _exochat.Client({"limits": {"answers": 1}})
    with pytest.raises(ValueError, match="depth"):
        _exochat.Client({"limits": {"depth": 1000}})
    with pytest.raises(ValueError, match="connections_per_host"):
        _exochat.Client({"connections_per_host": 0})
    _exochat.Client({"connections_per_host": 2, "connections": 5, "idle_connections": 0, "lookups": 1}).close()


def test_limits(upstream):
    with_limits = client_of(upstream, "big-1", options={"limits": {"answer": 1000}})
    call, _ = ask(with_limits, "big-1")
    assert call.failure().code == CODES["EXO_E_ANSWER_LIMIT"]
    with_limits.close()


# ---- waiting

def test_a_turn_takes_64_events_or_256_kilobytes(client, upstream):
    deploy(client, upstream, "tokens-5000")
    client.start("tokens-5000", ASK, None, None)
    turns = []
    while not turns or turns[-1][1][0] != "end":
        more, events = client.turn()
        turns += events
        assert len(events) <= 64
        if not more and not events:
            client.wait(PATIENCE)
    assert sum(event[0] == "content" for _, event in turns) == 5000
    deploy(client, upstream, "big-8")
    client.start("big-8", ASK, None, None)
    most = 0
    ended = False
    while not ended:
        more, events = client.turn()
        ended = any(event[0] == "end" for _, event in events)
        most = max(most, sum(len(event[2]) for _, event in events))
        if not more and not events:
            client.wait(PATIENCE)
    assert most < 2 * 262144


def test_a_turn_of_an_answer_that_nobody_sees(client, upstream):
    """It is taken 256 KB at a time too, and what of it is there is taken with its end in one turn."""
    deploy(client, upstream, "big-8")
    call = client.start("big-8", ASK, {"wanted": ()}, None)
    turns = 0
    while client.calls():
        turns += 1
        if client.serve()[0] and client.calls():
            client.wait(PATIENCE)
    assert turns * 2 * 262144 > len(call.answer(0).content) > 8_000_000
    for count in (1, 200, 900):
        with Poised(count) as server:
            client.deploy("m", {"base_url": f"http://127.0.0.1:{server.port}/v1"})
            call = client.start("m", ASK, {"wanted": ()}, "mine")
            while not server.asked.is_set():
                client.serve()
                client.wait(1)
            server.answer()
            ((user, events),) = client.serve()[1]
            assert user == "mine" and events[-1][0] == "end" and call.answer(0).content == "x" * count
            assert client.calls() == 0


def test_a_turn_for_a_loop(client, upstream):
    """serve(): the events of a call in rows; a piece of the text is a str where that was asked for."""
    deploy(client, upstream, "tokens-5000")
    client.start("tokens-5000", ASK, {"wanted": ("content",), "plain": True}, "plain")
    client.start("tokens-5000", ASK, {"wanted": ("content",)}, "events")
    found = {"plain": [], "events": []}
    while client.calls():
        due, rows = client.serve()
        assert sum(len(events) for _, events in rows) <= 64
        for user, events in rows:
            found[user] += events
        if due and client.calls():
            client.wait(PATIENCE)
    texts = [event[2] for event in found["events"] if event[0] == "content"]
    assert found["plain"][:-1] == texts and len(texts) == 5000
    assert found["plain"][-1][0] == found["events"][-1][0] == "end"


@pytest.mark.skipif(sys.platform != "linux", reason="no pauses")
@pytest.mark.parametrize("wanted", [(), ("content",)])
def test_pieces_that_come_faster_than_it_pays_to_wake_up(client, wanted):
    """The number of turns goes by the time that it took, not by the number of pieces: there is a pause behind each turn."""
    with Trickle(count=3000) as server:
        client.deploy("m", {"base_url": f"http://127.0.0.1:{server.port}/v1"})
        began = time.monotonic()
        call = client.start("m", ASK, {"wanted": wanted}, None)
        waits = 0
        while client.calls():
            if client.serve()[0] and client.calls():
                client.wait(PATIENCE)
                waits += 1
        took = (time.monotonic() - began) * 1000
        assert call.answer(0).content == "x" * 3000
        assert waits <= took / (1 if wanted else 2) + 20


@pytest.mark.skipif(sys.platform != "linux", reason="no pauses")
def test_nothing_is_lost_in_a_pause(client, upstream):
    """A call that starts in one, a wakeup, and the end of the client."""
    deploy(client, upstream, "ok")
    with Trickle(count=1_000_000) as server:
        client.deploy("m", {"base_url": f"http://127.0.0.1:{server.port}/v1"})
        client.start("m", ASK, {"wanted": ()}, "endless")
        for _ in range(300):
            client.serve()
            client.wait(1)
        client.wakeup()
        assert client.wait(PATIENCE)
        client.start("ok", ASK, {"wanted": ()}, "other")
        seen = []
        while not seen:
            seen = [user for user, events in client.serve()[1]]
            client.wait(1)
        assert seen == ["other"]
        client.close()


def test_other_threads_run_while_one_waits(client, upstream):
    deploy(client, upstream, "silent")
    client.start("silent", ASK, None, None)
    counted = [0]
    stop = threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1

    thread = threading.Thread(target=count)
    thread.start()
    while counted[0] < 1000:
        client.turn()
        client.wait(20)
    stop.set()
    thread.join()


def test_a_wait_ends(client, upstream):
    client.turn()
    assert client.wait(0) is False
    client.start(deploy(client, upstream, "silent"), ASK, None, None)
    while client.timeout() == 0:
        client.turn()
    thread = threading.Timer(0.05, client.wakeup)
    thread.start()
    while client.wait(PATIENCE) is not True:
        client.turn()
    thread.join()


def test_control_c_ends_a_wait_at_once(client, upstream):
    client.start(deploy(client, upstream, "silent"), ASK, None, None)
    timer = threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        while True:
            client.turn()
            client.wait(PATIENCE)
    timer.join()


def test_close_in_another_thread_ends_a_wait(upstream):
    waiting = client_of(upstream, "silent")
    waiting.start("silent", ASK, None, None)
    threading.Timer(0.1, waiting.close).start()
    with pytest.raises(RuntimeError, match="closed"):
        while True:
            waiting.turn()
            waiting.wait(PATIENCE)


def test_watched_sockets_instead_of_a_descriptor(upstream):
    watching = client_of(upstream, "echo", options={"watch": True})
    assert watching.fd() == -1
    call = watching.start("echo", ASK, None, None)
    selector = selectors.DefaultSelector()
    watched = {}
    while not call.done():
        watching.turn()
        for socket, what in watching.watch():
            if socket in watched:
                selector.unregister(socket)
                del watched[socket]
            if what:
                watched[socket] = what
                selector.register(socket, what)
        timeout = watching.timeout()
        if not call.done():
            for key, what in selector.select(timeout / 1000 if timeout >= 0 else None):
                watching.ready(key.fd, what)
    assert call.answer(0).content == "hello"
    watching.close()


def test_with_asyncio(client, upstream):
    """The smallest driver there can be: one reader, one timer."""
    for name in ("echo", "slow-5"):
        deploy(client, upstream, name)

    async def main():
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        found = []

        def serve():
            more, events = client.turn()
            found.extend(events)
            if client.calls() == 0 and not done.done():
                done.set_result(None)
                return
            timeout = client.timeout()
            if more or timeout >= 0:
                loop.call_later(0 if more else timeout / 1000, serve)

        loop.add_reader(client.fd(), serve)
        for i in range(20):
            client.start("echo" if i % 2 else "slow-5", ASK, None, i)
        serve()
        await done
        loop.remove_reader(client.fd())
        return found

    found = asyncio.run(main())
    assert {user for user, event in found if event[0] == "end"} == set(range(20))


# ---- the end of a call

def test_cancel_ends_the_connection_at_once(client, upstream):
    deploy(client, upstream, "slow-20")
    call = client.start("slow-20", ASK, None, None)
    while not any(event[0] == "content" for _, event in client.turn()[1]):
        client.wait(PATIENCE)
    call.cancel()
    call.cancel()
    assert call.done() and client.calls() == 0
    assert call.failure().code == CODES["EXO_E_CANCELLED"]
    assert call.trail()[0]["deployment"] == "slow-20"
    assert client.turn()[1] == []


def test_a_call_lives_until_its_end_whoever_holds_it(client, upstream):
    client.start(deploy(client, upstream, "ok"), ASK, None, "user")
    gc.collect()
    assert [user for user, event in events_of(client) if event[0] == "end"] == ["user"]


def test_what_a_call_held_is_let_go_of(client, upstream):
    class Held(str):
        pass

    deploy(client, upstream, "ok")
    for end in (lambda call: events_of(client), lambda call: call.cancel(), lambda call: client.close()):
        text, user = Held("x" * 100), type("User", (), {})()
        gone = [weakref.ref(user)]
        before = sys.getrefcount(text)
        call = client.start("ok", {"messages": [{"role": "user", "content": text}]}, None, user)
        assert sys.getrefcount(text) == before + 1
        end(call)
        assert sys.getrefcount(text) == before
        del user, call
        gc.collect()
        assert gone[0]() is None


def test_a_client_that_nobody_holds_is_closed_with_its_calls(upstream):
    lost = client_of(upstream, "silent")
    user = type("User", (), {})()
    user.client = lost
    user.call = lost.start("silent", ASK, None, user)
    gone = weakref.ref(user)
    fd = lost.fd()
    lost.turn()
    del lost, user
    gc.collect()
    assert gone() is None
    with pytest.raises(OSError):
        os.fstat(fd)


def test_close(client, upstream):
    call = client.start(deploy(client, upstream, "silent"), ASK, None, None)
    client.turn()
    client.close()
    client.close()
    assert call.done() and call.failure().code == CODES["EXO_E_CANCELLED"]
    call.cancel()
    call.hold(True)
    client.wakeup()
    for method in (client.turn, client.fd, client.timeout, lambda: client.wait(1), lambda: client.start("x", ASK, None, 1)):
        with pytest.raises(RuntimeError, match="closed"):
            method()


def test_hold(client, upstream):
    deploy(client, upstream, "tokens-200")
    call = client.start("tokens-200", ASK, None, None)
    held = []
    while not held:
        held = [event for _, event in client.turn()[1]]
        client.wait(PATIENCE)
    call.hold(True)
    for _ in range(20):
        assert client.turn()[1] == []
        client.wait(5)
    call.hold(False)
    rest = [event for _, event in events_of(client)]
    assert sum(event[0] == "content" for event in held + rest) == 200


class Spoiler(Mapping):
    """Does something while a request is built."""

    def __init__(self, then):
        self.then = then

    def __getitem__(self, key):
        self.then()
        return 1

    def __iter__(self):
        return iter("k")

    def __len__(self):
        return 1


def test_a_client_that_is_closed_while_a_request_is_built(upstream):
    spoiled = client_of(upstream, "ok")
    with pytest.raises(RuntimeError, match="closed"):
        spoiled.start("ok", {**ASK, "x": Spoiler(spoiled.close)}, None, None)
    spoiled = client_of(upstream, "ok")
    with pytest.raises(RuntimeError, match="closed"):
        spoiled.deploy("m", {"base_url": upstream.base_url, "extra_body": Spoiler(spoiled.close)})
    busy = client_of(upstream, "ok")
    busy.start("ok", {**ASK, "x": Spoiler(busy.turn)}, None, None)
    events_of(busy)
    busy.close()


class Bomb(str):
    """A text whose end does something."""

    then = None

    def __del__(self):
        if Bomb.then:
            Bomb.then()


def test_finalizers_that_meddle(upstream):
    """The request's texts are let go of while the client hands out events: whatever they do then, nothing is lost."""
    for deed in ("close", "turn", "start", "cancel"):
        meddled = client_of(upstream, "ok", "silent")
        other = meddled.start("silent", ASK, None, "other")
        said = []

        def then(deed=deed, meddled=meddled, other=other, said=said):
            Bomb.then = None
            try:
                {
                    "close": meddled.close,
                    "turn": meddled.turn,
                    "start": lambda: meddled.start("ok", ASK, None, "late"),
                    "cancel": other.cancel,
                }[deed]()
            except RuntimeError as error:
                said.append(str(error))

        call = meddled.start("ok", {"messages": [{"role": "user", "content": Bomb("boom")}]}, None, "first")
        Bomb.then = then
        try:
            found = events_of(meddled, 1)
        finally:
            Bomb.then = None
        assert [event[0] for _, event in found if _ == "first"][-1] == "end" and call.failure() is None
        meddled.close()


def test_thresholds_of_the_collector_do_not_matter(client, upstream):
    """With a collection at every allocation the events are the same."""
    deploy(client, upstream, "echo")
    before = gc.get_threshold()
    gc.set_threshold(1)
    try:
        call, events = ask(client, "echo", {"messages": [{"role": "user", "content": "\u00e9\n" * 3000}]}, wanted=ALL)
    finally:
        gc.set_threshold(*before)
    assert texts(events) == call.answer(0).content == "\u00e9\n" * 3000


# ---- bodies that are given

def test_a_body_that_is_given(client, upstream):
    deploy(client, upstream, "digest", model="ignored")
    body = json.dumps({"model": "digest", "stream": True, "messages": [{"role": "user", "content": "x" * 200_000}]}).encode()
    call = client.start_raw("digest", None, "raw")
    at = 0
    found = []
    while at < len(body):
        ready = call.send(body[at : at + 5000])
        at += 5000
        if not ready:
            found += client.turn()[1]
            client.wait(5)
    call.send(None)
    found += events_of(client, 1 - sum(event[0] == "end" for _, event in found))
    assert call.failure() is None, call.failure()
    (request,) = upstream.requests
    assert request.body == body and request.header("transfer-encoding") == "chunked"
    with pytest.raises(ValueError):
        call.send(b"more")
    with pytest.raises(ValueError):
        client.start("digest", ASK, None, None).send(b"x")


# ---- questions, forks

def test_models(client, upstream):
    deploy(client, upstream, "ok")
    models = client.models("ok")
    assert models and all(isinstance(name, str) for name in models)
    client.deploy("closed", {"base_url": "http://127.0.0.1:9/v1"})
    with pytest.raises(RuntimeError) as raised:
        client.models("closed")
    assert raised.value.args[0].code == CODES["EXO_E_CONNECT"]
    with pytest.raises(TypeError):
        client.models(5)


def test_a_child_lets_go_of_the_parents_client(client, upstream):
    deploy(client, upstream, "slow-10")
    call = client.start("slow-10", ASK, None, None)
    while not client.turn()[1]:
        client.wait(PATIENCE)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            try:
                client.turn()
            except RuntimeError as error:
                status = 2 if "EXO_E_FORKED" in str(error) else 3
            client.abandon()
            own = client_of(upstream, "ok")
            if ask(own, "ok")[0].failure() is None:
                status += 10
            own.close()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 12
    events_of(client)
    assert call.failure() is None


# ---- scale

def descriptors():
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no /proc")
def test_clients_that_come_and_go_leave_no_descriptor(upstream):
    def once():
        passing = client_of(upstream, "ok", "silent")
        passing.start("silent", ASK, None, None)
        ask(passing, "ok")
        passing.close()

    once()
    before = descriptors()
    for _ in range(30):
        once()
    gc.collect()
    assert descriptors() <= before + 1


def test_one_connection_serves_calls_one_after_another(client, upstream):
    deploy(client, upstream, "ok")
    for _ in range(20):
        ask(client, "ok")
    assert upstream.connections == 1


def test_memory_is_flat_over_calls(client, upstream):
    import tracemalloc

    deploy(client, upstream, "ok")
    deploy(client, upstream, "status-400")

    def round_():
        for _ in range(25):
            ask(client, "ok", wanted=ALL)
            ask(client, "status-400")
            client.start("ok", ASK, None, None).cancel()
        gc.collect()

    round_()
    tracemalloc.start()
    try:
        sizes = []
        for _ in range(5):
            round_()
            sizes.append(tracemalloc.get_traced_memory()[0])
            upstream.requests.clear()
        grown = [after - before for before, after in zip(sizes, sizes[1:])]
    finally:
        tracemalloc.stop()
    assert min(grown) < 3000
