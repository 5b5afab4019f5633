"""The body of a request and its headers, rule by rule, as they come over the wire; and _stream_body()."""

import json
import sys
import types

import pytest

from clients import ENGINES, Script, behind
from conftest import stream_of
from exoclaw_provider_openai import Deployment, FilePart, OpenAIStreamingProvider, provider as provider_module
from exoclaw_provider_openai._plan import Plan

HELLO = [{"role": "user", "content": "hello"}]
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]


@pytest.fixture(params=ENGINES)
def sent(request):
    """sent(*chat arguments, deployment={…}, …): the body of the first request, parsed; all of them are sent.requests."""

    async def ask(*arguments, deployment=None, fallbacks=None, answers=None, **more):
        script = Script(*(answers or [stream_of("ok")]))
        with behind(request.param, script) as (client, url):
            made = Deployment(url, "k", **(deployment or {}))
            async with OpenAIStreamingProvider("m", {"m": made, "n": made}, fallbacks, client=client) as provider:
                await provider.chat(*(arguments or (HELLO,)), **more)
        ask.requests = script.requests
        return script.requests[0].json

    return ask


@pytest.mark.parametrize("given, asked", [(4096, 4096), (1, 1), (0, 1), (-7, 1)])
async def test_max_tokens(sent, given, asked):
    assert (await sent(HELLO, None, None, given))["max_tokens"] == asked


async def test_what_is_left_out(sent):
    body = await sent(HELLO, tools=[], reasoning_effort="", response_format={}, max_tokens=None, temperature=None)
    assert sorted(body) == ["messages", "model", "stream", "stream_options"]


async def test_what_is_truthy(sent):
    body = await sent(HELLO, TOOLS, None, 5, 0.0, "low", {"type": "json_object"})
    assert body["tools"] == TOOLS and body["tool_choice"] == "auto"
    assert (body["temperature"], body["reasoning_effort"], body["response_format"]) == (0.0, "low", {"type": "json_object"})


async def test_parameters_of_the_call(sent):
    body = await sent(HELLO, TOOLS, tool_choice="required", stop=["."], seed=7, top_p=None)
    assert (body["tool_choice"], body["stop"], body["seed"], "top_p" in body) == ("required", ["."], 7, False)


@pytest.mark.parametrize("name", ["stream", "messages"])
async def test_parameters_that_are_ours(sent, name):
    with pytest.raises(TypeError):
        await sent(HELLO, **{name: True})


