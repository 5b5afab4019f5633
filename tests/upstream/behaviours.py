"""The library of behaviours, by name.

A behaviour is a function of the Connection; its docstring says what the client meets. `{n}` in a name stands for a
number, `{name}` for any text. A behaviour marked early() runs before the body is read.

Modifiers follow the name, as in "ok+close" or "tool-call+piece-1+crlf":

    +close           no chunked coding: the body ends with the connection
    +http10          HTTP/1.0, and the same
    +length          a Content-Length; all at once
    +noreuse         "Connection: close"
    +piece-N         N bytes at a time
    +pause-N         N ms after each piece
    +crlf +cr        lines of events end so
    +type:T          this Content-Type; "+type:" for none at all
    +cut-N +reset-N  FIN or RST after N bytes of the body
    +gzip +deflate   compressed and labelled
    +hidden-gzip     compressed and not labelled
"""

import json
import os
import re
import time
import zlib

from upstream import chunks
from upstream.chunks import TEXT, USAGE, WORDS

LIBRARY = []  # (pattern, names, function)
SLOTS = {"{n}": r"([0-9]+(?:\.[0-9]+)?)", "{name}": "(.+)"}
GZIP = 16 + zlib.MAX_WBITS
SSE = ("Content-Type", "text/event-stream")
CHUNKED = ("Transfer-Encoding", "chunked")
SMALL_BUFFER = 16 << 10


def behaviour(*names):
    """Puts a function into the library."""

    def register(function):
        for name in names:
            pattern = re.escape(name)
            for slot, expression in SLOTS.items():
                pattern = pattern.replace(re.escape(slot), expression)
            LIBRARY.append((re.compile(pattern, re.DOTALL), name, function))
        return function

    return register


def early(function):
    """Marks a behaviour that runs before the body is read."""
    function.early = True
    return function


def number(text):
    return float(text) if "." in text else int(text)


def find(upstream, name, options):
    """The function for a name, with its modifiers put into `options`; None when there is none."""
    if name is None:
        return None
    for _ in range(8):  # aliases of aliases
        script = upstream.scripts.get(name)
        if callable(script):
            return script
        if script is None:
            break
        name = script
    if not name.startswith("sequence:"):
        name, *modifiers = name.split("+")
        for modifier in modifiers:
            if not modify(options, modifier):
                return None
        if callable(upstream.scripts.get(name)):
            return upstream.scripts[name]
    for pattern, listed, function in LIBRARY:
        found = pattern.fullmatch(name)
        if found:
            values = found.groups()
            slots = re.findall(r"\{n\}|\{name\}", listed)
            arguments = [number(value) if slot == "{n}" else value for slot, value in zip(slots, values)]
            return bind(function, name, arguments)
    return None


def bind(function, name, arguments):
    """A behaviour that knows its arguments, and tells the Connection under which name it was found."""

    def bound(conn):
        conn.behaviour = name
        function(conn, *arguments)

    bound.early = getattr(function, "early", False)
    return bound


def modify(options, modifier):
    """Applies one modifier; False for an unknown one."""
    word, _, value = modifier.partition(":" if modifier.startswith("type:") else "-")
    if modifier in ("close", "length", "http10"):
        options.framing = modifier
    elif modifier == "noreuse":
        options.reuse = False
    elif modifier in ("crlf", "cr"):
        options.line_end = b"\r\n" if modifier == "crlf" else b"\r"
    elif modifier in ("gzip", "hidden-gzip"):
        options.compressor = zlib.compressobj(wbits=GZIP)
        options.coding = "gzip" if modifier == "gzip" else ""
    elif modifier == "deflate":
        options.compressor, options.coding = zlib.compressobj(), "deflate"
    elif word == "type":
        options.content_type = value
    elif word in ("piece", "pause", "cut", "reset") and value.isdigit():
        if word == "piece":
            options.piece = int(value)
        elif word == "pause":
            options.pause = int(value) / 1000
        else:
            options.cut, options.cut_by_reset = int(value), word == "reset"
    else:
        return False
    return True


def run(conn, name):
    """Runs the behaviour of that name on the current request; False when there is none."""
    function = find(conn.upstream, name, conn.options)
    if function is None:
        return False
    if not getattr(function, "early", False):
        conn.read_body()
    function(conn)
    return True


def catalogue():
    """(name, what it does) of the whole library."""
    return [(name, " ".join((function.__doc__ or "").split())) for _, name, function in LIBRARY]


def unknown_model(conn):
    """404, as a real endpoint says it."""
    message = f"The model `{conn.request.behaviour}` does not exist"
    conn.respond(404, chunks.error(message, "invalid_request_error", "model_not_found"))


