"""exoclaw's own agent loop over the package: tools, deltas, overflow, fallback; its protocols and types; its session key."""

import asyncio
import dataclasses
import pickle

import pytest

pytest.importorskip("exoclaw")
httpx = pytest.importorskip("httpx")
hosted = hasattr(pytest.importorskip("_exochat"), "Client")

from exoclaw._compat import bind_log_contextvars, unbind_log_contextvars  # noqa: E402
from exoclaw.agent.loop import AgentLoop  # noqa: E402
from exoclaw.bus.queue import MessageBus  # noqa: E402
from exoclaw.executor import DirectExecutor  # noqa: E402
from exoclaw.http import HTTPReadTimeout, HTTPStatusError, from_httpx  # noqa: E402
from exoclaw.providers.protocol import LLMProvider  # noqa: E402
from exoclaw.providers.types import ContextWindowExceededError, LLMResponse, ToolCallRequest  # noqa: E402
from agent import Conversation, Weather  # noqa: E402

from exoclaw_provider_openai import Deployment, OpenAIStreamingProvider  # noqa: E402

TEXT = "Every stream finds its sea."


@pytest.fixture(params=["libcurl", "exoclaw"])
def engine(request):
    if request.param == "libcurl" and not hosted:
        pytest.skip("_exochat has no Client")
    return request.param


class Agent:
    """A loop over the scripted server; models are behaviours."""

    def __init__(self, engine, upstream, *models, **options):
        made = Deployment(upstream.base_url, "k")
        self.client = httpx.AsyncClient() if engine == "exoclaw" else None
        client = self.client and from_httpx(self.client)
        fallbacks = {models[0]: list(models[1:])}
        self.provider = OpenAIStreamingProvider(models[0], dict.fromkeys(models, made), fallbacks, client=client, **options)
        self.conversation = Conversation()
        self.tool = Weather()
        self.loop = AgentLoop(MessageBus(), self.provider, self.conversation, tools=[self.tool])

    async def turn(self, text, **more):
        return await self.loop.process_turn("s", text, **more)

    async def close(self):
        await self.provider.close()
        if self.client is not None:
            await self.client.aclose()


@pytest.fixture
def agent(engine, upstream, plain_environment):
    return lambda *models, **options: Agent(engine, upstream, *models, **options)


def test_its_protocol():
    assert isinstance(OpenAIStreamingProvider("m", {"m": Deployment("http://h/v1", "k")}), LLMProvider)


async def test_a_turn_with_a_tool(agent, upstream):
    made = agent("tool-loop")
    final, messages = await made.turn("What is the weather?")
    assert made.tool.asked == [{"city": "Oslo", "days": 2}]
    assert "rain" in final
    sent = [request.json["messages"] for request in upstream.requests]
    assert [message["role"] for message in sent[1]] == ["system", "user", "assistant", "tool"]
    assert sent[1][2]["tool_calls"][0]["id"] == sent[1][3]["tool_call_id"]
    assert upstream.requests[0].json["tools"][0]["function"]["name"] == "get_weather"
    await made.close()


async def test_deltas(agent):
    seen = []

    async def on_delta(text, **more):
        seen.append((text, more))

    made = agent("ok")
    final, _ = await made.turn("hi", on_delta=on_delta)
    assert final == TEXT and "".join(text for text, _ in seen) == TEXT
    assert len(seen) == 6 and seen[-1] == ("", {"stream_end": True, "stream_final": True})
    await made.close()


async def test_an_overflow_is_recovered_from(agent, upstream):
    made = agent("sequence:context-400,ok")
    final, _ = await made.turn("long")
    assert final == TEXT and made.conversation.recovered == 1
    assert upstream.requests[1].json["messages"] == [{"role": "user", "content": "shorter"}]
    await made.close()


async def test_a_fallback_in_the_middle_of_a_turn(agent, upstream):
    made = agent("sequence:tool-call,status-503", "ok")
    final, _ = await made.turn("hi")
    assert final == TEXT
    assert [request.json["model"] for request in upstream.requests] == ["sequence:tool-call,status-503"] * 2 + ["ok"]
    await made.close()


async def test_a_streamed_tool_result(agent, upstream, tmp_path):
    """The executor drains a tool's output into a file and names it in the message; the provider reads it from there."""
    made = agent("ok")
    path = tmp_path / "scratch"
    path.write_text("line\n" * 100_000)
    message = {"role": "tool", "tool_call_id": "c", "content": "[streamed]", "_content_file": str(path)}
    response = await DirectExecutor().chat(made.provider, messages=[message])
    assert response.content == TEXT
    assert upstream.requests[0].json["messages"][0]["content"] == "line\n" * 100_000
    await made.close()


async def test_types_are_exoclaws(agent):
    made = agent("tool-call")
    response = await made.provider.chat([{"role": "user", "content": "hi"}])
    assert type(response) is LLMResponse and type(response.tool_calls[0]) is ToolCallRequest
    as_dict = dataclasses.asdict(response)
    assert set(as_dict) == {field.name for field in dataclasses.fields(LLMResponse)}
    rebuilt = LLMResponse(**{**as_dict, "tool_calls": [ToolCallRequest(**call) for call in as_dict["tool_calls"]]})
    assert rebuilt == response and response.thinking_blocks is None
    assert response.attempts and response.served_model == "tool-call" and response.request_id == "req-1-1"
    assert pickle.loads(pickle.dumps(response)) == response
    await made.close()


@pytest.mark.parametrize("within", [True, False])
async def test_cost_and_tier(agent, upstream, within):
    """The tier is said at the top of a chunk, or in the usage."""
    from conftest import event

    def answer(conn):
        conn.begin()
        conn.write(event(content="x") + event(finish="stop"))
        usage = {"prompt_tokens": 1, "cost": 0.25}
        (usage if within else chunk)["service_tier"] = "flex"
        conn.event({"choices": [], **chunk, "usage": usage})
        conn.event("[DONE]")
        conn.end()

    chunk = {}
    upstream.scripts["cost"] = answer
    made = agent("cost")
    response = await made.provider.chat([{"role": "user", "content": "hi"}])
    assert (response.cost, response.service_tier) == (0.25, "flex")
    assert response.usage == {"prompt_tokens": 1, "completion_tokens": 0, "total_tokens": 0}
    await made.close()


@pytest.mark.parametrize("behaviour, cls", [("status-400", HTTPStatusError), ("context-400", ContextWindowExceededError)])
async def test_its_exceptions(agent, behaviour, cls):
    made = agent(behaviour)
    with pytest.raises(cls) as caught:
        await made.provider.chat([{"role": "user", "content": "hi"}])
    assert type(pickle.loads(pickle.dumps(caught.value))) is type(caught.value)
    await made.close()


async def test_its_read_timeout(agent):
    made = agent("silent", stream_ttft_timeout=0.2)
    with pytest.raises(HTTPReadTimeout):
        await made.provider.chat([{"role": "user", "content": "hi"}])
    await made.close()


async def test_the_session_of_the_callers_task(agent, upstream):
    made = agent("ok")

    async def one(key):
        bind_log_contextvars(**{"session.key": key})
        try:
            await made.provider.chat([{"role": "user", "content": key}])
        finally:
            unbind_log_contextvars("session.key")

    await asyncio.gather(*(one(f"chat:{n}") for n in range(5)))
    for request in upstream.requests:
        assert request.json["user"] == request.json["messages"][0]["content"]
    await made.close()
