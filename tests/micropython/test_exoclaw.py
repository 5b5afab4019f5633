"""exoclaw's own agent loop and firmware over this package, on MicroPython, as its firmware stages them: turns with a tool,
deltas, its classes and exceptions, its session key."""

import asyncio
import json

from agent import Conversation, Weather
from at import AT
from exoclaw._compat import Path, bind_log_contextvars, unbind_log_contextvars
from exoclaw.agent.loop import AgentLoop
from exoclaw.bus.queue import MessageBus
from exoclaw.executor import DirectExecutor
from exoclaw.http import HTTPConnectError, HTTPError, HTTPReadTimeout, HTTPStatusError
from exoclaw.providers.types import ContextWindowExceededError, LLMResponse, ToolCallRequest

from exoclaw_provider_openai import Deployment, OpenAIStreamingProvider

SERVERS = "usual"
TEXT = "Every stream finds its sea."
HELLO = [{"role": "user", "content": "hello"}]


def provider(*models, **more):
    deployment = Deployment(more.pop("url", AT["plain"]), "k", ca=AT["ca"])
    deployments = {}
    for model in models:
        deployments[model] = deployment
    return OpenAIStreamingProvider(models[0], deployments, {models[0]: list(models[1:])}, **more)


class Agent:
    """A loop over the scripted server; models are behaviours."""

    def __init__(self, *models, **more):
        self.provider = provider(*models, **more)
        self.conversation = Conversation()
        self.tool = Weather()
        self.loop = AgentLoop(MessageBus(), self.provider, self.conversation, tools=[self.tool])

    async def turn(self, text, **more):
        try:
            return await self.loop.process_turn("s", text, **more)
        finally:
            await self.provider.close()


async def test_a_turn_with_a_tool():
    for url in (AT["plain"], AT["tls"]):
        made = Agent("tool-loop", url=url)
        final, _ = await made.turn("What is the weather?")
        assert made.tool.asked == [{"city": "Oslo", "days": 2}]
        assert "rain" in final, final
        roles = [message["role"] for message in made.conversation.recorded]
        assert roles[-3:] == ["assistant", "tool", "assistant"], roles


async def test_deltas():
    seen = []

    async def on_delta(text, **more):
        seen.append(text)

    final, _ = await Agent("ok").turn("hi", on_delta=on_delta)
    assert final == TEXT == "".join(seen) and len(seen) > 3, seen


async def test_an_overflow_is_recovered_from():
    made = Agent("sequence:context-400,ok")
    final, _ = await made.turn("long")
    assert final == TEXT and made.conversation.recovered == 1


async def test_a_fallback_in_the_middle_of_a_turn():
    made = Agent("sequence:tool-call,status-503", "ok")
    final, _ = await made.turn("hi")
    assert final == TEXT and made.tool.asked


async def test_a_streamed_tool_result():
    """The executor names a tool's output in the message as a file; the provider reads it from there."""
    path = AT["work"] + "/scratch"
    with open(path, "w") as file:
        file.write("line\n" * 3000)
    made = provider("told")
    message = {"role": "tool", "tool_call_id": "c", "content": "[streamed]", "_content_file": path}
    response = await DirectExecutor().chat(made, messages=[message])
    assert json.loads(json.loads(response.content)["body"])["messages"][0]["content"] == "line\n" * 3000
    await made.close()


async def test_types_are_exoclaws():
    made = provider("tool-call")
    response = await made.chat(HELLO)
    assert type(response) is LLMResponse and type(response.tool_calls[0]) is ToolCallRequest
    assert response.attempts and response.served_model == "tool-call" and response.thinking_blocks is None
    await made.close()


async def test_exceptions_are_exoclaws():
    for behaviour, kind in (
        ("status-400", HTTPStatusError),
        ("context-400", ContextWindowExceededError),
        ("silent", HTTPReadTimeout),
        ("cut-after-700", HTTPError),
    ):
        made = provider(behaviour, stream_ttft_timeout=1.5)
        try:
            await made.chat(HELLO)
            raise AssertionError("no failure")
        except kind as error:
            assert error.code and error.attempts, error
            assert behaviour != "status-400" or error.status_code == 400
        await made.close()
    made = provider("ok", url=AT["closed"])
    try:
        await made.chat(HELLO)
        raise AssertionError("no failure")
    except HTTPConnectError as error:
        assert error.code == "EXO_E_CONNECT"
    await made.close()


async def test_the_session_of_the_callers_task():
    made = provider("told")

    async def one(key):
        bind_log_contextvars(**{"session.key": key})
        try:
            response = await made.chat([{"role": "user", "content": key}])
        finally:
            unbind_log_contextvars("session.key")
        body = json.loads(json.loads(response.content)["body"])
        assert body["user"] == body["messages"][0]["content"] == key, body

    await asyncio.gather(*[one("chat:%d" % number) for number in range(5)])
    await made.close()


async def test_its_firmware():
    """The firmware's own stack, and what it and its tests ask of the provider. (Its demo's prompt wants async generators of
    exoclaw-conversation, which this MicroPython does not run.)"""
    from exoclaw_firmware import build_agent

    folder = Path(AT["work"]) / "workspace"
    made, conversation, policy = build_agent(
        workspace=folder, api_key="k", base_url=AT["plain"], model="ok", extra_models={"search": AT["plain"]}
    )
    assert sorted(made._deployments) == ["ok", "search"] and made.get_default_model() == "ok" and policy is None
    assert (await made.chat(HELLO, model="ok")).content == TEXT
    await made.close()