def answer_get(conn):
    """GET …/models lists the models; every other path is a 404."""
    if not conn.request.path.endswith("/models"):
        conn.respond(404, chunks.error("no such path", "invalid_request_error"))
        return
    names = list(conn.upstream.scripts) + [name for _, name, _ in LIBRARY if "{" not in name]
    models = [{"id": name, "object": "model", "created": 1700000000, "owned_by": "upstream"} for name in names]
    conn.respond(200, {"object": "list", "data": models})


# --- good answers


@behaviour("ok")
def ok(conn):
    """A short good answer in five deltas, with usage and [DONE]."""
    chunks.answer(conn, *WORDS)


@behaviour("echo")
def echo(conn):
    """Answers with the text of the last user message."""
    said = chunks.last_user_text(conn.request.json.get("messages", []))
    chunks.answer(conn, *re.findall(r"\S+\s*|\s+", said))


@behaviour("digest")
def digest(conn):
    """Answers with length, SHA-256 and chunk count of the request body, as JSON text."""
    request = conn.request
    report = {"length": request.length, "sha256": request.sha256, "chunks": request.chunks}
    chunks.answer(conn, json.dumps(report))


@behaviour("say:{name}")
def say(conn, words):
    """Answers with the text after the colon."""
    chunks.answer(conn, *re.findall(r"\S+\s*|\s+", words))


@behaviour("file:{name}")
def stream_file(conn, name):
    """Streams a recorded answer from one of the server's stream folders; ".sse" may be left out."""
    for folder in conn.upstream.streams:
        for path in (os.path.join(folder, name), os.path.join(folder, name + ".sse")):
            if os.path.basename(name) == name and os.path.isfile(path):
                conn.begin()
                with open(path, "rb") as file:
                    while data := file.read(1 << 16):
                        conn.write(data)
                conn.end()
                return
    conn.respond(404, chunks.error(f"no stream {name}"))


@behaviour("key:{name}")
def key(conn, secret):
    """401 unless the request carries this key as Bearer or api-key; then a good answer."""
    request = conn.request
    if request.header("authorization") == f"Bearer {secret}" or request.header("api-key") == secret:
        ok(conn)
    else:
        conn.respond(401, chunks.error("Incorrect API key provided", "authentication_error", "invalid_api_key"))


@behaviour("slow", "slow-{n}")
def slow(conn, milliseconds=100):
    """A delta every so many milliseconds (100)."""
    chunks.answer(conn, *WORDS, pause=milliseconds / 1000)


@behaviour("drip-{n}")
def drip(conn, size):
    """A good answer, so many bytes at a time, each in a segment of its own."""
    conn.options.piece = size
    ok(conn)


@behaviour("tokens-{n}")
def tokens(conn, count):
    """So many deltas, as fast as they go."""
    chunks.begin(conn)
    for at in range(0, count, 64):
        lines = [event_bytes(conn, f"w{i} ") for i in range(at, min(count, at + 64))]
        conn.write(b"".join(lines))
    chunks.complete(conn)


@behaviour("tokens-{n}-every-{n}")
def paced_tokens(conn, count, milliseconds):
    """So many deltas, one every so many milliseconds."""
    chunks.answer(conn, *(f"w{i} " for i in range(count)), pause=milliseconds / 1000)


@behaviour("big-{n}")
def big(conn, megabytes):
    """A good answer of so many megabytes of text."""
    chunks.begin(conn)
    event = event_bytes(conn, "0123456789abcdef" * 1024)
    for _ in range(int(megabytes * 64)):
        conn.write(event)
    chunks.complete(conn)


@behaviour("huge-event-{n}")
def huge_event(conn, megabytes):
    """One event whose content is so many megabytes."""
    chunks.begin(conn)
    head, tail = event_bytes(conn, "@").split(b"@")
    conn.write(head)
    block = b"0123456789abcdef" * 4096
    for _ in range(int(megabytes * 16)):
        conn.write(block)
    conn.write(tail)
    chunks.complete(conn)


def event_bytes(conn, word):
    return b"data: " + json.dumps(chunks.chunk(conn, [chunks.choice({"content": word})])).encode() + b"\n\n"


@behaviour("n-{n}")
def several_choices(conn, count):
    """So many choices, interleaved; choice i says "choice i"."""
    conn.begin()
    for word in ("choice ", None):
        for i in range(count):
            conn.event(chunks.chunk(conn, [chunks.choice({"content": word or str(i)}, index=i)]))
    for i in range(count):
        conn.event(chunks.chunk(conn, [chunks.choice({}, "stop", index=i)]))
    chunks.usage(conn)
    chunks.done(conn)
    conn.end()


