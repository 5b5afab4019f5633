"""Hundreds of calls leave nothing behind, with a heap of 256 KB and with TLS too."""

import asyncio
import gc

from at import AT
from exoclaw_provider_openai import Deployment, OpenAIStreamingProvider

SERVERS = "usual"
HELLO = [{"role": "user", "content": "hello"}]


async def grown(model, url, calls):
    """Bytes of the heap that so many calls have left."""
    made = OpenAIStreamingProvider(model, {model: Deployment(url, "key", ca=AT["ca"])})
    for _ in range(10):
        await made.chat(HELLO)
    await asyncio.sleep(0.3)  # the watch of a call ends with its next tick
    gc.collect()
    before = gc.mem_alloc()
    for _ in range(calls):
        assert (await made.chat(HELLO)).content == "Every stream finds its sea."
    await asyncio.sleep(0.3)
    gc.collect()
    more = gc.mem_alloc() - before
    await made.close()
    return more


async def test_five_hundred_calls():
    more = await grown("ok", AT["plain"], 500)
    assert more < 2048, more


async def test_connections_that_are_not_kept():
    """Each call has one of its own, and a handshake."""
    more = await grown("ok+noreuse", AT["plain"], 100)
    assert more < 2048, more
    more = await grown("ok+noreuse", AT["tls"], 50)
    assert more < 2048, more
