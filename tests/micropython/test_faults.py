"""The faults of the Python original that a chip meets, by their numbers (13 to 25): none of them is here."""

import asyncio
import gc
import json
import os

from at import AT, MICROPYTHON, descriptors
from exoclaw_provider_openai import Deployment, HTTPConnectError, HTTPError, HTTPReadTimeout, HTTPStatusError
from exoclaw_provider_openai import OpenAIStreamingProvider

SERVERS = "usual"
TEXT = "Every stream finds its sea."
HELLO = [{"role": "user", "content": "hello"}]


def provider(*models, url=None, key="sk-test", options=None, **more):
    """The first model falls back on the others; a model's name is a behaviour of the server."""
    made = {"ca": AT["ca"]}
    made.update(options or {})
    deployment = Deployment(url or AT["plain"], key, **made)
    deployments = {}
    for model in models:
        deployments[model] = deployment
    more.setdefault("stream_ttft_timeout", 60)
    return OpenAIStreamingProvider(models[0], deployments, {models[0]: list(models[1:])}, **more)


async def ask(made, messages=HELLO, **more):
    """(the response, None) or (None, the exception)."""
    try:
        return await made.chat(messages, **more), None
    except HTTPError as error:
        return None, error
    finally:
        await made.close()


async def told(made, messages=HELLO, **more):
    """What the server says of the request."""
    response, error = await ask(made, messages, **more)
    assert error is None, error
    return json.loads(response.content)


async def test_fault_13_neither_headers_nor_comments_stop_the_first_clock():
    for behaviour in ("headers-then-silent", "comments-only-20", "silent"):
        made = provider(behaviour, "ok")
        made._deployments[behaviour] = Deployment(AT["plain"], "sk-test", stream_ttft_timeout=0.3)
        response, error = await ask(made)
        assert error is None and response.served_model == "ok"
        assert response.attempts[0]["code"] == "EXO_E_CLOCK_FIRST"


async def test_fault_14_a_total_deadline_also_where_a_read_blocks():
    for behaviour in ("silent", "comments-only-20", "one-delta-then-stall", "tokens-5000-every-20"):
        _, error = await ask(provider(behaviour, "ok"), timeout=0.3)
        assert isinstance(error, HTTPReadTimeout) and error.code == "EXO_E_CLOCK_TOTAL", error
        assert len(error.attempts) == 1


async def test_fault_15_five_calls_one_connection():
    for url in (AT["plain"], AT["tls"]):
        made = provider("told", url=url)
        numbers = []
        for _ in range(5):
            numbers.append(json.loads((await made.chat(HELLO)).content)["connections"])
        await made.close()
        assert numbers == [numbers[0]] * 5, numbers


async def test_fault_16_an_inline_message_is_not_copied():
    """What is left of the heap is half as much as the message."""
    size = 1000000
    made = provider("told")
    await made.chat(HELLO)
    messages = [{"role": "user", "content": "x" * size}]
    ballast = []
    if MICROPYTHON:  # for CPython tests/python/test_faults.py has another
        gc.collect()
        while gc.mem_free() > size // 2 + 65536:
            ballast.append(bytearray(65536))
    response = await made.chat(messages)
    del ballast
    await made.close()
    assert json.loads(response.content)["length"] > size


async def test_fault_17_no_socket_is_left_of_failed_calls():
    for url in (AT["plain"], AT["tls"]):
        for behaviour in ("reset-before-headers", "cut-head-after-20", "status-503", "silent"):
            made = provider(behaviour, url=url, stream_ttft_timeout=0.1)
            before = descriptors()
            for _ in range(4):
                try:
                    await made.chat(HELLO)
                except HTTPError:
                    pass
            await made.close()
            assert descriptors() <= before, (behaviour, before, descriptors())
    before = descriptors()
    for url in (AT["closed"], AT["wrong_name"], AT["mute_tls"], AT["full"]):
        for _ in range(3):
            _, error = await ask(provider("ok", url=url, options={"connect_timeout": 0.1}))
            assert isinstance(error, HTTPConnectError), error
    assert descriptors() <= before, (before, descriptors())


