"""The engine of CPython: the C client over libcurl, which makes all attempts of a call by itself.

One client for each running loop (_host_cpython.py); clients of loops that were closed are closed when another is made.
Several loops in several threads may use one provider. After a fork the parent's clients are let go of.
"""

import os
import sys
import threading

from ._deploy_cpython import start_options
from ._given import GivenBody
from ._host_cpython import LOW, Box, Host
from ._outcome_cpython import Outcome

PATIENCE = 1.0  # seconds that close() waits for the clients of other loops


def engine(settings, client):
    """The engine of a provider. `client`: the caller's, or None."""
    if client is None:
        return Engine(settings)
    from . import _platform_cpython
    from ._injected import Injected

    return Injected(settings, _platform_cpython, client)


class Engine:
    """The clients of one provider."""

    def __init__(self, settings):
        self.settings = settings
        self.log = settings.log
        self._hosts = {}  # loop → Host
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._sync = None

    def call(self, plan):
        return EngineCall(plan, self._host())

    async def models(self, plan):
        pool, loop = self.sync(), sys.modules["asyncio"].get_running_loop()
        return await loop.run_in_executor(None, pool.models, plan)

    def sync(self):
        """The clients of the calls that block."""
        from ._sync_cpython import Pool

        with self._lock:
            self._look_for_fork()
            if self._sync is None:
                self._sync = Pool(self.settings)
            return self._sync

    def _host(self):
        loop = sys.modules["asyncio"].get_running_loop()
        host = self._hosts.get(loop)
        if host is None or self._process != os.getpid():
            with self._lock:  # nobody but its own thread adds the host of a loop that runs
                self._look_for_fork()
                self._sweep()
                host = self._hosts[loop] = Host(self, loop)
        return host

    def _look_for_fork(self):
        """In a child process: the clients are the parent's."""
        if self._process != os.getpid():
            self._process = os.getpid()
            for host in self._hosts.values():
                host.client.abandon()
            self._hosts = {}
            if self._sync is not None:
                self._sync.abandon()
                self._sync = None

    def _sweep(self):
        """Closes the clients of loops that are closed; nobody else could."""
        for loop in [loop for loop in self._hosts if loop.is_closed()]:
            self._hosts.pop(loop).shut()

    def _take_all(self):
        with self._lock:
            self._look_for_fork()
            hosts, self._hosts = list(self._hosts.values()), {}
            pool, self._sync = self._sync, None
        if pool is not None:
            pool.close()
        return hosts

    def _shut(self, here):
        """Closes every client through its own loop; those that are still to be waited for."""
        waited = []
        for host in self._take_all():
            if host.loop is here or not host.loop.is_running():
                host.shut()
                continue
            done = threading.Event()
            try:
                host.loop.call_soon_threadsafe(host.shut, done)
                waited.append(done)
            except RuntimeError:  # it was closed meanwhile
                host.shut()
        return waited

    async def close(self):
        asyncio = sys.modules["asyncio"]
        loop = asyncio.get_running_loop()
        waited = self._shut(loop)
        until = loop.time() + PATIENCE
        while not all(done.is_set() for done in waited) and loop.time() < until:
            await asyncio.sleep(0.005)

    def close_sync(self):
        for done in self._shut(None):
            done.wait(PATIENCE)


class EngineCall(Outcome):
    """One call: what _drive.Call is to an injected client."""

    def __init__(self, plan, host):
        Outcome.__init__(self, plan, host.engine.log)
        self._host = host
        self._box = box = Box(host.loop)
        self._pump = None
        self._closed = True  # until there is something to close
        options = start_options(plan, host.engine.settings.deployments)
        if plan.wanted:
            options["plain"] = True
        if plan.request is None:
            box.call = host.client.start_raw(plan.model, options, box)
        else:
            box.call = host.client.start(plan.model, plan.request, options, box)
        host.boxes.add(box)
        self._closed = False
        try:
            self.began(box.call)
        except BaseException:  # of the caller's logger
            _cancel(host, box)
            raise
        if plan.request is None:
            self._pump = host.loop.create_task(self._send(GivenBody(plan.source)))
        plan.request = None  # the call has what it needs of it
        if len(host.boxes) == 1:
            host.serve()  # nobody else is waiting: the request goes out now
        else:
            host.arm()

    async def run(self, on_delta):
        """Awaits `on_delta` (or None) with each piece of the text, until the call has succeeded."""
        box, events = self._box, self._box.events
        while not self.ended:
            if len(events) > LOW or (events and not box.held):
                event = events.pop(0)
            else:
                event = await box.get(self._host)
            if type(event) is str:
                self._shown = True
                await on_delta(event)
            else:
                self._took(event)

    def _took(self, event):
        if isinstance(event, BaseException):
            self.ended = True
            raise event
        return self.take(event)

    async def next(self):
        """The next event; None: the call has succeeded. Raises what it failed with."""
        while not self.ended:
            event = self._took(await self._box.get(self._host))
            if event is not None:
                return event
        return None

    async def _send(self, body):
        """Gives the caller's own body to the call, as fast as it is taken."""
        call, asyncio = self.call, sys.modules["asyncio"]
        try:
            while not call.done():
                piece = await body.take()
                ready = call.send(piece or None)
                self._host.arm()
                if not piece:
                    return
                if not ready:
                    await asyncio.sleep(0.002)
        except BaseException as error:
            if not self.ended:
                self._box.put([error])
            if not isinstance(error, Exception):
                raise

    async def close(self):
        """Ends the call wherever it is; idempotent."""
        self.ended = self._closed = True
        pump, self._pump = self._pump, None
        _cancel(self._host, self._box)
        if pump is not None:
            pump.cancel()
            await sys.modules["asyncio"].wait([pump])

    def __del__(self):
        """Nobody holds the call any more; this may be any thread."""
        if not self._closed:
            try:
                self._host.loop.call_soon_threadsafe(_cancel, self._host, self._box)
            except RuntimeError:  # the loop is closed, and its client with it, or soon
                pass


def _cancel(host, box):
    host.boxes.discard(box)
    box.events.clear()
    if box.waiter is not None and not box.waiter.done():  # a stream that another task reads
        box.put([RuntimeError("the stream was closed")])
    if host.client is not None and not box.call.done():
        box.call.cancel()
        host.arm()
