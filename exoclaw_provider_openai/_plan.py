"""What one call is to do: its request, its deployments in order, what is handed out. Engines carry it out.

Nothing here knows a transport, and nothing is read of the caller's messages but by the encoder.
"""

from . import _log

NO_PARAMETERS = ("stream", "messages")


class Plan:
    """One call.

    model           the name that was asked for
    names           its deployments in order: first the model, then its fallbacks
    context_names   those that are tried when the context window is exceeded
    request         the body as a dict, for the encoder; None for a body of the caller's
    source          that body
    name_model      errors name the model
    whole           not a chat: the response of a GET, kept whole
    defaults        top-level keys below extra_body
    wanted          the types of event that are handed out; None: all that stream() has
    restart         begin anew after something was shown
    total_ms        for all attempts together; 0: no limit
    choices         how many answers are kept
    keys            deployment → key, as they were when the call began
    """

    def __init__(self, model, names, context_names=()):
        self.model = model
        self.names = names
        self.context_names = context_names
        self.request = None
        self.source = None
        self.name_model = False
        self.whole = False
        self.defaults = None
        self.wanted = ()
        self.restart = False
        self.total_ms = 0
        self.choices = 1
        self.keys = {}
        self.messages = ()
        self.tools = None


def request_of(
    model, messages, tools, max_tokens, temperature, reasoning_effort, response_format, parameters
):
    """The body of a call, but for what a deployment adds."""
    for name in NO_PARAMETERS:
        if name in parameters:
            raise TypeError("chat() and stream() take no parameter %r" % name)
    body = {"model": model}
    if max_tokens is not None:
        body["max_tokens"] = max(1, max_tokens)
    if temperature is not None:
        body["temperature"] = temperature
    body["stream"] = True
    body["stream_options"] = {"include_usage": True}
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
    body["messages"] = messages
    return body


def defaults_of():
    """What goes below a deployment's extra_body: the session, by which endpoints find the prompts that they have kept."""
    key = _log.session_key()
    return {"user": str(key)} if key else None


def extra_of(deployment, defaults):
    """The extra_body of one deployment with the defaults below it."""
    if not defaults:
        return deployment.extra_body
    extra = dict(defaults)
    extra.update(deployment.extra_body)
    return extra


def models_of(body):
    """The ids in the answer to GET …/models."""
    import json

    listed = json.loads(body)
    if isinstance(listed, dict):
        listed = listed.get("data") or listed.get("models") or []
    found = [one if isinstance(one, str) else one.get("id") or one.get("name") for one in listed]
    return [name for name in found if name]
