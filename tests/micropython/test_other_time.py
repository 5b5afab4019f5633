"""Clocks on a board whose ticks wrap in the middle of a call, whose time begins in 2000, or was not set (other_time/time.py).

asyncio's own clock is MicroPython's C, and left alone: the package's is what wraps.
"""

import asyncio
import time

from at import AT
from exoclaw_provider_openai import Deployment, HTTPError, OpenAIStreamingProvider
from exoclaw_provider_openai import _platform_micropython as platform

SERVERS = "usual"
TEXT = "Every stream finds its sea."
RINGS = 0.3

# What rings: its option, where it is met, the code.
CLOCKS = (
    ("connect_timeout", "mute_tls", "ok", "EXO_E_CLOCK_CONNECT"),
    ("stream_ttft_timeout", "plain", "silent", "EXO_E_CLOCK_FIRST"),
    ("request_timeout", "plain", "one-delta-then-stall", "EXO_E_CLOCK_IDLE"),
    ("total_timeout", "plain", "one-delta-then-comments", "EXO_E_CLOCK_TOTAL"),
)


class Ticks:
    """A clock that begins anew after so many milliseconds."""

    def __init__(self, wraps):
        self.begin = time.ticks_add(0, -wraps)
        self.since = time.ticks_ms()

    def now(self):
        return time.ticks_add(self.begin, time.ticks_diff(time.ticks_ms(), self.since))

    def elapsed(self, since):
        return time.ticks_diff(self.now(), since)


async def ask(model, url, **options):
    """(the text or the exception, milliseconds)."""
    made = OpenAIStreamingProvider(model, {model: Deployment(url, "sk-test", ca=AT["ca"])}, **options)
    start = time.ticks_ms()
    try:
        came = (await made.chat([{"role": "user", "content": "hello"}])).content
    except HTTPError as error:
        came = error
    await made.close()
    return came, time.ticks_diff(time.ticks_ms(), start)


async def wrapped(wraps, *arguments, **options):
    """The same, while the ticks begin anew after so many milliseconds."""
    ticks = Ticks(wraps)
    usual = platform.clock, platform.elapsed
    platform.clock, platform.elapsed = ticks.now, ticks.elapsed
    try:
        return await ask(*arguments, **options)
    finally:
        platform.clock, platform.elapsed = usual
        assert ticks.now() < 100000, "it did not wrap"


async def rings(clock, place, model, code, wraps):
    error, took = await wrapped(wraps, model, AT[place], **{clock: RINGS})
    assert isinstance(error, HTTPError) and error.code == code, error
    assert took >= RINGS * 1000 - 20, took
    assert error.attempts[-1]["end_ms"] < 100000, error.attempts


async def answers(wraps):
    came, took = await wrapped(wraps, "slow-20", AT["plain"], stream_ttft_timeout=60, request_timeout=60, total_timeout=60)
    assert came == TEXT and 80 < took < 60000, (came, took)


async def test_a_date_of_retry_after():
    assert time.gmtime(0)[0] == 2000
    error, _ = await ask("retry-after-date-60", AT["plain"])
    assert 0 < error.retry_after <= 60, error.retry_after


async def test_a_clock_that_was_not_set():
    time.unset = True
    error, _ = await ask("ok", AT["expired"])
    time.unset = False
    assert error.code == "EXO_E_TLS" and "clock of this board is not set" in str(error), error
    error, _ = await ask("ok", AT["expired"])
    assert error.code == "EXO_E_TLS" and "clock" not in str(error), error


def table():
    for row in CLOCKS:
        for wraps in (1, 150, 290):
            yield "%s, ticks wrap after %d ms" % (row[0], wraps), lambda r=row, w=wraps: rings(*r, w)
    for wraps in (1, 30, 60):
        yield "an answer, ticks wrap after %d ms" % wraps, lambda w=wraps: answers(w)
