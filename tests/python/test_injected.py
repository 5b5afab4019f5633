"""Every kind of client that can be injected: the same answers of it. What differs among them is said where it does."""

import asyncio
import contextlib

import pytest

from clients import KINDS, Script
from conftest import event, stream_of
from exoclaw_provider_openai import (
    ContextWindowExceededError,
    Deployment,
    HTTPError,
    HTTPReadTimeout,
    HTTPStatusError,
    OpenAIStreamingProvider,
    _drive,
    _platform_cpython,
)

URL = "http://endpoint.test/v1"
HELLO = [{"role": "user", "content": "hello"}]
DOWN = (503, {"content-type": "application/json"}, b'{"error":{"message":"down for a while"}}')


@pytest.fixture(params=KINDS)
def kind(request):
    if KINDS[request.param] is None:
        pytest.skip(f"{request.param}: not installed")
    return request.param


@pytest.fixture
def provider_of(kind):
    """provider_of(*answers, …): a provider over a client of that kind, with deployments "a" and "b", a falls back on b;
    its script is `script`."""

    def make(*answers, fallbacks=True, deployment=None, **options):
        script = Script(*answers)
        made = Deployment(URL, "sk-test", **(deployment or {}))
        provider = OpenAIStreamingProvider(
            "a", {"a": made, "b": made}, {"a": ["b"]} if fallbacks else None, client=KINDS[kind](script), **options
        )
        provider.script = script
        return provider

    return make


async def test_an_answer(provider_of):
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9, "prompt_tokens_details": {"cached_tokens": 3}}
    provider = provider_of(stream_of("Hel", "lo", usage=usage))
    response = await provider.chat(HELLO)
    assert (response.content, response.finish_reason, response.tool_calls) == ("Hello", "stop", [])
    assert response.usage == {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9, "cached_tokens": 3}
    assert response.served_model == "a"
    assert [(one["deployment"], one["code"], one["http_status"]) for one in response.attempts] == [("a", None, 200)]
    asked = provider.script.requests[0]
    assert (asked.method, asked.url) == ("POST", URL + "/chat/completions")
    assert asked.headers["authorization"] == "Bearer sk-test"
    assert asked.headers["content-type"] == "application/json"
    assert asked.json == {
        "model": "a",
        "max_tokens": 4096,
        "temperature": 0.7,
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": HELLO,
    }
    assert await provider.script.closed()


async def test_deltas_one_await_each(provider_of):
    seen = []

    async def on_delta(text):
        await asyncio.sleep(0)
        seen.append(text)

    response = await provider_of(stream_of("Hel", "lo ", 'wor"ld', "é😀")).chat(HELLO, on_delta=on_delta)
    assert seen == ["Hel", "lo ", 'wor"ld', "é😀"]
    assert response.content == "".join(seen)


async def test_fallback(provider_of):
    provider = provider_of(DOWN, stream_of("ok"))
    response = await provider.chat(HELLO)
    assert (response.content, response.served_model) == ("ok", "b")
    assert [(one["deployment"], one["code"]) for one in response.attempts] == [("a", "EXO_E_SERVER"), ("b", None)]
    assert [asked.json["model"] for asked in provider.script.requests] == ["a", "b"]


async def test_the_last_failure_is_raised(provider_of):
    with pytest.raises(HTTPStatusError) as caught:
        await provider_of(DOWN, (502, {}, b"")).chat(HELLO)
    error = caught.value
    assert error.status_code == 502 and str(error).startswith("status 502: ") and len(str(error)) > len("status 502: ")
    assert [one["http_status"] for one in error.attempts] == [503, 502]
    assert error.attempts[0]["message"] == "down for a while"
    assert error.failure.verdict == "retry" and error.served_model == "b"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_final_at_once(provider_of, status):
    provider = provider_of((status, {"x-request-id": "req-1"}, b'{"error":{"message":"no"}}'))
    with pytest.raises(HTTPStatusError, match=f"^status {status}: no") as caught:
        await provider.chat(HELLO)
    assert len(provider.script.requests) == 1
    assert (caught.value.status_code, caught.value.request_id) == (status, "req-1")


async def test_retry_after(provider_of):
    with pytest.raises(HTTPStatusError) as caught:
        await provider_of((429, {"retry-after": "7"}, b""), fallbacks=False).chat(HELLO)
    assert caught.value.retry_after == 7.0


async def test_context_window(provider_of):
    body = b'{"error":{"message":"too long","code":"context_length_exceeded"}}'
    provider = provider_of((400, {}, body))
    with pytest.raises(ContextWindowExceededError) as caught:
        await provider.chat(HELLO)
    assert len(provider.script.requests) == 1 and caught.value.status_code == 400


