"""How deep the C stack gets in each call of _exochat, on an emulated Cortex-M3: what lies below is painted before, and looked
at afterwards. `top.py`, which board.py makes, says where the stack begins.
"""

import json

import _exochat
import micropython
import uctypes
from said import answered, sized
from top import TOP

LIMIT = 2048  # bytes below the Python code that calls
DEEP = 6144
SAFE = 640  # below what is in use: the painting itself needs some
PATTERN = b"\xa5" * (DEEP - SAFE)


def deepest(function, *arguments):
    """Bytes of stack that a call of C took, to the depth that is looked at."""
    here = TOP - micropython.stack_use()
    below = uctypes.bytearray_at(here - DEEP, DEEP - SAFE)
    below[:] = PATTERN
    function(*arguments)
    at = 0
    while at < len(below) and below[at] == 0xA5:
        at += 1
    return DEEP - at


def looked_at(name, worst, function, *arguments):
    worst[name] = max(worst.get(name, 0), deepest(function, *arguments))


def chunk(delta, finish=None):
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).encode() + b"\n\n"


def read(worst, name, pieces):
    made = answered({"wanted": None})
    wire = _exochat.Wire(made) if name == "Wire" else made
    if name == "Wire":
        looked_at("Wire.feed", worst, wire.feed, 1, 0, b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        looked_at("Wire.next", worst, wire.next, 1)
    for piece in pieces:
        wire.feed(1, 0, piece) if name == "Wire" else looked_at("Attempt.feed", worst, made.feed, 1, piece)
        for _ in range(6):
            looked_at(name + ".next", worst, wire.next, *((1,) if name == "Wire" else ()))
    looked_at("Attempt.closed", worst, made.closed, 2, 0, "", True)
    looked_at("Attempt.next", worst, made.next)
    looked_at("Attempt.failure", worst, made.failure)
    looked_at("Attempt.end", worst, made.end, 3)
    looked_at("Attempt.answer", worst, made.answer, 0)


def answers(worst):
    call = [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{'a': [1, {b: 'x',},]"}}]
    good = [chunk({"content": "h\u00e4llo"}), chunk({"tool_calls": call}), chunk({}, "tool_calls"), b"data: [DONE]\n\n"]
    bad = [chunk({"content": "x"}), b'data: {"error":{"message":"the key sk-1 is bad","code":429,"type":"t"}}\n\n']
    cut = [chunk({"tool_calls": call})]
    for pieces in (good, bad, cut):
        read(worst, "Attempt", pieces)
        read(worst, "Wire", pieces)


def is_sized(encoder):
    try:
        encoder.total()
        return True
    except ValueError:
        return False


def bodies(worst):
    nested = {"a": [1, 2.5, None, {"b": {"c": ["d" * 100, -(2**63), 10**30]}}]}
    request = {"model": "m", "temperature": 0.7, "messages": [{"role": "user", "content": "x" * 3000, "n": nested}]}
    request["messages"].append({"role": "user", "content": [{"_file": "p.png"}, {"type": "text", "text": "t"}]})
    encoder = _exochat.Encoder(request)
    looked_at("Encoder", worst, _exochat.Encoder, request)
    encoder.file(0, 100, "image/png", "p.png")
    looked_at("Encoder.aim", worst, encoder.aim, {"model": "n", "extra_body": nested, "rename": {"temperature": "heat"}})
    while not is_sized(encoder):
        looked_at("Encoder.size", worst, encoder.size, 300)
    buffer = bytearray(300)
    while not encoder.done():
        looked_at("Encoder.write", worst, encoder.write, buffer)
        want = encoder.want()
        if want:
            encoder.fill(b"p" * (100 - want[1]))


def the_rest(worst):
    failure = _exochat.Failure(0)
    looked_at("Failure.header", worst, failure.header, "Retry-After", "Fri, 31 Dec 2027 23:59:59 GMT", 1700000000)
    body = '{"error":{"message":"maximum context length is 5 tokens, you asked for 9","code":"context_length_exceeded"}}'
    looked_at("Failure.response", worst, failure.response, 400, body)
    looked_at("Failure.redact", worst, failure.redact, "sk-123456789")
    looked_at("repair", worst, _exochat.repair, "```json\n{a: ['b', {c: 'd',},],}\n```")
    route = _exochat.Route([(0, _exochat.Health()), (1, None)], [(1, None)], {"retries": 1, "cooldown": 1000}, 1)
    for now in (0, 5):
        looked_at("Route.next", worst, route.next, now)
        looked_at("Route.failed", worst, route.failed, now, _exochat.Failure(-89), 0)
    head = _exochat.Head("/v1", "host:81", [("Authorization", "Bearer k")], 12)
    looked_at("Head.write", worst, head.write, bytearray(300))


def test_no_call_takes_more_than_two_kilobytes():
    worst = {}
    for part in (answers, bodies, the_rest):
        part(worst)
    for name in sorted(worst):
        print("stack: %s %d" % (name, worst[name]))
    deep = [name for name in worst if worst[name] > LIMIT]
    assert not deep, deep
    assert max(worst.values()) > SAFE, "nothing was seen"
