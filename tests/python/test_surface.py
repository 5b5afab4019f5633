"""The surface, row by row: names, signatures, defaults, what is refused. Behaviour is in the other files."""

import copy
import importlib.metadata
import importlib.util
import inspect
import math
import subprocess
import sys
import threading

import pytest

import exoclaw_provider_openai
import exoclaw_provider_openai.provider
from clients import KINDS, Script
from conftest import stream_of
from exoclaw_provider_openai import Deployment, OpenAIStreamingProvider

URL = "http://endpoint.test/v1"
INSTALLED = importlib.util.find_spec("exoclaw_provider_openai").origin.split("/")[-3] == "site-packages"
HELLO = [{"role": "user", "content": "hello"}]
MADE = Deployment(URL, "k")


def names(function):
    return [
        (name, one.kind.name, one.default)
        for name, one in inspect.signature(function).parameters.items()
        if one.kind.name not in ("VAR_KEYWORD",)
    ]


def test_the_constructor():
    kinds = names(OpenAIStreamingProvider)
    assert [name for name, kind, _ in kinds if kind == "POSITIONAL_OR_KEYWORD"] == ["default_model", "deployments", "fallbacks"]
    defaults = {name: default for name, kind, default in kinds if kind == "KEYWORD_ONLY"}
    assert (defaults["request_timeout"], defaults["stream_ttft_timeout"], defaults["client"]) == (120.0, 15.0, None)


def test_chat_in_its_positional_order():
    made = [(name, default) for name, kind, default in names(OpenAIStreamingProvider.chat) if kind == "POSITIONAL_OR_KEYWORD"]
    assert made == [
        ("self", inspect.Parameter.empty),
        ("messages", inspect.Parameter.empty),
        ("tools", None),
        ("model", None),
        ("max_tokens", 4096),
        ("temperature", 0.7),
        ("reasoning_effort", None),
        ("response_format", None),
        ("on_delta", None),
    ]
    assert inspect.iscoroutinefunction(OpenAIStreamingProvider.chat)


def test_it_says_that_it_hands_out_deltas():
    assert OpenAIStreamingProvider.supports_response_deltas is True
    assert OpenAIStreamingProvider("m", {"m": MADE}).supports_response_deltas is True


def test_the_default_model_must_be_deployed():
    with pytest.raises(ValueError, match="default_model"):
        OpenAIStreamingProvider("other", {"m": MADE})


def test_fallbacks_must_be_deployed_and_their_keys_need_not():
    with pytest.raises(ValueError, match="fallback"):
        OpenAIStreamingProvider("m", {"m": MADE}, {"m": ["other"]})
    OpenAIStreamingProvider("m", {"m": MADE}, {"undeclared": ["m"]})
    with pytest.raises(ValueError, match="context fallback"):
        OpenAIStreamingProvider("m", {"m": MADE}, context_fallbacks={"m": ["other"]})


def test_unknown_options_are_refused():
    with pytest.raises(TypeError, match="verify"):
        OpenAIStreamingProvider("m", {"m": MADE}, verify=False)


def test_what_was_given_is_copied():
    deployments, fallbacks = {"m": MADE, "n": MADE}, {"m": ["n"]}
    provider = OpenAIStreamingProvider("m", deployments, fallbacks)
    deployments.clear()
    fallbacks["m"].append("gone")
    assert list(provider._deployments) == ["m", "n"] and provider._fallbacks == {"m": ["n"]}


@pytest.mark.parametrize("other", [{"base_url": URL}, URL, None])
def test_what_is_deployed_is_a_deployment(other):
    with pytest.raises(TypeError, match=r"deployments\['b'\] is a Deployment, not "):
        OpenAIStreamingProvider("a", {"a": Deployment(URL, "k"), "b": other})


def test_a_provider_that_is_copied_says_what_it_cannot():
    assert copy.copy(OpenAIStreamingProvider("a", {"a": Deployment(URL, "k")})._settings.log) is not None


def test_no_number_is_no_limit():
    with OpenAIStreamingProvider("a", {"a": Deployment(URL, "k")}) as provider:
        with pytest.raises(ValueError, match="max_tokens"):
            provider.chat_sync([], max_tokens=math.nan)


def test_the_default_model_is_said():
    assert OpenAIStreamingProvider("m", {"m": MADE}).get_default_model() == "m"


