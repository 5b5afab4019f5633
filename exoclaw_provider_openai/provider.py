"""The provider: what a call is made of, and which engine carries it out.

On CPython that is the C client over libcurl (_engine_cpython.py); with an injected `client=`, and on MicroPython, it is
_drive.py over a transport. Constructing one opens nothing and binds to no event loop.
"""

from . import _plan
from ._deployment import Deployment
from ._settings import Settings

__all__ = ["Deployment", "OpenAIStreamingProvider", "_ALNUM", "_short_tool_id", "_stream_body"]


class OpenAIStreamingProvider:
    """Chat completions of OpenAI-compatible endpoints, streamed in both directions.

    default_model           the deployment of calls that name none
    deployments             name → Deployment
    fallbacks               name → the names that are tried, in this order, when it fails; not transitive
    request_timeout         seconds without progress
    stream_ttft_timeout     seconds from request to first event
    client                  an async HTTP client of the caller's: exoclaw's, or an httpx.AsyncClient; not closed by us

    By keyword only, seconds:
    connect_timeout         until TCP and TLS are up
    total_timeout           for a whole call, all attempts; None: no limit
    context_fallbacks       name → the names that are tried when the context window is exceeded
    ca                      certificates to trust where a deployment names none: a file's path, or its bytes
    retries                 further attempts at the same deployment; with backoff_first, backoff_max, retry_after_max and
                            patience
    cooldown                for how long a deployment that failed cooldown_after times in a row is passed over
    """

    supports_response_deltas = True

    def __init__(
        self,
        default_model,
        deployments,
        fallbacks=None,
        *,
        request_timeout=120.0,
        stream_ttft_timeout=15.0,
        client=None,
        connect_timeout=10.0,
        total_timeout=None,
        context_fallbacks=None,
        ca=None,
        **policy
    ):
        if default_model not in deployments:
            raise ValueError("default_model %r not in deployments: %r" % (default_model, sorted(deployments)))
        self.default_model = default_model
        self._settings = settings = Settings(deployments, fallbacks, context_fallbacks, policy)
        settings.ca = ca
        settings.clocks = {
            "connect_timeout": connect_timeout,
            "request_timeout": request_timeout,
            "stream_ttft_timeout": stream_ttft_timeout,
        }
        self._deployments = settings.deployments
        self._fallbacks = settings.fallbacks
        self._context_fallbacks = settings.context_fallbacks
        self._total_timeout = total_timeout
        self._client = client
        self._log = settings.log
        self._engine = None
        self._closed = False

    @classmethod
    def from_config(cls, path, **options):
        """A provider of what the command's configuration file says (CPython). `options`: the constructor's, before the file's."""
        from ._config_cpython import provider_of

        return provider_of(cls, path, options)

    def get_default_model(self):
        """The name of the deployment that calls without a model go to."""
        return self.default_model

    # --- calls

    async def chat(
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
        """One answer. `messages` and `tools` as the API has them; `on_delta` is awaited with each piece of the text.
        `timeout`: seconds for the whole call; further keywords are parameters of the request (stop, seed, n …).

        Returns an LLMResponse, with plain attributes `attempts` (the trail) and `served_model`, and `choices` where n > 1.
        Raises ValueError for an unknown model; HTTPError and what extends it; ContextWindowExceededError.
        """
        plan = self._planned(
            messages, tools, model, max_tokens, temperature, reasoning_effort, response_format, timeout, **parameters
        )
        plan.wanted = ("content",) if on_delta is not None else ()
        call = self._start(plan)
        try:
            await call.run(on_delta)
            return self._response(call)
        finally:
            await call.close()

    def stream(
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
        """The same as chat(), as an async iterator of StreamEvent. `restart`: where a stream breaks after something was
        shown, begin anew at the next deployment, with an event "restart"."""
        from ._stream import Stream

        plan = self._planned(
            messages, tools, model, max_tokens, temperature, reasoning_effort, response_format, timeout, **parameters
        )
        plan.wanted = None
        plan.restart = self._settings.restart if restart is None else restart
        return Stream(lambda: self._start(plan), self._response)

    async def send_streaming_body(self, model, body):
        """Sends the caller's own body, bytes from an async iterable (on MicroPython from a generator too), to the
        deployment `model`, once. Returns the text of the answer."""
        self._check(model)
        plan = _plan.Plan(model, [model])
        plan.source = body
        plan.name_model = True
        plan.total_ms = int((self._total_timeout or 0) * 1000 + 0.5)
        call = self._start(plan)
        try:
            await call.run(None)
            return self._response(call).content or ""
        finally:
            await call.close()

    async def models(self, model=None):
        """Which models the endpoint of a deployment serves: their names."""
        model = model or self.default_model
        self._check(model)
        plan = _plan.Plan(model, [model])
        plan.whole = True
        plan.total_ms = int((self._total_timeout or 0) * 1000 + 0.5)
        return await self._working().models(plan)

    async def close(self):
        """Ends the calls under way and closes what is ours; idempotent. An injected client stays open."""
        self._closed = True
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.close()

    # --- calls that block (CPython, without client=)

    def chat_sync(self, *arguments, **options):
        """chat() for programs without an event loop, from any thread; `on_delta` is a plain function."""
        from ._sync_cpython import run

        on_delta = options.pop("on_delta", None)
        plan = self._planned(*arguments, **options)
        plan.wanted = ("content",) if on_delta is not None else ()
        return run(self._start_sync(plan), on_delta, self._response)

    def stream_sync(self, *arguments, restart=None, **options):
        """stream() for programs without an event loop: an iterator, and a context manager."""
        from ._sync_cpython import SyncStream

        plan = self._planned(*arguments, **options)
        plan.wanted = None
        plan.restart = self._settings.restart if restart is None else restart
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

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, trace):
        await self.close()

    # --- inside

    def _check(self, model):
        if self._closed:
            raise RuntimeError("the provider is closed")
        if model not in self._deployments:
            raise ValueError("no deployment for model %r" % (model,))

    def _planned(
        self,
        messages,
        tools=None,
        model=None,
        max_tokens=4096,
        temperature=0.7,
        reasoning_effort=None,
        response_format=None,
        timeout=None,
        **parameters
    ):
        model = model or self.default_model
        self._check(model)
        plan = _plan.Plan(model, [model] + self._fallbacks.get(model, []), self._context_fallbacks.get(model, []))
        plan.request = _plan.request_of(
            model, messages, tools, max_tokens, temperature, reasoning_effort, response_format, parameters
        )
        plan.defaults = _plan.defaults_of()
        plan.messages = messages
        plan.tools = tools
        total = self._total_timeout if timeout is None else timeout
        plan.total_ms = int((total or 0) * 1000 + 0.5)
        choices = parameters.get("n")
        plan.choices = choices if isinstance(choices, int) and choices > 1 else 1
        return plan

    def _working(self):
        """The engine, from the first call on."""
        if self._closed:
            raise RuntimeError("the provider is closed")
        if self._engine is None:
            from . import _engine

            self._engine = _engine.make(self._settings, self._client)
        return self._engine

    def _start(self, plan):
        return self._working().call(plan)

    def _start_sync(self, plan):
        from ._sync_cpython import SyncCall

        if self._client is not None:
            raise TypeError("an injected client= is asynchronous: await chat(), or leave client= out")
        return SyncCall(plan, self._working().sync())

    def _response(self, call):
        """What a call that succeeded has brought."""
        from . import _answer

        answers = [call.answer(choice) for choice in range(call.plan.choices)]
        responses = [_answer.response_of(answer) for answer in answers if answer is not None]
        response = responses[0]
        if call.plan.choices > 1:
            response.choices = responses
        response.attempts = call.trail
        response.served_model = call.name
        response.request_id = call.request_id or None
        self._log.response(call.name, response, call.trail[-1]["end_ms"])
        return response


def _stream_body(head, messages):
    """The bytes of a body: `head` as it is, and the messages behind it, as an async iterable of pieces of at most 16 KB.
    Nothing is added; files that messages name are read while they are sent."""
    from ._raw import RawBody

    return RawBody(head, messages)


def __getattr__(name):
    """What tests and firmware of others take from here."""
    if name not in ("_ALNUM", "_short_tool_id"):
        raise AttributeError(name)
    from . import _answer

    return getattr(_answer, name)
