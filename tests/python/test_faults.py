"""The faults of the Python original, by their numbers: none of them is here. Each runs over real sockets, on the C client
and through an injected client, where both can show it."""

import asyncio
import gc
import json
import math
import os
import tracemalloc
from pathlib import Path

import pytest

from conftest import event, stream_of
from exoclaw_provider_openai import (
    ContextWindowExceededError,
    Deployment,
    HTTPConnectError,
    HTTPError,
    HTTPReadTimeout,
    HTTPStatusError,
    OpenAIStreamingProvider,
)
from upstream.tls import Certificates

HELLO = [{"role": "user", "content": "hello"}]
ENGINES = ("libcurl", "httpx", "exoclaw")


def client_of(engine):
    """An injected client over the network, or None for our own."""
    if engine == "libcurl":
        if not hasattr(pytest.importorskip("_exochat"), "Client"):
            pytest.skip("_exochat has no Client")
        return None
    httpx = pytest.importorskip("httpx")
    client = httpx.AsyncClient()
    return client if engine == "httpx" else pytest.importorskip("exoclaw.http").from_httpx(client)


@pytest.fixture(params=ENGINES)
def engine(request):
    return request.param


class Bench:
    """Providers over one engine at the scripted server."""

    def __init__(self, engine, upstream):
        self.engine = engine
        self.upstream = upstream
        self.made = []

    def provider(self, *models, fallbacks=True, deployment=None, base_url=None, **options):
        """The first model falls back on the others; a model's name is a behaviour of the server."""
        made = Deployment(base_url or self.upstream.base_url, "sk-test", **(deployment or {}))
        options.setdefault("stream_ttft_timeout", 60)
        client = client_of(self.engine)
        provider = OpenAIStreamingProvider(
            models[0],
            dict.fromkeys(models, made),
            {models[0]: list(models[1:])} if fallbacks else None,
            client=client,
            **options,
        )
        self.made.append((provider, client))
        return provider

    def script(self, *pieces, name="scripted"):
        """A stream of these bytes under this name; a callable among them is called with the connection."""

        def run(conn):
            conn.begin()
            for piece in pieces:
                if callable(piece):
                    piece(conn)
                else:
                    conn.write(piece)
            conn.end()

        self.upstream.scripts[name] = run
        return name

    async def ask(self, *pieces, fallbacks=(), messages=HELLO, call=None, **options):
        """The answer to a stream of these bytes."""
        provider = self.provider(self.script(*pieces), *fallbacks, **options)
        return await provider.chat(messages, **(call or {}))

    async def close(self):
        for provider, client in self.made:
            await provider.close()
            if client is not None:
                await (client._client if self.engine == "exoclaw" else client).aclose()


@pytest.fixture
def bench(engine, upstream, plain_environment):
    return Bench(engine, upstream)


def tool(index=0, id=None, name=None, arguments=None, **more):
    call = {"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": arguments}, **more}
    call = {key: value for key, value in call.items() if value is not None}
    call["function"] = {key: value for key, value in call["function"].items() if value is not None}
    return {"tool_calls": [call]}


def data(value):
    return b"data: " + json.dumps(value).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"
ERROR = {"error": {"message": "the engine failed", "type": "server_error"}}


# --- 1


@pytest.mark.parametrize("pieces", [[data(ERROR)], [event(content="x"), data(ERROR), DONE],
                                    [b"event: error\n" + data({"message": "the engine failed"})]])
async def test_fault_01_error_events(bench, pieces):
    with pytest.raises(HTTPError, match="the engine failed"):
        await bench.ask(*pieces)
    assert (await bench.ask(*pieces, fallbacks=["ok"])).served_model == "ok"
    await bench.close()


# --- 2


async def test_fault_02_an_end_without_proof(bench):
    with pytest.raises(HTTPError) as caught:
        await bench.ask(event(content="half"))
    assert caught.value.code == "EXO_E_TRUNCATED"
    await bench.close()


async def test_fault_02_a_cut_tool_call(bench):
    with pytest.raises(HTTPError):
        await bench.ask(event(**tool(id="c", name="rm", arguments='{"path": "/tmp/a')))
    response = await bench.ask(event(**tool(id="c", name="rm", arguments='{"path": "/tmp/a')), event(finish="length"), DONE)
    assert response.tool_calls == [] and response.finish_reason == "length"
    assert response.cut_tool_calls == [{"id": "c", "name": "rm", "arguments": '{"path": "/tmp/a'}]
    await bench.close()