async def test_context_fallbacks(provider_of):
    body = b'{"error":{"message":"too long","code":"context_length_exceeded"}}'
    provider = provider_of((400, {}, body), stream_of("ok"), context_fallbacks={"a": ["b"]})
    assert (await provider.chat(HELLO)).served_model == "b"


async def test_a_client_that_raises(provider_of):
    provider = provider_of(RuntimeError("the cable is out"), stream_of("ok"))
    response = await provider.chat(HELLO)
    assert response.served_model == "b"
    assert "the cable is out" in response.attempts[0]["message"]


async def test_a_body_that_raises(provider_of, kind):
    provider = provider_of([event(content="x"), RuntimeError("lost")], stream_of("ok"))
    response = await provider.chat(HELLO)
    assert response.content == "ok" and await provider.script.closed()
    assert response.attempts[0]["code"] in ("EXO_E_RECEIVE", "EXO_E_CLOSED", "EXO_E_SEND")


async def test_the_first_event_clock(provider_of, kind):
    if kind == "asgi":
        pytest.skip("its transport buffers the whole answer: nothing is seen before the end")
    forever = asyncio.Event()
    provider = provider_of([b": comment\n\n", forever.wait], stream_of("ok"), stream_ttft_timeout=1)
    response = await provider.chat(HELLO)
    assert response.attempts[0]["code"] == "EXO_E_CLOCK_FIRST" and response.content == "ok"
    assert await provider.script.closed()


async def test_a_client_that_never_answers(provider_of):
    async def never(asked):
        await asyncio.Event().wait()

    provider = provider_of(never, stream_ttft_timeout=0.05, request_timeout=0.1, fallbacks=False)
    with pytest.raises((HTTPReadTimeout, HTTPError)) as caught:
        await provider.chat(HELLO)
    assert caught.value.code in ("EXO_E_CLOCK_FIRST", "EXO_E_CLOCK_IDLE")


async def test_the_idle_clock(provider_of, kind):
    if kind == "asgi":
        pytest.skip("its transport buffers the whole answer")
    provider = provider_of([event(content="x"), asyncio.Event().wait], request_timeout=1, fallbacks=False)
    with pytest.raises(HTTPReadTimeout) as caught:
        await provider.chat(HELLO)
    assert caught.value.code == "EXO_E_CLOCK_IDLE" and await provider.script.closed()


async def test_the_total_clock(provider_of):
    async def never(asked):
        await asyncio.Event().wait()

    with pytest.raises(HTTPReadTimeout) as caught:
        await provider_of(never).chat(HELLO, timeout=0.05)
    assert caught.value.code == "EXO_E_CLOCK_TOTAL"
    assert len(caught.value.attempts) == 1


async def test_a_cancelled_call(provider_of):
    began = asyncio.Event()

    async def never(asked):
        began.set()
        await asyncio.Event().wait()

    provider = provider_of(never)
    task = asyncio.create_task(provider.chat(HELLO))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await provider.script.closed()


async def test_wait_for(provider_of):
    async def never(asked):
        await asyncio.Event().wait()

    provider = provider_of(never)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(provider.chat(HELLO), 0.05)
    provider.script.answers = [stream_of("ok")]
    assert (await provider.chat(HELLO)).content == "ok"


async def test_an_on_delta_that_raises(provider_of):
    async def on_delta(text):
        raise KeyError("mine")

    provider = provider_of(stream_of("a", "b"))
    with pytest.raises(KeyError, match="mine"):
        await provider.chat(HELLO, on_delta=on_delta)
    assert await provider.script.closed() and len(provider.script.requests) == 1


async def test_a_stream(provider_of):
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    provider = provider_of(stream_of("Hel", "lo", usage=usage))
    async with provider.stream(HELLO) as stream:
        events = [one async for one in stream]
    assert [one.type for one in events] == ["content", "content", "usage", "finish", "end"]
    assert "".join(one.text for one in events) == "Hello"
    assert events[3].finish_reason == "stop" and stream.response.content == "Hello"
    assert await provider.script.closed()


async def test_a_stream_that_falls_back(provider_of):
    events = [one async for one in provider_of(DOWN, stream_of("ok")).stream(HELLO)]
    assert [one.type for one in events] == ["fallback", "content", "finish", "end"]
    assert events[0].name == "b" and events[0].failure.http_status == 503


async def test_a_stream_that_is_left(provider_of):
    provider = provider_of([event(content="a"), event(content="b"), event(content="c"), *[event(content="d")] * 50])
    async with provider.stream(HELLO) as stream:
        async for one in stream:
            break
    assert await provider.script.closed()
    assert [one async for one in stream] == []


