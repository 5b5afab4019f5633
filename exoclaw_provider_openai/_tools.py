"""The tool calls of an answer: which of them may be made, and what they are called; and what the answer cost."""

import os
import sys

_ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def _short_tool_id():
    """Nine letters and digits: an id that every provider takes."""
    letters = ""
    while len(letters) < 9:
        for byte in os.urandom(9):
            if byte < 248:  # 4 * 62: each is as likely
                letters += _ALNUM[byte % 62]
    return letters[:9]


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
        from ._said import same

        return isinstance(other, ToolCallRequest) and same(self, other, ("id", "name", "arguments"))

    def __repr__(self):
        return "ToolCallRequest(id=%r, name=%r, arguments=%r)" % (self.id, self.name, self.arguments)


def calls_of(answer):
    """(the calls that may be made, those that may not because their arguments are cut)."""
    calls = []
    cut = []
    for id, name, arguments, raw, _extra in answer.tool_calls:
        value = {}
        if arguments is None and answer.finish_family == "length":
            cut.append({"id": id, "name": name, "arguments": raw})
            continue
        if arguments is not None and arguments != "{}":
            import json

            value = json.loads(arguments)
        calls.append(
            tool_call_class()(
                id=id or _short_tool_id(), name=name, arguments=value if isinstance(value, dict) else {}
            )
        )
    return calls, cut


def billing(response, answer):
    """What the provider says of cost and tier, where the class has a place for it."""
    said = answer.usage_json or ""
    usage = {}
    if "cost" in said or "service_tier" in said:
        import json

        usage = json.loads(said)
    cost = usage.get("cost")
    if isinstance(cost, (int, float)) and not isinstance(cost, bool) and hasattr(response, "cost"):
        response.cost = cost
    tier = answer.service_tier or usage.get("service_tier")
    if isinstance(tier, str) and hasattr(response, "service_tier"):
        response.service_tier = tier


def tool_call_class():
    return getattr(sys.modules.get("exoclaw.providers.types"), "ToolCallRequest", ToolCallRequest)
