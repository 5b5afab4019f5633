"""An answer of the core → the response that the caller gets."""

import os

from . import _types

_ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def _short_tool_id():
    """Nine letters and digits: an id that every provider takes."""
    letters = ""
    while len(letters) < 9:
        for byte in os.urandom(9):
            if byte < 248:  # 4 * 62: each is as likely
                letters += _ALNUM[byte % 62]
    return letters[:9]


def usage_of(counts):
    """The counts as exoclaw has them: {} where none came."""
    if not counts:
        return {}
    usage = {}
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        usage[name] = counts.get(name, 0)
    if "cached_tokens" in counts:
        usage["cached_tokens"] = counts["cached_tokens"]
    return usage


def _calls_of(answer):
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
            _types.tool_call_class()(
                id=id or _short_tool_id(), name=name, arguments=value if isinstance(value, dict) else {}
            )
        )
    return calls, cut


def _billing(response, answer):
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


def response_of(answer):
    """The LLMResponse that a proven answer is. Plain attributes beside its fields:

    refusal         what the model said in place of an answer, or None
    model           that served it, as the endpoint names it
    id              of the response
    cut_tool_calls  those whose arguments were cut by the length of the answer: not to be made
    logprobs, reasoning_details, audio, extra   JSON text as sent, or None
    """
    calls, cut = _calls_of(answer)
    response = _types.response_class()(
        content=answer.content or answer.refusal or None,
        tool_calls=calls,
        finish_reason=answer.finish_reason or "stop",
        usage=usage_of(answer.usage),
        reasoning_content=answer.reasoning or None,
        thinking_blocks=None,
    )
    _billing(response, answer)
    response.refusal = answer.refusal or None
    response.model = answer.model or None
    response.id = answer.id or None
    response.cut_tool_calls = cut
    response.reasoning_details = answer.reasoning_details
    response.logprobs = answer.logprobs
    response.audio = answer.audio
    response.extra = answer.extra
    return response


_TIMES = ("started_ms", "resolved_ms", "connected_ms", "sent_ms", "first_event_ms", "end_ms", "queued_ms")


def trail_entry(entry, name_of):
    """An entry of the trail as the command prints it: None where something did not come; `name_of`: error_name()."""
    shown = {}
    for name in ("deployment", "model"):
        shown[name] = entry[name]
    failed = entry["code"] != 0
    shown["code"] = name_of(entry["code"]) if failed else None
    shown["verdict"] = entry["verdict"] if failed else None
    shown["message"] = entry.get("message") or None
    shown["http_status"] = entry["http_status"] or None
    for name in _TIMES:
        moment = entry.get(name, -1)
        shown[name] = moment if moment >= 0 else None
    shown["bytes_sent"] = entry["bytes_sent"]
    shown["bytes_received"] = entry["bytes_received"]
    shown["http_version"] = entry.get("http_version") or None
    shown["reused"] = entry["reused"]
    shown["resent"] = entry["resent"]
    return shown
