"""What a provider can do beside chat(): streams of events, a body of the caller's, the list of models."""

from ._plan import Plan


def streamed(provider, plan, restart):
    """The plan of a stream of all events."""
    plan.wanted = None
    plan.restart = provider._settings.restart if restart is None else restart
    return plan


def stream(provider, plan, restart):
    """See OpenAIStreamingProvider.stream()."""
    from ._stream import Stream

    streamed(provider, plan, restart)
    return Stream(lambda: provider._working().call(plan), provider._response)


async def send(provider, model, body):
    """See OpenAIStreamingProvider.send_streaming_body()."""
    if body is None or isinstance(body, (bytes, bytearray, str)):
        raise TypeError("body is an iterable of bytes, not %s" % type(body).__name__)
    plan = Plan(model, [model], [], provider._total_timeout)
    plan.source = body
    plan.name_model = True
    call = provider._working().call(plan)
    try:
        await call.run(None)
        return provider._response(call).content or ""
    finally:
        await call.close()


async def models(provider, model):
    """See OpenAIStreamingProvider.models()."""
    plan = Plan(model, [model], [], provider._total_timeout)
    plan.whole = True
    plan.path = "/models"
    return await provider._working().models(plan)


async def asked(call):
    """The ids in the answer to GET …/models, that `call` asks for."""
    import json

    try:
        while await call.next() is not None:
            pass
        listed = json.loads(call.whole)
    finally:
        await call.close()
    if isinstance(listed, dict):
        listed = listed.get("data") or listed.get("models") or []
    found = [one if isinstance(one, str) else one.get("id") or one.get("name") for one in listed]
    return [name for name in found if name]
