"""What a well-behaved endpoint says: the JSON of chunks, usage and errors, and the steps that stream them."""

import time

WORDS = ("Every ", "stream ", "finds ", "its ", "sea.")
TEXT = "".join(WORDS)
USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}


def chunk(conn, choices, **extra):
    """One chat.completion.chunk."""
    request = conn.request
    return {
        "id": f"chatcmpl-{request.connection}-{request.number}",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": request.model or request.path_behaviour or "",
        "choices": choices,
        **extra,
    }


def choice(delta, finish=None, index=0, **extra):
    return {"index": index, "delta": delta, "finish_reason": finish, **extra}


def error(message, kind="upstream_error", code=None, **extra):
    return {"error": {"message": message, "type": kind, "param": None, "code": code, **extra}}


def request_id(conn):
    return ("x-request-id", f"req-{conn.request.connection}-{conn.request.number}")


def begin(conn):
    """The head of a stream, and the chunk that names the role."""
    conn.begin(headers=[request_id(conn)])
    conn.event(chunk(conn, [choice({"role": "assistant", "content": ""})]))


def text(conn, *words, pause=0):
    """One delta for each word."""
    for word in words:
        if pause:
            conn.stall(pause)
        conn.event(chunk(conn, [choice({"content": word})]))


def delta(conn, **fields):
    conn.event(chunk(conn, [choice(fields)]))


def finish(conn, reason="stop", **extra):
    conn.event(chunk(conn, [choice({}, reason)], **extra))


def usage(conn, counts=None):
    conn.event(chunk(conn, [], usage=counts or USAGE))


def done(conn):
    conn.event("[DONE]")


def complete(conn, reason="stop"):
    """Everything that follows the last delta of a good answer."""
    finish(conn, reason)
    usage(conn)
    done(conn)
    conn.end()


def answer(conn, *words, pause=0):
    """A whole good answer."""
    begin(conn)
    text(conn, *words, pause=pause)
    complete(conn)


def http_date(seconds_from_now):
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + seconds_from_now))


def last_user_text(messages):
    """The text of the last user message; of a list of parts, the texts joined."""
    for message in reversed(messages):
        if message.get("role") == "user":
            content = message.get("content")
            if isinstance(content, list):
                return "".join(part.get("text", "") for part in content if isinstance(part, dict))
            return content or ""
    return ""