async def test_a_stream_that_breaks_after_text(provider_of, kind):
    provider = provider_of([event(content="a"), b""], stream_of("again"))
    if kind == "asgi":
        pytest.skip("a whole body that is cut is seen at its end: the same, but for nothing being shown before")
    seen = []
    with pytest.raises(HTTPError) as caught:
        async for one in provider.stream(HELLO):
            seen.append(one.type)
    assert seen == ["content"] and caught.value.code == "EXO_E_TRUNCATED"
    assert len(provider.script.requests) == 1


async def test_a_stream_that_restarts(provider_of):
    provider = provider_of([event(content="a")], stream_of("again"))
    events = [one async for one in provider.stream(HELLO, restart=True)]
    assert [one.type for one in events] == ["content", "restart", "content", "finish", "end"]
    assert events[1].failure.code and events[1].name == "b"


async def test_send_streaming_body(provider_of):
    async def body():
        yield b'{"model":"a",'
        yield b'"messages":[]}'

    provider = provider_of(stream_of("heard"))
    assert await provider.send_streaming_body(model="a", body=body()) == "heard"
    assert provider.script.requests[0].json == {"model": "a", "messages": []}
    provider = provider_of(DOWN)
    with pytest.raises(HTTPStatusError, match="^status 503 from a: down for a while"):
        await provider.send_streaming_body(model="a", body=body())
    assert len(provider.script.requests) == 1


async def test_what_the_callers_body_raises(provider_of):
    async def body():
        yield b"{"
        raise LookupError("no more audio")

    provider = provider_of(stream_of("never"))
    with pytest.raises(LookupError, match="no more audio"):
        await provider.send_streaming_body(model="a", body=body())


async def test_a_callers_body_of_any_shape(provider_of):
    class Body:
        def __init__(self):
            self.left = [b"{", b"", b"}"]

        def __aiter__(self):
            return self

        async def __anext__(self):
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop(0)

    def plain():
        yield b"{"
        yield b"}"

    provider = provider_of(stream_of("ok"))
    for body in (Body(), plain(), [b"{", bytearray(b"}")]):
        assert await provider.send_streaming_body(model="a", body=body) == "ok"
        assert provider.script.requests.pop().body == b"{}"


class Closing:
    """A client that takes its time to close the connection when a body raises, or keeps that to itself and waits on."""

    def __init__(self, quiet=False):
        self.quiet = quiet
        self.closed = False

    @contextlib.asynccontextmanager
    async def stream_post(self, url, content, **options):
        try:
            async for _ in content:
                pass
        except Exception:
            if self.quiet:
                await asyncio.Event().wait()
            await asyncio.sleep(0.3)
            self.closed = True
            raise
        yield


async def body_that_fails():
    yield b"{"
    raise KeyError("mine")


async def test_a_client_closes_in_peace_when_the_body_raises():
    """No clock rings meanwhile: who is interrupted there leaves the connection open."""
    client = Closing()
    provider = OpenAIStreamingProvider("a", {"a": Deployment(URL, "k")}, client=client)
    with pytest.raises(KeyError, match="mine"):
        await provider.send_streaming_body(model="a", body=body_that_fails())
    assert client.closed


async def test_a_client_that_keeps_what_the_body_raised_to_itself(monkeypatch):
    monkeypatch.setattr(_drive, "CLOSING", 50)
    provider = OpenAIStreamingProvider("a", {"a": Deployment(URL, "k")}, client=Closing(quiet=True))
    with pytest.raises(KeyError, match="mine"):
        await provider.send_streaming_body(model="a", body=body_that_fails())


class Lingering:
    """A client whose response never ends to close."""

    status_code = 200
    headers = {}

    @contextlib.asynccontextmanager
    async def stream_post(self, url, content, **options):
        async for _ in content:
            pass
        yield self
        await asyncio.Event().wait()

    async def aiter_bytes(self):
        yield stream_of("ok")


async def test_a_client_that_never_closes(monkeypatch):
    monkeypatch.setattr(_drive, "CLOSING", 50)
    provider = OpenAIStreamingProvider("a", {"a": Deployment(URL, "k")}, client=Lingering())
    assert (await provider.chat(HELLO)).content == "ok"


async def test_a_client_that_never_closes_and_a_cancel():
    provider = OpenAIStreamingProvider("a", {"a": Deployment(URL, "k")}, client=Lingering())
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(provider.chat(HELLO), 0.2)


class Odd:
    """A client whose response has no status of HTTP."""

    def __init__(self, status):
        self.status_code = status
        self.headers = {}

    @contextlib.asynccontextmanager
    async def stream_post(self, url, content, **options):
        async for _ in content:
            pass
        yield self

    async def aiter_bytes(self):
        yield stream_of("ok")


