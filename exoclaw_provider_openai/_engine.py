"""Which engine carries out the calls of a provider: chosen here and nowhere else."""

import sys


def make(settings, client):
    """The engine of a provider. `client`: the caller's, or None."""
    if client is not None:
        from . import _platform_cpython
        from ._home import Home
        from ._injected import Injected

        return Home(settings, Injected(client, _platform_cpython.wall), _platform_cpython)
    if sys.implementation.name == "micropython":
        from . import _platform_micropython
        from ._home import Home
        from ._sockets import Sockets

        return Home(settings, Sockets(settings, _platform_micropython.wall), _platform_micropython)
    from ._engine_cpython import Engine

    return Engine(settings)