# --- 3


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c"])
async def test_fault_03_separators_inside_json(bench, engine, character):
    line = json.dumps({"choices": [{"index": 0, "delta": {"content": f"a{character}b"}}]}, ensure_ascii=False)
    raw = b"data: " + line.encode() + b"\n\n"
    if engine == "exoclaw" and character in "\u2028\u2029\u0085":  # its lines are split there: refused, not guessed at
        with pytest.raises(HTTPError) as caught:
            await bench.ask(raw, event(finish="stop"), DONE)
        assert caught.value.code == "EXO_E_MALFORMED"
    else:
        assert (await bench.ask(raw, event(finish="stop"), DONE)).content == f"a{character}b"
    await bench.close()


# --- 4


async def test_fault_04_data_of_several_lines_and_a_bom(bench):
    lines = b'\xef\xbb\xbfdata: {"choices":[{"index":0,\ndata: "delta":{"content":"two lines"}}]}\n\n'
    assert (await bench.ask(lines, event(finish="stop"), DONE)).content == "two lines"
    await bench.close()


async def test_fault_04_json_that_is_none_is_no_success(bench):
    with pytest.raises(HTTPError) as caught:
        await bench.ask(event(content="a"), b'data: {"choices":[{"delta":{"content":"b\n\n', event(finish="stop"), DONE)
    assert caught.value.code == "EXO_E_MALFORMED"
    await bench.close()


# --- 5


async def test_fault_05_tool_calls_of_every_shape(bench):
    def without(key, **call):
        made = tool(**call)
        made["tool_calls"][0].pop(key)
        return event(**made)

    response = await bench.ask(
        without("index", id="a", name="one", arguments='{"n": 1}'),
        without("index", id="b", name="two", arguments='{"n": 2}'),
        event(finish="tool_calls"),
        DONE,
    )
    assert [(call.id, call.name, call.arguments) for call in response.tool_calls] == [("a", "one", {"n": 1}), ("b", "two", {"n": 2})]
    response = await bench.ask(
        event(**tool(0, "a", "one", "{")), event(**tool(0, None, "", "}")), event(finish="tool_calls"), DONE
    )
    assert [call.name for call in response.tool_calls] == ["one"]
    null = tool(id="a", name="one", arguments="{}")
    null["tool_calls"][0]["index"] = None
    objects = tool(id="a", name="one")
    objects["tool_calls"][0]["function"]["arguments"] = {"n": 1}
    response = await bench.ask(event(**null), event(finish="tool_calls"), DONE)
    assert [call.arguments for call in response.tool_calls] == [{}]
    response = await bench.ask(event(**objects), event(finish="tool_calls"), DONE)
    assert [call.arguments for call in response.tool_calls] == [{"n": 1}]
    await bench.close()


async def test_fault_05_content_as_a_list_and_choices_of_null(bench):
    parts = [{"type": "text", "text": "in "}, {"type": "text", "text": "parts"}]
    response = await bench.ask(event(content=parts), data({"choices": [None]}), event(finish="stop"), DONE)
    assert response.content == "in parts"
    await bench.close()


async def test_a_tool_call_without_an_id_gets_one(bench):
    response = await bench.ask(event(**tool(name="f", arguments="[1]")), event(finish="tool_calls"), DONE)
    call = response.tool_calls[0]
    assert len(call.id) == 9 and call.id.isalnum() and call.arguments == {}
    await bench.close()


# --- 6


