"""Packages of others that build on exoclaw, over ours: a turn, its budget, a conversation in files, and the voice listener.

Install them without their dependencies where these would bring the original of this package.
"""

import asyncio
import base64
import json

import pytest

pytest.importorskip("exoclaw")
httpx = pytest.importorskip("httpx")
hosted = hasattr(pytest.importorskip("_exochat"), "Client")

from agent import Weather  # noqa: E402

from exoclaw_provider_openai import Deployment, OpenAIStreamingProvider  # noqa: E402

TEXT = "Every stream finds its sea."


@pytest.fixture(params=["libcurl", "httpx"])
def provider_of(request, upstream, plain_environment):
    if request.param == "libcurl" and not hosted:
        pytest.skip("_exochat has no Client")
    made = []

    def make(*models):
        client = httpx.AsyncClient() if request.param == "httpx" else None
        deployment = Deployment(upstream.base_url, "k")
        provider = OpenAIStreamingProvider(models[0], dict.fromkeys(models, deployment), client=client)
        made.append(provider)
        return provider

    return make


async def test_a_turn(provider_of):
    run_turn = pytest.importorskip("exoclaw_turn").run_turn
    async with provider_of("tool-loop") as provider:
        result = await run_turn(provider=provider, message="weather?", system="Be short.", tools=[Weather()])
    assert "rain in Oslo" in result.text
    assert [(call.name, call.arguments) for call in result.tool_calls] == [("get_weather", {"city": "Oslo", "days": 2})]


async def test_a_budget(provider_of, upstream):
    budget = pytest.importorskip("exoclaw_turn_budget")
    run_turn = pytest.importorskip("exoclaw_turn").run_turn
    async with provider_of("usage-details") as provider:
        config = budget.TurnBudgetConfig(iteration_budget=None, token_budget=1_000_000)
        tracker = budget.TurnBudgetTracker(config)
        wrapped = budget.BudgetWrapper(provider, tracker)
        result = await run_turn(provider=wrapped, message="hi")
    assert result.text and len(upstream.requests) == 1
    assert tracker.utilization() > 0  # by the tokens that the answer told of


async def test_a_conversation_in_files(provider_of, upstream, tmp_path):
    conversations = pytest.importorskip("exoclaw_conversation.conversation")
    from exoclaw.agent.loop import AgentLoop
    from exoclaw.bus.queue import MessageBus

    ours = asyncio.all_tasks()
    async with provider_of("ok") as provider:
        conversation = conversations.DefaultConversation.create(tmp_path, provider, "ok")
        loop = AgentLoop(MessageBus(), provider, conversation)
        for words in ("first", "second"):
            final, _ = await loop.process_turn("cli:1", words, channel="cli", chat_id="1")
            assert final == TEXT
        while asyncio.all_tasks() - ours:  # it looks after its files
            await asyncio.sleep(0.01)
    sent = upstream.requests[-1].json["messages"]
    assert [message["role"] for message in sent[:4]] == ["system", "user", "assistant", "user"]
    assert sent[2]["content"] == TEXT


class Microphone:
    class capabilities:
        format = "wav"

    def __init__(self, *pieces):
        self.pieces = pieces

    def listen(self, **options):
        async def chunks():
            for piece in self.pieces:
                yield piece

        return chunks()


async def test_the_voice_listener(provider_of, upstream):
    listener = pytest.importorskip("exoclaw_tools_voice.listener")
    sound = bytes(range(256)) * 200
    async with provider_of("ok", "status-503") as provider:
        microphone = Microphone(sound[:1000], sound[1000:1001], sound[1001:])
        made = listener.MicListener(provider, microphone, "ok")
        assert await made.intercept("hello") is None
        assert await made.intercept("/talk") == TEXT
        part = upstream.requests[0].json["messages"][0]["content"][1]
        assert base64.b64decode(part["input_audio"]["data"]) == sound
        assert "status 503" in await listener.MicListener(provider, microphone, "status-503").intercept("/talk")
    assert json.loads(upstream.requests[0].body)["model"] == "ok"
