"""What MicroPython's transport tells an attempt of a connection that did not come about, or that broke."""

import errno

from . import _codes
from ._platform_micropython import wall

_HOWTO = (
    "https needs the certificate of an authority: give ca= (bytes or a file, DER or PEM), or put ca.pem or ca.der "
    "beside the package or in the root of the file system"
)

# For what was being done: see _connect.py.
_STAGES = {"name": _codes.RESOLVE, "tcp": _codes.CONNECT, "ca": _codes.TLS, "tls": _codes.TLS}


def words_of(error):
    """What an exception of the socket says, in words."""
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(number, int) and hasattr(errno, "errorcode"):
        name = errno.errorcode.get(abs(number))
        if name:
            return name
    return str(error) or type(error).__name__


def tell(exchange, error):
    """The connection does not stand, or takes nothing any more: what the other side has still to say is read then."""
    stage = exchange.connection.stage
    words = words_of(error)
    if not stage:
        exchange.deaf = words
        return
    if stage == "ca" and not error.args:
        words = _HOWTO
    elif stage == "tls" and not wall():
        words += "; the clock of this board is not set, so that no certificate is valid: set it (ntptime) first"
    exchange.wire.closed(exchange.clock(), _STAGES[stage], words)


def lost(exchange, error):
    """A connection that stood broke off while an answer was awaited; by its end, where `error` is None."""
    wire = exchange.wire
    code = _codes.RECEIVE if wire.byte_seen() else _codes.CLOSED if exchange.sent else _codes.RESET_IN_UPLOAD
    wire.closed(exchange.clock(), code, exchange.deaf or (words_of(error) if error is not None else ""))
