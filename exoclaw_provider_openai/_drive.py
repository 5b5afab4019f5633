"""One call, driven from Python over a transport: the rules are those of `_exochat`'s Route and Attempt, and only there.

A call is asked for its next event; nothing happens in between, so that a slow caller holds the transfer, and the clocks
of its attempt stand still. Of the transport it needs (see _injected.py):

    CAN                       a sum of _exochat.CAN_*
    exchange(call)            one request of `call`, with
        async step()          does one thing that may take time, and tells call.attempt what came of it
        async drain()         reads on behind the verdict, as far as call.attempt.drain() allows
        async close()         ends it; idempotent
        error                 what the caller's own body raised, or None
    async close()             lets go of what it keeps

and of the platform clock, elapsed, sleep, random bits and a Watch, that interrupts step() when a clock has run out
(_platform_cpython.py). What goes wrong in a call is in _trouble.py, which is loaded when something does.
Memory: what the encoder and the attempt hold, and a record for each attempt.
"""

import _exochat

from ._plan import aimed, body_of, told

CLOSING = 10000  # milliseconds for a client to close its connection after a body that cannot be made


class Home:
    """What all calls of one provider share: a transport extends it. `settings`: what the provider was told."""

    def __init__(self, settings, platform):
        self.settings = settings
        self.platform = platform
        self.clock = platform.clock
        self.transport = self
        self.health = {}

    def call(self, plan):
        return Call(plan, self)

    async def models(self, plan):
        from ._more import asked

        return await asked(Call(plan, self))

    def clock_of(self, deployment, name):
        """Seconds, or None: the library's default."""
        limit = getattr(deployment, name)
        return self.settings.clocks.get(name) if limit is None else limit


