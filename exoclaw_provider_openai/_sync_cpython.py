"""Calls that block, from any thread, also inside a running loop: each takes a client of a pool and gives it back."""

import os
import threading

import _exochat

from . import _errors
from ._deploy_cpython import client_of, deploy_options, start_options
from ._outcome_cpython import Outcome
from ._stream import Events

KEPT = 8  # idle clients


class Pool:
    """Clients that wait for a call, and those that have one."""

    def __init__(self, settings):
        self.settings = settings
        self._idle = []
        self._taken = set()
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._closed = False

    def take(self):
        with self._lock:
            if self._closed:
                raise RuntimeError("the provider is closed")
            client = self._idle.pop() if self._idle else client_of(self.settings)
            self._taken.add(client)
        return client

    def give(self, client, quiet=True):
        """Takes a client back. One that is not quiet (a call is under way, a thread waits) serves nobody any more."""
        with self._lock:
            self._taken.discard(client)
            if quiet and not self._closed and len(self._idle) < KEPT and not client.calls():
                self._idle.append(client)
                return
        client.close()

    def lose(self, client):
        self._taken.discard(client)
        client.close()

    def models(self, plan):
        """Which models an endpoint serves; blocks."""
        client = self.take()
        try:
            for name, key in start_options(plan, self.settings.deployments).get("api_key", {}).items():
                client.deploy(name, {**deploy_options(self.settings, name), "api_key": key})
            return client.models(plan.model)
        except RuntimeError as error:
            if error.args and isinstance(error.args[0], _exochat.Failure):
                raise _errors.of_failure(error.args[0], (), plan.model) from None
            raise
        finally:
            self.give(client)

    def close(self):
        with self._lock:
            clients = self._end()
        for client in clients:
            client.close()

    def abandon(self):
        for client in self._end():
            client.abandon()

    def _end(self):
        self._closed = True
        clients = [*self._idle, *self._taken]
        self._idle, self._taken = [], set()
        return clients


class SyncCall(Outcome):
    """One call that blocks; next() and close() as those of EngineCall, without await. Another thread may close it."""

    _client = None
    _busy = False  # a thread is in next()

    def __init__(self, plan, pool):
        Outcome.__init__(self, plan, pool.settings.log)
        self._pool = pool
        self._events = []
        self._client = pool.take()
        try:
            options = start_options(plan, pool.settings.deployments)
            self.began(self._client.start(plan.model, plan.request, options, None))
        except BaseException:
            client, self._client = self._client, None
            pool.give(client)
            raise

    def next(self):
        """The next event; None: the call has succeeded. Raises what it failed with."""
        self._busy = True
        try:
            return self._next(self._client)
        finally:
            self._busy = False

    def _next(self, client):
        while not self.ended:
            while not self._events:
                self._events = [event for _, event in client.turn()[1]]
                if not self._events:
                    client.wait(-1)
            event = self.take(self._events.pop(0))
            if event is not None:
                return event
        return None

    def close(self):
        """Ends the call and gives its client back; idempotent."""
        self.ended = True
        client, self._client = self._client, None
        if client is not None:
            if not self.call.done():
                self.call.cancel()
            self._pool.give(client, not self._busy)

    def __del__(self):
        """Nobody holds the call any more. This may be any thread, and inside of the pool's lock."""
        if self._client is not None:
            self._pool.lose(self._client)


class SyncStream(Events):
    """stream_sync(): the events of one call as an iterator, and a context manager. One thread reads it at a time."""

    def __init__(self, start, finish):
        Events.__init__(self, start, finish)
        self._reading = threading.Lock()

    def __iter__(self):
        return self

    def __next__(self):
        if not self._reading.acquire(blocking=False):
            raise RuntimeError("another thread waits for the next event of this stream")
        try:
            return self._next()
        finally:
            self._reading.release()

    def _next(self):
        try:
            event = None if self.over else self.made(self.begin().next() if self.last is None else None)
        except BaseException:
            self.close()
            raise
        if event is None:
            self.close()
            raise StopIteration
        return event

    def close(self):
        call = self.end()
        if call is not None:
            call.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.close()


def run(call, on_delta, response_of):
    """chat_sync()."""
    try:
        while (event := call.next()) is not None:
            if event[1] == 0:
                on_delta(event[2])
        return response_of(call)
    finally:
        call.close()