@behaviour("gzip", "deflate")
def compressed(conn):
    """A good answer, compressed and labelled, although nobody asked for it."""
    modify(conn.options, conn.behaviour)
    ok(conn)


@behaviour("unlabelled-gzip")
def hidden_gzip(conn):
    """A good answer, compressed and not labelled."""
    modify(conn.options, "hidden-gzip")
    ok(conn)


@behaviour("coding:{name}")
def foreign_coding(conn, coding):
    """A good answer in plain text that claims to have this Content-Encoding."""
    conn.options.coding = coding
    ok(conn)


@behaviour("gzip-bomb-{n}")
def gzip_bomb(conn, megabytes):
    """Labelled gzip that expands to so many megabytes of comment lines, then to a good answer."""
    modify(conn.options, "gzip")
    chunks.begin(conn)
    block = (b":" + b"." * 1022 + b"\n") * 1024
    for _ in range(megabytes):
        conn.write(block)
    chunks.text(conn, *WORDS)
    chunks.complete(conn)


# --- what models do


ARGUMENTS = ('{"ci', 'ty":"Os', 'lo","days":2}')


def tool_deltas(conn, index, identity, arguments=ARGUMENTS):
    function = {"name": "get_weather", "arguments": ""}
    call = {"index": index, "id": identity, "type": "function", "function": function}
    chunks.delta(conn, tool_calls=[call])
    for part in arguments:
        chunks.delta(conn, tool_calls=[{"index": index, "function": {"arguments": part}}])


@behaviour("tool-call", "tool-calls-{n}")
def tool_call(conn, count=1):
    """Calls get_weather({"city": "Oslo", "days": 2}), so many times in parallel; ids call_0, call_1, …"""
    chunks.begin(conn)
    for i in range(count):
        tool_deltas(conn, i, f"call_{i}")
    chunks.complete(conn, "tool_calls")


@behaviour("tool-loop")
def tool_loop(conn):
    """Calls a tool; a request that ends with a tool's result gets a text that quotes it."""
    last = conn.request.json["messages"][-1]
    if last.get("role") == "tool":
        chunks.answer(conn, "The tool said: ", str(last.get("content")))
    else:
        tool_call(conn)


@behaviour("tool-repair")
def tool_repair(conn):
    """Calls a tool with a bare key and a trailing comma in the arguments."""
    chunks.begin(conn)
    tool_deltas(conn, 0, "call_0", ('{"city":"Oslo",', "days:2,}"))
    chunks.complete(conn, "tool_calls")


@behaviour("tool-truncated")
def tool_truncated(conn):
    """A clean end of file in the middle of a tool call's arguments."""
    chunks.begin(conn)
    tool_deltas(conn, 0, "call_0", ARGUMENTS[:2])
    conn.end()


@behaviour("reasoning-then-cut")
def reasoning_then_cut(conn):
    """A clean end of file behind some reasoning."""
    chunks.begin(conn)
    chunks.delta(conn, reasoning_content="First, ")
    conn.end()


@behaviour("tool-length")
def tool_length(conn):
    """A tool call cut by finish_reason "length"."""
    chunks.begin(conn)
    tool_deltas(conn, 0, "call_0", ARGUMENTS[:2])
    chunks.complete(conn, "length")


@behaviour("reasoning", "reasoning:{name}")
def reasoning(conn, field="reasoning_content"):
    """Reasoning in reasoning_content, or in the field after the colon, then the answer."""
    chunks.begin(conn)
    for word in ("Rivers ", "run ", "down."):
        chunks.delta(conn, **{field: word})
    chunks.text(conn, *WORDS)
    chunks.complete(conn)


@behaviour("think")
def think(conn):
    """Reasoning inside <think> in the content; the tags are split."""
    chunks.answer(conn, "<th", "ink>Rivers run ", "down.</thi", "nk>", *WORDS)


@behaviour("refusal")
def refusal(conn):
    """A refusal in place of content."""
    chunks.begin(conn)
    for word in ("I will ", "not do that."):
        chunks.delta(conn, refusal=word)
    chunks.complete(conn)


@behaviour("content-filter")
def content_filter(conn):
    """Two words, then finish_reason content_filter."""
    chunks.begin(conn)
    chunks.text(conn, *WORDS[:2])
    chunks.complete(conn, "content_filter")


@behaviour("finish:{name}")
def finish_reason(conn, reason):
    """A good answer with this finish_reason."""
    chunks.begin(conn)
    chunks.text(conn, *WORDS)
    chunks.complete(conn, reason)


