"""The provider over MicroPython's sockets: TLS that verifies, clocks in every phase, cancels, connections, bodies."""

import asyncio
import json
import time

from at import AT, MICROPYTHON, descriptors

from exoclaw_provider_openai import Deployment, HTTPConnectError, HTTPError
from exoclaw_provider_openai import OpenAIStreamingProvider, _sockets
from exoclaw_provider_openai.provider import _ALNUM, _short_tool_id, _stream_body

try:
    import _thread
except ImportError:
    _thread = None

SERVERS = "usual"
TEXT = "Every stream finds its sea."
HELLO = [{"role": "user", "content": "hello"}]


def provider(model, url=None, options=None, **more):
    made = {"ca": AT["ca"]}
    made.update(options or {})
    return OpenAIStreamingProvider(model, {model: Deployment(url or AT["plain"], "key", **made)}, **more)


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


async def look_up_slowly(url, options):
    """(what came of a call whose name is looked up for so long, how often the loop went round meanwhile)."""
    forget, _sockets._forget = _sockets._forget, lambda *names: None  # what is changed here stays loaded
    from exoclaw_provider_openai import _connect

    usual = _connect._look_up
    turns = [0]

    def slow(host, port, box):
        time.sleep(0.3)
        usual(host, port, box)

    async def count():
        while True:
            turns[0] += 1
            await asyncio.sleep(0.01)

    _connect._look_up = slow
    counter = asyncio.create_task(count())
    try:
        return await ask(provider("ok", url, options)), turns[0]
    finally:
        counter.cancel()
        _connect._look_up = usual
        _sockets._forget = forget


async def test_a_name_that_takes_long():
    """With _thread the loop goes on, and the clocks ring; without it stands still; resolve= asks nobody."""
    url = AT["plain"].replace("127.0.0.1", "localhost")
    came, turns = await look_up_slowly(url, {})
    assert came == (TEXT, None)
    assert turns > 5 if _thread else turns < 5, turns
    if _thread:
        (_, error), _ = await look_up_slowly(url, {"connect_timeout": 0.1})
        assert error.code == "EXO_E_CLOCK_CONNECT", error
    came, turns = await look_up_slowly(url, {"resolve": ["localhost:%d:127.0.0.1" % AT["port"]], "connect_timeout": 0.25})
    assert came == (TEXT, None), came


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


async def cancel_at_the_clock(first):
    """The clock of a call and its caller's cancel in the same turn of the loop: what the call ends with."""
    made = provider("silent", None, {"stream_ttft_timeout": 0.1})
    task = asyncio.create_task(made.chat(HELLO))
    watches = made._working().platform.Watch
    judge = watches._judge
    rang = []

    def judged(watch, *arguments):
        if first == "cancel":
            task.cancel()
        judge(watch, *arguments)
        rang.append(1)
        if first == "clock":
            task.cancel()

    watches._judge = judged
    try:
        await task
        return "an answer"
    except asyncio.CancelledError:
        return "a cancel"
    except HTTPError as error:
        return error.code
    finally:
        watches._judge = judge
        assert rang, "the clock did not ring"
        await made.close()


async def test_a_cancel_wins_over_a_clock():
    for first in ("clock", "cancel"):
        for _ in range(10):
            assert (await cancel_at_the_clock(first)) == "a cancel", first
    assert (await cancel_at_the_clock("neither")) == "EXO_E_CLOCK_FIRST"


async def test_a_cancel_closes_the_socket_at_once():
    for url in (AT["plain"], AT["tls"], AT["full"], AT["mute_tls"]):
        made = provider("silent", url, {"stream_ttft_timeout": 600, "connect_timeout": 600})
        before = descriptors()
        task = asyncio.create_task(made.chat(HELLO))
        while MICROPYTHON and descriptors() == before:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)
        task.cancel()
        try:
            await task
            raise AssertionError("an answer")
        except asyncio.CancelledError:
            pass
        assert descriptors() == before, url
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
        await asyncio.sleep(0.001)
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
