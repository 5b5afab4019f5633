"""The provider over MicroPython's sockets: TLS that verifies, clocks in every phase, cancels, connections, bodies."""

import asyncio
import gc
import json
import time

from at import AT

from exoclaw_provider_openai import Deployment, HTTPConnectError, HTTPError, HTTPReadTimeout, HTTPStatusError, HTTPWriteTimeout
from exoclaw_provider_openai import OpenAIStreamingProvider
from exoclaw_provider_openai.provider import _ALNUM, _short_tool_id, _stream_body

SERVERS = "usual"
TEXT = "Every stream finds its sea."
HELLO = [{"role": "user", "content": "hello"}]


def provider(model, url=None, options=None, **more):
    made = {"ca": AT["ca"]}
    made.update(options or {})
    return OpenAIStreamingProvider(model, {model: Deployment(url or AT["plain"], "key", **made)}, **more)


def early(behaviour, url):
    """Where a behaviour is met that does not read the body first: by the path, since the body comes too late."""
    return url.replace("/v1", "/m/%s/v1" % behaviour)


async def ask(made, messages=HELLO, **more):
    """(the text, None) or (None, the exception)."""
    try:
        return (await made.chat(messages, **more)).content, None
    except HTTPError as error:
        return None, error
    finally:
        await made.close()


async def fails(made, kind, code, **more):
    text, error = await ask(made, **more)
    assert text is None, text
    assert isinstance(error, kind) and error.code == code, (error, error.code, error.attempts)
    return str(error)


# --- TLS


async def test_tls_verifies():
    assert (await ask(provider("ok", AT["tls"]))) == (TEXT, None)


async def test_tls_with_the_ca_as_der_as_bytes_and_of_the_provider():
    for ca in (AT["ca_der"], open(AT["ca"], "rb").read(), open(AT["ca_der"], "rb").read()):
        assert (await ask(provider("ok", AT["tls"], {"ca": ca}))) == (TEXT, None)
    made = OpenAIStreamingProvider("ok", {"ok": Deployment(AT["tls"], "key")}, ca=AT["ca"])
    assert (await ask(made)) == (TEXT, None)


async def test_names_that_are_looked_up():
    await fails(provider("ok", "http://nowhere.invalid/v1"), HTTPConnectError, "EXO_E_RESOLVE")
    options = {"resolve": ["somewhere.invalid:%d:127.0.0.1" % AT["port"]]}
    assert (await ask(provider("ok", "http://somewhere.invalid:%d/v1" % AT["port"], options))) == (TEXT, None)


# --- cancels


async def test_wait_for_a_call():
    for model, url in (("silent", AT["plain"]), ("silent", AT["tls"]), ("ok", AT["full"]), ("ok", AT["mute_tls"])):
        made = provider(model, url, {"connect_timeout": 600, "stream_ttft_timeout": 600})
        try:
            await asyncio.wait_for(made.chat(HELLO), 0.3)
            raise AssertionError("no timeout")
        except asyncio.TimeoutError:
            pass
        await made.close()
    assert (await asyncio.wait_for(provider("ok").chat(HELLO), 20)).content == TEXT


async def test_a_cancel_wins_over_a_clock():
    """In the same turn of the loop, whichever comes first, the caller's cancel is what the call ends with."""
    for _ in range(40):
        made = provider("silent", None, {"stream_ttft_timeout": 0.05})
        task = asyncio.create_task(made.chat(HELLO))
        await asyncio.sleep_ms(47 + _ % 8)
        cancelled = task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass
        except HTTPReadTimeout as error:  # the clock was first, by a turn
            assert error.code == "EXO_E_CLOCK_FIRST"
        await made.close()


async def test_a_cancel_closes_the_socket_at_once():
    made = provider("silent", None, {"stream_ttft_timeout": 600})
    task = asyncio.create_task(made.chat(HELLO))
    await asyncio.sleep_ms(100)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    from asyncio import core

    assert not core._io_queue.map, core._io_queue.map
    await made.close()


