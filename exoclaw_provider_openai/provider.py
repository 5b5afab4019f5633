"""The provider: what a call is made of, and which engine carries it out.

On CPython that is the C client over libcurl (_engine_cpython.py); with an injected `client=`, and on MicroPython, it is
_drive.py over a transport. Constructing one opens nothing and binds to no event loop.
"""

import sys

from ._deployment import Deployment, Settings

if sys.implementation.name == "micropython":
    _Blocking = object
else:
    from ._blocking_cpython import Blocking as _Blocking

    __all__ = ["Deployment", "OpenAIStreamingProvider", "_ALNUM", "_short_tool_id", "_stream_body"]


# From _plan.py and _answer.py with the first call: looking up what is loaded already costs as much as a plan.
planned = of_call = None


class OpenAIStreamingProvider(_Blocking):
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
            from ._said import no_default

            raise no_default(default_model, deployments)
        self.default_model = default_model
        self._settings = settings = Settings(deployments, fallbacks, context_fallbacks, policy)
        settings.ca = ca
        settings.clocks = dict(
            connect_timeout=connect_timeout, request_timeout=request_timeout, stream_ttft_timeout=stream_ttft_timeout
        )
        from ._check import clocks, deployed

        clocks(settings.clocks)
        deployed(deployments)
        self._deployments = settings.deployments
        self._fallbacks = settings.fallbacks
        self._total_timeout = total_timeout
        self._client = client
        self._log = settings.log
        self._engine = None
        self._closed = False

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
        call = self._working().call(plan)
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
        from ._more import stream

        plan = self._planned(
            messages, tools, model, max_tokens, temperature, reasoning_effort, response_format, timeout, **parameters
        )
        return stream(self, plan, restart)

    async def send_streaming_body(self, model, body):
        """Sends the caller's own body, bytes from an async iterable (on MicroPython from a generator too), to the
        deployment `model`, once. Returns the text of the answer."""
        from ._more import send

        self._check(model)
        return await send(self, model, body)

    async def models(self, model=None):
        """Which models the endpoint of a deployment serves: their names."""
        from ._more import models

        model = model or self.default_model
        self._check(model)
        return await models(self, model)

    async def close(self):
        """Ends the calls under way and closes what is ours; idempotent. An injected client stays open."""
        self._closed = True
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.close()

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, trace):
        await self.close()

    # --- inside

    def _check(self, model):
        if self._closed or model not in self._deployments:
            from ._said import refusal

            raise refusal(self._closed, model)

    def _planned(self, *arguments, **parameters):
        """The Plan of a call: its arguments are those of chat(), but for on_delta."""
        global planned
        if planned is None:
            from ._plan import planned
        return planned(self, *arguments, **parameters)

    def _working(self):
        """The engine, from the first call on."""
        if self._engine is None:
            self._check(self.default_model)
            if _Blocking is object:
                from ._platform_micropython import engine
            else:
                from ._engine_cpython import engine
            self._engine = engine(self._settings, self._client)
        return self._engine

    def _response(self, call):
        """What a call that succeeded has brought."""
        global of_call
        if of_call is None:
            from ._answer import of_call
        return of_call(call, self._log)


def _stream_body(head, messages):
    """The bytes of a body: `head` as it is, and the messages behind it, as an async iterable of pieces of at most 16 KB.
    Nothing is added; files that messages name are read while they are sent."""
    from ._raw import RawBody

    return RawBody(head, messages)


def __getattr__(name):
    """What tests and firmware of others take from here."""
    if name not in ("_ALNUM", "_short_tool_id"):
        raise AttributeError(name)
    from . import _tools

    return getattr(_tools, name)