async def test_fault_06_a_file_that_fails_midway_is_never_mixed_with_its_preview(bench, tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("x" * 30_000_000)  # more than lies in buffers on the way
    message = {"role": "tool", "tool_call_id": "c", "content": "PREVIEW", "_content_file": str(path)}
    seen = []

    def shrink(conn):
        conn.limit_receive_buffer(1 << 16)
        conn.read_body(50_000)
        os.truncate(path, 100_000)
        try:
            conn.read_body()
        finally:
            seen.append(conn.request)
        conn.begin()
        conn.write(stream_of("never"))
        conn.end()

    shrink.early = True
    bench.upstream.scripts["shrink"] = shrink
    provider = bench.provider("shrink", "ok")
    with pytest.raises(HTTPError) as caught:
        await provider.chat([message])
    assert caught.value.code in ("EXO_E_BODY_CHANGED", "EXO_E_SOURCE_READ")
    assert await asyncio.to_thread(bench.upstream.wait_for, lambda: seen)
    assert not seen[0].complete and b"PREVIEW" not in seen[0].body
    assert [request.behaviour for request in bench.upstream.requests] == ["shrink"]
    await bench.close()


async def test_fault_06_a_file_that_cannot_be_opened(bench, tmp_path):
    messages = [{"role": "tool", "tool_call_id": "c", "content": "PREVIEW", "_content_file": str(tmp_path / "gone"), "_x": 1}]
    await bench.provider("ok").chat(messages)
    assert bench.upstream.requests[0].json["messages"] == [{"role": "tool", "tool_call_id": "c", "content": "PREVIEW"}]
    path = tmp_path / "there"
    path.write_bytes("Zeile\r\n\"é\"\u2028".encode() + b"\xff")
    messages[0]["_content_file"] = str(path)
    await bench.provider("ok").chat(messages)
    assert bench.upstream.requests[1].json["messages"][0]["content"] == 'Zeile\r\n"é"\u2028\ufffd'
    await bench.close()


# --- 7


async def test_fault_07_no_key_twice(bench):
    extra = {"messages": [], "model": "other", "max_tokens": 1, "top_p": 0.5}
    await bench.provider("ok", deployment={"extra_body": extra}).chat(HELLO)
    pairs = json.loads(bench.upstream.requests[0].body, object_pairs_hook=lambda pairs: pairs)
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names))
    assert dict(pairs)["max_tokens"] == 4096 and dict(pairs)["top_p"] == 0.5 and dict(pairs)["model"] == "ok"
    assert len(dict(pairs)["messages"]) == 1
    await bench.close()


# --- 8


@pytest.mark.parametrize("value, error", [(math.nan, ValueError), (math.inf, ValueError), (object(), TypeError), ({1, 2}, TypeError),
                                          (b"bytes", TypeError)])
async def test_fault_08_what_cannot_be_sent_is_found_before_an_attempt(bench, value, error):
    messages = [*HELLO, {"role": "user", "content": [{"type": "text", "text": value}]}]
    with pytest.raises(error, match=r"messages\[1\]"):
        await bench.provider("ok").chat(messages)
    assert bench.upstream.requests == [] and bench.upstream.connections == 0
    await bench.close()


async def test_fault_08_in_other_places(bench):
    provider = bench.provider("ok")
    with pytest.raises(ValueError):
        await provider.chat(HELLO, temperature=math.nan)
    deep = leaf = []
    for _ in range(200):
        leaf.append([])
        leaf = leaf[0]
    with pytest.raises(ValueError):
        await provider.chat(HELLO, tools=[{"type": "function", "function": deep}])
    with pytest.raises(ValueError):
        await provider.chat([{"role": "user", 1: "a", "1": "b"}])
    assert bench.upstream.connections == 0
    await bench.close()


# --- 9


async def test_fault_09_messages_that_change_meanwhile(bench):
    messages = [{"role": "user", "content": "first " * 300_000}, {"role": "user", "content": "second"}]
    expected = json.loads(json.dumps(messages))
    began = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(conn):
        conn.read_body(10_000)
        loop.call_soon_threadsafe(began.set)
        conn.stall(until=conn.upstream.gate("changed"))
        conn.read_body()
        conn.begin()
        conn.write(stream_of("ok"))
        conn.end()

    slow.early = True
    bench.upstream.scripts["slow"] = slow
    task = asyncio.create_task(bench.provider("slow").chat(messages))
    await began.wait()
    messages[1]["content"] = "changed"
    messages.append({"role": "user", "content": "third"})
    del messages[0]["role"]
    bench.upstream.gate("changed").set()
    await task
    assert bench.upstream.requests[0].json["messages"] == expected
    await bench.close()


# --- 10


@pytest.mark.parametrize("status, body", [
    (400, {"error": {"message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens"}}),
    (400, {"error": {"code": "context_length_exceeded", "message": "too long"}}),
    (400, {"error": {"message": "prompt is too long: 210000 tokens > 200000 maximum", "type": "invalid_request_error"}}),
    (413, {"error": {"message": "the request exceeds the available context size", "type": "exceed_context_size_error"}}),
    (500, {"error": {"message": "input length and `max_tokens` exceed context limit: 1 + 2 > 3"}}),
])
async def test_fault_10_an_exceeded_context_window(bench, status, body):
    bench.upstream.scripts["ctx"] = lambda conn: conn.respond(status, body)
    with pytest.raises(ContextWindowExceededError):
        await bench.provider("ctx", "ok").chat(HELLO)
    await bench.close()


