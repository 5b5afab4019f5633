"""Exceptions that are ours and exoclaw's at once. CPython only: MicroPython's exceptions have one base."""

from ._errors import again

_joined = {}


def joined(own, other):
    """The class that extends our class `own` and exoclaw's `other`; it bears the name of ours."""
    cls = _joined.get((own, other))
    if cls is None:

        def reduce(self):
            return again, (own, other, self.args, self.__dict__)

        cls = type(own)(own.__name__, (own, other), {"__doc__": own.__doc__, "__reduce__": reduce})
        cls.__module__ = own.__module__
        cls.__qualname__ = own.__qualname__
        _joined[(own, other)] = cls
    return cls