# --- connections


async def test_a_connection_that_died_meanwhile_is_replaced():
    made = provider("ok")
    await made.chat(HELLO)
    idle = made._engine.transport._idle
    idle._raw.close()
    response = await made.chat(HELLO)
    assert response.content == TEXT
    await made.close()


async def test_many_calls_at_once():
    made = provider("ok")
    responses = await asyncio.gather(*[made.chat(HELLO) for _ in range(8)])
    assert [response.content for response in responses] == [TEXT] * 8
    await made.close()


async def test_a_body_in_chunks():
    for size in (5, 900, 20000):
        messages = [{"role": "user", "content": "x" * size}]
        response = await provider("told", None, {"chunked": True}).chat(messages)
        said = json.loads(response.content)
        assert said["chunks"] and said["length"] > size, said
        assert not [1 for name, _ in said["headers"] if name.lower() == "content-length"]


# --- bodies


def plain_body(pieces):
    for piece in pieces:
        yield piece


class Pieces:
    def __init__(self, pieces):
        self.pieces = list(pieces)

    def __aiter__(self):
        return self

    async def __anext__(self):
        if not self.pieces:
            raise StopAsyncIteration
        await asyncio.sleep_ms(1)
        return self.pieces.pop(0)


async def test_a_body_of_the_callers():
    body = json.dumps({"model": "ok", "stream": True, "messages": HELLO}).encode()
    for source in (plain_body([body]), plain_body([body[:10], b"", body[10:]]), Pieces([body[:5], body[5:]])):
        made = provider("ok")
        assert (await made.send_streaming_body(model="ok", body=source)) == TEXT
        await made.close()
    made = provider("ok")
    assert (await made.send_streaming_body(model="ok", body=_stream_body({"model": "ok"}, HELLO))) == TEXT
    await made.close()


async def test_a_body_that_raises():
    def broken():
        yield b"{"
        raise KeyError("mine")

    made = provider("ok")
    try:
        await made.send_streaming_body(model="ok", body=broken())
        raise AssertionError("nothing was raised")
    except KeyError:
        pass
    await made.close()


async def test_a_content_file():
    path = AT["work"] + "/body.txt"
    with open(path, "w") as file:
        file.write("f" * 50000)
    text, error = await ask(provider("ok"), [{"role": "user", "content": "inline", "_content_file": path}])
    assert text == TEXT, error


# --- drop-in


async def test_what_firmware_uses():
    made = provider("ok")
    assert made._deployments["ok"].api_key == "key" and "'key'" not in repr(made._deployments["ok"])
    assert len(_short_tool_id()) == 9 and all(letter in _ALNUM for letter in _short_tool_id())
    assert made.supports_response_deltas is True and made.get_default_model() == "ok"
    pieces = []

    async def on_delta(text):
        pieces.append(text)

    response = await made.chat(HELLO, on_delta=on_delta)
    assert "".join(pieces) == TEXT == response.content and len(pieces) > 1
    assert response.finish_reason == "stop" and response.usage["total_tokens"] > 0
    await made.close()
    await made.close()
    try:
        await made.chat(HELLO)
        raise AssertionError("a closed provider answers")
    except RuntimeError:
        pass


async def test_a_stream():
    made = provider("ok")
    kinds = []
    async for event in made.stream(HELLO):
        kinds.append(event.type)
    assert kinds[-2:] == ["finish", "end"] and "content" in kinds, kinds
    await made.close()


async def test_five_hundred_calls_leak_nothing():
    made = provider("ok")
    for _ in range(20):
        await made.chat(HELLO)
    await asyncio.sleep_ms(300)  # the watch of a call ends with its next tick
    gc.collect()
    before = gc.mem_alloc()
    for _ in range(500):
        assert (await made.chat(HELLO)).content == TEXT
    await asyncio.sleep_ms(300)
    gc.collect()
    grown = gc.mem_alloc() - before
    await made.close()
    assert grown < 2048, grown