async def test_fault_10_an_echoed_prompt_is_no_sign(bench):
    echo = {"error": {"message": "invalid role"}, "request": {"prompt": "context_length_exceeded: context window"}}
    bench.upstream.scripts["echo"] = lambda conn: conn.respond(400, echo)
    with pytest.raises(HTTPStatusError, match="invalid role"):
        await bench.provider("echo", "ok").chat([{"role": "user", "content": "context_length_exceeded, context window"}])
    await bench.close()


# --- 11


@pytest.mark.parametrize("status", [402, 408, 409, 425, 429, 500, 501, 502, 503, 504, 520, 522, 524, 529])
async def test_fault_11_statuses_that_fall_back(bench, status):
    assert (await bench.provider(f"status-{status}", "ok").chat(HELLO)).served_model == "ok"
    await bench.close()


async def test_fault_11_retry_after(bench):
    with pytest.raises(HTTPStatusError) as caught:
        await bench.provider("retry-after-7").chat(HELLO)
    assert caught.value.retry_after == 7
    await bench.close()


# --- 12


async def test_fault_12_reasoning_refusal_and_cache_counters(bench):
    usage = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10, "prompt_cache_hit_tokens": 4}
    response = await bench.ask(event(reasoning="because"), event(content="yes"), event(finish="stop"),
                               data({"choices": [], "usage": usage}), DONE)
    assert response.reasoning_content == "because" and response.usage["cached_tokens"] == 4
    response = await bench.ask(event(refusal="I will "), event(refusal="not"), event(finish="stop"), DONE)
    assert response.content == response.refusal == "I will not"
    await bench.close()


# --- 13


@pytest.mark.parametrize("behaviour", ["headers-then-silent", "comments-only-20", "silent"])
async def test_fault_13_neither_headers_nor_comments_stop_the_first_clock(bench, engine, behaviour):
    provider = bench.provider(behaviour, "ok", stream_ttft_timeout=1.5)  # enough for the answer on a slow machine
    response = await provider.chat(HELLO)
    assert response.attempts[0]["code"] == "EXO_E_CLOCK_FIRST" and response.served_model == "ok"
    await bench.close()


# --- 14


@pytest.mark.parametrize("behaviour", ["slow-20", "comments-only-20", "silent", "one-delta-then-stall"])
async def test_fault_14_a_total_deadline(bench, behaviour):
    with pytest.raises(HTTPReadTimeout) as caught:
        await bench.provider(behaviour if behaviour != "slow-20" else "tokens-5000-every-20", "ok").chat(HELLO, timeout=0.3)
    assert caught.value.code == "EXO_E_CLOCK_TOTAL" and len(caught.value.attempts) == 1
    await bench.close()


# --- 15


async def test_fault_15_five_calls_one_connection(bench):
    provider = bench.provider("ok")
    for _ in range(5):
        await provider.chat(HELLO)
    assert bench.upstream.connections == 1
    await bench.close()


# --- 16


async def test_fault_16_memory_of_a_large_inline_message(bench, engine):
    size = 20 << 20
    messages = [{"role": "user", "content": "x" * size}]
    provider = bench.provider("digest")
    bench.upstream.keep_body = 0  # it runs in this process
    await provider.chat(HELLO)
    gc.collect()
    tracemalloc.start()
    try:
        await provider.chat(messages)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < size / 8
    await bench.close()


# --- 17


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no /proc")
async def test_fault_17_no_socket_is_left_of_failed_calls(bench):
    provider = bench.provider("reset-before-headers")
    for _ in range(3):
        with pytest.raises(HTTPError):
            await provider.chat(HELLO)
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with pytest.raises(HTTPError):
            await provider.chat(HELLO)
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= before + 1
    await bench.close()


# --- 18: test_deployment.py


async def test_fault_18_a_key_from_a_function_is_looked_at(bench):
    provider = OpenAIStreamingProvider("ok", {"ok": Deployment(bench.upstream.base_url, lambda: "a\r\nX-Injected: 1")},
                                       client=client_of(bench.engine))
    with pytest.raises(ValueError, match="control"):
        await provider.chat(HELLO)
    assert bench.upstream.requests == []
    await provider.close()


# --- 19


async def test_fault_19_tls_is_verified(bench, tmp_path, engine):
    from upstream import Upstream

    certificates = Certificates(tmp_path)
    with Upstream(tls=certificates.server()) as server:
        with pytest.raises(HTTPConnectError) as caught:
            await bench.provider("ok", base_url=server.base_url).chat(HELLO)
        assert caught.value.code == "EXO_E_TLS"
        assert server.requests == []
        if engine == "libcurl":
            provider = bench.provider("ok", base_url=server.base_url, deployment={"ca": str(certificates.ca)})
            assert (await provider.chat(HELLO)).served_model == "ok"
            provider = bench.provider("ok", base_url=server.base_url, ca=Path(certificates.ca).read_bytes())
            assert (await provider.chat(HELLO)).served_model == "ok"
    await bench.close()


