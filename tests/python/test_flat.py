"""Nothing grows: thousands of calls, failures and cancels among them; and hundreds of streams at once on one loop."""

import asyncio
import gc
import os

import pytest

if not hasattr(pytest.importorskip("_exochat"), "Client"):
    pytest.skip("_exochat has no Client", allow_module_level=True)

from exoclaw_provider_openai import Deployment, HTTPError, OpenAIStreamingProvider
from upstream.chunks import TEXT

HELLO = [{"role": "user", "content": "hello"}]
CALLS = int(os.environ.get("EXOCHAT_FLAT_CALLS") or 10_000)


def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def one(provider, n):
    """A call of one kind after another."""
    kind = n % 5
    if kind == 0:
        assert (await provider.chat(HELLO)).content == TEXT
    elif kind == 1:
        with pytest.raises(HTTPError):
            await provider.chat(HELLO, model="status-401")
    elif kind == 2:
        task = asyncio.create_task(provider.chat(HELLO, model="slow-50"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    elif kind == 3:
        async for _ in provider.stream(HELLO):
            break
    else:
        seen = []

        async def on_delta(text):
            seen.append(text)

        await provider.chat(HELLO, model="status-503", on_delta=on_delta)
        assert "".join(seen) == TEXT


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no /proc")
def test_thousands_of_calls(upstream, plain_environment):
    upstream.keep_body = 0
    models = ("ok", "status-401", "slow-50", "status-503")
    made = Deployment(upstream.base_url, "k")

    async def run():
        async with OpenAIStreamingProvider("ok", dict.fromkeys(models, made), {"status-503": ["ok"]}) as provider:

            async def many(count):
                for n in range(count):
                    await one(provider, n)
                    if n % 100 == 0:
                        upstream.requests.clear()
                await asyncio.sleep(0.1)
                gc.collect()
                return resident(), len(os.listdir("/proc/self/fd")), len(gc.get_objects())

            await many(500)
            before = await many(500)
            after = await many(CALLS)
            host = next(iter(provider._engine._hosts.values()))
            assert not host.boxes and host.client.calls() == 0
            return before, after

    before, after = asyncio.run(run())
    assert after[0] - before[0] < CALLS * 400  # bytes: the server's threads live here too
    assert after[1] <= before[1] + 8 and after[2] <= before[2] + 2000


async def test_five_hundred_streams_at_once(upstream, plain_environment):
    made = Deployment(upstream.base_url, "k")
    async with OpenAIStreamingProvider("m", {"m": made, "tokens-50-every-20": made}, stream_ttft_timeout=60) as provider:

        async def read():
            return [one.type async for one in provider.stream(HELLO, model="tokens-50-every-20")].count("content")

        counts = await asyncio.gather(*(read() for _ in range(500)))
    assert counts == [50] * 500
