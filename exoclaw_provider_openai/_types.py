"""What a call returns: exoclaw's LLMResponse and ToolCallRequest where exoclaw is loaded, classes of the same shape else.

exoclaw is looked up when something is returned, and never imported.
"""

import sys


def _same(one, other, names):
    return all(getattr(one, name) == getattr(other, name) for name in names)


class ToolCallRequest:
    """One tool that the model wants called.

    id          as the provider sent it; nine letters and digits where it sent none
    name        of the tool
    arguments   a dict
    """

    def __init__(self, id, name, arguments):
        self.id = id
        self.name = name
        self.arguments = arguments

    def __eq__(self, other):
        return isinstance(other, ToolCallRequest) and _same(self, other, ("id", "name", "arguments"))

    def __repr__(self):
        return "ToolCallRequest(id=%r, name=%r, arguments=%r)" % (self.id, self.name, self.arguments)


_FIELDS = (
    "content",
    "tool_calls",
    "finish_reason",
    "usage",
    "reasoning_content",
    "thinking_blocks",
    "cost",
    "service_tier",
)


class LLMResponse:
    """One answer.

    content             the text, or None
    tool_calls          a list of ToolCallRequest
    finish_reason       as sent; "stop" where none came
    usage               counts of tokens; {} where none came
    reasoning_content   the model's reasoning, or None
    thinking_blocks     None
    cost                what the provider says that the call cost, or None
    service_tier        as sent, or None
    """

    def __init__(
        self,
        content,
        tool_calls=None,
        finish_reason="stop",
        usage=None,
        reasoning_content=None,
        thinking_blocks=None,
        cost=None,
        service_tier=None,
    ):
        self.content = content
        self.tool_calls = [] if tool_calls is None else tool_calls
        self.finish_reason = finish_reason
        self.usage = {} if usage is None else usage
        self.reasoning_content = reasoning_content
        self.thinking_blocks = thinking_blocks
        self.cost = cost
        self.service_tier = service_tier

    @property
    def has_tool_calls(self):
        return len(self.tool_calls) > 0

    def __eq__(self, other):
        return isinstance(other, LLMResponse) and _same(self, other, _FIELDS)

    def __repr__(self):
        return "LLMResponse(%s)" % ", ".join("%s=%r" % (name, getattr(self, name)) for name in _FIELDS)


def response_class():
    return getattr(sys.modules.get("exoclaw.providers.types"), "LLMResponse", LLMResponse)


def tool_call_class():
    return getattr(sys.modules.get("exoclaw.providers.types"), "ToolCallRequest", ToolCallRequest)


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
        return isinstance(other, StreamEvent) and _same(self, other, _EVENT)

    def __repr__(self):
        empty = (None, "", 0)
        said = ["%s=%r" % (n, getattr(self, n)) for n in _EVENT[1:] if getattr(self, n) not in empty]
        return "StreamEvent(%s)" % ", ".join([repr(self.type)] + said)