@behaviour("usage-none", "usage-final", "usage-finish", "usage-cumulative")
@behaviour("usage-choice", "usage-x-groq", "usage-details")
def usage_places(conn):
    """Usage nowhere, in a last chunk, on the finish chunk, in every chunk; in the choice, in x_groq, with details."""
    where = conn.behaviour.removeprefix("usage-")
    chunks.begin(conn)
    for i, word in enumerate(WORDS):
        extra = {"usage": dict(USAGE, completion_tokens=i, total_tokens=7 + i)} if where == "cumulative" else {}
        conn.event(chunks.chunk(conn, [chunks.choice({"content": word})], **extra))
    beside = {"finish": {"usage": USAGE}, "cumulative": {"usage": USAGE}, "x-groq": {"x_groq": {"usage": USAGE}}}
    inside = {"usage": USAGE} if where == "choice" else {}
    conn.event(chunks.chunk(conn, [chunks.choice({}, "stop", **inside)], **beside.get(where, {})))
    if where == "final":
        chunks.usage(conn)
    if where == "details":
        details = {
            "prompt_tokens_details": {"cached_tokens": 3},
            "completion_tokens_details": {"reasoning_tokens": 2},
            "cost": 0.00012,
        }
        chunks.usage(conn, {**USAGE, **details})
    chunks.done(conn)
    conn.end()


# --- statuses


@behaviour("status-{n}")
def status(conn, code):
    """This status with a JSON error body."""
    conn.respond(code, chunks.error(f"scripted failure {code}"), headers=[chunks.request_id(conn)])


@behaviour("html-{n}")
def html(conn, code):
    """This status with an HTML page."""
    page = f"<!DOCTYPE html>\n<html><head><title>{code}</title></head><body><h1>{code}</h1></body></html>\n"
    conn.respond(code, page, "text/html; charset=utf-8")


@behaviour("empty-{n}")
def empty(conn, code):
    """This status with an empty body."""
    conn.respond(code, b"", None)


@behaviour("body-{n}:{name}")
def literal_body(conn, code, body):
    """This status with the text after the colon as a JSON body."""
    conn.respond(code, body)


@behaviour("endless-body-{n}")
def endless_body(conn, code):
    """This status with a body that never ends, as fast as it goes."""
    conn.begin(code, "text/plain")
    while True:
        conn.write(b"no end in sight " * 1024)


@behaviour("stalled-body-{n}")
def stalled_body(conn, code):
    """This status, half a JSON error body, then nothing."""
    conn.begin(code, "application/json")
    conn.write(b'{"error":{"message":"half a')
    conn.stall()


@behaviour("context-{n}")
def context(conn, code):
    """This status, with code context_length_exceeded."""
    message = "This model's maximum context length is 8192 tokens, however you requested 9000 tokens."
    conn.respond(code, chunks.error(message, "invalid_request_error", "context_length_exceeded"))


@behaviour("context-in-stream")
def context_in_stream(conn):
    """200, and code context_length_exceeded in the first event."""
    conn.begin()
    conn.event(chunks.error("the prompt is longer than the window", code="context_length_exceeded"))
    conn.end()


@behaviour("content-filter-{n}")
def content_filter_status(conn, code):
    """This status, with code content_filter."""
    conn.respond(code, chunks.error("the prompt was filtered", "invalid_request_error", "content_filter"))


@behaviour("quota-{n}")
def quota(conn, code):
    """This status, with code insufficient_quota."""
    conn.respond(code, chunks.error("You exceeded your current quota.", "insufficient_quota", "insufficient_quota"))


@behaviour("retry-after-{n}", "retry-after-ms-{n}", "retry-after-date-{n}")
def retry_after(conn, amount):
    """429 with Retry-After in seconds, retry-after-ms, or Retry-After as a date so many seconds ahead."""
    header = ("Retry-After", str(amount))
    if conn.behaviour.startswith("retry-after-ms-"):
        header = ("retry-after-ms", str(amount))
    elif conn.behaviour.startswith("retry-after-date-"):
        header = ("Retry-After", chunks.http_date(amount))
    conn.respond(429, chunks.error("slow down", "rate_limit_error", "rate_limit_exceeded"), headers=[header])


