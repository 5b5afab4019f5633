"""Exceptions that are ours and exoclaw's at once. CPython only: MicroPython's exceptions have one base."""

from ._errors import HTTPStatusError, again

_joined = {}


def status_error(self, status_code, message=""):
    """HTTPStatusError's, past exoclaw's: super() would be that one, which makes words of its own."""
    Exception.__init__(self, message or "HTTP %d" % status_code)
    self.status_code = status_code


def joined(own, other):
    """The class that extends our class `own` and exoclaw's `other`; it bears the name of ours."""
    cls = _joined.get((own, other))
    if cls is None:

        def reduce(self):
            return again, (own, other, self.args, self.__dict__)

        members = {"__doc__": own.__doc__, "__reduce__": reduce}
        if own is HTTPStatusError:
            members["__init__"] = status_error
        cls = type(own)(own.__name__, (own, other), members)
        cls.__module__ = own.__module__
        cls.__qualname__ = own.__qualname__
        _joined[(own, other)] = cls
    return cls
