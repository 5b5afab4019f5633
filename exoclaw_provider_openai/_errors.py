"""What is raised: our classes, and how one failure becomes an exception.

Where exoclaw is loaded, what is raised is caught by its class too: on CPython by a class with two bases, ours and
exoclaw's of the same name (_errors_cpython.py); on MicroPython, where an exception has one base, it is exoclaw's alone.
exoclaw is looked up when something is raised, and never imported.
"""

import sys

from . import _codes

MICROPYTHON = sys.implementation.name == "micropython"


class HTTPError(Exception):
    """A call failed. What failed without a status, a connection or a clock of its own is just this.

    failure         why: code, verdict, message, type, provider_code, clock, offset … (`_exochat.Failure`)
    code            its symbol, as "EXO_E_CLOCK_FIRST"
    status_code     the status that the endpoint gave, or named in the stream; None where there was none
    request_id      by which the provider finds the request, or None
    retry_after     seconds after which to try again, or None
    attempts        the trail: a dict for each attempt of the call
    served_model    the deployment that was tried last
    """

    failure = None
    code = None
    status_code = None
    request_id = None
    retry_after = None
    attempts = ()
    served_model = None

    def __reduce__(self):
        return again, (self.__class__, None, self.args, self.__dict__)


class HTTPConnectError(HTTPError):
    """No connection: name, TCP, TLS or proxy, or `connect_timeout` ran out."""


class HTTPReadTimeout(HTTPError):
    """`stream_ttft_timeout`, `request_timeout` or the total clock ran out."""


class HTTPWriteTimeout(HTTPError):
    """The endpoint stopped taking the request."""


class HTTPStatusError(HTTPError):
    """The endpoint answered with a status that is an error, or named one inside its stream."""

    status_code = 0

    def __init__(self, status_code, message=""):
        self.status_code = status_code
        super().__init__(message or "HTTP %d" % status_code)


class ContextWindowExceededError(Exception):
    """The prompt exceeds the model's context window. Has the attributes of HTTPError, and is none."""

    failure = None
    code = None
    status_code = None
    request_id = None
    retry_after = None
    attempts = ()
    served_model = None

    def __reduce__(self):
        return again, (self.__class__, None, self.args, self.__dict__)


def again(own, other, args, state):
    """An exception as it was before it was pickled (CPython). `other` is exoclaw's class, which the pickle loads."""
    other = other or theirs(own.__name__)
    if other is not None:
        from ._errors_cpython import joined

        own = joined(own, other)
    error = own.__new__(own, *args)
    error.__dict__.update(state)
    return error


# What is raised for a code; for others, by status.
_CLASSES = {
    _codes.RESOLVE: HTTPConnectError,
    _codes.CONNECT: HTTPConnectError,
    _codes.TLS: HTTPConnectError,
    _codes.PROXY: HTTPConnectError,
    _codes.CLOCK_CONNECT: HTTPConnectError,
    _codes.CLOCK_FIRST: HTTPReadTimeout,
    _codes.CLOCK_IDLE: HTTPReadTimeout,
    _codes.CLOCK_TOTAL: HTTPReadTimeout,
    _codes.CONTEXT_WINDOW: ContextWindowExceededError,
}


def class_of(code, status, sending):
    """Our class for a failure; `sending`: the request was not out."""
    if code == _codes.CLOCK_IDLE and sending:
        return HTTPWriteTimeout
    cls = _CLASSES.get(code)
    if cls is None:
        cls = HTTPStatusError if status >= 300 else HTTPError
    return cls


def theirs(name):
    """exoclaw's class of that name, if exoclaw is loaded; None otherwise."""
    module = "exoclaw.providers.types" if name == "ContextWindowExceededError" else "exoclaw.http"
    return getattr(sys.modules.get(module), name, None)


def instance(own, message, status):
    """An exception of our class `own`, or of one that is exoclaw's too."""
    cls = own
    other = theirs(own.__name__)
    if other is not None:
        if MICROPYTHON:
            cls = other
        else:
            from ._errors_cpython import joined

            cls = joined(own, other)
    return cls(status, message) if own is HTTPStatusError else cls(message)


# A refusal of a parameter that some endpoints want under another name, or not at all, and what to set.
_HINTS = (
    ("max_tokens", "rename={'max_tokens': 'max_completion_tokens'}"),
    ("temperature", "drop=['temperature']"),
)


def words_of(failure, model):
    """What is said of a failure; `model` is named where it is not None."""
    import _exochat

    said = failure.message
    words = _exochat.error_text(failure.code)
    status = status_of(failure)
    if status:
        words = "status %d%s: %s" % (status, " from " + model if model else "", said or words)
    elif said:
        words = "%s: %s" % (words, said)
    if failure.keyless and failure.code == _codes.AUTH:
        words += " (no key was sent)"
    if status == 400:
        for name, option in _HINTS:
            if name in said:
                words += " (set %s on its Deployment)" % option
    return words


def status_of(failure):
    """The status that is the failure; 0 where it is not one."""
    import _exochat

    status = failure.status or failure.http_status
    return status if status >= 300 and _exochat.error_class(failure.code) == "provider" else 0


def of_failure(failure, attempts=(), served_model=None, name_model=False):
    """The exception for a failure of a call."""
    import _exochat

    if failure.code == _codes.NO_MEMORY:
        return MemoryError(words_of(failure, None))
    status = status_of(failure)
    sending = bool(attempts) and attempts[-1].get("sent_ms") is None
    own = class_of(failure.code, status, sending)
    error = instance(own, words_of(failure, served_model if name_model else None), status)
    error.failure = failure
    error.code = _exochat.error_name(failure.code)
    error.status_code = status or None
    error.request_id = failure.request_id or None
    error.retry_after = failure.retry_after / 1000 if failure.retry_after >= 0 else None
    error.attempts = attempts
    error.served_model = served_model
    return error
