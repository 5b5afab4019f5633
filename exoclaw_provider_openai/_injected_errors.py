"""What a client of the caller's raises → the code of a failure. By names, along the class and its causes: the classes of
httpx, httpx2, httpcore and exoclaw.http have the same, and none of them is imported."""

from . import _codes

# Where a name alone says it.
_NAMES = {
    "ConnectTimeout": _codes.CLOCK_CONNECT,
    "PoolTimeout": _codes.CLOCK_CONNECT,
    "ProxyError": _codes.PROXY,
    "UnsupportedProtocol": _codes.CONNECT,
    "ConnectError": _codes.CONNECT,
    "HTTPConnectError": _codes.CONNECT,
    "ConnectionRefusedError": _codes.CONNECT,
    "ReadTimeout": _codes.CLOCK_IDLE,
    "HTTPReadTimeout": _codes.CLOCK_IDLE,
    "WriteTimeout": _codes.CLOCK_IDLE,
    "HTTPWriteTimeout": _codes.CLOCK_IDLE,
    "TimeoutException": _codes.CLOCK_IDLE,
    "TimeoutError": _codes.CLOCK_IDLE,
    "DecodingError": _codes.CODING,
}

# What lies behind a failed connection.
_CAUSES = {
    "gaierror": _codes.RESOLVE,
    "SSLError": _codes.TLS,
    "SSLCertVerificationError": _codes.TLS,
}

_SHORTAGES = ("EMFILE", "ENFILE", "ENOBUFS", "EADDRNOTAVAIL")


def _names(error):
    return [cls.__name__ for cls in type(error).__mro__] if hasattr(type(error), "__mro__") else [type(error).__name__]


def _chain(error):
    """The error and what it came of, at most eight of them."""
    chain = []
    while error is not None and len(chain) < 8:
        chain.append(error)
        error = getattr(error, "__cause__", None) or getattr(error, "__context__", None)
    return chain


def _is_shortage(error):
    number = getattr(error, "errno", None)
    if number is None:
        return False
    import errno

    return number in [getattr(errno, name) for name in _SHORTAGES if hasattr(errno, name)]


def translate(error, head, sent):
    """(code, words) for what the client raised; `head`: a response had begun; `sent`: the request was out."""
    words = str(error) or type(error).__name__
    names = _names(error)
    code = next((_NAMES[name] for name in names if name in _NAMES), None)
    chain = _chain(error)
    if not head and any(_is_shortage(cause) for cause in chain):
        return _codes.LOCAL, words
    if code == _codes.CONNECT:
        for cause in chain:
            for name in _names(cause):
                if name in _CAUSES:
                    return _CAUSES[name], words
    if code is not None:
        return code, words
    reset = any("ConnectionResetError" in _names(c) or "BrokenPipeError" in _names(c) for c in chain)
    if head:
        protocol = "RemoteProtocolError" in names
        cut = "without sending" in words or "incomplete" in words
        return (_codes.BODY_CUT if cut else _codes.CHUNK) if protocol else _codes.RECEIVE, words
    if "RemoteProtocolError" in names and "without sending a response" not in words:
        return _codes.HEAD, words
    if "WriteError" in names or not sent:
        return _codes.RESET_IN_UPLOAD if reset or "WriteError" in names else _codes.SEND, words
    return _codes.CLOSED, words
