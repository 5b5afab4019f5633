"""The answers of tests/streams, in all their dialects, over a socket: what comes of each, whole, byte by byte, and for the
small ones at every split. What one read gives is cut there, since a network's pieces are nobody's to choose."""

import json
import sys

from at import AT
from hooks import MOST

from exoclaw_provider_openai import ContextWindowExceededError, Deployment, HTTPError, OpenAIStreamingProvider

SERVERS = "usual"
TOGETHER = 4
HELLO = [{"role": "user", "content": "hello"}]
SMALL = 330  # bytes of a stream that is tried at every split
PATIENT = {"request_timeout": 600, "stream_ttft_timeout": 600, "connect_timeout": 600}
CHIP = {"framing-huge-event.sse": "EXO_E_EVENT_LIMIT", "delta-tool-id-long.sse": "EXO_E_NAME_LIMIT"}  # more than it keeps
FOLDER = __file__.rpartition("/")[0] + "/../streams/"


async def ask(provider, size):
    """What comes of the stream when it is read so, as a dict."""
    MOST[id(provider._deployments[provider.default_model])] = size
    shown = []

    async def on_delta(text):
        shown.append(text)

    try:
        response = await provider.chat(HELLO, on_delta=on_delta)
    except (HTTPError, ContextWindowExceededError) as error:
        return {"code": error.code, "message": error.failure.message, "shown": "".join(shown)}
    return {
        "code": None,
        "content": response.content or "",
        "shown": "".join(shown),
        "reasoning": response.reasoning_content or "",
        "refusal": response.refusal,
        "finish_reason": response.finish_reason,
        "calls": [[call.name, call.arguments] for call in response.tool_calls],
        "ids": [call.id for call in response.tool_calls],
        "usage": bool(response.usage),
    }


def right(said, came):
    """What was said of the stream is what came."""
    error = said["error"]
    assert came["code"] == (error["code"] if error else None), came
    if error:
        assert error.get("message", came["message"]) == came["message"], came
        assert error.get("message_contains", "") in came["message"], came
        return
    assert came["content"] == (said["text"] or said.get("refusal") or ""), came
    assert came["shown"] == said["text"], came
    assert came["reasoning"] == said["reasoning"] and came["refusal"] == said.get("refusal"), came
    assert came["finish_reason"] == (said["finish_reason"] or "stop"), came
    assert came["calls"] == [[call["name"], json.loads(call["arguments"])] for call in said["tool_calls"]], came
    for call, id in zip(said["tool_calls"], came["ids"]):
        assert not call["id"] or call["id"] == id, came
    assert came["usage"] == bool(said["usage"]), came


def same(whole, came):
    """What a read brings is not seen, but for the ids that are made up."""
    for key in whole:
        if key != "ids":
            assert came[key] == whole[key], (key, came[key], whole[key])


async def check(name, said, length):
    model = "file:" + name[:-4]
    provider = OpenAIStreamingProvider(model, {model: Deployment(AT["plain"], "sk-test-0123456789", **said.get("options", {}))}, **PATIENT)
    whole = await ask(provider, 0)
    right(said, whole)
    splits = [1] if length > 20000 else [1, 2, 7, 64]
    for size in range(3, length) if length <= SMALL else ():
        if size not in splits:
            splits.append(size)
    for size in splits:
        same(whole, await ask(provider, size))
    await provider.close()


def limited(name, said):
    """What comes of the stream on a chip, whose limits are lower (include/exochat/limits.h)."""
    if name not in CHIP or sys.implementation.name != "micropython":
        return said
    made = dict(said)
    made["error"] = {"code": CHIP[name]}
    return made


def table():
    with open(FOLDER + "expected.json") as file:
        expected = json.load(file)
    for name in sorted(expected):
        with open(FOLDER + name, "rb") as file:
            length = file.seek(0, 2)
        yield name, lambda n=name, s=limited(name, expected[name]), size=length: check(n, s, size)
