"""What tests do to the connections of the transport: how much one read gives, and what happens once so many bytes are out."""

import asyncio  # before the transport, which looks for it
import sys

from exoclaw_provider_openai import _sockets

MOST = {}  # id of a deployment → bytes that one read gives; more where there is none
LATER = {}  # id of a deployment → [bytes until then, what is done]


class Seen:
    """A socket of a connection."""

    def __init__(self, key, real):
        self.key = id(key)
        self.real = real

    def __getattr__(self, name):
        return getattr(self.real, name)

    def readinto(self, buffer):
        most = MOST.get(self.key)
        return self.real.readinto(buffer, min(most, len(buffer))) if most else self.real.readinto(buffer)

    def write(self, buffer, start, size):
        sent = self.real.write(buffer, start, size)
        later = LATER.get(self.key)
        if later and sent:
            later[0] -= sent
            if later[0] <= 0:
                LATER.clear()
                later[1]()
        return sent


class Connection(_sockets.Connection):
    def __setattr__(self, name, value):
        if name == "socket" and value is not None:
            value = Seen(self.key, value)
        object.__setattr__(self, name, value)

    if sys.implementation.name == "micropython":  # its queue takes sockets alone

        def wait(self, write):
            queue = _sockets.core._io_queue
            yield (queue.queue_write if write else queue.queue_read)(self.socket.real)


_sockets.Connection = Connection
