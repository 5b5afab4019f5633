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


async def test_tls_refuses():
    for name in ("wrong_name", "expired", "not_yet", "self_signed"):
        words = await fails(provider("ok", AT[name]), HTTPConnectError, "EXO_E_TLS")
        assert len(words) > 10, words
    await fails(provider("ok", AT["tls"], {"ca": AT["other_ca"]}), HTTPConnectError, "EXO_E_TLS")


async def test_tls_without_a_ca_says_what_to_put_where():
    words = await fails(provider("ok", AT["tls"], {"ca": None}), HTTPConnectError, "EXO_E_TLS")
    assert "ca.pem" in words and "ca=" in words, words
    words = await fails(provider("ok", AT["tls"], {"ca": "/no/such/file"}), HTTPConnectError, "EXO_E_TLS")


async def test_there_is_no_switch():
    for name in ("verify", "insecure", "cert_reqs"):
        try:
            Deployment("https://x", "k", **{name: False})
        except TypeError:
            continue
        raise AssertionError(name)


# --- clocks, in every phase; over TLS too


async def test_the_connect_clock_while_connecting_and_shaking_hands():
    for url in (AT["full"], AT["mute_tls"]):
        start = time.ticks_ms()
        await fails(provider("ok", url, {"connect_timeout": 0.4}), HTTPConnectError, "EXO_E_CLOCK_CONNECT")
        assert 300 < time.ticks_diff(time.ticks_ms(), start) < 30000


async def test_the_first_event_clock():
    for url in (AT["plain"], AT["tls"]):
        for model in ("silent", "headers-then-silent", "comments-only"):
            await fails(provider(model, url, {"stream_ttft_timeout": 0.3}), HTTPReadTimeout, "EXO_E_CLOCK_FIRST")


async def test_the_idle_clock_while_receiving_and_sending():
    big = [{"role": "user", "content": "x" * 24000000}]
    for url in (AT["plain"], AT["tls"]):
        await fails(provider("one-delta-then-stall", url, {"request_timeout": 0.4}), HTTPReadTimeout, "EXO_E_CLOCK_IDLE")
        made = provider("ok", early("stall-upload-after-64", url), {"request_timeout": 0.5})
        await fails(made, HTTPWriteTimeout, "EXO_E_CLOCK_IDLE", messages=big)


async def test_the_total_clock_in_every_phase():
    for model, url in (("ok", AT["full"]), ("ok", AT["mute_tls"]), ("silent", AT["plain"]), ("one-delta-then-stall", AT["tls"])):
        made = provider(model, url, {"connect_timeout": 600, "stream_ttft_timeout": 600}, total_timeout=0.4)
        await fails(made, HTTPReadTimeout, "EXO_E_CLOCK_TOTAL")


async def test_the_total_clock_while_sizing_and_while_the_name_is_looked_up():
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


async def test_one_connection_serves_all():
    for url in (AT["plain"], AT["tls"]):
        made = provider("ok", url)
        reused = []
        for _ in range(5):
            response = await made.chat(HELLO)
            assert response.content == TEXT
            reused.append(response.attempts[-1]["reused"])
        await made.close()
        assert reused == [False, True, True, True, True], reused


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


async def test_chunked_and_drip():
    assert (await ask(provider("ok", None, {"chunked": True}), [{"role": "user", "content": "x" * 20000}])) == (TEXT, None)
    for model in ("ok@1", "drip", "ok+chunked"):
        text, error = await ask(provider(model))
        assert text == TEXT or error.code == "EXO_E_STATUS", (model, error)


async def test_an_early_answer():
    big = [{"role": "user", "content": "x" * 24000000}]
    for url in (AT["plain"], AT["tls"]):
        start = time.ticks_ms()
        text, error = await ask(provider("ok", early("early-413-unread", url)), big)
        assert isinstance(error, HTTPStatusError) and error.status_code == 413, error
        assert time.ticks_diff(time.ticks_ms(), start) < 20000


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
