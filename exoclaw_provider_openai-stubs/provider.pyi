from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from os import PathLike
from types import TracebackType
from typing import Any, Final, Literal, Self

from . import LLMResponse, StreamEvent

__all__ = ["Deployment", "OpenAIStreamingProvider", "_ALNUM", "_short_tool_id", "_stream_body"]

_Messages = Sequence[Mapping[str, Any]]
_Tools = Sequence[Mapping[str, Any]]
_Path = str | PathLike[str]

_ALNUM: Final[str]

def _short_tool_id() -> str: ...
def _stream_body(head: Mapping[str, Any], messages: _Messages) -> AsyncIterator[bytes]: ...

class Deployment:
    base_url: str
    api_key: str | Callable[[], str | None] | None
    extra_headers: Mapping[str, str]
    extra_body: Mapping[str, Any]
    model: str | None
    auth_header: str | None
    auth_scheme: str | None
    drop: Sequence[str]
    rename: Mapping[str, str] | None
    connect_timeout: float | None
    stream_ttft_timeout: float | None
    request_timeout: float | None
    ttft_until: Literal["event", "token"]
    lenient_end: bool
    strict_stream: bool
    think_tags: bool
    chunked: bool
    http2: bool
    ca: _Path | bytes | None
    ca_dir: _Path | None
    client_cert: _Path | None
    client_key: _Path | None
    proxy: str | None
    unix_socket: _Path | None
    resolve: Sequence[str]

    def __init__(
        self,
        base_url: str,
        api_key: str | Callable[[], str | None] | None = "",
        extra_headers: Mapping[str, str] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        *,
        model: str | None = None,
        auth_header: str | None = None,
        auth_scheme: str | None = None,
        drop: Sequence[str] = (),
        rename: Mapping[str, str] | None = None,
        connect_timeout: float | None = None,
        stream_ttft_timeout: float | None = None,
        request_timeout: float | None = None,
        ttft_until: Literal["event", "token"] = "event",
        lenient_end: bool = False,
        strict_stream: bool = False,
        think_tags: bool = False,
        chunked: bool = False,
        http2: bool = False,
        ca: _Path | bytes | None = None,
        ca_dir: _Path | None = None,
        client_cert: _Path | None = None,
        client_key: _Path | None = None,
        proxy: str | None = None,
        unix_socket: _Path | None = None,
        resolve: Sequence[str] = (),
    ) -> None: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...
    def url(self, path: str = "/chat/completions") -> str: ...
    def key(self) -> str: ...
    def headers(self, key: str) -> list[tuple[str, str]]: ...

class _Stream(AsyncIterator[StreamEvent]):
    response: LLMResponse | None
    def __aiter__(self) -> Self: ...
    async def __anext__(self) -> StreamEvent: ...
    async def aclose(self) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

class _SyncStream(Iterable[StreamEvent]):
    response: LLMResponse | None
    def __iter__(self) -> Self: ...
    def __next__(self) -> StreamEvent: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

class OpenAIStreamingProvider:
    supports_response_deltas: Literal[True]
    default_model: str
    _deployments: Mapping[str, Deployment]  # others read it

    def __init__(
        self,
        default_model: str,
        deployments: Mapping[str, Deployment],
        fallbacks: Mapping[str, Sequence[str]] | None = None,
        *,
        request_timeout: float = 120.0,
        stream_ttft_timeout: float = 15.0,
        client: Any = None,
        connect_timeout: float = 10.0,
        total_timeout: float | None = None,
        context_fallbacks: Mapping[str, Sequence[str]] | None = None,
        ca: _Path | bytes | None = None,
        retries: int | None = None,
        cooldown: float | None = None,
        cooldown_after: int | None = None,
        backoff_first: float | None = None,
        backoff_max: float | None = None,
        retry_after_max: float | None = None,
        patience: float | None = None,
    ) -> None: ...
    @classmethod
    def from_config(cls, path: str | bytes | PathLike[str], **options: Any) -> Self: ...
    def get_default_model(self) -> str: ...
    async def chat(
        self,
        messages: _Messages,
        tools: _Tools | None = None,
        model: str | None = None,
        max_tokens: int | None = 4096,
        temperature: float | None = 0.7,
        reasoning_effort: str | None = None,
        response_format: Any = None,
        on_delta: Callable[[str], Awaitable[None]] | None = None,
        *,
        timeout: float | None = None,
        **parameters: Any,
    ) -> LLMResponse: ...
    def stream(
        self,
        messages: _Messages,
        tools: _Tools | None = None,
        model: str | None = None,
        max_tokens: int | None = 4096,
        temperature: float | None = 0.7,
        reasoning_effort: str | None = None,
        response_format: Any = None,
        *,
        restart: bool | None = None,
        timeout: float | None = None,
        **parameters: Any,
    ) -> _Stream: ...
    async def send_streaming_body(self, model: str, body: AsyncIterable[bytes] | Iterable[bytes]) -> str: ...
    async def models(self, model: str | None = None) -> list[str]: ...
    async def close(self) -> None: ...
    def chat_sync(
        self,
        messages: _Messages,
        tools: _Tools | None = None,
        model: str | None = None,
        max_tokens: int | None = 4096,
        temperature: float | None = 0.7,
        reasoning_effort: str | None = None,
        response_format: Any = None,
        on_delta: Callable[[str], object] | None = None,
        *,
        timeout: float | None = None,
        **parameters: Any,
    ) -> LLMResponse: ...
    def stream_sync(
        self,
        messages: _Messages,
        tools: _Tools | None = None,
        model: str | None = None,
        max_tokens: int | None = 4096,
        temperature: float | None = 0.7,
        reasoning_effort: str | None = None,
        response_format: Any = None,
        *,
        restart: bool | None = None,
        timeout: float | None = None,
        **parameters: Any,
    ) -> _SyncStream: ...
    def close_sync(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
