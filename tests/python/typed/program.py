"""A program that uses all of the package, for type checkers: it is read, not run. What is wrong in it says so, and a
checker that does not find it wrong complains of the comment (tools/check-types.sh).
"""

import asyncio
import os
import pickle
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, assert_type

from exoclaw_provider_openai import (
    ContextWindowExceededError,
    Deployment,
    FilePart,
    HTTPConnectError,
    HTTPError,
    HTTPReadTimeout,
    HTTPStatusError,
    HTTPWriteTimeout,
    LLMResponse,
    OpenAIStreamingProvider,
    StreamEvent,
    ToolCallRequest,
    __version__,
    provider as module,
)

deployments = {
    "a": Deployment("https://a.example/v1", "key", {"X-Title": "t"}, {"top_p": 0.5}),
    "b": Deployment(
        "https://b.example/v1",
        lambda: os.environ.get("KEY"),
        model="their-name",
        drop=["temperature"],
        rename={"max_tokens": "max_completion_tokens"},
        connect_timeout=5,
        http2=True,
        ca=Path("ca.pem"),
        ttft_until="token",
    ),
}
provider = OpenAIStreamingProvider(
    "a", deployments, {"a": ["b"]}, request_timeout=30.0, retries=2, cooldown=10.0, context_fallbacks={"a": ["b"]}
)
assert_type(provider.get_default_model(), str)
assert_type(provider._deployments["a"].base_url, str)
assert_type(__version__, str)
assert_type(module._short_tool_id(), str)

messages: list[dict[str, Any]] = [
    {"role": "system", "content": "Be short."},
    {"role": "user", "content": [{"type": "text", "text": "What is this?"}, FilePart("photo.jpg")]},
    {"role": "user", "_content_file": "notes.txt"},
]


async def show(text: str) -> None:
    print(text, end="")


async def body() -> AsyncIterator[bytes]:
    yield b"{}"


async def talk() -> None:
    response = await provider.chat(messages, on_delta=show, timeout=60, seed=7, stop=["\n"])
    assert_type(response, LLMResponse)
    assert_type(response.content, str | None)
    assert_type(response.usage, dict[str, int])
    assert_type(response.attempts, list[dict[str, Any]])
    for call in response.tool_calls:
        assert_type(call, ToolCallRequest)
        assert_type(call.arguments, dict[str, Any])
    async with provider.stream(messages, model="b", restart=True) as stream:
        async for event in stream:
            assert_type(event, StreamEvent)
            if event.type == "usage":
                assert_type(event.usage, dict[str, int] | None)
    assert_type(await provider.send_streaming_body(model="a", body=body()), str)
    assert_type(await provider.models(), list[str])
    async with provider as same:
        assert_type(same, OpenAIStreamingProvider)
    await provider.close()


def block() -> None:
    with provider:
        assert_type(provider.chat_sync(messages, max_tokens=None), LLMResponse)
        with provider.stream_sync(messages) as events:
            for event in events:
                print(event.text)
        assert_type(events.response, LLMResponse | None)
    provider.close_sync()


def fail() -> None:
    try:
        asyncio.run(talk())
    except ContextWindowExceededError as error:
        assert_type(error.request_id, str | None)
    except HTTPStatusError as error:
        assert_type(error.status_code, int)
        pickle.dumps(error)
    except (HTTPConnectError, HTTPReadTimeout, HTTPWriteTimeout) as error:
        assert_type(error.served_model, str | None)
    except HTTPError as error:
        assert_type(error.retry_after, float | None)
        if error.failure is not None:
            assert_type(error.failure.message, str)


async def wrong() -> None:
    Deployment()  # type: ignore[call-arg]
    Deployment("https://a.example/v1", 7)  # type: ignore[arg-type]
    Deployment("https://a.example/v1", ttft_until="word")  # type: ignore[arg-type]
    OpenAIStreamingProvider("a", deployments, {}, 30.0)  # type: ignore[call-arg, misc, unused-ignore]
    await provider.chat("hello")  # type: ignore[arg-type]
    provider.chat_sync(messages, on_delta="print")  # type: ignore[arg-type]
    provider.supports_response_deltas = False  # type: ignore[assignment]
    StreamEvent("content").failure.message  # type: ignore[union-attr]
    LLMResponse("text").content.strip()  # type: ignore[union-attr]
    provider.nothing_of_the_kind()  # type: ignore[attr-defined]