async def test_an_unknown_model():
    provider = OpenAIStreamingProvider("m", {"m": MADE})
    with pytest.raises(ValueError, match="'other'"):
        await provider.chat(HELLO, model="other")
    with pytest.raises(ValueError, match="'other'"):
        await provider.send_streaming_body(model="other", body=[])


async def test_lists_are_not_transitive():
    script = Script((503, {}, b""))
    provider = OpenAIStreamingProvider(
        "a", dict.fromkeys("abc", MADE), {"a": ["b"], "b": ["c"]}, client=KINDS["httpx"](script)
    )
    with pytest.raises(exoclaw_provider_openai.HTTPStatusError):
        await provider.chat(HELLO)
    assert [asked.json["model"] for asked in script.requests] == ["a", "b"]


async def test_the_chain_of_a_named_model():
    script = Script((503, {}, b""), stream_of("ok"))
    provider = OpenAIStreamingProvider("a", dict.fromkeys("abc", MADE), {"b": ["c"]}, client=KINDS["httpx"](script))
    assert (await provider.chat(HELLO, model="b")).served_model == "c"


async def test_closing_twice_and_calling_then():
    provider = OpenAIStreamingProvider("m", {"m": MADE})
    await provider.close()
    await provider.close()
    with pytest.raises(RuntimeError):
        await provider.chat(HELLO)
    with pytest.raises(RuntimeError):
        provider.stream(HELLO)
    with pytest.raises(RuntimeError):
        await provider.send_streaming_body(model="m", body=[])


async def test_an_injected_client_stays_open():
    client = KINDS["httpx"](Script(stream_of("ok")))
    async with OpenAIStreamingProvider("m", {"m": MADE}, client=client) as provider:
        await provider.chat(HELLO)
    assert not client.is_closed


def test_construction_binds_to_no_loop():
    """It is made in one thread without a loop, and used in loops of others."""
    import asyncio

    provider = OpenAIStreamingProvider("m", {"m": MADE}, client=KINDS["httpx"](Script(stream_of("ok"))))
    seen = []

    def run():
        seen.append(asyncio.run(provider.chat(HELLO)).content)

    for _ in range(2):
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert seen == ["ok", "ok"]


def test_construction_looks_for_no_certificates():
    code = """
import os, sys
opened = []
sys.addaudithook(lambda event, arguments: opened.append(arguments[0]) if event == "open" else None)
from exoclaw_provider_openai import Deployment, OpenAIStreamingProvider
before = len(opened)
OpenAIStreamingProvider("m", {"m": Deployment("https://api.example.com/v1", "k")})
assert len(opened) == before, opened[before:]
"""
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, check=True)


def test_it_loads_nothing_but_itself(upstream):
    """Importing it and making a provider; a call wants little more, and nothing of exoclaw's, httpx's or asyncio's."""
    code = f"""
import sys
sys.path[:0] = {sys.path!r}
before = set(sys.modules)
from exoclaw_provider_openai import Deployment, OpenAIStreamingProvider
provider = OpenAIStreamingProvider("ok", {{"ok": Deployment({upstream.base_url!r}, "k")}}, {{"ok": []}})
print(*sorted(set(sys.modules) - before))
if hasattr(__import__("_exochat"), "Client"):
    provider.chat_sync([{{"role": "user", "content": "hello"}}])
    provider.close_sync()
print(*sorted(set(sys.modules) - before))
"""
    ran = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    made, called = ({name.split(".")[0] for name in line.split()} for line in ran.stdout.splitlines())
    assert made == {"exoclaw_provider_openai"}
    assert not called & {"asyncio", "dataclasses", "exoclaw", "httpx", "json", "re", "ssl", "structlog", "typing"}


@pytest.mark.skipif(not INSTALLED, reason="the package is not installed")
def test_it_depends_on_nothing():
    assert importlib.metadata.requires("exoclaw-provider-openai") == ['exoclaw[http]>=0.31.1; extra == "exoclaw"']


async def test_sync_calls_refuse_an_injected_client():
    provider = OpenAIStreamingProvider("m", {"m": MADE}, client=KINDS["httpx"](Script(stream_of("ok"))))
    with pytest.raises(TypeError, match="client="):
        provider.chat_sync(HELLO)
    with pytest.raises(TypeError, match="client="):
        next(provider.stream_sync(HELLO))


def test_every_public_name_is_documented():
    for name in exoclaw_provider_openai.__all__:
        assert getattr(exoclaw_provider_openai, name).__doc__, name
    for name, member in vars(OpenAIStreamingProvider).items():
        if callable(member) and not name.startswith("_"):
            assert member.__doc__, name
