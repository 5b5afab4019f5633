"""An answer of the core → the response that the caller gets."""

import _exochat

from . import _types

def usage_of(usage):
    """The counts as exoclaw has them: {} where none came."""
    if not usage:
        return {}
    counts = {}
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        counts[name] = usage.get(name, 0)
    if "cached_tokens" in usage:
        counts["cached_tokens"] = usage["cached_tokens"]
    return counts


def response_of(answer):
    """The LLMResponse that a proven answer is. Plain attributes beside its fields:

    refusal         what the model said in place of an answer, or None
    model           that served it, as the endpoint names it
    id              of the response
    cut_tool_calls  those whose arguments were cut by the length of the answer: not to be made
    logprobs, reasoning_details, audio, extra   JSON text as sent, or None
    """
    calls, cut = [], []
    said = answer.usage_json or ""
    if answer.tool_calls:
        from ._tools import calls_of

        calls, cut = calls_of(answer)
    response = _types.response_class()(
        content=answer.content or answer.refusal or None,
        tool_calls=calls,
        finish_reason=answer.finish_reason or "stop",
        usage=usage_of(answer.usage),
        reasoning_content=answer.reasoning or None,
        thinking_blocks=None,
    )
    if "cost" in said or "service_tier" in said or answer.service_tier:
        from ._tools import billing

        billing(response, answer)
    response.refusal = answer.refusal or None
    response.model = answer.model or None
    response.id = answer.id or None
    response.cut_tool_calls = cut
    response.reasoning_details = answer.reasoning_details
    response.logprobs = answer.logprobs
    response.audio = answer.audio
    response.extra = answer.extra
    return response


def _has_come(answer):
    return answer and (answer.finish_reason or answer.content or answer.reasoning or answer.refusal or answer.tool_calls)


def of_call(call, log):
    """The response of a call that succeeded, with its trail; where n > 1, with all of its answers."""
    answers = [call.answer(choice) for choice in range(call.plan.choices)]
    while len(answers) > 1 and not _has_come(answers[-1]):  # many endpoints know nothing of n
        answers.pop()
    responses = [response_of(answer) for answer in answers if answer is not None]
    response = responses[0]
    if call.plan.choices > 1:
        response.choices = responses
    response.attempts = call.trail
    response.served_model = call.name
    response.request_id = call.request_id or None
    if log.on:
        log.response(call.name, response, call.trail[-1]["end_ms"])
    return response


def trail_entry(entry):
    """An entry of the trail as the command prints it: None where something did not come."""
    shown = {}
    for name in ("deployment", "model"):
        shown[name] = entry[name]
    failed = entry["code"] != 0
    shown["code"] = _exochat.error_name(entry["code"]) if failed else None
    shown["verdict"] = entry["verdict"] if failed else None
    shown["message"] = entry.get("message") or None
    shown["http_status"] = entry["http_status"] or None
    for name in ("started_ms", "resolved_ms", "connected_ms", "sent_ms", "first_event_ms", "end_ms", "queued_ms"):
        moment = entry.get(name, -1)
        shown[name] = moment if moment >= 0 else None
    shown["bytes_sent"] = entry["bytes_sent"]
    shown["bytes_received"] = entry["bytes_received"]
    shown["http_version"] = entry.get("http_version") or None
    shown["reused"] = entry["reused"]
    shown["resent"] = entry["resent"]
    return shown


def note(call, entry, failure):
    """One more entry of the trail of a call that is driven from Python."""
    entry["deployment"] = call.name
    entry["model"] = call.deployment.model or call.name
    entry["message"] = failure.message if failure else ""
    entry["started_ms"] = call.started_ms
    call.trail.append(trail_entry(entry))
