"""What not every program needs: how a Deployment, an answer, an event is shown and compared; lists of fallbacks, and how
often to try, checked.
"""

from ._check import OPTIONS

POLICY = ("retries", "cooldown", "cooldown_after", "backoff_first", "backoff_max", "retry_after_max", "patience")
COUNTS = ("retries", "cooldown_after")


def values(made):
    """All that a Deployment was told, as a list."""
    said = [made.base_url, made.api_key, made.extra_headers, made.extra_body]
    return said + [getattr(made, name) for name in OPTIONS]


def shown(made):
    """Its repr, without what is secret."""
    said = ["base_url=%r" % made.base_url, "api_key=%r" % ("***" if made.api_key else "")]
    if made.extra_headers:  # a header may be a key too
        said.append("extra_headers={%s}" % ", ".join("%r: '***'" % name for name in made.extra_headers))
    if made.extra_body:
        said.append("extra_body=%r" % made.extra_body)
    for name in sorted(OPTIONS):
        value = getattr(made, name)
        if value != getattr(type(made), name) and value != [] and value != {}:
            said.append("%s=%r" % (name, "***" if name == "proxy" and "@" in value else value))
    return "Deployment(%s)" % ", ".join(said)


def _policy(options):
    """How often and how long to try, in the core's units."""
    made = {}
    for name in options:
        if name not in POLICY:
            raise TypeError("OpenAIStreamingProvider has no option %r" % name)
        value = options[name]
        if value is not None:
            made[name] = int(value) if name in COUNTS else int(value * 1000 + 0.5)
    return made


def _lists(lists, deployments, what):
    """Fallback lists, copied. Their keys may be names that nobody deployed."""
    copied = {}
    for primary, chain in lists.items():
        for name in chain:
            if name not in deployments:
                raise ValueError("%s %r (for primary %r) not in deployments" % (what, name, primary))
        copied[primary] = list(chain)
    return copied


def take(settings, fallbacks, context_fallbacks, policy):
    """Fills in what Settings were told beside their deployments."""
    settings.fallbacks = _lists(fallbacks, settings.deployments, "fallback")
    settings.context_fallbacks = _lists(context_fallbacks, settings.deployments, "context fallback")
    settings.policy = _policy(policy)


def frozen():
    return AttributeError("a Deployment cannot be changed: make another one")


def no_default(model, deployments):
    return ValueError("default_model %r not in deployments: %r" % (model, sorted(deployments)))


def refusal(closed, model):
    """Why a call cannot be made: the provider is closed, or nobody deployed `model`."""
    return RuntimeError("the provider is closed") if closed else ValueError("no deployment for model %r" % (model,))


def no_limit(seconds):
    return ValueError("a call has 0 (no limit) to 31536000 seconds, not %r" % (seconds,))


RESPONSE = (
    "content",
    "tool_calls",
    "finish_reason",
    "usage",
    "reasoning_content",
    "thinking_blocks",
    "cost",
    "service_tier",
)


def same(one, other, names):
    return all(getattr(one, name) == getattr(other, name) for name in names)


def fields_of(made, names):
    return ", ".join("%s=%r" % (name, getattr(made, name)) for name in names)