class Call:
    """See above. `plan`: what to do; `home`: the Home; after the end `name`, of the deployment that was attempted last,
    `trail`, `request_id`, `whole` and answer()."""

    attempt = exchange = deployment = name = whole = None
    body = files = None  # what is sent (_plan.py), and the files that it names
    failure = None  # of the last attempt
    told = True  # and it is in the log
    pending = None  # an event of the route
    broke_at = None  # when an injected client was told that there is no body: no clock rings while it closes
    shown = ended = closed = _held = False
    key = request_id = ""
    answers = ()

    def __init__(self, plan, home):
        self.plan = plan
        self.home = home
        self.clock = home.clock
        self.trail = []
        self.watch = home.platform.Watch()
        self.since = home.clock()
        self.names = plan.names + plan.context_names
        policy = home.settings.policy_of(plan.model)
        stops = self._stops(plan.names, policy)
        self.route = _exochat.Route(stops, self._stops(plan.context_names, policy), policy, home.platform.random())
        self.route.call(self.since, self.total_left(), plan.restart)

    def _stops(self, names, policy):
        """Deployments as the route has them: their numbers, and what is known of their health."""
        stops = []
        for name in names:
            health = None
            if policy.get("cooldown"):
                health = self.home.health[name] = self.home.health.get(name) or _exochat.Health()
            stops.append((self.names.index(name), health))
        return stops

    # --- for whoever wants the answer

    async def run(self, on_delta):
        """Awaits `on_delta` (or None) with each piece of the text that is wanted, until the call has succeeded."""
        while (event := await self.next()) is not None:
            if event[1] == 0:
                await on_delta(event[2])

    async def next(self):
        """The next event, as `_exochat` makes them; None: the call has succeeded. Raises what it failed with."""
        if self._held:
            self._held = False
            self.attempt.tick(self.clock())  # the total clock has run on
            self.attempt.hold(self.clock(), False)
        while not self.ended:
            attempt = self.attempt
            if self.pending:
                event, self.pending = self.pending, None
                return event
            if attempt is None:
                await self._ask_route()
                continue
            event = attempt.next()
            if event is not None:
                self._held = True
                attempt.hold(self.clock(), True)
                return event
            todo = attempt.todo()
            if todo == _exochat.DO_RUN:
                await self.wait(self.exchange.step(), self.look, self.left)
                attempt.tick(self.clock())
            elif todo == _exochat.DO_RESEND:
                from ._trouble import resend

                await resend(self)
            else:
                await self._settle(todo)
        self._look_if_closed()
        return None

    def _look_if_closed(self):
        if self.closed:
            raise RuntimeError("the stream was closed")

    def answer(self, choice):
        return self.answers[choice] if self.answers else None

    async def close(self):
        """Ends the call wherever it is; idempotent."""
        self.ended = self.closed = True
        self.watch.end()
        self.route.abandon()
        await self.drop()
        self._close_body()

    def _close_body(self):
        for one in (self.files, self.body):
            if one is not None:
                one.close()
        self.body = self.files = None

    def serve(self):
        """Gives the encoder what it asks for. False: it asks for nothing."""
        return self.files is not None and self.files.serve()

    # --- the route

    def total_left(self):
        """Milliseconds until the total clock runs out; -1: it does not run."""
        total = self.plan.total_ms
        return max(0, total - self.home.platform.elapsed(self.since)) if total else -1

    async def _ask_route(self):
        what, number, _nth, wait, restart, last = self.route.next(self.clock())
        name = None if what == _exochat.ROUTE_GIVE_UP else self.names[number]
        if not self.told:
            from ._trouble import tell

            tell(self, name, restart)
        if self.pending:  # it is handed out before anything is sent to the next deployment
            return
        if name is None or self.total_left() == 0:
            from ._trouble import fail

            raise await fail(self, self.failure if name is None else None)
        if what == _exochat.ROUTE_WAIT:
            await self.home.platform.sleep(wait)
        else:
            await self._begin(name, not last)

    async def _begin(self, name, untried):
        """An attempt at the deployment `name`; `untried`: others are left."""
        plan, home = self.plan, self.home
        again = name == self.name
        self.name = name
        self.deployment = deployment = home.settings.deployments[name]
        if name not in plan.keys:
            plan.keys[name] = deployment.key()
        self.key = plan.keys[name]
        body = self.body
        if body is None:
            self.body = body = body_of(self)
        code = body.rewind() if again else body.aim(aimed(plan, deployment, name))
        if code == 0 and not again:
            code = await self.size()
        if code < 0:
            from ._trouble import fail

            raise await fail(self, _exochat.Failure(code, body.message()))
        log = home.settings.log
        if log.on:
            log.request(name, plan.messages, plan.tools)
        self.answers = ()
        self.broke_at = None
        self.started_ms = home.platform.elapsed(self.since)
        self.attempt = _exochat.Attempt(told(self, untried), self.clock())
        self.exchange = home.exchange(self)

    async def size(self):
        """How long the body is, and whether all of it can be sent: a slice in each turn of the loop."""
        while True:
            code = self.body.size(262144)
            if code != 1:
                return code
            if not self.serve():
                await self.home.platform.sleep(0)
                self._look_if_closed()
                if self.total_left() == 0:
                    from ._trouble import fail

                    raise await fail(self, None)

    # --- an attempt

    async def wait(self, what, look, left):
        """Awaits `what`, or until a clock has run out."""
        self.watch.start(look, left)
        try:
            await what
        except BaseException as error:
            if not self.watch.stop(error):
                raise
        else:
            self.watch.stop()
        self._look_if_closed()

    def look(self):
        """Judges the clocks. True: one has run out; there is a verdict, or next() will bring it."""
        self.attempt.tick(self.clock())
        return self.broke_at is None and self.attempt.todo() != _exochat.DO_RUN or self.left() == 0

    def left(self):
        if self.broke_at is not None:
            return max(0, CLOSING - self.home.platform.elapsed(self.broke_at))
        return self.attempt.timeout(self.clock())

    async def _settle(self, todo):
        """The attempt has its verdict."""
        attempt, exchange = self.attempt, self.exchange
        failure = attempt.failure()
        spent = self.body.spent()
        self.shown = attempt.shown()
        entry = attempt.end(self.clock())
        entry["bytes_sent"] = self.body.written()
        self.request_id = attempt.request_id()
        self.whole = attempt.body() if self.plan.whole else None
        self.answers = []
        for choice in range(self.plan.choices):
            self.answers.append(attempt.answer(choice))
        if failure is not None:
            failure.redact(self.key)
        else:
            self._close_body()
            if todo == _exochat.DO_DRAIN:
                try:  # the rest of the response is read, for a moment, so that its connection can serve again
                    await self.wait(exchange.drain(), self._drained, self._drain_left)
                except Exception:
                    pass
        error = exchange.error
        attempt = None  # what comes of the call wants the room of what it came of
        await self.drop()
        from ._answer import note

        note(self, entry, failure)
        if error is not None:  # of the caller's body: not the endpoint's
            self.ended = True
            self.route.abandon()
            raise error
        if failure is None:
            self.ended = True
            self.route.succeeded(self.clock())
            return
        self.failure = failure
        self.told = False
        how = _exochat.HOW_SHOWN if self.shown else 0
        self.route.failed(self.clock(), failure, how | _exochat.HOW_SPENT if spent else how)

    def _drain_left(self):
        return max(0, self.attempt.drain(self.clock(), 0))

    def _drained(self):
        return self.attempt.drain(self.clock(), 0) < 0

    async def drop(self):
        """Lets go of the attempt and its exchange."""
        exchange, attempt = self.exchange, self.attempt
        self.exchange = self.attempt = None
        self._held = False
        if exchange is not None:
            await exchange.close()
        if attempt is not None:
            attempt.close()