async def test_extra_body_fills_in_what_is_absent(sent):
    extra = {"temperature": 9, "stream": False, "top_k": 3, "stream_options": {"other": 1}, "tool_choice": "none"}
    body = await sent(deployment={"extra_body": extra})
    assert (body["temperature"], body["stream"], body["top_k"]) == (0.7, True, 3)
    assert body["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("option", ["drop", "resolve"])
def test_a_list_that_is_one_word(option):
    with pytest.raises(TypeError, match="%s is a list" % option):
        Deployment("http://endpoint.test/v1", **{option: "temperature"})


@pytest.mark.parametrize("seconds", [-1, -0.001, float("nan"), float("inf"), 1e18])
@pytest.mark.parametrize("engine", ENGINES)
async def test_a_total_timeout_that_is_none(engine, seconds):
    with behind(engine, Script(stream_of("ok"))) as (client, url):
        provider = OpenAIStreamingProvider("m", {"m": Deployment(url)}, client=client)
        with pytest.raises(ValueError, match="seconds"):
            await provider.chat(HELLO, timeout=seconds)
        await provider.close()


def test_the_least_total_timeout_is_one():
    assert Plan("m", ["m"], [], 1e-9).total_ms == 1 and Plan("m", ["m"], [], 0).total_ms == 0


@pytest.mark.parametrize("body", [None, b"{}", bytearray(b"{}"), "{}"])
@pytest.mark.parametrize("engine", ENGINES)
async def test_a_body_that_is_no_iterable_of_bytes(engine, body):
    script = Script(stream_of("ok"))
    with behind(engine, script) as (client, url):
        async with OpenAIStreamingProvider("m", {"m": Deployment(url)}, client=client) as provider:
            with pytest.raises(TypeError, match="iterable of bytes"):
                await provider.send_streaming_body(model="m", body=body)
    assert not script.requests


@pytest.mark.parametrize("engine", ENGINES)
async def test_choices_that_never_came_are_none(engine):
    with behind(engine, Script(stream_of("ok"))) as (client, url):
        async with OpenAIStreamingProvider("m", {"m": Deployment(url)}, client=client) as provider:
            assert [one.content for one in (await provider.chat(HELLO, n=3)).choices] == ["ok"]
            kinds = [one.type async for one in provider.stream(HELLO, n=3)]
            assert kinds.count("finish") == 1 and kinds[-1] == "end"


@pytest.mark.parametrize("clock", ["connect_timeout", "request_timeout", "stream_ttft_timeout"])
def test_a_clock_of_the_provider_that_is_none(clock):
    with pytest.raises(ValueError, match=clock):
        OpenAIStreamingProvider("m", {"m": Deployment("http://endpoint.test/v1")}, **{clock: -5})


async def test_drop_and_rename(sent):
    body = await sent(deployment={"drop": ["temperature"], "rename": {"max_tokens": "max_completion_tokens"}})
    assert "temperature" not in body and "max_tokens" not in body and body["max_completion_tokens"] == 4096


async def test_the_model_of_a_deployment(sent):
    assert (await sent(deployment={"model": "glm-4.7"}))["model"] == "glm-4.7"


@pytest.fixture
def session(monkeypatch):
    """session(key): structlog is loaded, and its context has this session.key."""

    def set_key(key):
        module = types.ModuleType("structlog.contextvars")
        module.get_contextvars = lambda: {} if key is None else {"session.key": key}
        monkeypatch.setitem(sys.modules, "structlog.contextvars", module)

    return set_key


@pytest.mark.parametrize("key, user", [("chat:1", "chat:1"), (17, "17"), (None, None), ("", None)])
async def test_user_is_the_session(sent, session, key, user):
    session(key)
    assert (await sent()).get("user") == user


@pytest.mark.parametrize("own", ["mine", None])
async def test_user_of_extra_body_wins(sent, session, own):
    session("chat:1")
    body = await sent(deployment={"extra_body": {"user": own}})
    assert body["user"] == own and "user" in body


async def test_user_of_the_call_wins(sent, session):
    session("chat:1")
    assert (await sent(HELLO, user="call"))["user"] == "call"


@pytest.mark.parametrize("engine", ENGINES)
async def test_user_differs_from_attempt_to_attempt(session, engine):
    session("chat:1")
    script = Script((503, {}, b""), stream_of("ok"))
    with behind(engine, script) as (client, url):
        one, other = Deployment(url, "k", {}, {"user": "a"}), Deployment(url, "k")
        async with OpenAIStreamingProvider("a", {"a": one, "b": other}, {"a": ["b"]}, client=client) as provider:
            await provider.chat(HELLO)
    assert [asked.json["user"] for asked in script.requests] == ["a", "chat:1"]


async def test_keys_of_a_message_that_begin_with_an_underscore(sent):
    message = {"role": "user", "content": "hi", "_meta": 1, "name": {"_kept": 1}}
    assert (await sent([message]))["messages"] == [{"role": "user", "content": "hi", "name": {"_kept": 1}}]


async def test_text_is_utf8_and_not_escaped(sent):
    text = "é\u2028😀\"\\\n\ud800"
    await sent([{"role": "user", "content": text}])
    raw = sent.requests[0].body
    assert "é\u2028😀".encode() in raw and b"\\u" not in raw.replace(b"\\ud800", b"")
    assert json.loads(raw)["messages"][0]["content"] == "é\u2028😀\"\\\n\ufffd"


@pytest.mark.parametrize("value", [0, 1, -1, 2**63, -(2**63), 2**64, 10**40, 0.1, 1e300, -0.0, 5e-324, True, False, None])
async def test_numbers(sent, value):
    body = await sent(HELLO, seed=[value])
    assert body["seed"] == [value] and type(body["seed"][0]) is type(value)


async def test_keys_become_strings(sent):
    given = {2: "a", 1.5: "b", True: "c", None: "d"}
    expected = json.loads(json.dumps(given))
    assert (await sent(HELLO, logit_bias=given))["logit_bias"] == expected


async def test_files(sent, tmp_path):
    (tmp_path / "photo.png").write_bytes(bytes(range(256)) * 100)
    (tmp_path / "notes.txt").write_text("Grüße\r\n")
    parts = [FilePart(tmp_path / "photo.png"), FilePart(tmp_path / "notes.txt"), FilePart(tmp_path / "photo.png", "audio/wav")]
    body = await sent([{"role": "user", "content": parts}])
    image, text, audio = body["messages"][0]["content"]
    import base64

    data = base64.b64encode(bytes(range(256)) * 100).decode()
    assert image == {"type": "image_url", "image_url": {"url": "data:image/png;base64," + data}}
    assert text == {"type": "text", "text": "Grüße\r\n"}
    assert audio == {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}


async def test_a_file_part_that_is_missing(sent, tmp_path):
    from exoclaw_provider_openai import HTTPError

    with pytest.raises(HTTPError) as caught:
        await sent([{"role": "user", "content": [FilePart(tmp_path / "gone.png")]}])
    assert caught.value.code == "EXO_E_SOURCE_READ" and caught.value.attempts == []


async def test_a_file_is_read_for_every_attempt(sent, tmp_path):
    path = tmp_path / "result"
    path.write_text("text " * 10_000)
    message = {"role": "tool", "tool_call_id": "c", "content": "", "_content_file": str(path)}
    await sent([message], fallbacks={"m": ["n"]}, answers=[(503, {}, b""), stream_of("ok")])
    first, second = sent.requests
    assert first.json["messages"] == second.json["messages"] and len(second.json["messages"][0]["content"]) == 50_000


# --- _stream_body()


async def joined(head, messages):
    pieces = [piece async for piece in provider_module._stream_body(head, messages)]
    assert all(isinstance(piece, bytes) and 0 < len(piece) <= 16384 for piece in pieces)
    return b"".join(pieces)


async def test_stream_body_is_as_it_is():
    head = {"model": "m", "max_tokens": 3}
    assert json.loads(await joined(head, HELLO)) == {**head, "messages": HELLO}
    assert json.loads(await joined({}, [])) == {"messages": []}
    assert json.loads(await joined({"stream": False, "tools": []}, HELLO)) == {"stream": False, "tools": [], "messages": HELLO}


async def test_stream_body_in_pieces_and_from_files(tmp_path):
    path = tmp_path / "big"
    path.write_text('"x"\n' * 30_000)
    messages = [{"role": "user", "content": "y" * 100_000}, {"role": "tool", "content": "no", "_content_file": str(path)}]
    body = json.loads(await joined({"model": "m"}, messages))
    assert body["messages"] == [messages[0], {"role": "tool", "content": '"x"\n' * 30_000}]


async def test_stream_body_refuses_what_is_no_json():
    with pytest.raises(ValueError):
        await joined({"x": float("nan")}, [])


def test_the_modules_names():
    assert len(provider_module._ALNUM) == 62 and len(provider_module._short_tool_id()) == 9
    assert provider_module.Deployment is Deployment
    assert provider_module.OpenAIStreamingProvider is OpenAIStreamingProvider
