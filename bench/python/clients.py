"""One measurement of one client, in a process of its own: clients.py CLIENT ROW[:AMOUNT] ORIGIN prints JSON, {figure: number}.

CLIENT is ours, original (the provider that this package takes the place of; the path decides which of the two is imported),
openai, litellm, or aiohttp, with json and the framing by hand. Processor time is this process's, user and system, in
milliseconds; memory is what its peak grows by, in KB. `whole` says nothing: whoever runs the process looks what it took.
"""

import asyncio
import json
import os
import resource
import sys
import tempfile
import time
import urllib.request

CLIENT, ROW, ORIGIN = sys.argv[1:]
ROW, _, AMOUNT = ROW.partition(":")
MEGABYTES = 100
LINE = 'wave after wave "after" wave after wave, until there was nothing left of the shore\n'
LINES = MEGABYTES * 10**6 // len(LINE)
STREAMS, CHUNKS, PACE = int(AMOUNT or 500), 50, 0.02
ENOUGH = 0.3  # seconds of processor time: what takes less than a millisecond is measured many times
HELLO = [{"role": "user", "content": "hello"}]
PROMPT = [{"role": ("user", "assistant")[i % 2], "content": f"{i} " + "wave after wave " * 32} for i in range(40)]


def spent():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (used.ru_utime + used.ru_stime) * 1e3


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KB


def connections():
    with urllib.request.urlopen(f"{ORIGIN}/connections") as answer:
        return int(answer.read()) - 1  # without this one


def made(url):
    """chat(messages, shown): an answer's text; `shown` is awaited with its pieces, or None."""
    if CLIENT in ("ours", "original"):
        from exoclaw_provider_openai import Deployment, OpenAIStreamingProvider

        provider = OpenAIStreamingProvider("bench", {"bench": Deployment(url, "k")})

        async def chat(messages, shown=None):
            return (await provider.chat(messages, on_delta=shown)).content

        return chat
    if CLIENT == "aiohttp":
        return made_by_hand(url)
    if CLIENT == "openai":
        from openai import AsyncOpenAI

        client = AsyncOpenAI(base_url=url, api_key="k")

        def ask(messages):
            return client.chat.completions.create(model="bench", messages=messages, stream=True)

    else:
        import litellm

        def ask(messages):
            return litellm.acompletion("openai/bench", api_base=url, api_key="k", messages=messages, stream=True)

    async def chat(messages, shown=None):
        pieces = []
        async for chunk in await ask(messages):
            piece = chunk.choices and chunk.choices[0].delta.content
            if piece:
                pieces.append(piece)
                if shown:
                    await shown(piece)
        return "".join(pieces)

    return chat


def made_by_hand(url):
    """What a program would write for this one endpoint: it checks no more than the status."""
    import aiohttp

    sessions = []

    async def chat(messages, shown=None):
        if not sessions:  # it belongs to a loop
            sessions.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers={"Authorization": "Bearer k"}))
        pieces = []
        async with sessions[0].post(f"{url}/chat/completions", json={"model": "bench", "messages": messages, "stream": True}) as answer:
            answer.raise_for_status()
            async for line in answer.content:
                if not line.startswith(b"data: ") or line.startswith(b"data: [DONE]"):
                    continue
                choices = json.loads(line[6:])["choices"]
                piece = choices and choices[0]["delta"].get("content")
                if piece:
                    pieces.append(piece)
                    if shown:
                        await shown(piece)
        return "".join(pieces)

    return chat


async def show(piece):
    pass


async def repeated(path, messages, warm, count, shown=None, enough=0.0):
    """Processor time of a call behind `warm` others: of `count`, and of as many more as take `enough` seconds of it."""
    chat = made(ORIGIN + path)
    for _ in range(warm):
        await chat(messages, shown)
    before, calls = spent(), 0
    while calls < count or spent() - before < enough:
        assert await chat(messages, shown)
        calls += 1
    return (spent() - before) / calls


def start():
    before = spent()
    made(ORIGIN + "/one/v1")
    return {"cpu": spent() - before}


def whole():
    asyncio.run(made(ORIGIN + "/one/v1")(HELLO))


def chat():
    return {"cpu": asyncio.run(repeated("/chunks/200/v1", PROMPT, 20, 20, None, ENOUGH))}


def paced():
    return {"cpu": asyncio.run(repeated("/paced/200/2/v1", PROMPT, 1, 3, show))}


def long():
    return {"cpu": asyncio.run(repeated("/chunks/20000/v1", PROMPT, 1, 1, None, ENOUGH))}


def long_shown():
    return {"cpu": asyncio.run(repeated("/chunks/20000/v1", PROMPT, 1, 1, show, ENOUGH))}


def big_list():
    return with_memory([{"role": ("user", "assistant")[i % 2], "content": LINE * (LINES // 400)} for i in range(400)])


def big_one():
    return with_memory([{"role": "user", "content": LINE * LINES}])


def big_file():
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(LINES):
            file.write(LINE.encode())
        file.flush()
        return with_memory([{"role": "user", "content": "", "_content_file": file.name}])


def with_memory(messages):
    async def run():
        chat = made(ORIGIN + "/one/v1")
        await chat(HELLO)
        before, memory = spent(), peak()
        await chat(messages)
        return {"cpu": spent() - before, "kilobytes": peak() - memory}

    return asyncio.run(run())


def given():
    """Of the file $PROMPT, for the memory of the process."""
    with open(os.environ["PROMPT"], encoding="utf-8") as file:
        message = [{"role": "user", "content": file.read()}]
    return {"cpu": asyncio.run(repeated("/one/v1", message, 0, 1))}


def given_file():
    message = [{"role": "user", "content": "", "_content_file": os.environ["PROMPT"]}]
    return {"cpu": asyncio.run(repeated("/one/v1", message, 0, 1))}


def streams():
    async def run():
        chat = made(f"{ORIGIN}/paced/{CHUNKS}/{int(PACE * 1000)}/v1")
        await chat(HELLO)
        before, memory, began = spent(), peak(), time.monotonic()
        texts = await asyncio.gather(*(chat(HELLO) for _ in range(STREAMS)))
        assert all(texts)
        wall = time.monotonic() - began
        return {"cpu": spent() - before, "wall": wall / (CHUNKS * PACE), "kilobytes": (peak() - memory) / STREAMS}

    return asyncio.run(run())


def sequence():
    before = connections()
    asyncio.run(repeated("/one/v1", HELLO, 0, 100))
    return {"connections": connections() - before - 1}  # without the first look


ROWS = (start, whole, chat, paced, long, long_shown, big_list, big_one, big_file, given, given_file, streams, sequence)
found = {row.__name__.replace("_", "-"): row for row in ROWS}[ROW]()
if found:
    print(json.dumps(found))
