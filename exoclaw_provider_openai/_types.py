"""What a call returns: exoclaw's LLMResponse and ToolCallRequest where exoclaw is loaded, classes of the same shape else.

exoclaw is looked up when something is returned, and never imported.
"""

import sys


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
        from ._said import RESPONSE, same

        return isinstance(other, LLMResponse) and same(self, other, RESPONSE)

    def __repr__(self):
        from ._said import RESPONSE, fields_of

        return "LLMResponse(%s)" % fields_of(self, RESPONSE)


def response_class():
    return getattr(sys.modules.get("exoclaw.providers.types"), "LLMResponse", LLMResponse)
