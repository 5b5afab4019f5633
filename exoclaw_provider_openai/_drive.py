"""One call, driven from Python over a transport: the rules are those of `_exochat`'s Route and Attempt, and only there.

A call is asked for its next event; nothing happens in between, so that a slow caller holds the transfer, and the clocks
of its attempt stand still. Of the transport it needs (see _injected.py):

    CAN                       a sum of _exochat.CAN_*
    exchange(call)            one request of `call`, with
        async step()          does one thing that may take time, and tells call.attempt what came of it
        async drain()         reads on behind the verdict, as far as call.attempt.drain() allows
        async close()         ends it; idempotent
        spent()               whether the body was begun and cannot be sent again

and of the platform a Watch, that cancels step() when a clock has run out (_watch_cpython.py).
Memory: what the encoder and the attempt hold, and a record for each attempt.
"""

import _exochat

from . import _answer, _codes

SIZING = 262144  # bytes of the body that are sized in one turn of the loop
CLOSING = 10000  # milliseconds for a client to close its connection after a body that cannot be made

EVENTS = ("content", "reasoning", "refusal", "tool_call", "tool_arguments", "usage")


class Call:
    """See above. `plan`: what to do; `home`: the engine, for its transport, deployments, health, policy, log and clock."""

    def __init__(self, plan, home):
        self.plan = plan
        self.home = home
        self.transport = home.transport
        self.attempt = None
        self.exchange = None
        self.body = None  # what is sent; an encoder or a caller's body
        self.deployment = None
        self.name = None  # of the deployment that is attempted
        self.key = ""
        self.trail = []
        self.failure = None  # of the last attempt
        self.answers = None
        self.ended = False
        self._names = list(plan.names) + [n for n in plan.context_names if n not in plan.names]
        self._health = home.health
        self._began = home.clock()
        self._watch = home.watch()
        self._pending = None  # an event of the route
        self._held = False
        self._told = True  # the last failure is in the log
        self._broke = None  # when the body of the attempt turned out to be none
        wanted = EVENTS + ("fallback", "restart") if plan.wanted is None else plan.wanted
        self._route_events = [name for name in ("fallback", "restart") if name in wanted]
        self._wanted = None if plan.wanted is None else [name for name in wanted if name in EVENTS]
        policy = home.policy_of(plan.model)
        self._route = _exochat.Route(
            [(self._names.index(n), home.health_of(n, policy)) for n in plan.names],
            [(self._names.index(n), home.health_of(n, policy)) for n in plan.context_names],
            policy,
            home.random(),
        )
        self._route.call(self._began, self._total_left(), plan.restart)

    # --- for whoever wants the answer

    async def run(self, on_delta):
        """Awaits `on_delta` with each piece of the text that is wanted, until the call has succeeded."""
        event = await self.next()
        while event is not None:
            if event[1] == 0:
                await on_delta(event[2])
            event = await self.next()

    async def next(self):
        """The next event, as `_exochat` makes them; None: the call has succeeded. Raises what it failed with."""
        if self._held:
            self._held = False
            now = self.home.clock()
            self.attempt.tick(now)  # the total clock has run on
            self.attempt.hold(now, False)
        while not self.ended:
            if self._pending:
                event, self._pending = self._pending, None
                return event
            if self.attempt is None:
                await self._ask_route()
                continue
            event = self.attempt.next()
            if event is not None:
                self._held = True
                self.attempt.hold(self.home.clock(), True)
                return event
            todo = self.attempt.todo()
            if todo == _exochat.DO_RUN:
                await self._step()
            elif todo == _exochat.DO_RESEND:
                await self._resend()
            else:
                await self._settle(todo)
        return None

    def answer(self, choice):
        return self.answers.get(choice) if self.answers else None

    async def close(self):
        """Ends the call wherever it is; idempotent."""
        self.ended = True
        self._watch.stop()
        self._route.abandon()
        await self._drop()
        if self.body is not None:
            self.body.close()
            self.body = None

    # --- the route

    def _total_left(self):
        """Milliseconds until the total clock runs out; -1: it does not run."""
        total = self.plan.total_ms
        return max(0, total - self.home.elapsed(self._began)) if total else -1

    async def _ask_route(self):
        what, number, _nth, wait, restart, last = self._route.next(self.home.clock())
        name = None if what == _exochat.ROUTE_GIVE_UP else self._names[number]
        if not self._told:
            self._tell(name, restart)
        if self._pending:  # it is handed out before anything is sent to the next deployment
            return
        if name is None:
            raise await self._fail(self.failure)
        if self._total_left() == 0:
            raise await self._fail(_exochat.Failure(_codes.CLOCK_TOTAL))
        if what == _exochat.ROUTE_WAIT:
            await self.home.sleep(wait)
            return
        await self._begin(name, last)

    def _tell(self, name, restart):
        """The last attempt failed; `name` is the deployment that is next, or None."""
        self._told = True
        if name or self.failure.verdict in ("retry", "fall back") and not self._shown:
            from . import _errors

            self.home.log.fallback(self.name, name, _errors.words_of(self.failure, None))
        kind = "restart" if restart else None if self._shown else "fallback"
        if name and kind in self._route_events:
            self._pending = (kind, 0, "", 0, "", name, None, False, self.failure)

    async def _begin(self, name, last):
        """An attempt at the deployment `name`."""
        home = self.home
        again = name == self.name
        self.name = name
        self.deployment = deployment = home.deployments[name]
        if name not in self.plan.keys:
            self.plan.keys[name] = deployment.key()
        self.key = self.plan.keys[name]
        if self.body is None:
            self.body = home.body(self.plan)
        code = self.body.rewind() if again else self.body.aim(deployment, name, self.plan)
        if code == 0 and not again:
            code = await self._size()
        if code < 0:
            raise await self._fail(_exochat.Failure(code, self.body.message()))
        home.log.request(name, self.plan.messages, self.plan.tools)
        self.answers = self._broke = None
        self._started = home.elapsed(self._began)
        options = home.options_of(deployment)
        options["total_left"] = self._total_left()
        options["can"] = self.transport.CAN
        options["wanted"] = self._wanted
        options["untried"] = not last
        options["keyless"] = not self.key
        options["choices"] = self.plan.choices
        options["whole"] = self.plan.whole
        self.attempt = _exochat.Attempt(options, home.clock())
        self.exchange = self.transport.exchange(self)

    async def _size(self):
        """How long the body is, and whether all of it can be sent: a slice in each turn of the loop."""
        while True:
            code = self.body.size(SIZING)
            if code != 1:
                return code
            if not self.body.serve():
                await self.home.sleep(0)
                if self._total_left() == 0:
                    raise await self._fail(_exochat.Failure(_codes.CLOCK_TOTAL))

    # --- an attempt

    async def _step(self):
        """One thing that may take time, or until a clock has run out."""
        self._watch.start(self._look, self._left)
        try:
            await self.exchange.step()
        except BaseException as error:
            if not self._watch.stop(error):
                raise
        else:
            self._watch.stop()
        self.attempt.tick(self.home.clock())

    def _look(self):
        """Judges the clocks. True: one has run out; there is a verdict, or next() will bring it."""
        self.attempt.tick(self.home.clock())
        return self._broke is None and self.attempt.todo() != _exochat.DO_RUN or self._left() == 0

    def _left(self):
        if self._broke is not None:
            return max(0, CLOSING - self.home.elapsed(self._broke))
        return self.attempt.timeout(self.home.clock())

    def broke(self, code, words):
        """The body cannot be made: a verdict. It leaves the client as an exception; a client that is interrupted while it
        closes its connection then loses it, so no clock rings, and one that keeps it to itself has until CLOSING."""
        self.attempt.break_off(code, words)
        self._broke = self.home.clock()

    def moved(self):
        """The exchange has told something that may have set another clock."""
        self._watch.again()

    async def _resend(self):
        """The connection had died before the request came; once more, on a fresh one."""
        await self.exchange.close()
        done = self.body.rewind() == 0
        if done:
            self.exchange = self.transport.exchange(self)
        self.attempt.resent(self.home.clock(), done)

    async def _settle(self, todo):
        """The attempt has its verdict."""
        attempt = self.attempt
        failure = attempt.failure()
        how = _exochat.HOW_SPENT if self.exchange.spent() else 0
        self._shown = attempt.shown()
        if self._shown:
            how |= _exochat.HOW_SHOWN
        if failure is not None:
            failure.redact(self.key)
        self._note(attempt.end(self.home.clock()), failure)
        self.request_id = attempt.request_id()
        self.whole = attempt.body() if self.plan.whole else None
        self.answers = {}
        for choice in range(self.plan.choices):
            answer = attempt.answer(choice)
            if answer is not None:
                self.answers[choice] = answer
        if failure is None and todo == _exochat.DO_DRAIN:
            await self._drain()
        own = self.exchange.error
        await self._drop()
        if own is not None:  # of the caller's body, or of this process: not the endpoint's
            self._route.abandon()
            self.ended = True
            raise own
        if failure is None:
            self._route.succeeded(self.home.clock())
            self.ended = True
            return
        self.failure = failure
        self._told = False
        self._route.failed(self.home.clock(), failure, how)

    async def _drain(self):
        """The answer is there; what is left of the response is read, for a moment, so that its connection can serve again."""
        self._watch.start(self._drained, self._drain_left)
        try:
            await self.exchange.drain()
        except BaseException as error:
            if not self._watch.stop(error) and not isinstance(error, Exception):
                raise
        else:
            self._watch.stop()

    def _drain_left(self):
        return max(0, self.attempt.drain(self.home.clock(), 0))

    def _drained(self):
        return self.attempt.drain(self.home.clock(), 0) < 0

    def _note(self, entry, failure):
        entry["deployment"] = self.name
        entry["model"] = self.deployment.model or self.name
        entry["message"] = failure.message if failure else ""
        entry["started_ms"] = self._started
        entry["bytes_sent"] = self.body.written()
        self.trail.append(_answer.trail_entry(entry, _exochat.error_name))

    async def _drop(self):
        """Lets go of the attempt and its exchange."""
        exchange, attempt = self.exchange, self.attempt
        self.exchange = self.attempt = None
        self._held = False
        if exchange is not None:
            await exchange.close()
        if attempt is not None:
            attempt.close()

    async def _fail(self, failure):
        """The call ends with this failure: the exception to raise."""
        self.ended = True
        self._route.abandon()
        await self._drop()
        from . import _errors

        return _errors.of_failure(failure, self.trail, self.name, self.plan.name_model)