@behaviour("retry-delay-{n}")
def retry_delay(conn, seconds):
    """429 with the delay in the body, as Gemini says it."""
    detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{seconds}s"}
    failure = {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED", "details": [detail]}
    conn.respond(429, [{"error": failure}])


@behaviour("should-retry-{name}-{n}")
def should_retry(conn, value, code):
    """This status with x-should-retry: true or false."""
    conn.respond(code, chunks.error(f"scripted failure {code}"), headers=[("x-should-retry", value)])


@behaviour("redirect-{n}", "redirect-{n}-to-{n}")
def redirect(conn, code, port=None):
    """A redirect to the server's redirect_to, or to this port."""
    target = conn.upstream.redirect_to if port is None else f"http://127.0.0.1:{port}/v1/chat/completions"
    conn.respond(code, b"", None, headers=[("Location", target)])


# --- several requests


@early
@behaviour("fail-{n}-then-{name}")
def fail_then(conn, count, then):
    """503 to the first so many requests with this name, then the other behaviour."""
    step = "status-503" if conn.upstream.count(conn.behaviour) <= count else then
    if not run(conn, step):
        unknown_model(conn)


@early
@behaviour("sequence:{name}")
def sequence(conn, names):
    """The first behaviour of this comma-separated list to the first request, and so on; the last one repeats."""
    steps = names.split(",")
    step = steps[min(conn.upstream.count(conn.behaviour), len(steps)) - 1]
    if not run(conn, step):
        unknown_model(conn)


@early
@behaviour("close-on-reuse", "reset-on-reuse")
def close_on_reuse(conn):
    """A good answer to a connection's first request; the second finds the connection closed or reset."""
    if conn.request.number == 1:
        run(conn, "ok+length")
    elif conn.behaviour == "reset-on-reuse":
        conn.reset()
    else:
        conn.finish()


@behaviour("read-body-work-{n}s-close")
def work_and_close(conn, seconds):
    """A good answer to a connection's first request; the second is read, worked on for so long, and dropped (FIN)."""
    if conn.request.number == 1:
        run(conn, "ok+length")
    else:
        conn.stall(seconds)
        conn.finish()


@behaviour("partial-on-reuse")
def partial_on_reuse(conn):
    """A good answer to a connection's first request; the second gets eight bytes of a status line, then FIN."""
    if conn.request.number == 1:
        run(conn, "ok+length")
    else:
        conn.send(b"HTTP/1.1")
        conn.finish()


@behaviour("ok-then-close")
def ok_then_close(conn):
    """A good answer that promises to keep the connection, which is then closed."""
    ok(conn)
    conn.finish()


# --- silence


@behaviour("silent")
def silent(conn):
    """Reads the request and never answers."""
    conn.stall()


@behaviour("wait-{n}")
def wait(conn, seconds):
    """A good answer, after so many seconds without a byte."""
    conn.stall(seconds)
    ok(conn)


@behaviour("headers-then-silent")
def headers_then_silent(conn):
    """The response head, then nothing."""
    conn.begin()
    conn.stall()


@behaviour("half-head-then-silent")
def half_head(conn):
    """Half a response head, then nothing."""
    conn.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
    conn.stall()


@behaviour("headers-wait-{n}")
def headers_wait(conn, seconds):
    """The response head, so many seconds of nothing, then a good stream."""
    conn.begin()
    conn.stall(seconds)
    chunks.text(conn, *WORDS)
    chunks.complete(conn)


@behaviour("comments-only", "comments-only-{n}")
def comments_only(conn, milliseconds=50):
    """The response head, then a heartbeat every so many milliseconds (50), for ever."""
    conn.begin()
    while True:
        conn.comment("keep-alive")
        conn.stall(milliseconds / 1000)


@behaviour("comments-{n}-then-ok")
def comments_then_ok(conn, seconds):
    """Heartbeats for so many seconds, then a good stream."""
    conn.begin()
    for _ in range(int(seconds * 20)):
        conn.comment("PROCESSING")
        conn.stall(0.05)
    chunks.text(conn, *WORDS)
    chunks.complete(conn)


@behaviour("role-wait-{n}")
def role_wait(conn, seconds):
    """A chunk with the role and no content, so many seconds of nothing, then the rest."""
    chunks.begin(conn)
    conn.stall(seconds)
    chunks.text(conn, *WORDS)
    chunks.complete(conn)


@behaviour("one-delta-then-stall")
def one_delta(conn):
    """One word, then nothing."""
    chunks.begin(conn)
    chunks.text(conn, WORDS[0])
    conn.stall()


@behaviour("one-delta-then-comments")
def one_delta_then_comments(conn):
    """One word, then heartbeats for ever."""
    chunks.begin(conn)
    chunks.text(conn, WORDS[0])
    while True:
        conn.comment("keep-alive")
        conn.stall(0.05)


@behaviour("delta-wait-{n}")
def delta_wait(conn, seconds):
    """One word, so many seconds of nothing, then the rest."""
    chunks.begin(conn)
    chunks.text(conn, WORDS[0])
    conn.stall(seconds)
    chunks.text(conn, *WORDS[1:])
    chunks.complete(conn)


@behaviour("gate:{name}")
def gate(conn, name):
    """One word, then the rest when the test sets upstream.gate(name)."""
    chunks.begin(conn)
    chunks.text(conn, WORDS[0])
    conn.stall(until=conn.upstream.gate(name))
    chunks.text(conn, *WORDS[1:])
    chunks.complete(conn)


@behaviour("finish-then-stall", "finish-then-cut", "finish-then-reset")
def finish_then(conn):
    """Everything up to finish_reason; in place of the rest nothing, FIN without the last chunk, or RST."""
    chunks.begin(conn)
    chunks.text(conn, *WORDS)
    chunks.finish(conn)
    how = conn.behaviour
    if how == "finish-then-stall":
        conn.stall()
    elif how == "finish-then-reset":
        conn.reset_when_read()
    conn.finish()


# --- broken connections


@behaviour("cut-after-{n}", "reset-after-{n}")
def cut_after(conn, count):
    """The good answer, broken off by FIN or RST after so many bytes of its body (the last chunk never comes)."""
    conn.options.cut = count
    conn.options.cut_by_reset = conn.behaviour.startswith("reset")
    ok(conn)


@behaviour("cut-head-after-{n}")
def cut_head(conn, count):
    """So many bytes of a response head, then FIN."""
    conn.send(conn.head(200, [SSE, CHUNKED])[:count])
    conn.finish()


@behaviour("fin-before-headers")
def fin_before_headers(conn):
    """Reads the request, then FIN."""
    conn.finish()


@behaviour("reset-before-headers")
def reset_before_headers(conn):
    """Reads the request, then RST."""
    conn.reset()


# --- answers and breaks during the upload


def early_error(conn, code):
    if code == 401:
        return chunks.error("Incorrect API key provided", "authentication_error", "invalid_api_key")
    return chunks.error(f"scripted failure {code}")


@early
@behaviour("early-{n}")
def early_open(conn, code):
    """Answers before it reads the body, keeps the connection, and reads the body afterwards."""
    conn.respond(code, early_error(conn, code))


@early
@behaviour("early-{n}-after-{n}")
def early_after(conn, code, kilobytes):
    """As early-N, after so many KB of the body."""
    conn.limit_receive_buffer(SMALL_BUFFER)
    conn.read_body(kilobytes << 10)
    conn.respond(code, early_error(conn, code))


@early
@behaviour("early-{n}-unread", "early-{n}-fin", "early-{n}-close", "early-{n}-reset")
def early_and(conn, code):
    """Answers before it reads the body, then: never reads it; half-closes and drains; closes; resets."""
    how = conn.behaviour.rpartition("-")[2]
    conn.limit_receive_buffer(SMALL_BUFFER)
    conn.options.reuse = how == "unread"
    conn.respond(code, early_error(conn, code))
    if how == "unread":
        conn.stall()
    elif how == "fin":
        conn.finish()
    elif how == "reset":
        conn.reset()
    conn.close()


@early
@behaviour("early-ok")
def early_ok(conn):
    """A good answer before the body is read; the body is read afterwards."""
    ok(conn)


@early
@behaviour("slow-reader-{n}")
def slow_reader(conn, kilobytes):
    """Reads the body at so many KB a second, then a good answer."""
    conn.limit_receive_buffer(SMALL_BUFFER)
    conn.read_body(rate=kilobytes * 1024)
    ok(conn)


@early
@behaviour("stall-upload-after-{n}")
def stall_upload(conn, kilobytes):
    """Reads so many KB of the body, then no more."""
    conn.limit_receive_buffer(SMALL_BUFFER)
    conn.read_body(kilobytes << 10)
    conn.stall()


@early
@behaviour("reset-upload-after-{n}", "fin-upload-after-{n}")
def break_upload(conn, kilobytes):
    """Reads so many KB of the body, then RST; or FIN, reading on for a while."""
    conn.limit_receive_buffer(SMALL_BUFFER)
    conn.read_body(kilobytes << 10)
    if conn.behaviour.startswith("reset"):
        conn.reset()
    conn.finish()


# --- broken HTTP


def raw_stream(conn, *headers, status_line=200):
    """The head of a stream as given, and its first event as bytes."""
    conn.send(conn.head(status_line, [SSE, *headers]))
    return event_bytes(conn, TEXT)


def chunk_of(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


@behaviour("bad-chunk", "bad-chunk-overflow", "bad-chunk-end", "chunk-cut")
def bad_chunk(conn):
    """After one event: a chunk size that is no number, or beyond 64 bits; no line end after a chunk; FIN inside one."""
    event = raw_stream(conn, CHUNKED)
    tails = {
        "bad-chunk": b"zz\r\n" + event,
        "bad-chunk-overflow": b"fffffffffffffffff\r\n" + event,
        "bad-chunk-end": chunk_of(event)[:-2] + b"xx5\r\nhello\r\n",
        "chunk-cut": b"fff\r\n" + event,
    }
    conn.send(chunk_of(event) + tails[conn.behaviour])
    conn.finish()


@behaviour("chunk-extensions-{n}")
def chunk_extensions(conn, kilobytes):
    """A good stream whose chunks carry extensions, so many KB in all."""
    event = raw_stream(conn, CHUNKED)
    for _ in range(kilobytes):
        conn.send(b'1;pad="' + b"x" * 1015 + b'"\r\n:\r\n1\r\n\n\r\n')
    conn.send(chunk_of(event) + chunk_of(b"data: [DONE]\n\n") + b"0\r\n\r\n")


@behaviour("trailers")
def trailers(conn):
    """A good stream with trailers after the last chunk."""
    event = raw_stream(conn, CHUNKED, ("Trailer", "x-checksum"))
    conn.send(chunk_of(event) + chunk_of(b"data: [DONE]\n\n") + b"0\r\nx-checksum: 1f8b\r\n\r\n")


@behaviour("short-content-length", "excess-content-length")
def wrong_length(conn):
    """A good stream with a Content-Length that is 100 more than comes before FIN, or 100 less than what comes."""
    event = event_bytes(conn, TEXT) + b"data: [DONE]\n\n"
    wrong = len(event) + (100 if conn.behaviour == "short-content-length" else -100)
    raw_stream(conn, ("Content-Length", str(wrong)))
    conn.send(event)
    conn.finish()


@behaviour("both-lengths", "two-lengths", "bad-length", "obs-fold", "space-before-colon", "nul-in-header")
def bad_head(conn):
    """A good stream under a broken head: both framings; two lengths; a length that is no number; a folded line; …"""
    headers = {
        "both-lengths": [CHUNKED, ("Content-Length", "5")],
        "two-lengths": [("Content-Length", "5"), ("Content-Length", "6")],
        "bad-length": [("Content-Length", "+5")],
        "obs-fold": [CHUNKED, ("X-Folded", "one\r\n two")],
        "space-before-colon": [CHUNKED, ("X-Space ", "1")],
        "nul-in-header": [CHUNKED, ("X-Nul", "a\0b")],
    }
    event = raw_stream(conn, *headers[conn.behaviour])
    conn.send(chunk_of(event) + chunk_of(b"data: [DONE]\n\n") + b"0\r\n\r\n")
    conn.finish()


@behaviour("huge-header-{n}")
def huge_header(conn, kilobytes):
    """A good stream with one response header of so many KB."""
    conn.begin(headers=[("X-Padding", "x" * (kilobytes << 10))])
    chunks.text(conn, *WORDS)
    chunks.complete(conn)


@behaviour("many-headers-{n}")
def many_headers(conn, count):
    """A good stream with so many response headers."""
    conn.begin(headers=[(f"X-{i}", str(i)) for i in range(count)])
    chunks.text(conn, *WORDS)
    chunks.complete(conn)


@behaviour("padded-header-{n}")
def padded_header(conn, blanks):
    """503, with so many blanks between the name and the colon of X-Request-Id: req-padded."""
    conn.respond(503, chunks.error("padded"), headers=[("X-Request-Id" + " " * blanks, "req-padded")])


@behaviour("folded-header", "folded-header-{n}")
def folded_header(conn, blanks=1):
    """503, and X-Request-Id: req-folded, which goes on in a second line that begins with so many blanks (1)."""
    conn.respond(503, chunks.error("folded"), headers=[("X-Request-Id", "req-folded\r\n" + " " * blanks + "and: more")])


@behaviour("nameless-header-{n}")
def nameless_header(conn, blanks):
    """503, with a line that has nothing but so many blanks before its colon."""
    conn.respond(503, chunks.error("nameless"), headers=[(" " * blanks, "req-nameless")])


@behaviour("endless-header")
def endless_header(conn):
    """A response header that never ends."""
    conn.send(b"HTTP/1.1 200 OK\r\nX-Endless: ")
    while True:
        conn.send(b"x" * 4096)


@behaviour("interim-{n}")
def interim(conn, code):
    """One interim response, then a good answer."""
    conn.send(conn.head(code, [("Link", "</style.css>; rel=preload")]))
    ok(conn)


@behaviour("endless-1xx")
def endless_interim(conn):
    """Interim responses for ever."""
    while True:
        conn.send(conn.head(103, [("X-Interim", "again")]) * 16)


@behaviour("garbage", "garbage:{name}")
def garbage(conn, text="SSH-2.0-OpenSSH_9.9\r\n"):
    """Bytes that are not HTTP, then FIN."""
    conn.send(text.encode())
    conn.finish()


@behaviour("http09")
def http09(conn):
    """A good stream without any response head, then FIN."""
    conn.send(event_bytes(conn, TEXT) + b"data: [DONE]\n\n")
    conn.finish()


# --- 200, and yet no success


@behaviour("json-200-completion", "json-200-unfinished")
def whole_completion(conn):
    """A whole completion as JSON, because `stream` was ignored; or one that does not say that it is whole."""
    message = {"role": "assistant", "content": TEXT}
    reason = "stop" if conn.behaviour == "json-200-completion" else None
    whole = chunks.chunk(conn, [{"index": 0, "message": message, "finish_reason": reason}], usage=USAGE)
    conn.respond(200, {**whole, "object": "chat.completion"})


@behaviour("json-200-error")
def error_with_200(conn):
    """A JSON error body under 200."""
    conn.respond(200, chunks.error("the backend is down", "server_error", "internal_error"))


@behaviour("error-first-frame")
def error_first(conn):
    """An error as the first event, then [DONE]."""
    conn.begin()
    conn.event(chunks.error("the engine failed", "server_error"))
    chunks.done(conn)
    conn.end()


@behaviour("error-mid-stream", "error-mid-stream-{n}")
def error_mid_stream(conn, code=None):
    """Two words, then an error event (with this number as its code), then the end."""
    chunks.begin(conn)
    chunks.text(conn, *WORDS[:2])
    conn.event(chunks.error("the engine failed", "server_error", code))
    conn.end()


@behaviour("event-error")
def event_error(conn):
    """Two words, then `event: error`."""
    chunks.begin(conn)
    chunks.text(conn, *WORDS[:2])
    failure = chunks.error("the engine is overloaded", "internal_server_error", status_code=503)
    conn.lines("event: error", f"data: {json.dumps(failure)}", "")
    conn.end()


@behaviour("no-done")
def no_done(conn):
    """A finish_reason and no [DONE]."""
    chunks.begin(conn)
    chunks.text(conn, *WORDS)
    chunks.finish(conn)
    conn.end()


@behaviour("no-finish")
def no_finish(conn):
    """[DONE] and no finish_reason."""
    chunks.begin(conn)
    chunks.text(conn, *WORDS)
    chunks.done(conn)
    conn.end()


@behaviour("no-end")
def no_end(conn):
    """A clean end of file with neither finish_reason nor [DONE]."""
    chunks.begin(conn)
    chunks.text(conn, *WORDS)
    conn.end()


@behaviour("empty-stream")
def empty_stream(conn):
    """200, text/event-stream, and not one byte of body."""
    conn.begin()
    conn.end()


@behaviour("done-only")
def done_only(conn):
    """[DONE] and nothing else."""
    conn.begin()
    chunks.done(conn)
    conn.end()


@behaviour("malformed-event")
def malformed_event(conn):
    """A good answer with an event in its middle that is not JSON, and was not to be."""
    chunks.begin(conn)
    chunks.text(conn, *WORDS[:2])
    conn.event("the upstream is busy, never shown")
    chunks.text(conn, *WORDS[2:])
    chunks.complete(conn)


@behaviour("never-ends")
def never_ends(conn):
    """A good answer whose response does not end after [DONE]."""
    chunks.begin(conn)
    chunks.text(conn, *WORDS)
    chunks.finish(conn)
    chunks.usage(conn)
    chunks.done(conn)
    conn.stall()


@behaviour("frames-after-done", "flood-after-done", "comments-after-done")
def after_done(conn):
    """A good answer; after [DONE] another word and an error, comments as fast as they go, or one every 50 ms."""
    chunks.begin(conn)
    chunks.text(conn, *WORDS)
    chunks.finish(conn)
    chunks.usage(conn)
    chunks.done(conn)
    if conn.behaviour == "frames-after-done":
        chunks.text(conn, "never shown")
        conn.event(chunks.error("never shown"))
        conn.end()
        return
    while True:
        conn.write((b":" + b"." * 62 + b"\n") * (64 if conn.behaviour == "flood-after-done" else 1))
        if conn.behaviour == "comments-after-done":
            time.sleep(0.05)
