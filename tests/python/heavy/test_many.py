"""Many calls, at once and one after the other: what one provider holds then, and that nothing of it stays."""

import asyncio
import gc
import os
import tracemalloc

import pytest

import _exochat
from exoclaw_provider_openai import Deployment, HTTPError, OpenAIStreamingProvider
from upstream.chunks import TEXT

HELLO = [{"role": "user", "content": "hello"}]
MODELS = ("ok", "slow-50", "silent", "status-503", "status-401", "truncated", "tool-call", "reasoning", "stall")
SANITIZED = bool(os.environ.get("EXOCHAT_SANITIZED"))  # resident memory means nothing then

pytestmark = pytest.mark.skipif(not hasattr(_exochat, "Client"), reason="_exochat has no Client")


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def resident():
    """Bytes."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def provider(upstream, plain_environment):
    made = Deployment(upstream.base_url, "k")
    return OpenAIStreamingProvider("ok", dict.fromkeys(MODELS, made), stream_ttft_timeout=600.0, request_timeout=600.0)


async def succeed(provider):
    assert (await provider.chat(HELLO)).content == TEXT


async def show(provider):
    pieces = []

    async def on_delta(text):
        pieces.append(text)

    await provider.chat(HELLO, on_delta=on_delta)
    assert "".join(pieces) == TEXT


async def iterate(provider):
    async with provider.stream(HELLO, model="reasoning") as stream:
        kinds = [event.type async for event in stream]
    assert kinds[-1] == "end"


async def call_a_tool(provider):
    assert (await provider.chat(HELLO, model="tool-call")).tool_calls


async def fail_late(provider):
    with pytest.raises(HTTPError):
        await provider.chat(HELLO, model="status-503")


async def fail_at_once(provider):
    with pytest.raises(HTTPError):
        await provider.chat(HELLO, model="status-401")


async def refuse(provider):
    with pytest.raises((TypeError, ValueError)):
        await provider.chat([{"role": "user", "content": object()}])


async def cancel_before_the_answer(provider):
    task = asyncio.create_task(provider.chat(HELLO, model="silent"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def leave_in_the_middle(provider):
    async with provider.stream(HELLO, model="slow-50") as stream:
        await stream.__anext__()


async def drop_in_the_middle(provider):
    stream = provider.stream(HELLO, model="slow-50")
    await stream.__anext__()
    del stream


async def raise_in_on_delta(provider):
    async def on_delta(text):
        raise KeyError(text)

    with pytest.raises(KeyError):
        await provider.chat(HELLO, on_delta=on_delta)


KINDS = (
    succeed,
    show,
    iterate,
    call_a_tool,
    fail_late,
    fail_at_once,
    refuse,
    cancel_before_the_answer,
    leave_in_the_middle,
    raise_in_on_delta,
)


async def rounds(provider, count, at_once):
    """So many calls of each kind in turn, some at once."""
    for _ in range(count // at_once):
        await asyncio.gather(*(KINDS[i % len(KINDS)](provider) for i in range(at_once)))


async def settled(upstream, most):
    """Once the server has no more than so many connections."""
    for _ in range(3000):
        if upstream.open_connections <= most:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{upstream.open_connections} connections are open")


def test_ten_thousand_calls_leave_nothing_behind(provider, upstream):
    """Of every kind, failures and cancelled ones among them. What is kept for connections comes to an end, what is lost
    does not: memory grows by less than the least that one lost object a call would be."""
    upstream.keep_body = 0
    sizes, open_files = [], []

    async def run():
        for _ in range(5):
            await rounds(provider, 2000, 20)
            upstream.requests.clear()
            gc.collect()
            await settled(upstream, 64)
            sizes.append(resident())
            open_files.append(descriptors() - 2 * upstream.open_connections)
        await provider.close()

    asyncio.run(run())
    assert len(set(open_files[1:])) == 1, open_files
    if not SANITIZED:
        grown = min(after - before for before, after in zip(sizes[1:], sizes[2:]))
        assert grown < 2000 * 100, sizes
    assert upstream.wait_for(lambda: upstream.open_connections == 0)


@pytest.mark.parametrize("kind", (*KINDS, drop_in_the_middle), ids=lambda kind: kind.__name__)
def test_no_object_stays(provider, upstream, kind):
    """By tracemalloc, which sees what Python allocates in this package: the least growth of a round of 20 calls."""
    count = 20
    import exoclaw_provider_openai

    ours = tracemalloc.Filter(True, os.path.join(os.path.dirname(exoclaw_provider_openai.__file__), "*"))
    grown = []

    async def run():
        before = None
        for _ in range(5):
            for _ in range(count):
                await kind(provider)
            for _ in range(3):
                gc.collect()
                await asyncio.sleep(0.05)
            found = tracemalloc.take_snapshot().filter_traces([ours])
            now = sum(trace.size for trace in found.traces)
            if before is not None:
                grown.append(now - before)
            before = now
        await provider.close()

    tracemalloc.start()
    try:
        asyncio.run(run())
    finally:
        tracemalloc.stop()
    assert min(grown) < count * 16, grown
    assert upstream.wait_for(lambda: upstream.open_connections == 0)


@pytest.mark.parametrize("loops", ["asyncio", "uvloop"])
def test_five_hundred_streams_on_one_loop(provider, upstream, loops):
    """All of them are open before one of them may go on, and each gets its own text."""
    factory = None if loops == "asyncio" else pytest.importorskip("uvloop").new_event_loop
    count, begun, go = 500, [], upstream.gate("go")

    def held(conn):
        from upstream import chunks

        said = chunks.last_user_text(conn.request.json["messages"])
        chunks.begin(conn)
        chunks.text(conn, said)
        conn.stall(until=go)
        chunks.text(conn, *(f" {n}" for n in range(20)))
        chunks.complete(conn)

    upstream.scripts["ok"] = held
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(asyncio.sleep(0))
    before = descriptors()  # uvloop keeps some for all its loops

    async def one(n):
        text = ""
        async with provider.stream([{"role": "user", "content": f"stream {n}:"}]) as stream:
            async for event in stream:
                if event.type == "content":
                    if not text:
                        begun.append(n)
                        if len(begun) == count:
                            go.set()
                    text += event.text
        return text

    async def run():
        texts = await asyncio.gather(*(one(n) for n in range(count)))
        await provider.close()
        return texts

    with asyncio.Runner(loop_factory=factory) as runner:
        texts = runner.run(run())
    assert texts == [f"stream {n}:" + "".join(f" {i}" for i in range(20)) for n in range(count)]
    assert upstream.connections == count
    assert upstream.wait_for(lambda: upstream.open_connections == 0)
    assert upstream.wait_for(lambda: descriptors() <= before)


async def test_a_reader_that_lags_for_a_minute(upstream, plain_environment):
    """Its clocks stand still, the server is held back, and nothing is lost."""
    deployment = Deployment(upstream.base_url, "k")
    provider = OpenAIStreamingProvider("big-60", {"big-60": deployment, "ok": deployment}, request_timeout=10.0)
    size = 0
    async with provider.stream(HELLO) as stream:
        async for event in stream:
            if event.type == "content":
                if size == 0:
                    before = resident()
                    await asyncio.sleep(60)
                    assert upstream.requests[0].end_time is None
                    assert upstream.requests[0].bytes_sent < 30 << 20
                    assert SANITIZED or resident() - before < 8 << 20
                size += len(event.text)
    assert size == 60 << 20
    assert (await provider.chat(HELLO, model="ok")).content == TEXT
    await provider.close()
