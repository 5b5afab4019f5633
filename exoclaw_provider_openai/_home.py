"""What all calls of one provider share when they are driven from Python: deployments, clocks, health, log, transport."""

from . import _body, _drive
from ._plan import models_of

CLOCKS = ("connect_timeout", "stream_ttft_timeout", "request_timeout")
FLAGS = ("think_tags", "lenient_end", "strict_stream", "ttft_until")


class Home:
    """`settings`: what the provider was told; `transport`: see _drive.py; `platform`: clock, sleep, Watch and random
    bits (_platform_cpython.py)."""

    def __init__(self, settings, transport, platform):
        self.deployments = settings.deployments
        self.defaults = settings.clocks
        self.policy_of = settings.policy_of
        self.log = settings.log
        self.transport = transport
        self.clock = platform.clock
        self.elapsed = platform.elapsed
        self.sleep = platform.sleep
        self.random = platform.random
        self.watch = platform.Watch
        self.health = {}

    def health_of(self, name, policy):
        if not policy.get("cooldown"):
            return None
        if name not in self.health:
            import _exochat

            self.health[name] = _exochat.Health()
        return self.health[name]

    def clock_of(self, deployment, name):
        """Seconds, or None: the library's default."""
        limit = getattr(deployment, name)
        return self.defaults.get(name) if limit is None else limit

    def options_of(self, deployment):
        """What an attempt at a deployment is told of it."""
        options = {name: getattr(deployment, name) for name in FLAGS}
        for name in CLOCKS:
            limit = self.clock_of(deployment, name)
            if limit is not None:
                options[name] = int(limit * 1000 + 0.5)
        return options

    def body(self, plan):
        if plan.request is None:
            return _body.GivenBody(plan.source or ())
        return _body.EncodedBody(plan.request)

    def call(self, plan):
        return _drive.Call(plan, self)

    async def models(self, plan):
        call = self.call(plan)
        try:
            while await call.next() is not None:
                pass
            return models_of(call.whole)
        finally:
            await call.close()

    async def close(self):
        """Lets go of what the transport keeps. An injected client is the caller's."""
        if hasattr(self.transport, "close"):
            self.transport.close()
