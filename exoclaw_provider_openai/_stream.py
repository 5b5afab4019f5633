"""stream(): the events of one call as an async iterator, and its answer in the end."""

from ._said import same

_EVENT = ("type", "choice", "text", "index", "id", "name", "usage", "finish_reason", "failure")


class StreamEvent:
    """One event of stream().

    type            "content", "reasoning", "refusal" (text); "tool_call" (index, id, name); "tool_arguments" (index, text,
                    not to be used before "end"); "usage" (usage); "fallback" (name: the next deployment, failure: why);
                    "restart" (what came so far is void; failure: why); "finish" (finish_reason: the answer is complete);
                    "end", the last one
    choice          which answer, where n > 1
    text            a piece of it, as one delta of the provider brought it
    index           of the tool call, counted in the answer
    id, name        of the tool call
    usage           counts of tokens
    replace         "tool_arguments": the text takes the place of what came before for that call
    """

    replace = False

    def __init__(
        self, type, choice=0, text="", index=0, id="", name="", usage=None, finish_reason=None, failure=None
    ):
        self.type = type
        self.choice = choice
        self.text = text
        self.index = index
        self.id = id
        self.name = name
        self.usage = usage
        self.finish_reason = finish_reason
        self.failure = failure

    def __eq__(self, other):
        return isinstance(other, StreamEvent) and same(self, other, _EVENT)

    def __repr__(self):
        empty = (None, "", 0)
        said = ["%s=%r" % (n, getattr(self, n)) for n in _EVENT[1:] if getattr(self, n) not in empty]
        return "StreamEvent(%s)" % ", ".join([repr(self.type)] + said)


class Events:
    """The part of a stream that waiting has no part in. After the last event `response` is the LLMResponse."""

    def __init__(self, start, finish):
        self._start = start  # () → the call, when the first event is wanted
        self._finish = finish  # call → its response
        self._call = None
        self.last = None  # events that close a good answer
        self.over = False
        self.response = None

    def begin(self):
        if self._call is None:
            self._call = self._start()
        return self._call

    def made(self, event):
        """The StreamEvent of what the call gave; of None, the next of those that close a good answer."""
        if event is not None:
            return _event_of(event)
        if self.last is None:
            self.response = self._finish(self._call)
            self.last = _ending(self.response)
        return self.last.pop(0) if self.last else None

    def end(self):
        """No event comes any more; the call, to be closed, or None."""
        self.over = True
        call, self._call = self._call, None
        return call


class Stream(Events):
    """Use it as `async for event in provider.stream(…)`, or better `async with provider.stream(…) as stream`, which ends
    the call however the block is left. A failure is raised where the next event was to come.

    Over an injected client nothing is read between two events: a slow reader holds the transfer, and its clocks stand
    still. Over the C client that is so once 64 events wait.
    """

    def __init__(self, start, finish):
        Events.__init__(self, start, finish)
        self._busy = False

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self._busy:
            raise RuntimeError("another task waits for the next event of this stream")
        self._busy = True
        try:
            event = None
            if not self.over:
                event = self.made(await self.begin().next() if self.last is None else None)
        except BaseException:
            await self.aclose()
            raise
        finally:
            self._busy = False
        if event is None:
            await self.aclose()
            raise StopAsyncIteration
        return event

    async def aclose(self):
        """Ends the call and its transfer, wherever they are; idempotent."""
        call = self.end()
        if call is not None:
            await call.close()

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, trace):
        await self.aclose()


def _event_of(event):
    kind, choice, text, index, id, name, usage, replace, failure = event
    made = StreamEvent(kind, choice, text, index, id, name, usage, None, failure)
    if replace:
        made.replace = True
    return made


def _ending(response):
    """What is said once the answer is proven: the finish_reason of each choice, and the end."""
    choices = getattr(response, "choices", None) or [response]
    events = [StreamEvent("finish", n, finish_reason=one.finish_reason) for n, one in enumerate(choices)]
    events.append(StreamEvent("end", usage=response.usage or None, finish_reason=response.finish_reason))
    return events
