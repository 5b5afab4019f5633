"""One measurement of a provider on MicroPython, the package's or the original's: job.py WHAT URL CA FILE [CALLS].

import: what is alive after it, and `good`; chat: fifty messages of 600 bytes; file: ten megabytes from a file; answer: 60 KB;
calls, handshakes: CALLS chats of fifty messages with an answer of 200 chunks, over one provider, or each over one of its own.
Prints `good` at the end. CA is empty for the original, which knows none.
"""

import gc
import sys

WHAT, URL, CA, FILE = sys.argv[1:5]
gc.collect()
before = gc.mem_alloc()
if WHAT not in ("calls", "handshakes"):
    gc.threshold(4096)

import asyncio

from exoclaw_provider_openai import Deployment, OpenAIStreamingProvider

gc.collect()
alive = gc.mem_alloc() - before


def messages():
    if WHAT == "file":
        return [{"role": "user", "_content_file": FILE}]
    if WHAT == "answer":
        return [{"role": "user", "content": "hello"}]
    made = []
    for number in range(50):
        made.append({"role": "assistant" if number % 2 else "user", "content": "%05d" % number + "x" * 595})
    return made


def provider():
    model = {"answer": "file:sixty", "calls": "file:chunks", "handshakes": "file:chunks"}.get(WHAT, "ok")
    options = {"ca": CA} if CA else {}
    return OpenAIStreamingProvider(model, {model: Deployment(URL, "key", **options)})


async def main():
    sizes = {"answer": 61440, "calls": 4000, "handshakes": 4000}
    made = provider()
    for number in range(int((sys.argv[5:] or [1])[0])):
        if WHAT == "handshakes" and number:
            await made.close()
            made = provider()
        response = await made.chat(messages())
        assert len(response.content) == sizes.get(WHAT, 27), len(response.content)
    await made.close()


if WHAT == "import":
    print("alive", alive)
else:
    asyncio.run(main())
print("good")
