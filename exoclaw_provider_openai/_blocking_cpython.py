"""The part of the provider that CPython alone has: calls that block, and configuration files."""


class Blocking:
    """What OpenAIStreamingProvider extends on CPython. Calls that block are made without client=."""

    @classmethod
    def from_config(cls, path, **options):
        """A provider of what the command's configuration file says (CPython). `options`: the constructor's, before the file's."""
        from ._config_cpython import provider_of

        return provider_of(cls, path, options)

    def chat_sync(
        self,
        messages,
        tools=None,
        model=None,
        max_tokens=4096,
        temperature=0.7,
        reasoning_effort=None,
        response_format=None,
        on_delta=None,
        *,
        timeout=None,
        **parameters
    ):
        """chat() for programs without an event loop, from any thread; `on_delta` is a plain function."""
        from ._sync_cpython import run

        if getattr(getattr(on_delta, "__code__", None), "co_flags", 0) & 0x80:
            raise TypeError("on_delta is a coroutine function: chat_sync() calls a plain one")
        plan = self._planned(
            messages, tools, model, max_tokens, temperature, reasoning_effort, response_format, timeout, **parameters
        )
        plan.wanted = ("content",) if on_delta is not None else ()
        return run(self._start_sync(plan), on_delta, self._response)

    def stream_sync(
        self,
        messages,
        tools=None,
        model=None,
        max_tokens=4096,
        temperature=0.7,
        reasoning_effort=None,
        response_format=None,
        *,
        restart=None,
        timeout=None,
        **parameters
    ):
        """stream() for programs without an event loop: an iterator, and a context manager."""
        from ._more import streamed
        from ._sync_cpython import SyncStream

        plan = self._planned(
            messages, tools, model, max_tokens, temperature, reasoning_effort, response_format, timeout, **parameters
        )
        streamed(self, plan, restart)
        return SyncStream(lambda: self._start_sync(plan), self._response)

    def close_sync(self):
        """close() without an event loop."""
        self._closed = True
        engine, self._engine = self._engine, None
        if engine is not None and self._client is None:
            engine.close_sync()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.close_sync()

    # --- inside

    def _start_sync(self, plan):
        from ._sync_cpython import SyncCall

        if self._client is not None:
            raise TypeError("an injected client= is asynchronous: await chat(), or leave client= out")
        return SyncCall(plan, self._working().sync())
