"""The composed answers of tests/streams, through Attempt: what comes of them, whole and at every split of the small ones."""

import json
import sys

import _exochat
from said import answered, events

FOLDER = (__file__.rpartition("/")[0] + "/../streams/") if "/" in __file__ and not __file__.startswith("/sent") else "/sent/streams/"
SMALL = 700  # bytes of a stream that is tried at every split
LIMITS = {"event": 1000000, "answer": 1000000, "tool_calls": 128, "raw": 100000, "name": 16384}


def read(name):
    with open(FOLDER + name, "rb") as file:
        return file.read()


def described(made):
    failure = made.failure()
    answer = made.answer(0)
    calls = []
    if answer:
        calls = [{"id": c[0], "name": c[1], "arguments": c[3]} for c in answer.tool_calls if c[2] is not None]
    return {
        "code": _exochat.error_name(failure.code) if failure else None,
        "message": failure.message if failure else None,
        "text": (answer.content if answer else None) or "",
        "reasoning": (answer.reasoning if answer else None) or "",
        "finish_reason": answer.finish_reason if answer else None,
        "usage": json.loads(answer.usage_json) if answer and answer.usage_json else None,
        "tool_calls": calls,
        "refusal": answer.refusal if answer else None,
    }


def go(data, split, options):
    made = answered(options)
    shown = []
    for at in range(0, len(data), split):
        if made.todo() != _exochat.DO_RUN:
            break
        made.feed(1, bytearray(data[at : at + split]))
        shown += events(made)
    if made.todo() == _exochat.DO_RUN:
        made.closed(2, 0, "", True)
        shown += events(made)
    return made, shown


def wrong(said, came, data):
    """What is not as it should be, or ""."""
    error = said["error"]
    if (error["code"] if error else None) != came["code"]:
        return "code %r" % came["code"]
    if error and error.get("message") is not None and error["message"] != came["message"]:
        return "message %r" % came["message"]
    for key in ("text", "reasoning", "finish_reason", "usage"):
        if said[key] != came[key]:
            return "%s %r, not %r" % (key, came[key], said[key])
    if said["accepted"] and said["tool_calls"] != came["tool_calls"]:
        return "tool_calls %r, not %r" % (came["tool_calls"], said["tool_calls"])
    if said.get("refusal") and said["refusal"] != came["refusal"]:
        return "refusal %r" % came["refusal"]
    return ""


def check(name, said):
    data = read(name)
    options = {"limits": LIMITS}
    for key in said.get("options", {}):
        options[key] = said["options"][key]
    made, shown = go(data, len(data) or 1, options)
    whole = described(made)
    problem = wrong(said, whole, data)
    assert not problem, problem
    text = "".join([event[2] for event in shown if event[0] == "content" and event[1] == 0])
    assert text == whole["text"], (text, whole["text"])
    if len(data) > 20000:
        splits = (4096,)
    elif len(data) > SMALL:
        splits = (1, 2, 3, 7, 64, 1000)
    else:
        splits = range(1, len(data))
    for split in splits:
        made, pieces = go(data, split, options)
        came = described(made)
        assert came == whole, (split, came, whole)
        assert pieces == shown, (split, pieces, shown)


def table():
    with open(FOLDER + "expected.json") as file:
        expected = json.load(file)
    for name in sorted(expected):
        yield name, lambda name=name: check(name, expected[name])
