#!/usr/bin/env python3
"""Composes the fixtures of this folder: `python3 tests/streams/compose.py` writes them, `--check` compares.

Each fixture stands here once: the row of the dialect table that it shows, its bytes, and the answer that a reader of
the table expects, written by hand. All texts are invented. The table itself is in docs/dialects.md.
"""

import json
import struct
import sys
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent

FILES = {}  # name → bytes
EXPECTED = {}  # name → what expected.json says
ROWS = []  # (section, row, [names]) in the order of the dialect table

SECTIONS = {
    1: "SSE framing",
    2: "Deltas",
    3: "Usage",
    4: "Errors in the stream, or in place of it",
}

USAGE = {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15}
COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens")


# --- how bytes are made


def dump(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def event(value):
    """One event; a str is its data as it stands."""
    return f"data: {value if isinstance(value, str) else dump(value)}\n\n"


def chunk(choices, **extra):
    head = {"id": "fixture-1", "object": "chat.completion.chunk", "created": 1700000000, "model": "fixture"}
    return {**head, "choices": choices, **extra}


def choice(delta, finish=None, **extra):
    return {"index": 0, "delta": delta, "finish_reason": finish, **extra}


def delta(finish=None, **fields):
    """An event with one delta of choice 0."""
    return event(chunk([choice(fields, finish)]))


def says(*words):
    return "".join(delta(content=word) for word in words)


def finish(reason="stop", **extra):
    return event(chunk([choice({}, reason)], **extra))


def usage(counts):
    return event(chunk([], usage=counts))


def tool(*calls, **fields):
    """An event with deltas of tool calls."""
    return delta(tool_calls=list(calls), **fields)


def call(index=None, id=None, name=None, arguments=None, **extra):
    """One delta of a tool call; what is None is left out."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    fields = {"index": index, "id": id, "type": "function" if id else None}
    return {**{key: value for key, value in fields.items() if value is not None}, "function": function, **extra}


def failure(message, kind=None, code=None, **extra):
    return {"error": {"message": message, "type": kind, "code": code, **extra}}


def gzip_of(data):
    """A gzip member of one stored block, so that its bytes depend on no compressor (RFC 1951, 3.2.4; RFC 1952)."""
    head = bytes.fromhex("1f8b08000000000000ff") + struct.pack("<BHH", 1, len(data), len(data) ^ 0xFFFF)
    return head + data + struct.pack("<II", zlib.crc32(data), len(data))


ROLE = delta(role="assistant", content="")
DONE = event("[DONE]")
END = finish() + DONE
TOOL_END = finish("tool_calls") + DONE


# --- how fixtures are told


def row(section, title):
    ROWS.append((section, title, []))


def fixture(
    name,
    body,
    text="",
    reasoning="",
    tools=(),
    reason="stop",
    usage=None,
    error=None,
    done=True,
    note=None,
    counts=None,
    **rest,
):
    """Adds a fixture to the current row. `tools` are (id, name, arguments); `error` is (code,) or (code, message); a
    `reason` of None says that no finish_reason came. `rest`: refusal, options.
    """
    name += ".sse"
    FILES[name] = body if isinstance(body, bytes) else body.encode()
    ROWS[-1][2].append(name)
    expected = {
        "text": text,
        "reasoning": reasoning,
        "tool_calls": [dict(zip(("id", "name", "arguments"), one)) for one in tools],
        "finish_reason": reason,
        "usage": usage,
        "error": dict(zip(("code", "message"), error)) if error else None,
        **rest,
        "done": done,
        "accepted": error is None,
    }
    if counts:
        expected["counts"] = dict(zip(COUNTS, counts))
    if note:
        expected["note"] = note
    EXPECTED[name] = expected


def refused(name, body, code, message=None, **rest):
    """A fixture that ends in a failure: by default with nothing said, no finish_reason and no [DONE]."""
    error = (code,) if message is None else (code, message)
    fixture(name, body, **{"reason": None, "done": False, "error": error, **rest})


# --- 1. framing

TIDE = "The tide turns at noon."
TIDE_EVENTS = ROLE + says("The tide ", "turns at noon.") + END

row(1, "comment heartbeats")
fixture(
    "framing-comments",
    ": GATEWAY PROCESSING\n\n:\n\n" + ROLE + ": keep-alive\n\n: ping - 2031-02-03 04:05:06\n" + says("The tide ")
    + ":\n"
    ": within an event\n" + says("turns at noon.").replace("\n\n", "\n: before its end\n\n") + finish()
    + ":no space\n\n" + DONE,
    TIDE,
)

row(1, "`event: error` under HTTP 200")
refused(
    "framing-event-error",
    ROLE + says("The tide ") + "event: error\n" + event(failure("the gauge is under water", "gauge_error")),
    "EXO_E_IN_STREAM",
    "the gauge is under water",
    text="The tide ",
)
refused(
    "framing-event-error-bare",
    "event: error\n" + event({"message": "the gauge is under water", "type": "gauge_error"}),
    "EXO_E_IN_STREAM",
    "the gauge is under water",
    note="the payload is data itself: there is no error in it",
)
refused(
    "framing-event-error-text",
    "event: error\n" + event("the gauge is under water") + DONE,
    "EXO_E_IN_STREAM",
    done=True,
    note="an event of type error is always an error, even when its data is no JSON",
)
refused(
    "framing-event-error-words",
    "event: error\ndata: the gauge says\n" + event(failure("the gauge is under water", code=429)),
    "EXO_E_RATE_LIMIT",
    "the gauge is under water",
    note="data that is no JSON is read from its last line that is an object",
)
refused(
    "framing-event-error-after",
    event({"message": "the gauge is under water"}).replace("\n\n", "\nevent:error\n\n"),
    "EXO_E_IN_STREAM",
    "the gauge is under water",
    note="the event field may follow the data",
)

row(1, "SSE field `error: {…}`")
refused(
    "framing-field-error",
    ROLE + says("The tide ") + "error: " + dump({"code": 500, "message": "slot lost", "type": "gauge_error"}) + "\n\n",
    "EXO_E_SERVER",
    "slot lost",
    text="The tide ",
    note="code 500 in the body is the effective status",
)
fixture(
    "framing-field-error-word",
    ROLE + says("The tide ", "turns at noon.") + "errors: 0\n\n" + END,
    TIDE,
    note="another field whose name begins so is an unknown field",
)

row(1, "CRLF, CR alone")
fixture("framing-crlf", TIDE_EVENTS.replace("\n", "\r\n"), TIDE)
fixture("framing-cr", TIDE_EVENTS.replace("\n", "\r"), TIDE)
fixture(
    "framing-mixed-line-ends",
    ROLE.replace("\n", "\r") + says("The tide ").replace("\n\n", "\r\n\n")
    + says("turns at noon.").replace("\n\n", "\n\r\n")
    # CR LF CR ends a line and then an empty one, and so does LF CR.
    + finish().replace("\n\n", "\r\n\r") + DONE.replace("\n\n", "\n\r"),
    TIDE,
)

row(1, "`data:` without the space")
fixture("framing-no-space", TIDE_EVENTS.replace("data: ", "data:"), TIDE)
fixture(
    "framing-two-spaces",
    (ROLE + says("The tide ", "turns at noon.") + finish()).replace("data: ", "data:  ") + DONE,
    TIDE,
    note="one space is stripped, and JSON does not mind the other",
)

row(1, "a leading BOM")
fixture("framing-bom", b"\xef\xbb\xbf" + TIDE_EVENTS.encode(), TIDE)
fixture(
    "framing-bom-twice",
    b"\xef\xbb\xbf\xef\xbb\xbf" + (says("lost ") + says("The tide ", "turns at noon.") + END).encode(),
    TIDE,
    note="only one BOM is stripped; the second makes the first line an unknown field",
)
fixture(
    "framing-bom-inside",
    ROLE + says("The\ufefftide") + END,
    "The\ufefftide",
    note="U+FEFF in a text is text",
)

row(1, "multi-line `data`")
LINES = dump(chunk([choice({"content": TIDE})])).replace(',"', ',\ndata: "').replace("[{", "[\ndata:{")
fixture("framing-multi-line", ROLE + f"data: {LINES}\n\n" + END, TIDE)
fixture(
    "framing-done-not-alone",
    ROLE + says("The tide ") + finish() + "data: [DONE]\ndata: {}\n\n" + says("turns at noon."),
    TIDE,
    done=False,
    note="[DONE] and a further data line make an event that is malformed, not the sentinel; it is skipped",
)
fixture(
    "framing-done-prefix",
    ROLE + says("The tide ") + event("[DONE]!") + event("[done]") + event('"[DONE]"') + says("turns at noon.") + END,
    TIDE,
    note="three events that only look like the sentinel: malformed, skipped",
)

row(1, "EOF without the final blank line")
fixture("framing-eof-one-line-end", (ROLE + says(TIDE) + finish())[:-1], TIDE, done=False)
fixture("framing-eof-no-line-end", (ROLE + says(TIDE) + finish())[:-2], TIDE, done=False)
fixture("framing-eof-done", (ROLE + says(TIDE) + DONE)[:-2], TIDE, reason=None)
fixture("framing-eof-done-cr", (ROLE + says(TIDE) + DONE)[:-2] + "\r", TIDE, reason=None)
refused(
    "framing-eof-cut-json",
    (ROLE + says("The tide ") + finish())[:-30],
    "EXO_E_TRUNCATED",
    text="The tide ",
    note="the pending event is not complete JSON: it is dropped, and with it the finish_reason",
)
refused("framing-eof-cut-done", (ROLE + says("The tide ") + DONE)[:-3], "EXO_E_TRUNCATED", text="The tide ")
fixture(
    "framing-eof-cut-after-finish",
    (ROLE + says(TIDE) + finish() + usage(USAGE))[:-20],
    TIDE,
    done=False,
    note="what breaks after finish_reason costs the usage and not the answer",
)

row(1, "no `[DONE]`")
fixture("framing-no-done", ROLE + says(TIDE) + finish(), TIDE, done=False)
fixture("framing-no-done-usage", ROLE + says(TIDE) + finish() + usage(USAGE), TIDE, usage=USAGE, done=False)

row(1, "no finish_reason ever")
fixture("framing-no-finish", ROLE + says(TIDE) + DONE, TIDE, reason=None)
fixture(
    "framing-no-finish-key",
    event(chunk([{"index": 0, "delta": {"content": TIDE}}])) + DONE,
    TIDE,
    reason=None,
)
refused("framing-truncated", ROLE + says("The tide "), "EXO_E_TRUNCATED", text="The tide ")
fixture(
    "framing-truncated-lenient",
    ROLE + says(TIDE),
    TIDE,
    reason=None,
    done=False,
    options={"lenient_end": True},
    note="the same end, accepted because the deployment is marked lenient",
)

row(1, "frames after `[DONE]`")
fixture(
    "framing-after-done",
    ROLE + says(TIDE) + END + says("never ") + usage(USAGE) + event(failure("never")) + finish("length") + "garbage",
    TIDE,
    note="nothing after [DONE] counts: no text, no usage, no error, no finish_reason",
)

row(1, "UTF-8 split across reads; U+2028, U+2029, U+0085 inside strings")
SEPARATED = "one\u2028two\u2029three\u0085four"
fixture("framing-line-separators", ROLE + says(SEPARATED) + END, SEPARATED)
fixture(
    "framing-utf8",
    ROLE + says("é ", "ß€ ", "漢字 ", "🌊🏄🏽‍♀️ ", "\U0010ffff") + END,
    "é ß€ 漢字 🌊🏄🏽‍♀️ \U0010ffff",
    note="two, three and four bytes; every split of the bytes gives the same",
)
fixture(
    "framing-escapes",
    ROLE + event(r'{"choices":[{"index":0,"delta":{"content":"\ud83c\udf0a \u00e9 \"\\\/\b\f\n\r\t\u2028\u0000"}}]}')
    + END,
    '🌊 é "\\/\b\f\n\r\t\u2028\0',
)
fixture(
    "framing-lone-surrogate",
    ROLE + event(r'{"choices":[{"index":0,"delta":{"content":"a\ud83cb\udf0ac"}}]}') + END,
    "a\ufffdb\ufffdc",
)
fixture(
    "framing-invalid-utf8",
    (ROLE + says("caf@ on the quay") + END).encode().replace(b"@", b"\xe9"),
    "caf\ufffd on the quay",
    note="silent in the table; an event stream is decoded with replacement (WHATWG HTML, 9.2.6)",
)

row(1, "gzip, not labelled")
refused("framing-unlabelled-gzip", gzip_of(TIDE_EVENTS.encode()), "EXO_E_UNLABELLED_GZIP")

row(1, "huge events")
BLOB = "".join(f"{i * 2654435761 % 4294967296:08x}" for i in range(12000))
fixture(
    "framing-huge-event",
    ROLE + event(chunk([choice({"content": "The tide ", "encrypted": BLOB})])) + says("turns at noon.") + END,
    TIDE,
    note="one event of 96,000 bytes, in a field that is not known; over the event limit of microcontrollers",
)
PIECES = [BLOB[i : i + 64] for i in range(0, 32000, 64)]
fixture(
    "framing-huge-event-lines",
    ROLE
    + event(chunk([choice({"content": "The tide ", "encrypted": PIECES})])).replace('","', '",\ndata: "')
    + says("turns at noon.")
    + END,
    TIDE,
    note="one event of 37 KB in 500 lines",
)

row(1, "Content-Type is not believed: the first byte decides")
refused("framing-body-error", dump(failure("no such berth", code="berth_missing")), "EXO_E_IN_STREAM", "no such berth")
refused(
    "framing-body-error-blank",
    "\r\n\n \t" + dump(failure("no such berth")),
    "EXO_E_IN_STREAM",
    "no such berth",
    note="white space before the first byte that decides",
)
refused("framing-body-error-bom", "\ufeff" + dump(failure("no such berth")), "EXO_E_IN_STREAM", "no such berth")
COMPLETION = chunk([{"index": 0, "message": {"content": TIDE}, "finish_reason": "stop"}], usage=USAGE)
fixture(
    "framing-body-completion",
    dump(COMPLETION),
    TIDE,
    usage=USAGE,
    done=False,
    note="a whole completion because stream was ignored: it is whole, proven and paid for",
)
fixture("framing-body-completion-pretty", json.dumps(COMPLETION, indent=2) + "\n", TIDE, usage=USAGE, done=False)
refused(
    "framing-body-completion-strict",
    dump(COMPLETION),
    "EXO_E_NOT_A_STREAM",
    options={"strict_stream": True},
    note="the same where only a stream is wanted: a failure of its own kind; none of it is used",
)
refused(
    "framing-body-completion-unfinished",
    dump(chunk([{"index": 0, "message": {"content": TIDE}, "finish_reason": None}])),
    "EXO_E_TRUNCATED",
    text=TIDE,
    note="nothing says that it is whole",
)
refused("framing-body-completion-cut", dump(COMPLETION)[:60], "EXO_E_NOT_A_STREAM")
LINES = [
    chunk([choice({"role": "assistant", "content": "The tide "})]),
    chunk([choice({"content": "turns at noon."})]),
    chunk([choice({}, "stop")]),
    chunk([], usage=USAGE),
]
fixture("framing-lines", "".join(dump(line) + "\n" for line in LINES), TIDE, usage=USAGE, done=False,
        note="lines of JSON that are chunks, in place of events")
fixture("framing-lines-done", "\r\n".join([*map(dump, LINES), "", "[DONE]", ""]), TIDE, usage=USAGE,
        note="the same with CRLF, an empty line and the sentinel")
fixture("framing-lines-cut-end", "\n".join(map(dump, LINES)), TIDE, usage=USAGE, done=False,
        note="the last line has no end")
refused("framing-lines-cut", "".join(dump(line) + "\n" for line in LINES[:2]), "EXO_E_TRUNCATED", text=TIDE)
refused("framing-lines-strict", "".join(dump(line) + "\n" for line in LINES), "EXO_E_NOT_A_STREAM",
        options={"strict_stream": True})
refused("framing-body-other-json", '{"status":"up"}\n', "EXO_E_NOT_A_STREAM")
refused("framing-body-html", "<!DOCTYPE html>\n<html><body><h1>502</h1></body></html>\n", "EXO_E_NOT_A_STREAM")
refused("framing-body-html-blank", "\n\n  <html></html>\n", "EXO_E_NOT_A_STREAM")
refused("framing-body-empty", "", "EXO_E_EMPTY_STREAM")
refused("framing-body-blank", "\n\r\n\n", "EXO_E_EMPTY_STREAM")
fixture("framing-blank-start", "\n\r\n\n" + TIDE_EVENTS, TIDE)

row(1, "beyond the table: other fields, empty and malformed events")
fixture(
    "framing-other-fields",
    "retry: 3000\nid: 1\nevent: message\nfoo: bar\nfoo\n" + says("The tide ") + "event: ping\n"
    + event({"type": "ping"})
    # An event type belongs to its own event: this one has none.
    + says("turns at noon.") + "event: chunk\n" + END,
    TIDE,
)
fixture(
    "framing-empty-data",
    ROLE + "data:\n\n" + says("The tide ") + "data\n\n" + "event: error\n\n" + says("turns at noon.") + END,
    TIDE,
    note="events without data say nothing, whatever their type",
)
refused(
    "framing-malformed",
    ROLE
    + says("The tide ")
    + event('{"choices":[{"index":0,"delta":{"content":"never"')
    + event('{"choices":[{"index":0,"delta":{"content":"never"},}]}')
    + says("turns at noon.")
    + END,
    "EXO_E_MALFORMED",
    text=TIDE,
    reason="stop",
    done=True,
    note="what begins like JSON and cannot be read leaves a hole, and the answer is not proven",
)
for name, broken in (
    ("object-goes-on", '{"choices":[{"index":0,"delta":{"content":"never"}}]} and more'),
    ("two-objects", '{"choices":[]}{"choices":[{"index":0,"delta":{"content":"never"}}]}'),
    ("list", '[{"choices":[{"index":0,"delta":{"content":"never"}}]}'),
    ("glued", '{"choices":[{"index":0,"delta":{"conten\n{"choices":[{"index":0,"delta":{"content":"never"}}]}'),
):
    refused(
        f"framing-hole-{name}",
        ROLE + says("The tide ") + "".join(f"data: {line}\n" for line in broken.split("\n")) + "\n" + says("turns at noon.") + END,
        "EXO_E_MALFORMED",
        text=TIDE,
        reason="stop",
        done=True,
    )
fixture(
    "framing-noise",
    ROLE
    + says("The tide ")
    + "".join(map(event, ("null", "17", '"never"', "[1,2]", "[info] never", "upstream timed out", "<p>never</p>")))
    + says("turns at noon.")
    + END,
    TIDE,
    note="what does not begin like JSON, and JSON that is no object, is skipped and counted (7)",
)
refused(
    "framing-noise-then-done",
    ROLE + says("The tide ") + event("Rate limit exceeded, please slow down") + DONE,
    "EXO_E_MALFORMED",
    text="The tide ",
    done=True,
    note="[DONE] alone proves nothing where an event could not be read",
)
refused(
    "framing-malformed-all",
    event("upstream timed out") + event('{"choices":[{"delta":{"content":"never"'),
    "EXO_E_MALFORMED",
)
refused("framing-done-only", DONE, "EXO_E_EMPTY_STREAM", done=True, note="[DONE] proves an answer, and there is none")

row(1, "beyond the table: what is not quite JSON, and what nobody looks at")
fixture(
    "framing-control-characters",
    ROLE + event('{"choices":[{"index":0,"delta":{"content":"The\ttide \x1b[1m"}}]}') + says("turns at noon.") + END,
    "The\ttide \x1b[1mturns at noon.",
)
fixture(
    "framing-control-character-newline",
    ROLE + 'data: {"choices":[{"index":0,"delta":{"content":"The\ndata: tide "}}]}\n\n' + says("turns at noon.") + END,
    "The\ntide turns at noon.",
    note="the line end of two data lines stands inside of a string",
)
fixture(
    "framing-bad-escapes",
    ROLE + event(r'{"choices":[{"index":0,"delta":{"content":"C:\Users\x \'tide\' "}}]}') + says("turns at noon.") + END,
    r"C:\Users\x \'tide\' turns at noon.",
    note="a bad escape stands for itself, its reverse solidus too",
)
fixture(
    "framing-not-a-number",
    ROLE
    + event('{"choices":[{"index":0,"delta":{"content":"The "},"logprobs":{"content":[{"logprob":-Infinity}]}}]}')
    + event('{"timing":NaN,"choices":[{"index":0,"delta":{"content":"tide ","score":nan}}]}')
    + event('{"choices":[{"index":0,"delta":{"content":NaN}}]}')
    + says("turns at noon.")
    + END,
    TIDE,
)
DEEP = "[" * 70 + "]" * 70
fixture(
    "framing-deep-members",
    ROLE
    + event('{"trace":%s,"choices":[{"index":0,"delta":{"content":"The "}}]}' % DEEP)
    + event('{"choices":[{"trace":%s,"index":0,"delta":{"content":"tide "}}]}' % DEEP)
    + event('{"choices":[{"index":0,"delta":{"content":"turns "},"logprobs":%s}]}' % DEEP)
    + says("at noon.")
    + END,
    TIDE,
)

# --- 2. deltas

row(2, "`choices: []`, empty id or model; filter chunks without `delta`, also after the finish")
FILTERED = {"hate": {"filtered": False, "severity": "safe"}}
fixture(
    "delta-filter-chunks",
    event({**chunk([]), "id": "", "model": "", "prompt_filter_results": [{"prompt_index": 0, "filtered": False}]})
    + ROLE
    + event(chunk([{"index": 0, "finish_reason": None, "content_filter_offsets": {"check_offset": 44}}]))
    + says("Salt ", "and rope.")
    + finish()
    + event(chunk([{"index": 0, "finish_reason": None, "content_filter_results": FILTERED}]))
    + event(chunk([choice({})]))
    + DONE,
    "Salt and rope.",
    note="a null after the finish_reason does not overwrite it",
)

row(2, "explicit nulls; unknown fields")
NULLS = ("role", "content", "reasoning_content", "refusal", "tool_calls", "audio")
fixture(
    "delta-nulls",
    event(chunk([choice(dict.fromkeys(NULLS))], usage=None, error=None, x_groq=None))
    + event(chunk([{"index": None, "delta": None, "finish_reason": None, "message": None, "usage": None}]))
    + event({**chunk([]), "choices": None, "id": None, "model": None})
    + event(chunk([None]))
    + event(chunk([choice({"content": "Salt ", "function_call": None, "tool_calls": []})]))
    + says("and rope.")
    + END,
    "Salt and rope.",
    note="choices: [null] is malformed at worst, and never the end of the stream",
)
fixture(
    "delta-unknown-fields",
    ROLE
    + event(chunk([choice({"content": "Salt ", "mood": {"a": [1, {"b": None}]}}, matched_stop=None)], p="x8Qz"))
    + event({"weather": [True, 1e-7, {}], **chunk([choice({"content": "and rope."})])})
    + event({"type": "heartbeat", "n": 18446744073709551616, "obfuscation": "x8Qz"})
    + event({})
    + finish(matched_stop=2, timing={"ms": 0.25})
    + DONE,
    "Salt and rope.",
)

row(2, "role in every chunk, or empty")
fixture(
    "delta-role-everywhere",
    delta(role="assistant", content="Salt ") + delta(role="", content="and ") + delta(role="tool", content="rope.")
    + END,
    "Salt and rope.",
)

row(2, "`choices[].text` duplicates the content")
fixture(
    "delta-text-beside",
    "".join(event(chunk([choice({"content": word}, text=word)])) for word in ("Salt ", "and rope."))
    + event(chunk([choice({"content": ""}, "stop", text="")]))
    + DONE,
    "Salt and rope.",
)

fixture(
    "delta-text-beside-nothing",
    event(chunk([choice({}, text="Salt ")])) + event(chunk([choice({"content": None}, "stop", text="and rope.")])) + DONE,
    "Salt and rope.",
    note="a delta that says nothing does not hide the text",
)

row(2, "content is a list of parts")
fixture(
    "delta-content-parts",
    delta(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "What holds "}]}])
    + delta(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "a ship?"}], "closed": True}])
    + delta(content=[{"type": "text", "text": "Salt "}, {"type": "reference", "reference_ids": [4, 2]}])
    + delta(content=[{"type": "hologram", "text": "never"}, {"type": "text", "text": "and "}])
    + delta(content=[{"type": "text", "text": "ro"}, {"type": "text", "text": "pe"}])
    + delta(content=[])
    + says(".")
    + END,
    "Salt and rope.",
    "What holds a ship?",
)

row(2, "reasoning in `reasoning_content`, `reasoning`, `reasoning_text`, or two of them")
for field in ("reasoning_content", "reasoning", "reasoning_text"):
    fixture(
        "delta-" + field.replace("_", "-") + ("-field" if field == "reasoning" else ""),
        ROLE + delta(**{field: "What holds "}) + delta(content="", **{field: "a ship?"}) + says("Salt ", "and rope.")
        + END,
        "Salt and rope.",
        "What holds a ship?",
    )
fixture(
    "delta-reasoning-twice",
    delta(reasoning_content="What holds ", reasoning="What holds ")
    + delta(reasoning="a ship?", reasoning_content="a ship?", reasoning_text="a ship?")
    + says("Salt and rope.")
    + END,
    "Salt and rope.",
    "What holds a ship?",
    note="the first that is not empty, never two",
)
fixture(
    "delta-reasoning-first-empty",
    delta(reasoning_content="", reasoning="What holds ") + delta(reasoning_content=None, reasoning_text="a ship?")
    # Both kinds in one chunk.
    + delta(reasoning="", content="Salt and rope.") + END,
    "Salt and rope.",
    "What holds a ship?",
)
fixture(
    "delta-reasoning-details",
    delta(reasoning="What holds ", reasoning_details=[{"type": "reasoning.text", "text": "What holds ", "index": 0}])
    + delta(reasoning="a ship?", reasoning_details=[{"type": "reasoning.text", "text": "a ship?", "index": 0}])
    + delta(content="", reasoning_details=[{"type": "reasoning.encrypted", "data": "c2VhbGVk", "index": 1}])
    + says("Salt and rope.")
    + END,
    "Salt and rope.",
    "What holds a ship?",
    note="reasoning_details is kept raw for replay and adds nothing to the reasoning",
)

row(2, "`<think>` inside content")
THOUGHT = ROLE + says("<thi", "nk>What holds ", "a ship?</", "think>Salt ", "and <think>rope</think>.") + END
fixture(
    "delta-think-kept",
    THOUGHT,
    "<think>What holds a ship?</think>Salt and <think>rope</think>.",
    note="not asked for: content stays as it is",
)
fixture(
    "delta-think",
    THOUGHT,
    "Salt and <think>rope</think>.",
    "What holds a ship?",
    options={"think_tags": True},
    note="the option takes the block at the start of the answer, and no other; its tags are split here",
)
fixture(
    "delta-think-late",
    ROLE + says("Salt <think>", "and</think> rope.") + END,
    "Salt <think>and</think> rope.",
    options={"think_tags": True},
)
fixture(
    "delta-think-false-start",
    ROLE + says("<", "th", "in ice>") + END,
    "<thin ice>",
    options={"think_tags": True},
    note="what could have become the tag is text after all",
)
fixture(
    "delta-think-open",
    ROLE + says("<think>What holds", " a ship?</thin") + END,
    "",
    "What holds a ship?</thin",
    options={"think_tags": True},
    note="silent in the table; the block was never closed, so all of it is reasoning",
)

row(2, "last frame `object: chat.completion` with `message` instead of `delta`")


def whole(message, reason="stop", **extra):
    frame = chunk([{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}], **extra)
    return event({**frame, "object": "chat.completion"})


fixture(
    "delta-message-last",
    ROLE + says("Salt ", "and rope.") + whole({"content": "Salt and rope."}, usage=USAGE),
    "Salt and rope.",
    usage=USAGE,
    done=False,
    note="text was streamed: of the message only usage and finish_reason count",
)
fixture(
    "delta-message-only",
    whole({"content": "Salt and rope.", "reasoning_content": "What holds a ship?"}, usage=USAGE) + DONE,
    "Salt and rope.",
    "What holds a ship?",
    usage=USAGE,
)
fixture(
    "delta-message-only-tool",
    whole({"content": None, "tool_calls": [call(id="c-1", name="moor", arguments='{"berth":3}')]}, "tool_calls"),
    tools=[("c-1", "moor", '{"berth":3}')],
    reason="tool_calls",
    done=False,
)
fixture(
    "delta-message-beside",
    "".join(event(chunk([choice({"content": word}, message={"content": word})])) for word in ("Salt ", "and rope."))
    + event(chunk([choice({}, "stop", message={"content": "Salt and rope."})])),
    "Salt and rope.",
    done=False,
    note="delta wins over a message beside it",
)
fixture(
    "delta-message-beside-nothing",
    ROLE + event(chunk([choice({"role": "assistant", "content": ""}, "stop", message={"content": "Salt and rope."})])),
    "Salt and rope.",
    done=False,
    note="a delta that says nothing does not hide the message",
)

row(2, "tool index missing, null, or always 0")
MOOR, CAST = ("c-1", "moor", '{"berth":3}'), ("c-2", "cast_off", '{"line":"bow"}')
for name, keys in (("missing", {}), ("null", {"index": None}), ("always-0", {"index": 0})):
    fixture(
        "delta-tool-index-" + name,
        "".join(tool({**call(id=one[0], name=one[1], arguments=one[2]), **keys}) for one in (MOOR, CAST)) + TOOL_END,
        tools=[MOOR, CAST],
        reason="tool_calls",
    )
fixture(
    "delta-tool-index-always-0-parts",
    tool(call(0, "c-1", "moor", ""))
    + tool(call(0, None, None, '{"berth"'))
    + tool(call(0, None, None, ":3}"))
    + tool(call(0, "c-2", "cast_off", '{"line"'))
    + tool(call(0, None, None, ':"bow"}'))
    + TOOL_END,
    tools=[MOOR, CAST],
    reason="tool_calls",
    note="an unknown id with a name opens a new call at the same index; what has no id goes to the index's latest call",
)
fixture(
    "delta-tool-latest",
    tool(call(None, "c-1", "moor", '{"berth"'))
    + tool(call(None, None, None, ":3}"))
    + tool(call(None, "c-2", "cast_off", '{"line"'))
    + tool(call(None, None, "", ':"bow"}'))
    + TOOL_END,
    tools=[MOOR, CAST],
    reason="tool_calls",
    note="neither id nor index: the latest call",
)
fixture(
    "delta-tool-no-id",
    tool(call(0, None, "moor", '{"berth"')) + tool(call(0, None, None, ":3}")) + TOOL_END,
    tools=[("", "moor", '{"berth":3}')],
    reason="tool_calls",
    note="no id was sent; whoever hands the call on may invent one",
)

row(2, "tool index starts at 1, or is sparse and huge")
fixture(
    "delta-tool-index-from-1",
    tool(call(1, *MOOR)) + tool(call(2, *CAST)) + TOOL_END,
    tools=[MOOR, CAST],
    reason="tool_calls",
)
fixture(
    "delta-tool-index-sparse",
    tool(call(7, "c-1", "moor", ""), call(1000000000, "c-2", "cast_off", ""), call(9007199254740991, "c-3", "wait", ""))
    + tool(call(1000000000, None, None, '{"line"'), call(7, None, None, '{"berth"'))
    + tool(call(7, None, None, ":3}"), call(9007199254740991, None, None, "{}"))
    + tool(call(1000000000, None, None, ':"bow"}'))
    + TOOL_END,
    tools=[MOOR, CAST, ("c-3", "wait", "{}")],
    reason="tool_calls",
    note="interleaved; an index names a call and never sizes an array",
)

row(2, 'later id `""`; id, type and name repeated; name `""`')
fixture(
    "delta-tool-id-empty-later",
    tool(call(0, "c-1", "moor", '{"berth"'))
    + tool({"index": 0, "id": "", "type": "", "function": {"name": "", "arguments": ":3"}})
    + tool({"index": 0, "id": None, "type": None, "function": {"name": None, "arguments": "}"}})
    + TOOL_END,
    tools=[MOOR],
    reason="tool_calls",
)
fixture(
    "delta-tool-id-repeated",
    "".join(tool(call(0, "c-1", "moor", part)) for part in ('{"be', 'rth"', ":3}")) + TOOL_END,
    tools=[MOOR],
    reason="tool_calls",
    note="id and name overwrite, they are never appended",
)

row(2, "one id at several indexes")
fixture(
    "delta-tool-id-several-indexes",
    tool(call(0, "c-1", "moor", '{"be')) + tool(call(1, "c-1", "", 'rth"')) + tool(call(2, "c-1", None, ":3}"))
    + TOOL_END,
    tools=[MOOR],
    reason="tool_calls",
    note="id beats index",
)

row(2, "a new id in every chunk")
fixture(
    "delta-tool-id-always-new",
    tool(call(0, "c-1", "moor", "")) + tool(call(0, "c-8", None, '{"berth"')) + tool(call(0, "c-9", "", ":3}"))
    + TOOL_END,
    tools=[("c-9", "moor", '{"berth":3}')],
    reason="tool_calls",
    note="no name: the same call; of ids the last that is not empty is kept",
)

row(2, "the name arrives late")
fixture(
    "delta-tool-name-late",
    tool(call(0, "c-1", None, '{"berth"')) + tool(call(0, None, None, ":3}")) + tool(call(0, None, "moor", None))
    + TOOL_END,
    tools=[MOOR],
    reason="tool_calls",
)

fixture(
    "delta-tool-name-last",
    tool(call(0, None, None, '{"berth"')) + tool(call(0, None, None, ":3}")) + tool(call(0, "c-1", "moor", ""))
    + tool(call(1, "c-2", "cast_off", '{"line":"bow"}')) + TOOL_END,
    tools=[MOOR, CAST],
    reason="tool_calls",
    note="a call without a name takes the first that comes, whenever, and its id",
)

row(2, "arguments as an object, or null")
fixture(
    "delta-tool-arguments-number",
    tool(call(0, "c-1", "moor", '{"berth":')) + tool(call(0, None, None, 3)) + tool(call(0, None, None, ',"fast":'))
    + tool(call(0, None, None, False)) + tool(call(0, None, None, "}")) + TOOL_END,
    tools=[("c-1", "moor", '{"berth":3,"fast":false}')],
    reason="tool_calls",
    note="tokens that look like numbers or booleans, as in content",
)
BOW, STERN = ("c-1", "cast_off", '{"line":"bow"}'), ("c-1_2", "cast_off", '{"line":"stern"}')
for name, second, tools in (
    ("another-name", call(0, "c-1", "moor", {"berth": 3}), [BOW, ("c-1_2", *MOOR[1:])]),
    ("another-index", call(1, "c-1", "cast_off", {"line": "stern"}), [BOW, STERN]),
    ("nameless", call(1, "c-1", None, {"line": "stern"}), [BOW, STERN]),
):
    fixture(
        "delta-tool-object-" + name,
        tool(call(0, "c-1", "cast_off", {"line": "bow"})) + tool(second) + TOOL_END,
        tools=tools,
        reason="tool_calls",
        note="an object replaces the arguments of its own call, not of another with the same id",
    )
fixture(
    "delta-tool-objects-alone",
    whole(
        {"tool_calls": [call(None, None, "cast_off", {"line": line}) for line in ("bow", "stern")]}, reason="tool_calls"
    ),
    tools=[("", *BOW[1:]), ("", *STERN[1:])],
    reason="tool_calls",
    done=False,
    note="with neither id nor index, a name begins another call",
)
fixture(
    "delta-tool-calls-object",
    delta(tool_calls=call(0, "c-1", "moor", '{"berth"')) + delta(tool_calls=call(0, None, None, ":3}")) + TOOL_END,
    tools=[MOOR],
    reason="tool_calls",
    note="one call that stands where a list should",
)
fixture(
    "delta-tool-arguments-object",
    tool(call(0, "c-1", "moor", {"berth": 3, "lines": ["bow", {"é": None}]})) + TOOL_END,
    tools=[("c-1", "moor", '{"berth":3,"lines":["bow",{"é":null}]}')],
    reason="tool_calls",
)
fixture(
    "delta-tool-arguments-object-grows",
    tool(call(0, "c-1", "moor", {})) + tool(call(0, None, None, {"berth": 3})) + TOOL_END,
    tools=[MOOR],
    reason="tool_calls",
    note="an object replaces what came before it",
)
fixture(
    "delta-tool-arguments-null",
    tool({"index": 0, "id": "c-1", "function": {"name": "moor", "arguments": None}})
    + tool(call(0, None, None, '{"berth":3}'))
    + tool({"index": 0, "function": None})
    + TOOL_END,
    tools=[MOOR],
    reason="tool_calls",
)

row(2, "a whole call in one chunk")
fixture(
    "delta-tool-whole",
    tool(call(0, *MOOR), call(1, *CAST), content=None) + TOOL_END,
    tools=[MOOR, CAST],
    reason="tool_calls",
)
fixture(
    "delta-tool-whole-finish",
    delta("tool_calls", tool_calls=[call(0, *MOOR)], content="Mooring."),
    "Mooring.",
    tools=[MOOR],
    reason="tool_calls",
    done=False,
    note="text, call and finish_reason in one chunk",
)

row(2, "a whitespace delta after complete arguments")
fixture(
    "delta-tool-space-after",
    tool(call(0, *MOOR)) + tool(call(0, None, None, " ")) + tool(call(0, None, None, "\n")) + TOOL_END,
    tools=[("c-1", "moor", '{"berth":3} \n')],
    reason="tool_calls",
    note="arguments are as sent; white space around the object is still JSON",
)

row(2, "`extra_content.google.thought_signature`")
fixture(
    "delta-tool-thought-signature",
    tool(call(0, *MOOR, extra_content={"google": {"thought_signature": "c2VhbGVk"}})) + TOOL_END,
    tools=[MOOR],
    reason="tool_calls",
    note="extra_content is kept raw for replay",
)

row(2, "finish `stop` with tool calls")
fixture("delta-tool-finish-stop", tool(call(0, *MOOR)) + END, tools=[MOOR])

row(2, "finish_reason twice; deltas after it")
fixture(
    "delta-finish-twice",
    ROLE + says("Salt ") + finish("length") + says("and rope.") + delta("stop", content="") + delta() + usage(USAGE)
    + DONE,
    "Salt and rope.",
    usage=USAGE,
    note="the last that is not null is kept, and reading goes on",
)
fixture("delta-finish-with-text", says("Salt ") + delta("stop", content="and rope.") + DONE, "Salt and rope.")

row(2, "other reasons")
for reason in ("eos", "model_length", "end", "function_call", "sensitive", "content_filter"):
    name = "delta-finish-" + reason.replace("_", "-")
    fixture(name, ROLE + says("Salt ") + finish(reason) + DONE, "Salt ", reason=reason)
fixture(
    "delta-finish-empty",
    ROLE + says("Salt ") + finish("") + DONE,
    "Salt ",
    reason=None,
    note='"" is no reason; [DONE] proves the answer',
)

row(2, "a finish_reason that is a failure")
for reason in ("error", "network_error", "abort", "insufficient_system_resource"):
    refused(
        "delta-finish-" + reason.replace("_", "-"),
        ROLE + says("Salt ") + finish(reason) + DONE,
        "EXO_E_FINISH",
        text="Salt ",
        reason=reason,
        done=True,
    )

row(2, "content or reasoning of another JSON type")
fixture("delta-content-number", says("costs $") + delta(content=5) + says("0, ") + delta(content=True) + delta(content=-1.5e3)
        + END, "costs $50, true-1500.0")
fixture("delta-content-object", delta(content={"text": "Salt "}) + delta(content={"content": {"text": "and "}})
        + delta(content={"summary": ["rope", {"text": "."}]}) + END, "Salt and rope.")
fixture("delta-content-list", delta(content=["Salt ", {"text": "and "}, None, ["rope", "."]]) + END, "Salt and rope.")
fixture("delta-reasoning-object", delta(reasoning_content={"text": "Salt? "}) + delta(reasoning={"text": ["Yes", "."]})
        + says("Salt.") + END, "Salt.", reasoning="Salt? Yes.")
fixture(
    "delta-content-parts-summary",
    delta(content=[{"type": "reasoning", "summary": [{"type": "summary_text", "text": "Salt?"}]}])
    + delta(content=[{"type": "reasoning", "summary": [], "text": " Yes."}, {"type": "output_text", "text": "Salt."}])
    + END,
    "Salt.",
    reasoning="Salt? Yes.",
)
fixture(
    "delta-reasoning-details-text",
    delta(content="", reasoning_details=[{"type": "reasoning.text", "text": "Salt? "}])
    + delta(reasoning=None, reasoning_details=[{"type": "reasoning.summary", "summary": "Yes."}])
    + says("Salt.")
    + END,
    "Salt.",
    reasoning="Salt? Yes.",
    note="where nothing else is reasoning, the text of its details is",
)

row(2, "output that is not text")
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
fixture("delta-images", says("A rope.") + delta(images=[IMAGE]) + delta(images=[IMAGE], reasoning_opaque="b3BhcXVl") + END, "A rope.")
fixture("delta-images-only", delta(content="", images=[IMAGE]) + DONE, reason=None,
        note="an answer of nothing else is not empty")
fixture("delta-content-part-unknown", delta(content=[IMAGE]) + DONE, reason=None)
fixture(
    "delta-provider-specific-fields",
    tool(call(0, "call_1", "tide", '{"port":"Skagen"}', provider_specific_fields={"thought_signature": "c2ln"}),
         provider_specific_fields={"a": None}, token_id=7) + TOOL_END,
    tools=[("call_1", "tide", '{"port":"Skagen"}')],
    reason="tool_calls",
)

row(2, "`choices[].text` with neither delta nor message")
fixture(
    "delta-text-alone",
    event(chunk([{"index": 0, "text": "Salt ", "finish_reason": None}]))
    + event(chunk([{"index": 0, "text": "and rope.", "delta": None, "finish_reason": "stop"}]))
    + DONE,
    "Salt and rope.",
)

row(2, "the halves of a surrogate pair in two deltas")


def raw_delta(fields):
    return event('{"choices":[{"index":0,"delta":{%s}}]}' % fields)


fixture(
    "delta-halves",
    raw_delta(r'"content":"Salt \ud83d"') + delta(role="assistant") + raw_delta(r'"content":"\ude00 and \uD83E"')
    + raw_delta(r'"content":"\uDD80"') + says(" rope.") + END,
    "Salt \U0001f600 and \U0001f980 rope.",
)
fixture(
    "delta-halves-apart",
    raw_delta(r'"content":"a\ud83d","reasoning":"b\ud83e"') + raw_delta(r'"reasoning":"\udd80","content":"\ude00"')
    + raw_delta(r'"content":"c\ud83d"') + raw_delta(r'"content":"d\ude00"') + raw_delta(r'"content":"\ude00\ud83d"')
    + raw_delta(r'"reasoning":"\ud83d"') + END,
    "a\U0001f600c\ufffdd\ufffd\ufffd\ufffd",
    reasoning="b\U0001f980\ufffd",
    note="each text holds its own half; one that is not joined by the next delta of its text is U+FFFD",
)
fixture(
    "delta-halves-of-arguments",
    tool(call(0, "call_1", "say", "")) + tool(call(1, "call_2", "say", ""))
    + raw_delta(r'"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":\"\ud83d"}},{"index":1,"function":{"arguments":"{\"x\":\"\ud83e"}}]')
    + raw_delta(r'"tool_calls":[{"index":1,"function":{"arguments":"\udd80\"}"}},{"index":0,"function":{"arguments":"\ude00\"}"}}]')
    + TOOL_END,
    tools=[("call_1", "say", '{"x":"\U0001f600"}'), ("call_2", "say", '{"x":"\U0001f980"}')],
    reason="tool_calls",
)

row(2, "a name in pieces; ids and names of any length")
fixture(
    "delta-tool-name-pieces",
    tool(call(0, "call_1", "tide_", "")) + tool(call(0, None, "table", "")) + tool(call(0, "call_1", "_of", ""))
    + tool(call(0, None, "tide_table_of", "")) + tool(call(0, None, None, '{"port":"Skagen"}')) + TOOL_END,
    tools=[("call_1", "tide_table_of", '{"port":"Skagen"}')],
    reason="tool_calls",
    note="a piece that equals the name so far is a repetition",
)
LONG = "call_5f__" + "c2lnbmF0dXJl" * 90
fixture(
    "delta-tool-id-long",
    tool(call(0, LONG + "a", "tide", '{"port":"Skagen"}')) + tool(call(1, LONG + "b", "tide_" * 60, '{"port":"Esbjerg"}'))
    + tool(call(0, LONG + "a", None, "")) + TOOL_END,
    tools=[(LONG + "a", "tide", '{"port":"Skagen"}'), (LONG + "b", "tide_" * 60, '{"port":"Esbjerg"}')],
    reason="tool_calls",
    note="never compared or handed out cut",
)

row(2, "the tool rule: calls that look alike")
SKAGEN, ESBJERG = '{"port":"Skagen"}', '{"port":"Esbjerg"}'
fixture(
    "delta-tool-one-id-two-calls",
    tool(call(0, "call_1", "tide", SKAGEN)) + tool(call(1, "call_1", "tide", ESBJERG)) + TOOL_END,
    tools=[("call_1", "tide", SKAGEN), ("call_1_2", "tide", ESBJERG)],
    reason="tool_calls",
    note="the id is made distinct",
)
fixture(
    "delta-tool-one-id-two-calls-pieces",
    tool(call(0, "call_1", "tide", "")) + tool(call(0, None, None, SKAGEN))
    + tool(call(0, "call_1", None, ESBJERG[:9])) + tool(call(0, None, None, ESBJERG[9:])) + TOOL_END,
    tools=[("call_1", "tide", SKAGEN), ("call_1_2", "tide", ESBJERG)],
    reason="tool_calls",
)
fixture(
    "delta-tool-one-id-two-calls-headers",
    tool(call(0, "call_1", "tide", "")) + tool(call(0, None, None, SKAGEN)) + tool(call(1, "call_1", "tide", ""))
    + tool(call(1, None, None, SKAGEN)) + TOOL_END,
    tools=[("call_1", "tide", SKAGEN), ("call_1_2", "tide", SKAGEN)],
    reason="tool_calls",
    note="the id came with another index before the arguments did",
)
for name, arguments in (
    ("string", SKAGEN[:12]), ("key", '{"port":"Skagen","da'), ("number", '{"port":"Skagen","days":12'),
    ("value", '{"port":'), ("word", '{"port":"Skagen","all":tru'), ("two-values", SKAGEN + ESBJERG),
):
    refused(f"delta-tool-cut-{name}", tool(call(0, "call_1", "tide", arguments)) + TOOL_END, "EXO_E_CUT_CALL", reason="tool_calls",
            done=True)
fixture(
    "delta-tool-no-id-index-0",
    tool(call(0, "", "tide", SKAGEN)) + tool(call(0, "", "tide", ESBJERG)) + tool(call(0, "", "moon", "{}")) + TOOL_END,
    tools=[("", "tide", SKAGEN), ("", "tide", ESBJERG), ("", "moon", "{}")],
    reason="tool_calls",
)
fixture(
    "delta-tool-no-id-nameless",
    tool(call(0, "call_1", "tide", SKAGEN)) + tool(call(0, None, None, SKAGEN)) + tool(call(0, None, None, ESBJERG)) + TOOL_END,
    tools=[("call_1", "tide", SKAGEN), ("", "tide", ESBJERG)],
    reason="tool_calls",
    note="equal is a repetition; what differs inherits the name",
)
fixture(
    "delta-tool-repeated",
    tool(call(0, "call_1", "tide", SKAGEN)) + tool(call(0, "call_1", "tide", SKAGEN)) + tool(call(0, "call_1", None, SKAGEN[:8]))
    + tool(call(0, "call_1", None, SKAGEN[8:])) + TOOL_END,
    tools=[("call_1", "tide", SKAGEN)],
    reason="tool_calls",
)
fixture(
    "delta-tool-placeholder",
    tool(call(0, "call_1", "tide", "{}")) + tool(call(0, None, None, SKAGEN[:8])) + tool(call(0, None, None, SKAGEN[8:])) + TOOL_END,
    tools=[("call_1", "tide", SKAGEN)],
    reason="tool_calls",
)
refused("delta-tool-nameless", tool(call(0, "call_1", None, SKAGEN)) + TOOL_END, "EXO_E_CUT_CALL", reason="tool_calls", done=True)

row(2, "a delta of role user or tool")
fixture("delta-role-user", delta(role="user", content="Salt?") + delta(role="assistant", content="Salt ")
        + delta(role="user", content="never") + says("and rope.") + END, "Salt and rope.")
fixture("delta-role-tool", tool(call(0, "call_1", "tide", SKAGEN)) + delta(role="tool", content="never") + TOOL_END,
        tools=[("call_1", "tide", SKAGEN)], reason="tool_calls")
fixture("delta-role-user-only", delta(role="user", content="Salt ") + delta(role="user", content="and rope.") + END, "Salt and rope.",
        note="if nothing else comes, it is the answer")

row(2, "`choices[].error`")
refused("delta-choice-error", says("Salt ") + event(chunk([choice({"content": ""}, "error", error={"code": 502, "message": "the rope tore"})])),
        "EXO_E_SERVER", "the rope tore", text="Salt ", reason="error")

row(2, "finish reasons by family")
for word, slug in (("SERVER_ERROR", "server-error"), ("cancelled", "cancelled"), ("MALFORMED_FUNCTION_CALL", "malformed-call")):
    refused(f"delta-finish-{slug}", says("Salt and rope.") + finish(word) + DONE, "EXO_E_FINISH", text="Salt and rope.", reason=word,
            done=True)
fixture("delta-finish-max-tokens", tool(call(0, "call_1", "tide", SKAGEN[:8])) + finish("MAX_TOKENS") + DONE, reason="MAX_TOKENS",
        note="as length: no tool call is usable")
refused("delta-finish-none", says("Salt and rope.") + finish("none") + finish(" ") + finish("null"), "EXO_E_TRUNCATED",
        text="Salt and rope.", reason="null", note="no reason at all")
for name, reason in (("stop", "stop"), ("length", "length")):
    fixture(
        f"delta-finish-none-behind-{name}",
        says("Salt and rope.") + "".join(finish(word) for word in (reason, "none", " ", "null", "NULL: x")),
        "Salt and rope.",
        reason=reason,
        done=False,
        note="what is no reason takes the place of none that is",
    )

row(2, "n > 1, logprobs, refusal, audio, legacy `function_call`")
fixture(
    "delta-n-2",
    event(chunk([{**choice({"content": "Ashore "}), "index": 1}]))
    + says("Salt ")
    + event(chunk([choice({"content": "and "}), {**choice({"content": "we rest."}), "index": 1}]))
    + event(chunk([{**choice({}, "length"), "index": 1}]))
    + says("rope.")
    + END,
    "Salt and rope.",
    note="choice 0; choice 1 says \"Ashore we rest.\" and ends with length",
)
fixture(
    "delta-choice-index-missing",
    event(chunk([{"delta": {"content": "Salt "}}]))
    + event(chunk([{"delta": {"content": "and rope."}, "finish_reason": "stop"}])),
    "Salt and rope.",
    done=False,
    note="a missing choice index counts as 0",
)
TOKEN = {"token": "Salt ", "logprob": -0.25, "bytes": [83, 97, 108, 116, 32], "top_logprobs": []}
LOGPROBS = {"content": [TOKEN], "refusal": None}
fixture(
    "delta-logprobs",
    ROLE + event(chunk([choice({"content": "Salt "}, logprobs=LOGPROBS)])) + says("and rope.") + END,
    "Salt and rope.",
    note="logprobs are kept raw",
)
fixture(
    "delta-refusal",
    delta(role="assistant", content=None, refusal=None) + delta(refusal="I stay ") + delta(refusal="in port.") + END,
    refusal="I stay in port.",
)
fixture(
    "delta-audio",
    delta(role="assistant", content=None, audio={"id": "a-1", "transcript": "Ahoy"})
    + delta(audio={"data": "UklGRg=="})
    + delta(audio={"expires_at": 1700003600})
    + END,
    note="audio is kept raw; its transcript is not content",
)
fixture(
    "delta-function-call",
    delta(role="assistant", content=None, function_call={"name": "moor", "arguments": ""})
    + delta(function_call={"arguments": '{"berth"'})
    + delta(function_call={"arguments": ":3}"})
    + finish("function_call")
    + DONE,
    tools=[("", "moor", '{"berth":3}')],
    reason="function_call",
    note="the legacy form is a tool call without id",
)

row(2, "beyond the table: nothing said, and calls that were cut")
fixture("delta-empty-answer", ROLE + END, note="an empty answer that is proven is an answer")
fixture(
    "delta-tool-cut-by-length",
    ROLE + says("Mooring.") + tool(call(0, "c-1", "moor", '{"ber')) + finish("length") + DONE,
    "Mooring.",
    reason="length",
    note="a call that was cut is never made into one; the answer stands",
)
refused(
    "delta-tool-truncated",
    ROLE + tool(call(0, "c-1", "moor", '{"berth":3')),
    "EXO_E_TRUNCATED",
)

# --- 3. usage

SAID = ROLE + says("Low water.")
SAY = "Low water."


def used(name, body, sent, counts, **rest):
    fixture("usage-" + name, body, SAY, usage=sent, counts=counts, **rest)


row(3, "final chunk with empty choices")
used("final-chunk", SAID + finish() + usage(USAGE) + DONE, USAGE, (11, 4, 15, None, None))

row(3, "on the finish chunk")
used("finish-chunk", SAID + finish(usage=USAGE) + DONE, USAGE, (11, 4, 15, None, None))

row(3, "in every chunk, cumulative; zeros first")
ZERO = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
HALF = {"prompt_tokens": 11, "completion_tokens": 2, "total_tokens": 13}
used(
    "cumulative",
    event(chunk([choice({"role": "assistant"})], usage=ZERO))
    + event(chunk([choice({"content": "Low "})], usage=HALF))
    + event(chunk([choice({"content": "water."}, "stop")], usage=USAGE))
    + event(chunk([], usage=None))
    + DONE,
    USAGE,
    (11, 4, 15, None, None),
    note="the last that is not null wins, nothing is summed",
)

used(
    "nulls-last",
    SAID + finish(usage=USAGE) + usage({"prompt_tokens": None, "completion_tokens": None}) + usage({}) + DONE,
    USAGE,
    (11, 4, 15, None, None),
    note="usage in which all is null says nothing",
)

row(3, "`choices[0].usage`, `x_groq.usage`")
used(
    "x-groq-beside-nothing",
    SAID + finish(usage={"total_tokens": None}, x_groq={"id": "req-1", "usage": USAGE}) + DONE,
    USAGE,
    (11, 4, 15, None, None),
)
used("in-choice", SAID + event(chunk([choice({}, "stop", usage=USAGE)])) + DONE, USAGE, (11, 4, 15, None, None))
used("x-groq", SAID + finish(x_groq={"id": "req-1", "usage": USAGE}) + DONE, USAGE, (11, 4, 15, None, None))
used(
    "three-places",
    SAID + event(chunk([choice({}, "stop", usage=ZERO)], usage=USAGE, x_groq={"id": "req-1", "usage": HALF})) + DONE,
    USAGE,
    (11, 4, 15, None, None),
    note="the other places are fallbacks: in one chunk, the top-level usage wins",
)

row(3, "with an error chunk")
refused(
    "usage-with-error",
    SAID + event(chunk([], error={"code": 502, "message": "the pilot left"}, usage=USAGE)),
    "EXO_E_SERVER",
    "the pilot left",
    text=SAY,
    usage=USAGE,
    counts=(11, 4, 15, None, None),
    note="usage is kept with the failure",
)

row(3, "cached tokens")
for name, extra in (
    ("cached-details", {"prompt_tokens_details": {"cached_tokens": 8}}),
    ("cached-hit", {"prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 3}),
    ("cached-top", {"cached_tokens": 8}),
    ("cached-read-input", {"cache_read_input_tokens": 8, "cache_creation_input_tokens": 2}),
    ("cached-several", {"cached_tokens": 2, "prompt_cache_hit_tokens": 1, "prompt_tokens_details": {"cached_tokens": 8}}),
    ("cached-null", {"prompt_tokens_details": {"cached_tokens": None}, "cached_tokens": 8}),
):
    used(name, SAID + finish() + usage({**USAGE, **extra}) + DONE, {**USAGE, **extra}, (11, 4, 15, 8, None))
used(
    "cached-details-null",
    SAID + finish() + usage({**USAGE, "prompt_tokens_details": None}) + DONE,
    {**USAGE, "prompt_tokens_details": None},
    (11, 4, 15, None, None),
)

row(3, "reasoning tokens")
for name, extra in (
    ("reasoning-details", {"completion_tokens_details": {"reasoning_tokens": 6}}),
    ("reasoning-top", {"reasoning_tokens": 6}),
):
    used(name, SAID + finish() + usage({**USAGE, **extra}) + DONE, {**USAGE, **extra}, (11, 4, 15, None, 6))
APART = {**USAGE, "total_tokens": 21, "completion_tokens_details": {"reasoning_tokens": 6}}
used(
    "reasoning-apart",
    SAID + finish() + usage(APART) + DONE,
    APART,
    (11, 4, 21, None, 6),
    note="total is as sent, and not the sum of the other two",
)
PARTIAL = {"prompt_tokens": 11, "completion_tokens": 4}
used(
    "no-total",
    SAID + finish() + usage(PARTIAL) + DONE,
    PARTIAL,
    (11, 4, None, None, None),
    note="total is never computed",
)

row(3, "`cost`, `cost_in_usd_ticks`")
for name, extra in (
    ("cost", {"cost": 0.00042, "cost_details": {"upstream_inference_cost": None}}),
    ("cost-ticks", {"cost_in_usd_ticks": 7654000}),
):
    used(name, SAID + finish() + usage({**USAGE, **extra}) + DONE, {**USAGE, **extra}, (11, 4, 15, None, None))

# --- 4. errors

row(4, "`data: {\"error\":{…}}` in mid-stream, then EOF")
refused(
    "error-mid-stream",
    SAID + event(failure("The harbour master is asleep.", "server_error")),
    "EXO_E_SERVER",
    "The harbour master is asleep.",
    text=SAY,
    note="type server_error stands for status 500",
)
refused(
    "error-after-finish",
    SAID + finish() + event(failure("late news", "harbour_error")) + DONE,
    "EXO_E_IN_STREAM",
    "late news",
    text=SAY,
    reason="stop",
    done=True,
    note="success means no error in the stream, a finish_reason notwithstanding",
)

row(4, "the same as the first frame, then `[DONE]`")
refused(
    "error-first-frame",
    event(failure("bad berth", "BadRequestError", 400)) + DONE,
    "EXO_E_STATUS",
    "bad berth",
    done=True,
    note="the code in the body is the effective status",
)
refused(
    "error-first-frame-flat",
    event({"object": "error", "message": "engine stopped", "type": "InternalServerError", "code": 500}) + DONE,
    "EXO_E_SERVER",
    "engine stopped",
    done=True,
)

row(4, "`error` beside `choices` and usage")
LEFT = {"code": 502, "message": "Provider left the quay"}
refused(
    "error-beside-choices",
    SAID + event(chunk([choice({"content": ""}, "error")], error=LEFT, usage=USAGE)),
    "EXO_E_SERVER",
    "Provider left the quay",
    text=SAY,
    reason="error",
    usage=USAGE,
    note="the error is looked at before the choices; finish_reason and usage are kept with it",
)

row(4, "`event: error` with `status_code` inside")
refused(
    "error-status-code",
    SAID + "event: error\n" + event(failure("the crane is overloaded", "crane_error", status_code=503)),
    "EXO_E_SERVER",
    "the crane is overloaded",
    text=SAY,
)

row(4, "one empty-content chunk and EOF; 200 with no delta at all")
refused("error-empty-chunk", delta(role="assistant", content=""), "EXO_E_EMPTY_STREAM")
refused("error-no-delta", ": model loaded\n\n: processing\n\n", "EXO_E_EMPTY_STREAM")

row(4, "the code or type in the body decides")
for name, body, code in (
    ("rate-limit", failure("Slow down.", "requests", "rate_limit_exceeded"), "EXO_E_RATE_LIMIT"),
    ("429", failure("Slow down.", None, 429), "EXO_E_RATE_LIMIT"),
    ("429-text", failure("Slow down.", None, "429"), "EXO_E_RATE_LIMIT"),
    ("quota", failure("Your purse is empty.", "insufficient_quota", "insufficient_quota"), "EXO_E_QUOTA"),
    ("402", failure("Your purse is empty.", None, 402), "EXO_E_QUOTA"),
    ("key", failure("This key opens nothing.", "invalid_request_error", "invalid_api_key"), "EXO_E_AUTH"),
    ("401", failure("This key opens nothing.", None, 401), "EXO_E_AUTH"),
    ("overloaded", failure("Try later.", "overloaded_error", 529), "EXO_E_SERVER"),
    ("unknown", failure("Something.", None, None), "EXO_E_IN_STREAM"),
    ("content-filter", failure("Not that.", None, "content_filter"), "EXO_E_CONTENT_FILTER"),
    ("content-policy", failure("Not that.", "image_error", "content_policy_violation"), "EXO_E_CONTENT_FILTER"),
):
    refused("error-code-" + name, event(body), code, body["error"]["message"])

row(4, "context window exceeded, inside a 200 stream")
for name, body in (
    ("code", failure("Too long.", "invalid_request_error", "context_length_exceeded")),
    ("message", failure("This model's maximum context length is 4096 tokens, and you asked for 5000.", None, 400)),
    ("type", failure("Too long.", "exceed_context_size_error", 400)),
    ("server", failure("prompt is too long: 70000 tokens > 65536 maximum", "server_error", 500)),
):
    refused("error-context-" + name, event(body) + DONE, "EXO_E_CONTEXT_WINDOW", body["error"]["message"], done=True)
refused(
    "error-context-finish",
    SAID + finish("model_context_window_exceeded") + DONE,
    "EXO_E_CONTEXT_WINDOW",
    text=SAY,
    reason="model_context_window_exceeded",
    done=True,
)
refused(
    "error-context-echo",
    event(failure("Unknown field.", None, 400, param="prompt is too long", input="maximum context length is")) + DONE,
    "EXO_E_STATUS",
    "Unknown field.",
    done=True,
    note="an echo of the request is not looked at",
)

row(4, "shapes of a body, here under HTTP 200")
CAUSE = "the kiln is cold"
for name, body, code in (
    ("string", {"error": CAUSE}, "EXO_E_IN_STREAM"),
    ("code-string", {"code": "The kiln is missing", "error": CAUSE}, "EXO_E_IN_STREAM"),
    ("array", [{"error": {"code": 429, "message": CAUSE, "status": "RESOURCE_EXHAUSTED"}}], "EXO_E_RATE_LIMIT"),
    ("flat", {"object": "error", "message": CAUSE, "type": "invalid_kiln", "code": 503}, "EXO_E_SERVER"),
    ("flat-json", {"object": "error", "message": dump({"message": CAUSE}), "code": 503}, "EXO_E_SERVER"),
    ("flat-object", {"object": "error", "message": {"message": CAUSE}, "code": 503}, "EXO_E_SERVER"),
    ("detail", {"detail": CAUSE}, "EXO_E_IN_STREAM"),
    ("fault", {"fault": {"faultstring": CAUSE, "detail": {"errorcode": "kiln.Cold"}}}, "EXO_E_IN_STREAM"),
    ("errors", {"success": False, "errors": [{"code": 7000, "message": CAUSE}], "result": None}, "EXO_E_IN_STREAM"),
    ("base-resp", {"choices": None, "base_resp": {"status_code": 1999, "status_msg": CAUSE}}, "EXO_E_IN_STREAM"),
):
    refused("error-body-" + name, dump(body) + "\n", code, CAUSE)
for name, body in (
    ("flat-list", {"object": "error", "message": [{"loc": ["body", "kiln"], "msg": CAUSE}], "code": 503}),
    ("detail-list", {"detail": [{"type": "missing", "loc": ["body", "kiln"], "msg": CAUSE}]}),
    ("metadata-raw", failure("Provider returned error", None, 503, metadata={"raw": CAUSE, "provider_name": "Kiln"})),
):
    refused("error-body-" + name, dump(body), "EXO_E_IN_STREAM" if name == "detail-list" else "EXO_E_SERVER")
    EXPECTED[f"error-body-{name}.sse"]["error"]["message_contains"] = CAUSE
refused(
    "error-base-resp-event",
    ROLE + event(chunk([], base_resp={"status_code": 1999, "status_msg": CAUSE})),
    "EXO_E_IN_STREAM",
    CAUSE,
)
fixture(
    "error-base-resp-zero",
    SAID + finish(base_resp={"status_code": 0, "status_msg": ""}) + DONE,
    SAY,
    note="status_code 0 says that all is well",
)

# --- the folder

README = """\
# Streams of many dialects

Bodies of streamed answers, one or more for every row of sections 1 to 3 of the dialect table (`docs/dialects.md`), and
for the errors of section 4 that come under HTTP 200. All are composed, none is recorded. `compose.py` holds their bytes
and the expected answers and writes this folder; edit it, not its results, and run `compose.py --check` to see that both
agree. Bytes matter here: `.gitattributes` keeps line ends as they are.

`expected.json` maps a file to what a reader must make of it, at every split of the bytes:

| key | what it says |
|---|---|
| `text`, `reasoning` | of choice 0; of a refused answer, what had come |
| `tool_calls` | id, name, and the arguments as sent. Empty where no call may be used: refused, or cut by `length` |
| `finish_reason` | the last that was not null, or null |
| `usage` | the object as sent, or null |
| `error` | null, or `code` (from `exochat/error.h`) and, where the table fixes it, the provider's `message` |
| `error.message_contains` | in place of `message`, where the table leaves its wording open |
| `accepted` | whether this is a proven, successful answer |
| `done` | whether `[DONE]` came |
| `refusal` | only when sent |
| `counts` | only in `usage-*`: what the counts mean, null where nothing was said |
| `options` | only where an option of the deployment is on: `lenient_end`, `think_tags`, `strict_stream` |
| `note` | why, where it is not obvious, or where the table is silent |
"""


def readme():
    parts = [README]
    for section, title in SECTIONS.items():
        parts.append(f"\n## {section}. {title}\n\n| row | files |\n|---|---|\n")
        for number, row_title, names in ROWS:
            if number == section:
                files = ", ".join(f"`{name.removesuffix('.sse')}`" for name in names)
                parts.append(f"| {row_title} | {files} |\n")
    return "".join(parts)


def folder():
    """File name → bytes, of everything that is composed."""
    expected = json.dumps(EXPECTED, ensure_ascii=False, indent=1) + "\n"
    return {**FILES, "expected.json": expected.encode(), "README.md": readme().encode()}


def main(arguments):
    composed = folder()
    present = {path.name for path in HERE.glob("*.sse")} | {"expected.json", "README.md"}
    if arguments == ["--check"]:
        on_disk = {name: (HERE / name).read_bytes() for name in present if (HERE / name).is_file()}
        wrong = sorted(name for name in present | set(composed) if on_disk.get(name) != composed.get(name))
        print("\n".join(f"differs: {name}" for name in wrong) or f"{len(FILES)} streams are as composed")
        return 1 if wrong else 0
    for name in present - set(composed):
        (HERE / name).unlink(missing_ok=True)
    for name, data in composed.items():
        (HERE / name).write_bytes(data)
    print(f"{len(FILES)} streams")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