# --- 20


async def test_fault_20_host_has_the_port(bench):
    await bench.provider("ok").chat(HELLO)
    assert bench.upstream.requests[0].header("host") == f"127.0.0.1:{bench.upstream.port}"
    await bench.close()


# --- 21: test_deployment.py; 22, 23: test_log.py


async def test_fault_21_errors_do_not_show_the_key(bench):
    bench.upstream.scripts["echo"] = lambda conn: conn.respond(400, {"error": {"message": "bad key: sk-test-very-secret-key"}})
    made = Deployment(bench.upstream.base_url, "sk-test-very-secret-key")
    provider = OpenAIStreamingProvider("echo", {"echo": made}, client=client_of(bench.engine))
    with pytest.raises(HTTPStatusError) as caught:
        await provider.chat(HELLO)
    assert "very-secret" not in repr(caught.value) + repr(provider._deployments) + repr(caught.value.attempts)
    await provider.close()


async def test_fault_23_logging_takes_any_message(bench, monkeypatch):
    monkeypatch.setenv("LLM_LOGGING", "true")
    await bench.provider("ok").chat([{"role": "user", "content": [{"type": "text", "text": None}]}, {"content": None}])
    await bench.close()


# --- 24


@pytest.mark.parametrize("behaviour", ["fin-before-headers", "reset-before-headers", "cut-head-after-20"])
async def test_fault_24_a_connection_that_breaks_before_the_headers(bench, behaviour):
    assert (await bench.provider(behaviour, "ok").chat(HELLO)).served_model == "ok"
    with pytest.raises(HTTPError):
        await bench.provider(behaviour).chat(HELLO)
    await bench.close()


async def test_fault_24_nobody_listens(bench, upstream):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(HTTPConnectError) as caught:
            await bench.provider("ok", base_url=f"http://127.0.0.1:{taken.getsockname()[1]}/v1").chat(HELLO)
    assert caught.value.code == "EXO_E_CONNECT"
    await bench.close()


# --- 25


@pytest.mark.parametrize("how", ["reset", "cut", "error"])
async def test_fault_25_no_fallback_once_text_was_handed_out(bench, how):
    seen = []

    async def on_delta(text):
        seen.append(text)

    endings = {"reset": lambda conn: (conn.stall(0.05), conn.reset()), "cut": lambda conn: None, "error": data(ERROR)}
    provider = bench.provider(bench.script(event(content="shown"), endings[how]), "ok")
    with pytest.raises(HTTPError):
        await provider.chat(HELLO, on_delta=on_delta)
    assert seen == ["shown"]
    assert [request.behaviour for request in bench.upstream.requests] == ["scripted"]
    await bench.close()


async def test_fault_25_what_was_not_asked_for_was_not_shown(bench):
    seen = []

    async def on_delta(text):
        seen.append(text)

    provider = bench.provider(bench.script(event(reasoning_content="hm"), event(**tool(name="f"))), "ok")
    assert (await provider.chat(HELLO, on_delta=on_delta)).served_model == "ok"
    assert "".join(seen) == "Every stream finds its sea."
    await bench.close()


# --- 26


async def test_fault_26_events_that_bring_nothing_do_not_keep_a_stream_alive(bench):
    def forever(conn):
        while True:
            conn.write(data({"choices": [{"index": 0, "delta": {}}]}))
            conn.stall(0.02)

    with pytest.raises(HTTPReadTimeout) as caught:
        await bench.ask(event(content="x"), forever, request_timeout=2)  # enough for the request on a slow machine
    assert caught.value.code == "EXO_E_CLOCK_IDLE"
    await bench.close()


# --- 27


@pytest.mark.parametrize("reason", ["error", "network_error"])
async def test_fault_27_a_finish_reason_that_is_an_error(bench, reason):
    with pytest.raises(HTTPError) as caught:
        await bench.ask(event(content="x"), event(finish=reason), DONE)
    assert caught.value.code == "EXO_E_FINISH"
    await bench.close()


async def test_fault_27_arguments_cut_inside_a_string(bench):
    with pytest.raises(HTTPError) as caught:
        await bench.ask(event(**tool(id="c", name="f", arguments='{"path": "/tmp')), event(finish="tool_calls"), DONE)
    assert caught.value.code == "EXO_E_CUT_CALL"
    await bench.close()


