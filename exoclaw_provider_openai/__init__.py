"""OpenAI-compatible chat completions, streamed in both directions: a provider for exoclaw, and a client without it."""

import sys

if sys.implementation.name == "micropython":
    try:
        import _exochat
    except (ImportError, ValueError) as error:
        from ._native_micropython import words

        raise ImportError(words(error))

from ._errors import (
    ContextWindowExceededError,
    HTTPConnectError,
    HTTPError,
    HTTPReadTimeout,
    HTTPStatusError,
    HTTPWriteTimeout,
)
from ._files import FilePart
from ._types import LLMResponse, StreamEvent, ToolCallRequest
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
