"""What a provider was told, checked and copied, as the engines take it; and whether it says something of its calls: what it
says, and to whom, is in _records.py, loaded with the first record."""

import os


class Log:
    """request(model, messages, tools), response(model, response, milliseconds), fallback(model, next model or None, error):
    see _records.py. LLM_LOGGING and LLM_LOG_TRUNCATE are read when it is made."""

    def __init__(self):
        getenv = getattr(os, "getenv", None)  # a bare board has none
        self.on = getenv is not None and (getenv("LLM_LOGGING") or "").lower() == "true"
        self._cut = getenv("LLM_LOG_TRUNCATE") if self.on else None
        self._logger = None

    def __getattr__(self, name):
        from . import _records

        return lambda *said: getattr(_records, name)(self, *said)


class Settings:
    """deployments, fallbacks, context_fallbacks: by name; policy: of the route, policies: by name, in its place; restart:
    of streams that do not say; clocks: seconds; ca; log."""

    restart = False
    ca = None

    def __init__(self, deployments, fallbacks, context_fallbacks, policy):
        self.deployments = dict(deployments)
        self.fallbacks = {}
        self.context_fallbacks = {}
        self.policy = {}
        self.policies = {}
        self.log = Log()
        if fallbacks or context_fallbacks or policy:
            from ._said import take

            take(self, fallbacks or {}, context_fallbacks or {}, policy)

    def policy_of(self, name):
        """How often and how long calls to `name` try."""
        return self.policies.get(name, self.policy)
