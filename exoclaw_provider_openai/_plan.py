"""What one call is to do: its request, its deployments in order, what is handed out. Engines carry it out.

Nothing here knows a transport, and nothing is read of the caller's messages but by the encoder. A body is an
`_exochat.Encoder`, or the caller's (_given.py); bytes are taken of it by the transport.
"""

import sys

import _exochat


class Plan:
    """One call.

    model           the name that was asked for
    names           its deployments in order: first the model, then its fallbacks
    context_names   those that are tried when the context window is exceeded
    total_ms        for all attempts together; 0: no limit
    request         the body as a dict, for the encoder; None for a body of the caller's
    source          that body
    name_model      errors name the model
    path            behind the base URL
    whole           not a chat: the response of a GET, kept whole
    defaults        top-level keys below extra_body
    wanted          the types of event that are handed out; None: all that stream() has
    restart         begin anew after something was shown
    choices         how many answers are kept
    keys            deployment → key, as they were when the call began
    messages, tools as they were given
    """

    request = source = defaults = None
    path = "/chat/completions"
    name_model = whole = restart = False
    wanted = messages = ()
    tools = None
    choices = 1

    def __init__(self, model, names, context_names, seconds):
        self.model = model
        self.names = names
        self.context_names = context_names
        self.total_ms = 0
        if seconds:
            if not 0 < seconds <= 31536000:
                from ._said import no_limit

                raise no_limit(seconds)
            self.total_ms = int(seconds * 1000 + 0.5) or 1
        self.keys = {}


def planned(
    provider,
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
    """The plan of a call of chat() or stream(). Its request lacks what a deployment adds."""
    model = model or provider.default_model
    provider._check(model)
    for name in ("stream", "messages"):
        if name in parameters:
            raise TypeError("chat() and stream() take no parameter %r" % name)
    names = [model] + provider._fallbacks.get(model, [])
    seconds = provider._total_timeout if timeout is None else timeout
    plan = Plan(model, names, provider._settings.context_fallbacks.get(model, []), seconds)
    plan.request = body = {"model": model}
    if max_tokens is not None:
        body["max_tokens"] = max(max_tokens, 1)  # what is no number stays, and is refused
    if temperature is not None:
        body["temperature"] = temperature
    body["stream"] = True
    body["stream_options"] = dict(include_usage=True)
    if tools:
        body["tools"] = tools
        body["tool_choice"] = "auto"
    if reasoning_effort:
        body["reasoning_effort"] = reasoning_effort
    if response_format:
        body["response_format"] = response_format
    for name in parameters:
        if parameters[name] is not None:
            body[name] = parameters[name]
    body["messages"] = plan.messages = messages
    plan.tools = tools
    choices = parameters.get("n")
    if isinstance(choices, int) and choices > 1:
        plan.choices = choices
    # The session, by which endpoints find the prompts that they have kept, goes below a deployment's extra_body.
    if "exoclaw._compat" in sys.modules or "structlog.contextvars" in sys.modules:
        from ._records import session_key

        key = session_key()
        plan.defaults = {"user": str(key)} if key else None
    return plan


def body_of(call):
    """What is sent for the plan of `call`, and with it what reads the files that it names."""
    plan = call.plan
    if plan.request is None:
        from ._given import GivenBody

        return GivenBody(plan.source or ())
    body = _exochat.Encoder(plan.request)
    if body.files():
        from ._files import Files

        call.files = Files(body)
    return body


def aimed(plan, deployment, name):
    """What the encoder is told of one deployment."""
    extra = deployment.extra_body
    if plan.defaults:
        extra = dict(plan.defaults)
        extra.update(deployment.extra_body)
    options = dict(model=deployment.model or name, extra_body=extra)
    if deployment.drop:
        options["drop"] = deployment.drop
    if deployment.rename:
        options["rename"] = deployment.rename
    return options


def told(call, untried):
    """What an attempt of `call` is told of its deployment; `untried`: others are left."""
    plan, deployment, home = call.plan, call.deployment, call.home
    options = dict(  # a chip has these words already as names, but as strings it would make them anew
        total_left=call.total_left(),
        can=home.CAN,
        wanted=plan.wanted,
        untried=untried,
        keyless=not call.key,
        choices=plan.choices,
        whole=plan.whole,
        think_tags=deployment.think_tags,
        lenient_end=deployment.lenient_end,
        strict_stream=deployment.strict_stream,
        ttft_until=deployment.ttft_until,
    )
    for name in home.settings.clocks:
        limit = home.clock_of(deployment, name)
        if limit is not None:
            options[name] = int(limit * 1000 + 0.5)
    return options
