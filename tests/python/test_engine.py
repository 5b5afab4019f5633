"""The C client in event loops: one for each loop, closed with it; forks; close() from elsewhere; without a descriptor."""

import asyncio
import gc
import os
import threading

import pytest

_exochat = pytest.importorskip("_exochat")
if not hasattr(_exochat, "Client"):
    pytest.skip("_exochat has no Client", allow_module_level=True)

from exoclaw_provider_openai import Deployment, HTTPError, HTTPStatusError, OpenAIStreamingProvider
from exoclaw_provider_openai._host_cpython import Host
from upstream.chunks import TEXT

HELLO = [{"role": "user", "content": "hello"}]


def provider_at(upstream, *models, **options):
    made = Deployment(upstream.base_url, "k")
    return OpenAIStreamingProvider(models[0], dict.fromkeys(models, made), stream_ttft_timeout=60, **options)


@pytest.fixture(params=["descriptor", "sockets", "uvloop"])
def loops(request, monkeypatch, plain_environment):
    """How the loop learns that the client is to be served; run(coroutine) in a new loop."""
    if request.param == "sockets":

        class Blind(Proxy):
            def __init__(self):
                self._client = self.real({"watch": True})

        try:
            Blind().close()
        except TypeError:
            pytest.skip("this _exochat always has a descriptor")
        monkeypatch.setattr(_exochat, "Client", Blind)
    if request.param == "uvloop":
        return pytest.importorskip("uvloop").run
    return asyncio.run


class Proxy:
    """A Client by another name: a final class cannot be extended."""

    real = _exochat.Client

    def __init__(self, *arguments):
        self._client = self.real(*arguments)

    def __getattr__(self, name):
        return getattr(self._client, name)


def test_calls_one_after_another_and_at_once(loops, upstream):
    async def run():
        async with provider_at(upstream, "ok", "tokens-50-every-2") as provider:
            for _ in range(5):
                assert (await provider.chat(HELLO)).content == TEXT
            assert upstream.connections == 1
            answers = await asyncio.gather(*(provider.chat(HELLO, model="tokens-50-every-2") for _ in range(20)))
            assert len({answer.content for answer in answers}) == 1

    loops(run())


def test_an_upload_and_a_clock(loops, upstream):
    async def run():
        async with provider_at(upstream, "digest", "one-delta-then-stall", request_timeout=1) as provider:
            await provider.chat([{"role": "user", "content": "x" * 5_000_000}])
            with pytest.raises(HTTPError) as caught:
                await provider.chat(HELLO, model="one-delta-then-stall")
            assert caught.value.code == "EXO_E_CLOCK_IDLE"

    loops(run())
    assert upstream.requests[0].length > 5_000_000


def descriptors():
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no /proc")
@pytest.mark.parametrize("close", [True, False])
def test_a_hundred_runs_leave_no_descriptor(upstream, plain_environment, close):
    provider = provider_at(upstream, "ok", "silent")

    async def run(last):
        assert (await provider.chat(HELLO)).content == TEXT
        if last:
            task = asyncio.create_task(provider.chat(HELLO, model="silent"))
            await asyncio.sleep(0.05)
            return task
        if close:
            await provider._engine.close()

    asyncio.run(run(False))
    upstream.wait_for(lambda: upstream.open_connections <= 1)
    before = descriptors()
    for n in range(100):
        asyncio.run(run(n == 50))
    upstream.wait_for(lambda: upstream.open_connections <= 1)
    assert descriptors() <= before + 4
    provider.close_sync()
    assert upstream.wait_for(lambda: upstream.open_connections == 0)


def test_close_from_another_thread_and_loop(upstream, plain_environment):
    provider = provider_at(upstream, "silent")
    raised, began = [], threading.Event()

    async def call():
        task = asyncio.create_task(provider.chat(HELLO))
        await asyncio.sleep(0)
        began.set()
        try:
            await task
        except RuntimeError as error:
            raised.append(str(error))

    thread = threading.Thread(target=asyncio.run, args=(call(),))
    thread.start()
    began.wait()
    upstream.wait_for(lambda: upstream.requests)
    asyncio.run(provider.close())
    thread.join(30)
    assert not thread.is_alive() and raised == ["the provider was closed"]
    assert upstream.wait_for(lambda: upstream.open_connections == 0)


def test_close_with_calls_under_way(upstream, plain_environment):
    async def run():
        provider = provider_at(upstream, "silent")
        tasks = [asyncio.create_task(provider.chat(HELLO)) for _ in range(3)]
        await asyncio.to_thread(upstream.wait_for, lambda: len(upstream.requests) == 3)
        await provider.close()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(result, RuntimeError)

    asyncio.run(run())
    assert upstream.wait_for(lambda: upstream.open_connections == 0)


def test_a_loop_that_was_stopped(upstream, plain_environment):
    provider = provider_at(upstream, "ok")
    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(provider.chat(HELLO)).content == TEXT
    provider.close_sync()
    assert upstream.wait_for(lambda: upstream.open_connections == 0)
    loop.close()


