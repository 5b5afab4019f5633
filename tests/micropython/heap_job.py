"""One thing that must fit into the heap it is run with: heap_job.py WHAT URL [CA [FILE]]. Prints `good`, or says why not.

import: what is alive after it; chat: fifty messages of 600 bytes; file: a request of ten megabytes from a file; answer:
one of 60 KB.
"""

import gc
import sys

gc.collect()
before = gc.mem_alloc()

import asyncio

from exoclaw_provider_openai import Deployment, OpenAIStreamingProvider

gc.collect()
alive = gc.mem_alloc() - before


def messages(what, path):
    if what == "file":
        return [{"role": "user", "_content_file": path}]
    if what == "answer":
        return [{"role": "user", "content": "hello"}]
    made = []
    for number in range(50):
        made.append({"role": "assistant" if number % 2 else "user", "content": "%05d" % number + "x" * 595})
    return made


async def main(what, url, ca, path):
    model = "file:sixty" if what == "answer" else "ok"
    provider = OpenAIStreamingProvider(model, {model: Deployment(url, "key", ca=ca)})
    response = await provider.chat(messages(what, path))
    size = len(response.content)
    await provider.close()
    assert size == (61440 if what == "answer" else 27), size


arguments = sys.argv[1:] + [None] * 4
if arguments[0] == "import":
    print("alive", alive, gc.threshold())
else:
    asyncio.run(main(arguments[0], arguments[1], arguments[2] or None, arguments[3]))
print("good")
