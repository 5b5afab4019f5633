"""Calls that block: answers, deltas, streams, threads, Ctrl-C, and inside a running loop."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

if not hasattr(pytest.importorskip("_exochat"), "Client"):
    pytest.skip("_exochat has no Client", allow_module_level=True)

from exoclaw_provider_openai import Deployment, HTTPStatusError, OpenAIStreamingProvider
from upstream.chunks import TEXT

HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
def provider(upstream, plain_environment):
    models = ("ok", "status-503", "status-401", "silent", "slow-50", "tokens-200-every-5", "error-mid-stream", "tool-call")
    made = Deployment(upstream.base_url, "k")
    with OpenAIStreamingProvider("ok", dict.fromkeys(models, made), {"status-503": ["ok"]}, stream_ttft_timeout=60) as one:
        yield one


def test_an_answer(provider):
    response = provider.chat_sync(HELLO)
    assert response.content == TEXT and response.served_model == "ok" and len(response.attempts) == 1
    assert provider.chat_sync(HELLO, None, "tool-call", stop=["."]).tool_calls[0].name == "get_weather"


def test_deltas(provider):
    seen = []
    assert provider.chat_sync(HELLO, on_delta=seen.append).content == "".join(seen) and len(seen) == 5


def test_an_on_delta_that_raises(provider, upstream):
    def on_delta(text):
        raise KeyError("mine")

    with pytest.raises(KeyError):
        provider.chat_sync(HELLO, model="slow-50", on_delta=on_delta)
    assert provider.chat_sync(HELLO).content == TEXT


def test_fallbacks_and_failures(provider):
    assert [one["code"] for one in provider.chat_sync(HELLO, model="status-503").attempts] == ["EXO_E_SERVER", None]
    with pytest.raises(HTTPStatusError, match="^status 401: "):
        provider.chat_sync(HELLO, model="status-401")
    with pytest.raises(ValueError):
        provider.chat_sync(HELLO, model="other")


def test_a_stream(provider):
    with provider.stream_sync(HELLO) as stream:
        events = list(stream)
    assert "".join(one.text for one in events) == TEXT and events[-1].type == "end"
    assert stream.response.content == TEXT


def test_a_stream_that_is_left(provider, upstream):
    for one in provider.stream_sync(HELLO, model="slow-50"):
        break
    assert provider.chat_sync(HELLO).content == TEXT


def test_a_stream_that_is_dropped_closes_its_connection(provider, upstream):
    gc.disable()
    try:
        for _ in range(3):
            for one in provider.stream_sync(HELLO, model="slow-50"):
                break
        del one
        assert gone(upstream)
    finally:
        gc.enable()


def gone(upstream):
    """Whether all connections are closed, within a while."""
    for _ in range(500):
        if upstream.open_connections == 0:
            return True
        time.sleep(0.01)
    return False


def in_another_thread(upstream, what, then):
    """What `what` raises in a thread, when `then` is done once its request has come."""
    raised = []

    def run():
        with pytest.raises(RuntimeError) as caught:
            what()
        raised.append(str(caught.value))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while not upstream.requests:
        time.sleep(0.01)
    then()
    thread.join(60)
    return raised


def test_closing_ends_the_calls_of_other_threads(provider, upstream):
    assert in_another_thread(upstream, lambda: provider.chat_sync(HELLO, model="silent"), provider.close_sync)
    assert gone(upstream)


def test_a_stream_is_closed_by_another_thread(provider, upstream):
    stream = provider.stream_sync(HELLO, model="silent")
    assert in_another_thread(upstream, lambda: next(stream), stream.close)
    assert gone(upstream) and provider.chat_sync(HELLO).content == TEXT


def test_a_stream_that_two_threads_read(provider, upstream):
    stream = provider.stream_sync(HELLO, model="slow-50")

    thread = threading.Thread(target=lambda: list(stream), daemon=True)
    thread.start()
    while not upstream.requests:
        time.sleep(0.01)
    while thread.is_alive() and stream.response is None:
        try:
            next(stream)
        except (RuntimeError, StopIteration) as error:
            assert isinstance(error, StopIteration) or "another thread" in str(error)
    thread.join(60)
    assert not thread.is_alive() and stream.response.content == TEXT
    assert provider.chat_sync(HELLO).content == TEXT


def test_an_on_delta_in_its_place_and_one_that_is_none(provider):
    seen = []
    assert provider.chat_sync(HELLO, None, "ok", 9, 0.5, None, None, seen.append).content == "".join(seen)

    async def on_delta(text):
        raise AssertionError

    with pytest.raises(TypeError, match="coroutine function"):
        provider.chat_sync(HELLO, on_delta=on_delta)


def test_a_call_that_the_log_refuses_leaves_nothing_to_the_next(provider, upstream):
    class Refusing:
        on = True

        def request(self, *said):
            raise KeyError("mine")

    engine = provider._working().sync()
    log, engine.settings.log = engine.settings.log, Refusing()
    for _ in range(3):
        with pytest.raises(KeyError):
            provider.chat_sync(HELLO, model="status-401")
    engine.settings.log = log
    assert [provider.chat_sync(HELLO).content for _ in range(3)] == [TEXT] * 3
    provider.close_sync()
    assert gone(upstream)


def test_inside_a_running_loop(provider):
    async def run():
        return provider.chat_sync(HELLO).content

    assert asyncio.run(run()) == TEXT


def test_other_threads_run_meanwhile(provider):
    counted, over = [0], threading.Event()

    def count():
        while not over.is_set():
            counted[0] += 1

    thread = threading.Thread(target=count)
    thread.start()
    before = counted[0]
    provider.chat_sync(HELLO, model="tokens-200-every-5")
    after = counted[0]
    over.set()
    thread.join()
    assert after - before > 10_000


def test_many_threads(provider, upstream):
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(provider.chat_sync(HELLO).content)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [TEXT] * 20
    for _ in range(5):
        provider.chat_sync(HELLO)
    assert upstream.connections <= 20


def test_closed(provider):
    provider.close_sync()
    provider.close_sync()
    with pytest.raises(RuntimeError):
        provider.chat_sync(HELLO)


def test_control_c_ends_it_at_once(upstream):
    code = f"""
    import sys
    from exoclaw_provider_openai import Deployment, OpenAIStreamingProvider
    provider = OpenAIStreamingProvider("silent", {{"silent": Deployment({upstream.base_url!r}, "k")}}, stream_ttft_timeout=60)
    try:
        provider.chat_sync([{{"role": "user", "content": "hello"}}])
    except KeyboardInterrupt:
        provider.close_sync()
        print("interrupted")
    """
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, env=environment,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    assert upstream.wait_for(lambda: upstream.requests)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[0] == b"interrupted\n" and process.returncode == 0
    assert time.monotonic() - began < 30
    assert upstream.wait_for(lambda: upstream.open_connections == 0)
