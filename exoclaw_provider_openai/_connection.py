"""One connection on MicroPython: a socket that never blocks, with TLS or without.

Everything that waits is a generator coroutine over asyncio's queue of sockets; whoever waits may be interrupted, and the
socket is closed by the one task that used it. Nothing is kept here but the socket.
"""

import errno
import socket

from . import _codes
from ._platform_micropython import core, wall

try:
    from select import POLLERR, POLLHUP, POLLOUT, poll
except ImportError:  # a board with less
    poll = None

try:
    import _thread
except ImportError:
    _thread = None

_BUSY = (errno.EINPROGRESS, errno.EAGAIN, getattr(errno, "EALREADY", errno.EAGAIN))


class Broken(Exception):
    """What went wrong: code and words."""

    def __init__(self, code, words):
        self.code = code
        self.words = words


def words_of(error):
    """What an exception of the socket says, in words."""
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(number, int) and hasattr(errno, "errorcode"):
        name = errno.errorcode.get(abs(number))
        if name:
            return name
    return str(error) or type(error).__name__


def _is_number(host):
    for character in host:
        if character not in "0123456789.":
            return ":" in host
    return True


def _look_up(host, port, box):
    try:
        box.append(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM))
    except Exception as error:
        box.append(error)


async def resolve(host, port, given):
    """The addresses of a host: from `given` ("host:port:address[,address]"), or looked up, in a thread where there is one:
    else the whole loop stands still meanwhile."""
    for entry in given:
        name, number, addresses = entry.split(":", 2)
        if name == host and int(number) == port:
            return [a for one in addresses.split(",") for a in socket.getaddrinfo(one.strip("[]"), port, 0, socket.SOCK_STREAM)]
    box = []
    if _thread is None or _is_number(host):
        _look_up(host, port, box)
    else:
        _thread.start_new_thread(_look_up, (host, port, box))
        while not box:
            await core.sleep_ms(5)
    if isinstance(box[0], Exception) or not box[0]:
        raise Broken(_codes.RESOLVE, host)
    return box[0]


class Connection:
    """`key`: what it was made for, so that it can be used again."""

    def __init__(self, key):
        self.key = key
        self.reused = False
        self.stands = False  # TCP and TLS are up
        self.tls = False
        self._raw = None
        self.socket = None

    # --- making it

    async def open(self, addresses):
        """Connects to the first address that answers."""
        last = None
        for address in addresses:
            try:
                await self._connect(address)
                return
            except OSError as error:
                last = error
                self.close()
        raise Broken(_codes.CONNECT, words_of(last) if last else "no address")

    async def _connect(self, address):
        self._raw = self.socket = made = socket.socket(address[0], socket.SOCK_STREAM)
        made.setblocking(False)
        try:
            made.connect(address[-1])
        except OSError as error:
            if error.errno not in _BUSY:
                raise
            await self.writable()
            if poll is not None:
                asked = poll()
                asked.register(made, POLLOUT)
                for _, flags in asked.ipoll(0):
                    if flags & (POLLERR | POLLHUP):
                        made.connect(address[-1])  # says why
                        raise OSError(errno.ECONNREFUSED)

    def secure(self, context, host):
        """TLS from here on; the handshake is made with the first bytes that are written."""
        self.tls = True
        self.socket = context.wrap_socket(self._raw, server_hostname=host, do_handshake_on_connect=False)

    # --- waiting

    def writable(self):
        yield core._io_queue.queue_write(self.socket)

    def readable(self):
        yield core._io_queue.queue_read(self.socket)

    # --- moving bytes: how many, or None where it would wait; 0 bytes read are the end

    def write(self, buffer, start, size):
        return self.socket.write(buffer, start, size)

    def read(self, buffer):
        return self.socket.readinto(buffer)

    def why(self, error):
        """The code and words of what a write or read raised before the connection stood."""
        words = words_of(error)
        if not self.tls:
            return _codes.CONNECT, words
        if not wall():
            words += "; the clock of this board is not set, so that no certificate is valid: set it (ntptime) first"
        return _codes.TLS, words

    def close(self):
        made, self.socket = self.socket, None
        raw, self._raw = self._raw, None
        for one in (made, raw):
            if one is not None:
                try:
                    one.close()
                except OSError:
                    pass
