"""What a call of the C client comes to: its events one by one, the records of the log, and the end."""

from . import _errors

MAY_FALL_BACK = ("retry", "fall back")


class Outcome:
    """The part of a call that waiting has no part in. `plan`, `name` of the deployment at hand, `trail` after the end."""

    def __init__(self, plan, log):
        self.plan = plan
        self.name = plan.model
        self.trail = ()
        self.request_id = ""
        self.log = log
        self.call = None  # of the C client
        self.ended = False
        self._shown = False

    def began(self, call):
        self.call = call
        self._log_request()

    def _log_request(self):
        if self.log.on:
            self.log.request(self.name, self.plan.messages, self.plan.tools)

    def take(self, event):
        """The event, if it is to be handed out, or None. Raises what the call failed with; `ended` says whether that was
        the last one."""
        kind = event[0]
        if kind == "end":
            self._end(event[8])
            return None
        if kind == "fallback":
            return self._fall_back(event)
        if kind == "restart":
            self._shown = False
        elif kind != "usage":
            self._shown = True
        return event

    def _fall_back(self, event):
        """An attempt has failed; the event names the deployment that is next, if any. A restart is told by itself."""
        following, failure = event[5] or None, event[8]
        if following or failure.verdict in MAY_FALL_BACK and not self._shown:
            self.log.fallback(self.name, following, _errors.words_of(failure, None))
        if following:
            self.name = following
            self._log_request()
        return event if following and self.plan.wanted is None and not self._shown else None

    def _end(self, failure):
        self.ended = True
        self.name = self.call.deployment() or self.name
        self.request_id = self.call.request_id()
        self.trail = self.call.trail()
        if failure is not None:
            raise _errors.of_failure(failure, self.trail, self.name, self.plan.name_model)

    def answer(self, choice):
        return self.call.answer(choice)
