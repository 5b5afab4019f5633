"""The engine of MicroPython: clock, pause and watch of the calls on its asyncio, and the transport over sockets."""

import gc
import os
import sys
import time

from micropython import const

core = sys.modules["asyncio.core"]  # whoever awaits a call has it

clock = time.ticks_ms
sleep = core.sleep_ms

# Seconds from 1970 to where this board's time begins.
_EPOCH = 946684800 if time.gmtime(0)[0] == 2000 else 0

_TICK = const(100)  # milliseconds: the watch looks at least so often


def engine(settings, client):
    """The engine of a provider; it takes no client. What was loaded on the way here and has done its work is let go of
    first, so that what stays lies close together."""
    from . import _forget

    _forget("_check")
    from ._sockets import Sockets

    gc.collect()
    return Sockets(settings, sys.modules[__name__])


def elapsed(since):
    return time.ticks_diff(time.ticks_ms(), since)


def wall():
    """Seconds since 1970; 0 where nobody has set the clock."""
    now = int(time.time()) + _EPOCH
    return now if now > 1700000000 else 0


def random():
    """32 bits."""
    if hasattr(os, "urandom"):
        return int.from_bytes(os.urandom(4), "little")
    from random import getrandbits

    return getrandbits(32)


class Watch:
    """Interrupts the task that waits in start() … stop() when a clock has run out. A cancel of the caller's in the same
    turn wins: it takes the place of what we throw, or is there before. It is a task of its own, that ends with the first
    tick at which nobody waits."""

    def __init__(self):
        self.task = None
        self._runs = False
        self._rang = BaseException()  # thrown into a call that waits when one of its clocks has run out

    def start(self, look, left):
        """`left()`: milliseconds until `look()` is to be asked, -1: never; `look()` says whether time is up."""
        self.look = look
        self.left = left
        self.task = core.cur_task
        if not self._runs:
            self._runs = True
            core.create_task(self._run())

    async def _run(self):
        try:
            while self.task is not None:
                left = self.left()
                if left == 0:
                    self._judge(self.task)
                    left = 1
                await core.sleep_ms(_TICK if left < 0 or left > _TICK else left)
        finally:
            self._runs = False

    def _judge(self, task):
        """A clock has run out, unless what came in time says something else: what has something to do comes first."""
        queue = task.data
        if isinstance(queue, core.Task):
            queue = queue.state
        if queue is None and time.ticks_diff(task.ph_key, time.ticks_ms()) > 0:
            queue = core._task_queue
        if hasattr(queue, "remove") and self.look():
            queue.remove(task)
            core._task_queue.push(task)
            task.data = self._rang
            self.stop()

    def stop(self, error=None):
        """The wait is over, by `error` if any. True: by us."""
        self.task = self.look = self.left = None  # what ends with the next tick holds nothing
        return error is self._rang

    end = stop