async def test_fault_18_no_header_is_injected():
    for made in (
        lambda: Deployment(AT["plain"], "a\r\nX-Injected: 1"),
        lambda: Deployment(AT["plain"], "k", {"X-A": "b\r\nX-Injected: 1"}),
        lambda: Deployment(AT["plain"], "k", {"X-A\r\nX-Injected": "1"}),
        lambda: Deployment(AT["plain"] + "\r\nX-Injected: 1", "k"),
    ):
        try:
            made()
            raise AssertionError("it was taken")
        except ValueError:
            pass
    made = provider("told", key=lambda: "a\r\nX-Injected: 1")
    try:
        await made.chat(HELLO)
        raise AssertionError("it was taken")
    except ValueError as error:
        assert "control" in str(error)
    await made.close()


async def test_fault_19_tls_is_verified():
    for server, ca in (("tls", "other_ca"), ("wrong_name", "ca"), ("expired", "ca"), ("self_signed", "ca"), ("tls", None)):
        _, error = await ask(provider("ok", url=AT[server], options={"ca": ca and AT[ca]}))
        assert isinstance(error, HTTPConnectError) and error.code == "EXO_E_TLS", error
    response, error = await ask(provider("ok", url=AT["tls"]))
    assert error is None and response.content == TEXT
    for name in ("verify", "insecure", "cert_reqs"):  # nor is there a switch
        try:
            Deployment("https://x", "k", **{name: False})
        except TypeError:
            continue
        raise AssertionError(name)


async def test_fault_20_host_has_the_port():
    for url in (AT["plain"], AT["tls"]):
        headers = (await told(provider("told", url=url)))["headers"]
        hosts = [value for name, value in headers if name.lower() == "host"]
        assert hosts == [url.split("/")[2]], hosts


async def test_fault_21_nothing_shows_the_key():
    made = provider("echo-key", key="sk-very-secret-0123456789")
    said = repr(made._deployments["echo-key"]) + repr(made._deployments)
    _, error = await ask(made)
    assert isinstance(error, HTTPStatusError) and "bad key" in str(error)
    said += repr(error) + str(error) + repr(error.attempts) + error.failure.message
    assert "very-secret" not in said, said


class Bare:
    """An `os` as a bare board has it."""

    urandom = os.urandom


async def test_fault_22_a_board_without_getenv():
    from exoclaw_provider_openai import _deployment

    usual = _deployment.os
    _deployment.os = Bare
    try:
        response, error = await ask(provider("ok"))
    finally:
        _deployment.os = usual
    assert error is None and response.content == TEXT


class Recorded:
    def __init__(self):
        self.records = []

    def info(self, event, **fields):
        self.records.append((event, fields))

    warning = info


async def test_fault_23_logging_takes_any_message():
    made = provider("ok")
    made._log.on = True
    made._log._logger = recorded = Recorded()
    parts = [{"type": "text", "text": None}, {"type": "text", "text": "a"}, {"type": "text"}]
    messages = [{"role": "user", "content": parts}, {"role": "user", "content": None}, {"role": "user", "content": "n\n" * 400}]
    _, error = await ask(made, messages)
    assert error is None, error
    texts = [fields["message.text"] for event, fields in recorded.records if event == "llm_request_msg"]
    assert [text.strip() for text in texts[:2]] == ["a", ""] and texts[2] == ("n\\n" * 400)[:500], texts
    assert recorded.records[-1][0] == "llm_response"


async def test_fault_24_a_connection_that_breaks_before_the_headers():
    for behaviour in ("fin-before-headers", "reset-before-headers", "cut-head-after-20"):
        for url in (AT["plain"], AT["tls"]):
            response, error = await ask(provider(behaviour, "ok", url=url))
            assert error is None and response.served_model == "ok"
            _, error = await ask(provider(behaviour, url=url))
            assert error.code == "EXO_E_CLOSED", error


async def test_fault_25_no_fallback_once_text_was_handed_out():
    for behaviour in ("reset-after-1000", "cut-after-1000", "error-mid-stream"):
        seen = []

        async def on_delta(text):
            seen.append(text)

        _, error = await ask(provider(behaviour, "ok"), on_delta=on_delta)
        assert error is not None and len(error.attempts) == 1, (behaviour, error)
        shown = "".join(seen)
        assert shown and TEXT.startswith(shown), seen
