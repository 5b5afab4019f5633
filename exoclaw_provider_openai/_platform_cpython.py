"""The clock, the pause and the watch of the calls that are driven from Python, on CPython's asyncio.

asyncio is never loaded for it: who awaits a call has it.
"""

import os
import sys
import time
from weakref import WeakSet  # noqa: F401 - for _injected.py


def clock():
    """Milliseconds of a monotonic clock."""
    return time.monotonic_ns() // 1000000


def elapsed(since):
    return clock() - since


def wall():
    """Seconds since 1970."""
    return int(time.time())


def random():
    """32 bits."""
    return int.from_bytes(os.urandom(4), "little")


async def sleep(milliseconds):
    await sys.modules["asyncio"].sleep(milliseconds / 1000)


class Watch:
    """Cancels the task that waits in start() … stop() when a clock has run out, as asyncio.timeout() does. A cancel of
    the caller's in the same turn wins."""

    def __init__(self):
        self._task = None
        self._handle = None

    def start(self, look, left):
        """`left()`: milliseconds until `look()` is to be asked, -1: never; `look()` says whether time is up."""
        asyncio = sys.modules["asyncio"]
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._before = self._task.cancelling()
        self._rang = False
        self._look = look
        self._left = left
        self._due = None
        self.again()

    def again(self):
        """The time that is left may have become shorter."""
        if self._task is None:
            return
        left = self._left()
        if left < 0:
            self._forget()
            return
        due = self._loop.time() + left / 1000
        if self._handle is None or due < self._due:
            self._forget()
            self._due = due
            self._handle = self._loop.call_at(due, self._served_once_more)

    def _served_once_more(self):
        """What came in time is handled in this turn of the loop; the clocks are judged in the next."""
        self._handle = self._loop.call_soon(self._judge)

    def _judge(self):
        self._handle = None
        if self._task is None:
            return
        if self._look():
            self._rang = True
            self._task.cancel()
        else:
            self.again()

    def end(self):
        """The call is closed. Another task that waits in it is interrupted."""
        if self._task is None or self._task is sys.modules["asyncio"].current_task():
            self.stop()
        elif not self._rang:
            self._forget()
            self._rang = True
            self._task.cancel()

    def _forget(self):
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def stop(self, error=None):
        """The wait is over, by `error` if any. True: that is our own cancel, and nobody else's."""
        self._forget()
        task, self._task = self._task, None
        self._look = self._left = None
        if task is None or not self._rang:
            return False
        self._rang = False
        return task.uncancel() <= self._before and isinstance(error, sys.modules["asyncio"].CancelledError)
