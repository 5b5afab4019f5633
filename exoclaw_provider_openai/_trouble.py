"""What a call does when something has gone wrong: it tells, sends once more, or ends with an exception (see _drive.py)."""

import _exochat

from . import _codes, _errors


def tell(call, name, restart):
    """The last attempt of `call` failed; `name` is the deployment that is next, or None."""
    call.told = True
    failure = call.failure
    if name or failure.verdict in ("retry", "fall back") and not call.shown:
        call.home.settings.log.fallback(call.name, name, _errors.words_of(failure, None))
    kind = "restart" if restart else None if call.shown else "fallback"
    if name and kind and call.plan.wanted is None:
        call.pending = (kind, 0, "", 0, "", name, None, False, failure)


async def resend(call):
    """The connection had died before the request came; once more, on a fresh one."""
    await call.exchange.close()
    done = call.body.rewind() == 0
    if done:
        call.exchange = call.home.exchange(call)
    call.attempt.resent(call.clock(), done)


async def fail(call, failure):
    """The call ends with this failure, or None: the total clock has run out. The exception to raise."""
    call.ended = True
    call.route.abandon()
    await call.drop()
    failure = failure or _exochat.Failure(_codes.CLOCK_TOTAL)
    return _errors.of_failure(failure, call.trail, call.name, call.plan.name_model)