@pytest.mark.parametrize("status", [-5, 0, 65736, 10**12])
async def test_a_status_that_is_none(status):
    provider = OpenAIStreamingProvider("a", {"a": Deployment(URL, "k")}, client=Odd(status))
    with pytest.raises(HTTPError, match="no status of HTTP"):
        await provider.chat(HELLO)


async def test_closing(provider_of):
    provider = provider_of(stream_of("ok"))
    async with provider:
        await provider.chat(HELLO)
    await provider.close()
    with pytest.raises(RuntimeError):
        await provider.chat(HELLO)


async def test_several_choices(provider_of):
    body = b"".join(
        b'data: {"choices":[{"index":%d,"delta":{"content":"%s"},"finish_reason":"stop"}]}\n\n' % (n, word)
        for n, word in enumerate([b"one", b"two"])
    )
    response = await provider_of(body + b"data: [DONE]\n\n").chat(HELLO, n=2)
    assert [one.content for one in response.choices] == ["one", "two"]
    assert response is response.choices[0]


async def test_a_key_from_a_function_is_asked_for_once(kind):
    asked = []

    def key():
        asked.append(1)
        return "key-%d" % len(asked)

    script = Script(DOWN, stream_of("ok"))
    made = Deployment(URL, key)
    provider = OpenAIStreamingProvider("a", {"a": made}, client=KINDS[kind](script), retries=1, backoff_first=0.001)
    await provider.chat(HELLO)
    assert [one.headers["authorization"] for one in script.requests] == ["Bearer key-1"] * 2
    await provider.chat(HELLO)
    assert script.requests[-1].headers["authorization"] == "Bearer key-2"


async def test_a_redirect_is_not_followed(provider_of, kind):
    if kind == "exoclaw":
        pytest.skip("whether it follows is the client's own affair; httpx does not unless told to")
    provider = provider_of((307, {"location": "http://elsewhere.test/"}, b""))
    with pytest.raises(HTTPStatusError, match="^status 307: "):
        await provider.chat(HELLO)
    assert len(provider.script.requests) == 1


async def test_content_length(provider_of, kind):
    provider = provider_of(stream_of("ok"))
    await provider.chat(HELLO)
    asked = provider.script.requests[0]
    if kind == "exoclaw":  # a client with stream_post() frames the body itself
        assert "content-length" not in asked.headers
    else:
        assert asked.headers["content-length"] == str(len(asked.body))


async def test_a_client_that_is_none():
    provider = OpenAIStreamingProvider("a", {"a": Deployment(URL, "k")}, client=object())
    with pytest.raises(TypeError, match="stream_post"):
        await provider.chat(HELLO)


async def test_headers_that_lead_to_a_line_of_sse_alone(provider_of):
    response = await provider_of((200, {}, stream_of("no content-type"))).chat(HELLO)
    assert response.content == "no content-type"


async def test_a_whole_completion(provider_of):
    body = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"whole"},"finish_reason":"stop"}]}'
    assert (await provider_of((200, {"content-type": "application/json"}, body)).chat(HELLO)).content == "whole"


async def test_two_cancels_with_a_turn_between(provider_of):
    began = asyncio.Event()

    async def never(asked):
        began.set()
        await asyncio.Event().wait()

    provider = provider_of(never)
    task = asyncio.create_task(provider.chat(HELLO))
    await began.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    provider.script.answers = [stream_of("ok")]
    assert (await provider.chat(HELLO)).content == "ok"


async def test_the_callers_cancel_wins_over_a_clock(provider_of, monkeypatch):
    """The caller cancels in the same moment in which the clock does."""

    async def never(asked):
        await asyncio.Event().wait()

    task = asyncio.create_task(provider_of(never, fallbacks=False, request_timeout=0.05).chat(HELLO))
    judge = _platform_cpython.Watch._judge

    def judged(watch):
        judge(watch)
        if watch._rang:
            task.cancel()

    monkeypatch.setattr(_platform_cpython.Watch, "_judge", judged)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_models(provider_of):
    body = b'{"object":"list","data":[{"id":"glm-4.7"},{"id":"minimax-m2.7"}]}'
    provider = provider_of((200, {"content-type": "application/json"}, body))
    assert await provider.models() == ["glm-4.7", "minimax-m2.7"]
    asked = provider.script.requests[0]
    assert (asked.method, asked.url, asked.body) == ("GET", URL + "/models", b"")
    with pytest.raises(HTTPStatusError, match="^status 401: no"):
        await provider_of((401, {}, b'{"error":"no"}')).models()
