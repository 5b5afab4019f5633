"""What changes while a call is under way, at the very byte: messages, buffers of the caller's, files. What is sent is what was
given, or the call says that it was not."""

import json
import os

from at import AT
from hooks import LATER

from exoclaw_provider_openai import Deployment, HTTPError, OpenAIStreamingProvider

SERVERS = "usual"
MESSAGES = 100
SIZE = 1000
MOMENTS = (1, 1500, 30000, 90000)  # bytes that are out when something changes


def provider(model="told"):
    return OpenAIStreamingProvider(model, {model: Deployment(AT["plain"], "sk-test")}, stream_ttft_timeout=60)


def then(made, moment, function):
    LATER[id(made._deployments["told"])] = [moment, function]


def messages():
    made = [{"role": "user", "content": [{"type": "text", "text": "t" * SIZE}]} for _ in range(MESSAGES)]
    made.append({"role": "user", "content": "c" * 100, "nested": {"a": [1, 2, {"b": [3]}]}})
    return made


def append(given):
    given.append({"role": "user", "content": "more"})


def clear(given):
    for message in given:
        message.clear()


def empty(given):
    while given:
        given.pop()


def replace(given):
    for message in given:
        message["content"] = "another"
        message["new"] = 1


def grow(given):
    for message in given:
        for number in range(50):
            message["key%d" % number] = number
    for _ in range(1000):
        given.append(None)


def bend(given):
    for message in given[:-1]:
        message["content"][0]["text"] = 5
        message["content"].append(message["content"])  # a circle
    given[-1]["nested"]["a"][2]["b"].append(given)


CHANGES = (append, clear, empty, replace, grow, bend)


async def answer_of(made, given):
    """What the server says of the request."""
    response = await made.chat(given)
    return json.loads(response.content)


async def change_of(change):
    made = provider()
    expected = (await answer_of(made, messages()))["sha256"]
    for moment in MOMENTS:
        given = messages()
        then(made, moment, lambda: change(given))
        said = await answer_of(made, given)
        assert not LATER, "nothing was changed"
        assert said["sha256"] == expected and said["length"] > MESSAGES * SIZE, (moment, said)
    await made.close()


BODY = b'{"model":"told","messages":[' + b" " * 100000 + b"]}"


def whole(piece):
    yield piece


def longer(piece):
    piece.extend(b"y" * 300000)


def shorter(piece):
    piece[10:] = b""


def other(piece):
    for at in range(0, len(piece), 100):
        piece[at] = 63


async def resize_of(resize):
    """A body of the caller's in one bytearray, which is another while it is sent."""
    for moment in MOMENTS:
        made = provider()
        expected = json.loads(await made.send_streaming_body(model="told", body=whole(BODY)))["sha256"]
        piece = bytearray(BODY)
        then(made, moment, lambda: resize(piece))
        said = json.loads(await made.send_streaming_body(model="told", body=whole(piece)))
        assert not LATER and piece != BODY, "nothing was changed"
        assert said["sha256"] == expected, (moment, said)
        await made.close()


async def file_of(change, codes):
    """A file that a message names changes while it is sent."""
    path = AT["work"] + "/midway.bin"
    for moment in MOMENTS[1:]:
        with open(path, "wb") as file:
            file.write(b"f" * 200000)
        made = provider()
        then(made, moment, lambda: change(path))
        try:
            await made.chat([{"role": "user", "content": [{"type": "text", "text": "see"}, {"_file": path}]}])
            raise AssertionError("it was sent")
        except HTTPError as error:
            assert error.code in codes, (error, error.code)
        assert not LATER, "nothing was changed"
        await made.close()


def cut(path):
    with open(path, "wb") as file:
        file.write(b"f" * 1000)


def gone(path):
    cut(path)
    os.remove(path)


def table():
    for change in CHANGES:
        yield "messages: " + change.__name__, lambda c=change: change_of(c)
    for resize in (longer, shorter, other):
        yield "a bytearray: " + resize.__name__, lambda r=resize: resize_of(r)
    for change in (cut, gone):
        yield "a file: " + change.__name__, lambda c=change: file_of(c, ("EXO_E_SOURCE_READ", "EXO_E_BODY_CHANGED"))
