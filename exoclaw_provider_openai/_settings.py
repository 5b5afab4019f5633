"""What a provider was told, checked and copied, as the engines take it."""

from ._log import Log

POLICY = ("retries", "cooldown", "cooldown_after", "backoff_first", "backoff_max", "retry_after_max", "patience")
SECONDS = ("cooldown", "backoff_first", "backoff_max", "retry_after_max", "patience")


def _policy_of(options):
    """How often and how long to try, in the core's units."""
    policy = {}
    for name in options:
        if name not in POLICY:
            raise TypeError("OpenAIStreamingProvider has no option %r" % name)
        value = options[name]
        if value is not None:
            policy[name] = int(value * 1000 + 0.5) if name in SECONDS else int(value)
    return policy


def _lists(lists, deployments, what):
    """Fallback lists, copied. Their keys may be names that nobody deployed."""
    copied = {}
    for primary, chain in (lists or {}).items():
        for name in chain:
            if name not in deployments:
                raise ValueError("%s %r (for primary %r) not in deployments" % (what, name, primary))
        copied[primary] = list(chain)
    return copied


class Settings:
    """deployments, fallbacks, context_fallbacks: by name; policy: of the route, policies: by name, in its place; restart:
    of streams that do not say; clocks: seconds; ca; log."""

    def __init__(self, deployments, fallbacks, context_fallbacks, policy):
        self.deployments = dict(deployments)
        self.fallbacks = _lists(fallbacks, deployments, "fallback")
        self.context_fallbacks = _lists(context_fallbacks, deployments, "context fallback")
        self.policy = _policy_of(policy)
        self.policies = {}
        self.restart = False
        self.clocks = {}
        self.ca = None
        self.log = Log()

    def policy_of(self, name):
        """How often and how long calls to `name` try."""
        return self.policies.get(name, self.policy)
