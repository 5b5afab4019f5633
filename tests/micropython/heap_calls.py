"""Five hundred chats leave no more behind in the heap than the first twenty did: heap_calls.py URL [CA]. Prints `good`."""

import asyncio
import gc
import sys

from exoclaw_provider_openai import Deployment, OpenAIStreamingProvider


async def repeat(provider, times):
    for _ in range(times):
        messages = [{"role": "user", "content": "%05d" % number + "x" * 595} for number in range(50)]
        response = await provider.chat(messages)
        assert len(response.content) == 27, response


async def alive(provider):
    """The least that is alive at three moments: a stale word on the stack may keep what was the last call's."""
    found = []
    for _ in range(3):
        await repeat(provider, 3)
        await asyncio.sleep_ms(300)  # the watch of a call ends with its next tick
        gc.collect()
        found.append(gc.mem_alloc())
    return min(found)


async def main(url, ca):
    provider = OpenAIStreamingProvider("ok", {"ok": Deployment(url, "key", ca=ca)})
    await repeat(provider, 20)
    before = await alive(provider)
    await repeat(provider, 500)
    grown = await alive(provider) - before
    await provider.close()
    assert grown < 500 * 8, grown  # less than any block of the heap for a call


asyncio.run(main(sys.argv[1], (sys.argv[2:] or [None])[0] or None))
print("good")