def test_a_child_process_lets_go_of_the_parents_clients(upstream, plain_environment):
    provider = provider_at(upstream, "ok")

    async def ask():
        return (await provider.chat(HELLO)).content

    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(ask()) == TEXT
    assert provider.chat_sync(HELLO).content == TEXT
    connections = upstream.connections
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if asyncio.run(ask()) == TEXT and provider.chat_sync(HELLO).content == TEXT else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert upstream.connections == connections + 2
    assert loop.run_until_complete(ask()) == TEXT and provider.chat_sync(HELLO).content == TEXT
    assert upstream.connections == connections + 2
    provider.close_sync()
    loop.close()


def test_no_code_of_ours_runs_for_nothing(upstream, plain_environment):
    """While a server is silent the loop sleeps: turns are counted, not time."""

    async def run():
        provider = provider_at(upstream, "silent")
        task = asyncio.create_task(provider.chat(HELLO))
        await asyncio.to_thread(upstream.wait_for, lambda: upstream.requests)
        host = next(iter(provider._engine._hosts.values()))
        turns = []
        serve = host.serve
        host.serve = lambda: (turns.append(1), serve())
        await asyncio.sleep(0.5)
        assert len(turns) < 20
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await provider.close()

    asyncio.run(run())


def test_at_most_64_events_wait(upstream, plain_environment):
    async def run():
        async with provider_at(upstream, "tokens-5000") as provider:
            stream = provider.stream(HELLO)
            await stream.__anext__()
            await asyncio.sleep(0.5)
            assert len(stream._call._box.events) <= 128
            count = 1
            async for one in stream:
                count += one.type == "content"
            assert count == 5000

    asyncio.run(run())


def test_models(upstream, plain_environment):
    async def run():
        async with provider_at(upstream, "ok") as provider:
            listed = await provider.models()
            assert listed and all(isinstance(name, str) for name in listed)
        made = Deployment(upstream.url_for("status-401"), lambda: "sk-of-a-function")
        async with OpenAIStreamingProvider("m", {"m": made}) as provider:
            with pytest.raises(HTTPStatusError) as caught:
                await provider.models()
            assert caught.value.status_code == 401
        assert upstream.requests[-1].header("authorization") == "Bearer sk-of-a-function"

    asyncio.run(run())


def test_a_body_of_the_callers(upstream, plain_environment):
    """From an async iterable: its pieces, its failures, an endpoint that answers before its end, and one that stops."""

    async def pieces(*made, gate=None):
        for piece in made:
            yield piece
        if gate is not None:
            await gate.wait()

    async def run():
        async with provider_at(upstream, "ok", "early-413", "status-503", request_timeout=5) as provider:
            assert await provider.send_streaming_body(model="ok", body=pieces(b'{"model":"ok"', b"", b"}")) == TEXT
            assert upstream.requests[-1].body == b'{"model":"ok"}' and upstream.requests[-1].chunked
            big = [b"x" * 100_000] * 100
            assert await provider.send_streaming_body(model="ok", body=pieces(b'{"model":"ok","x":"', *big, b'"}')) == TEXT
            assert upstream.requests[-1].length > 10_000_000

            async def broken():
                yield b'{"model":"ok",'
                raise LookupError("no more audio")

            with pytest.raises(LookupError, match="no more audio"):
                await provider.send_streaming_body(model="ok", body=broken())
            with pytest.raises(HTTPStatusError, match="^status 503 from status-503: "):
                await provider.send_streaming_body(model="status-503", body=pieces(b'{"model":"status-503"}'))
            never = asyncio.Event()
            with pytest.raises(HTTPStatusError, match="^status 413 from early-413: "):
                await provider.send_streaming_body(model="early-413", body=pieces(b'{"model":"early-413",', gate=never))

    asyncio.run(run())
    assert upstream.wait_for(lambda: upstream.open_connections == 0)


def test_a_timer_is_there_for_what_is_due():
    """Set anew where something is due earlier, taken back where it would soon ring for nothing, and left alone else: one that
    rings much later costs less than one that is moved with every event."""

    class Loop:
        now, timers = 1000.0, []

        def time(self):
            return self.now

        def call_at(self, at, ring):
            self.timers.append(at)
            return Timer(at)

    class Timer:
        def __init__(self, at):
            self.at = at

        def cancel(self):
            loop.timers.remove(self.at)

    loop = Loop()
    host = Host.__new__(Host)
    host.loop, host._fd, host._timer, host._due, host._again = loop, 0, None, 0, None
    for due, timers in (
        (-1, []),
        (10000, [1010]),
        (15000, [1010]),
        (1, [1000.001]),
        (1, [1000.001]),
        (40, [1000.001]),
        (10000, [1010]),
        (100, [1000.1]),
        (10000, [1000.1]),
        (-1, [1000.1]),
        (1, [1000.001]),
        (-1, []),
        (5000, [1005]),
    ):
        host._set(due)
        assert loop.timers == timers
