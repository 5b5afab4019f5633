"""How a connection is made on MicroPython: its name, and TCP; TLS is in _tls.py. Loaded when one is to be made, and then
let go of.

Everything that waits is a coroutine over asyncio's queue of sockets; whoever waits may be interrupted. `stage` of the
Connection says what is being done: "name", "tcp", "ca", "tls".
"""

import errno
import select
import socket

from ._platform_micropython import core

try:
    import _thread
except ImportError:
    _thread = None


async def connect(made, host, port):
    """Makes the connection `made`, to the first address that answers."""
    addresses = await _resolve(host, port, made.key.resolve)
    made.stage = "tcp"
    last = OSError("no address")
    for address in addresses:
        try:
            await _connect(made, address)
            return
        except OSError as error:
            last = error
            made.close()
    raise last


def _is_number(host):
    for byte in host.encode():
        if byte not in b"0123456789.":
            return ":" in host
    return True


def _look_up(host, port, box):
    try:
        box.append(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM))
    except Exception as error:
        box.append(error)


async def _resolve(host, port, resolve):
    """The addresses of a host: from `resolve` ("host:port:address[,address]"), or looked up, in a thread where there is one:
    else the whole loop stands still meanwhile."""
    for entry in resolve:
        name, number, addresses = entry.split(":", 2)
        if name == host and int(number) == port:
            found = []
            for one in addresses.split(","):
                found += socket.getaddrinfo(one.strip("[]"), port, 0, socket.SOCK_STREAM)
            return found
    box = []
    if _thread is None or _is_number(host):
        _look_up(host, port, box)
    else:
        _thread.start_new_thread(_look_up, (host, port, box))
        while not box:
            await core.sleep_ms(5)
    if isinstance(box[0], Exception) or not box[0]:
        raise OSError(host)
    return box[0]


async def _connect(made, address):
    made._raw = made.socket = one = socket.socket(address[0], socket.SOCK_STREAM)
    one.setblocking(False)
    try:  # else the end of a request waits until what was sent before it is acknowledged
        one.setsockopt(getattr(socket, "IPPROTO_TCP", 6), getattr(socket, "TCP_NODELAY", 1), 1)
    except OSError:
        pass
    try:
        one.connect(address[-1])
    except OSError as error:
        if error.errno not in (errno.EINPROGRESS, errno.EAGAIN, getattr(errno, "EALREADY", errno.EAGAIN)):
            raise
        await made.wait(True)
        if hasattr(select, "poll"):  # a board may have less
            asked = select.poll()
            asked.register(one, select.POLLOUT)
            for _, flags in asked.ipoll(0):
                if flags & (select.POLLERR | select.POLLHUP):
                    one.connect(address[-1])  # says why
                    raise OSError(errno.ECONNREFUSED)
