"""OpenAI-compatible chat completions, streamed in both directions: a provider for exoclaw, and a client without it."""

import sys

if sys.implementation.name == "micropython":
    try:
        import _exochat
    except (ImportError, ValueError) as error:
        from ._native_micropython import words

        raise ImportError(words(error))
    import gc

    # In a heap of less than 256 KB garbage must not lie between everything that stays until no block is free. A program
    # that has said when to collect, or says so later, is left alone.
    if hasattr(gc, "threshold") and gc.threshold() < 0 and gc.mem_alloc() + gc.mem_free() < 262144:
        gc.threshold(4096)
else:
    from . import _check, _said  # a chip loads them when there is something to check

from .provider import Deployment, OpenAIStreamingProvider

__version__ = "0.5.0"


def __getattr__(name):
    """What not every program needs is loaded when it is asked for: a chip's heap has no room for it."""
    if name == "__all__" or name[:1] != "_":
        from ._names import __all__, home_of

        return __all__ if name == "__all__" else getattr(_module(home_of(name)), name)
    if name[:2] == "__" or sys.implementation.name != "micropython":
        raise AttributeError(name)
    return _module(name)  # `from . import _x` asks here first, there


def _forget(*names):
    """A chip lets go of modules that have done their work, at once, so that what comes next finds their room. They are loaded
    anew when they are needed again."""
    import gc

    for name in names:
        sys.modules.pop(__name__ + "." + name, None)
        globals().pop(name, None)
    gc.collect()


def _module(name):
    return __import__(__name__ + "." + name, None, None, ("",))
