"""What fills the trackers of other async clients: loops, cancelled tasks, streams that are left, readers that lag. The
server watches too: a connection closes at once, or serves again; nothing is raised in the background; the next call works.
"""

import asyncio
import gc
import threading

import pytest

from exoclaw_provider_openai import Deployment, HTTPError, OpenAIStreamingProvider
from upstream.chunks import TEXT

HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture(params=["libcurl", "httpx"])
def provider_of(request, upstream, plain_environment):
    """provider_of(model, …): a provider at the scripted server, over one of the engines."""
    if request.param == "libcurl" and not hasattr(pytest.importorskip("_exochat"), "Client"):
        pytest.skip("_exochat has no Client")

    def make(model, **options):
        made = Deployment(upstream.base_url, "k")
        client = pytest.importorskip("httpx").AsyncClient() if request.param == "httpx" else None
        options.setdefault("stream_ttft_timeout", 60)
        provider = OpenAIStreamingProvider(model, {model: made, "ok": made}, client=client, **options)
        provider.engine = request.param
        return provider

    return make


async def gone(upstream, count=0):
    """Whether at most so many connections are open, within a while."""
    for _ in range(500):
        if upstream.open_connections <= count:
            return True
        gc.collect()
        await asyncio.sleep(0.01)
    return False


async def done(provider):
    """Closes it, and the injected client."""
    await provider.close()
    if provider._client is not None:
        await provider._client.aclose()


async def test_a_stream_that_is_left_without_async_with(provider_of, upstream):
    provider = provider_of("slow-50")
    async for one in provider.stream(HELLO):
        break
    assert one.text and await gone(upstream)
    assert (await provider.chat(HELLO, model="ok")).content == TEXT
    await done(provider)


async def test_a_stream_that_is_dropped(provider_of, upstream):
    provider = provider_of("slow-50")
    stream = provider.stream(HELLO)
    await stream.__anext__()
    del stream
    assert await gone(upstream)
    assert (await provider.chat(HELLO, model="ok")).content == TEXT
    await done(provider)


async def test_a_generator_around_it_that_is_closed_in_mid_reasoning(provider_of, upstream):
    provider = provider_of("reasoning")

    async def texts():
        async with provider.stream(HELLO) as stream:
            async for one in stream:
                yield one.type

    around = texts()
    assert await around.__anext__() == "reasoning"
    await around.aclose()
    assert await gone(upstream, 1)
    assert (await provider.chat(HELLO, model="ok")).content == TEXT
    await done(provider)


async def test_a_stream_that_another_task_closes(provider_of, upstream):
    provider = provider_of("silent")
    stream = provider.stream(HELLO)
    reader = asyncio.create_task(stream.__anext__())
    while not upstream.requests:
        await asyncio.sleep(0.01)
    await stream.aclose()
    with pytest.raises(RuntimeError, match="the stream was closed"):
        await reader
    with pytest.raises(StopAsyncIteration):
        await stream.__anext__()
    assert await gone(upstream)
    assert (await provider.chat(HELLO, model="ok")).content == TEXT
    await done(provider)


async def test_closing_the_provider_ends_its_calls(provider_of, upstream):
    provider = provider_of("silent")
    calls = [asyncio.create_task(provider.chat(HELLO)), asyncio.create_task(provider.stream(HELLO).__anext__())]
    while len(upstream.requests) < 2:
        await asyncio.sleep(0.01)
    await provider.close()
    for call in calls:
        with pytest.raises(RuntimeError, match="closed"):
            await call
    assert await gone(upstream)
    await done(provider)


async def test_a_cancelled_task_ends_its_transfer_at_once(provider_of, upstream):
    provider = provider_of("silent")
    task = asyncio.create_task(provider.chat(HELLO))
    while not upstream.requests:
        await asyncio.sleep(0.01)
    task.cancel()
    if provider.engine == "libcurl":  # httpx loses its connection where it is cancelled twice
        await asyncio.sleep(0)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone(upstream)
    assert (await provider.chat(HELLO, model="ok")).content == TEXT
    await done(provider)


async def test_a_reader_that_lags_holds_its_clocks(provider_of, upstream):
    """It takes twice as long as the idle clock, at two events."""
    provider = provider_of("tokens-200", request_timeout=1.5)
    count = 0
    async with provider.stream(HELLO) as stream:
        async for one in stream:
            count += one.type == "content"
            if count in (1, 100):
                await asyncio.sleep(3)
    assert count == 200 and stream.response.content
    await done(provider)


async def test_on_delta_that_lags_holds_its_clocks(provider_of):
    provider = provider_of("ok", request_timeout=1.5, stream_ttft_timeout=1.5)
    seen = []

    async def on_delta(text):
        seen.append(text)
        await asyncio.sleep(3 if len(seen) == 2 else 0)

    assert (await provider.chat(HELLO, on_delta=on_delta)).content == TEXT and len(seen) > 2
    await done(provider)


async def test_the_total_clock_runs_on_while_a_reader_lags(provider_of, upstream):
    provider = provider_of("tokens-2000")
    stream = provider.stream(HELLO, timeout=0.3)
    with pytest.raises(HTTPError) as caught:
        async for one in stream:
            await asyncio.sleep(0.05)
    assert caught.value.code == "EXO_E_CLOCK_TOTAL"
    await done(provider)


async def test_many_calls_at_once(provider_of, upstream):
    provider = provider_of("tokens-20-every-5")
    answers = await asyncio.gather(*(provider.chat(HELLO) for _ in range(50)))
    assert len({answer.content for answer in answers}) == 1
    await done(provider)


def test_one_provider_over_several_runs(provider_of, upstream):
    provider = provider_of("ok")
    if provider.engine == "httpx":
        pytest.skip("an httpx client belongs to the loop that used it first")
    for _ in range(5):
        assert asyncio.run(provider.chat(HELLO)).content == TEXT
    provider.close_sync()


def test_a_loop_that_is_closed_with_a_stream_suspended(provider_of, upstream):
    provider = provider_of("slow-50")
    kept = []

    async def run():
        stream = provider.stream(HELLO)
        await stream.__anext__()
        kept.append(stream)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(run())
    loop.close()
    kept.clear()
    gc.collect()
    if provider.engine == "libcurl":
        assert asyncio.run(provider.chat(HELLO, model="ok")).content == TEXT
        provider.close_sync()
        assert upstream.wait_for(lambda: upstream.open_connections == 0)


def test_several_loops_in_several_threads(provider_of, upstream):
    provider = provider_of("tokens-20-every-5")
    if provider.engine == "httpx":
        pytest.skip("an httpx client belongs to the loop that used it first")
    seen = []

    async def run():
        answers = await asyncio.gather(*(provider.chat(HELLO) for _ in range(5)))
        seen.extend(answer.content for answer in answers)

    threads = [threading.Thread(target=asyncio.run, args=(run(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 20 and len(set(seen)) == 1
    provider.close_sync()


async def test_two_readers_of_one_stream(provider_of):
    provider = provider_of("slow-50")
    async with provider.stream(HELLO) as stream:
        first = asyncio.create_task(stream.__anext__())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError):
            await stream.__anext__()
        await first
    await done(provider)
