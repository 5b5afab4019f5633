"""OpenAI-compatible chat completions, streamed in both directions: a provider for exoclaw, and a client without it."""

import sys

if sys.implementation.name == "micropython":
    try:
        import _exochat
    except (ImportError, ValueError) as error:
        from ._native_micropython import words

        raise ImportError(words(error))

from .provider import Deployment, OpenAIStreamingProvider

__all__ = [
    "ContextWindowExceededError",
    "Deployment",
    "FilePart",
    "HTTPConnectError",
    "HTTPError",
    "HTTPReadTimeout",
    "HTTPStatusError",
    "HTTPWriteTimeout",
    "LLMResponse",
    "OpenAIStreamingProvider",
    "StreamEvent",
    "ToolCallRequest",
]

__version__ = "0.5.0"

# What not every program needs is loaded when it is asked for: a chip's heap has no room for it.
_LATER = {
    "ContextWindowExceededError": "_errors",
    "HTTPConnectError": "_errors",
    "HTTPError": "_errors",
    "HTTPReadTimeout": "_errors",
    "HTTPStatusError": "_errors",
    "HTTPWriteTimeout": "_errors",
    "FilePart": "_files",
    "LLMResponse": "_types",
    "StreamEvent": "_types",
    "ToolCallRequest": "_types",
}


def __getattr__(name):
    home = _LATER.get(name)
    if home is not None:
        return getattr(__import__(__name__ + "." + home, None, None, (name,)), name)
    if name[:1] != "_" or name[:2] == "__" or sys.implementation.name != "micropython":
        raise AttributeError(name)
    return __import__(__name__ + "." + name, None, None, ("",))  # `from . import _x` asks here first, there
