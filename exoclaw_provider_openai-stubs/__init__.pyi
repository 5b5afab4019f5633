from collections.abc import Sequence
from os import PathLike
from typing import Any, Literal

from _exochat import Failure

from .provider import Deployment as Deployment
from .provider import OpenAIStreamingProvider as OpenAIStreamingProvider

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

__version__: str

class HTTPError(Exception):
    failure: Failure | None
    code: str | None
    status_code: int | None
    request_id: str | None
    retry_after: float | None
    attempts: Sequence[dict[str, Any]]
    served_model: str | None

class HTTPConnectError(HTTPError): ...
class HTTPReadTimeout(HTTPError): ...
class HTTPWriteTimeout(HTTPError): ...

class HTTPStatusError(HTTPError):
    status_code: int
    def __init__(self, status_code: int, message: str = "") -> None: ...

class ContextWindowExceededError(Exception):
    failure: Failure | None
    code: str | None
    status_code: int | None
    request_id: str | None
    retry_after: float | None
    attempts: Sequence[dict[str, Any]]
    served_model: str | None

class ToolCallRequest:
    id: str
    name: str
    arguments: dict[str, Any]
    def __init__(self, id: str, name: str, arguments: dict[str, Any]) -> None: ...
    def __eq__(self, other: object) -> bool: ...

class LLMResponse:
    content: str | None
    tool_calls: list[ToolCallRequest]
    finish_reason: str
    usage: dict[str, int]
    reasoning_content: str | None
    thinking_blocks: list[dict[str, Any]] | None
    cost: float | None
    service_tier: str | None

    # Of an answer only: plain attributes beside the fields.
    attempts: list[dict[str, Any]]
    served_model: str
    request_id: str | None
    choices: list[LLMResponse]
    refusal: str | None
    model: str | None
    id: str | None
    cut_tool_calls: list[dict[str, str]]
    reasoning_details: str | None
    logprobs: str | None
    audio: str | None
    extra: str | None

    def __init__(
        self,
        content: str | None,
        tool_calls: list[ToolCallRequest] | None = None,
        finish_reason: str = "stop",
        usage: dict[str, int] | None = None,
        reasoning_content: str | None = None,
        thinking_blocks: list[dict[str, Any]] | None = None,
        cost: float | None = None,
        service_tier: str | None = None,
    ) -> None: ...
    @property
    def has_tool_calls(self) -> bool: ...
    def __eq__(self, other: object) -> bool: ...

class StreamEvent:
    type: Literal[
        "content",
        "reasoning",
        "refusal",
        "tool_call",
        "tool_arguments",
        "usage",
        "finish",
        "fallback",
        "restart",
        "end",
    ]
    choice: int
    text: str
    index: int
    id: str
    name: str
    usage: dict[str, int] | None
    finish_reason: str | None
    failure: Failure | None
    replace: bool

    def __init__(
        self,
        type: str,
        choice: int = 0,
        text: str = "",
        index: int = 0,
        id: str = "",
        name: str = "",
        usage: dict[str, int] | None = None,
        finish_reason: str | None = None,
        failure: Failure | None = None,
    ) -> None: ...
    def __eq__(self, other: object) -> bool: ...

def FilePart(path: str | PathLike[str], media_type: str | None = None) -> dict[str, str]: ...
