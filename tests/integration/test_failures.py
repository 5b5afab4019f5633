"""What each failure is called, what may be tried next, and how the command ends: one attempt, no fallback.

The columns are docs/failures.md in short: behaviour of the server → error code, verdict, exit code, and words of the
message. Section 4 of the dialect table is here row by row.
"""

import json

import pytest

STOP, FALL_BACK, RETRY, CONTEXT = "stop", "fall back", "retry", "fall back context"

STATUSES = [
    (300, "EXO_E_REDIRECT", STOP),
    (301, "EXO_E_REDIRECT", STOP),
    (302, "EXO_E_REDIRECT", STOP),
    (307, "EXO_E_REDIRECT", STOP),
    (308, "EXO_E_REDIRECT", STOP),
    (400, "EXO_E_STATUS", STOP),
    (401, "EXO_E_AUTH", STOP),
    (402, "EXO_E_QUOTA", FALL_BACK),
    (403, "EXO_E_AUTH", STOP),
    (404, "EXO_E_STATUS", STOP),
    (405, "EXO_E_STATUS", STOP),
    (408, "EXO_E_SERVER", RETRY),
    (409, "EXO_E_SERVER", RETRY),
    (410, "EXO_E_STATUS", STOP),
    (413, "EXO_E_STATUS", STOP),
    (415, "EXO_E_STATUS", STOP),
    (418, "EXO_E_STATUS", STOP),
    (422, "EXO_E_STATUS", STOP),
    (425, "EXO_E_SERVER", RETRY),
    (429, "EXO_E_RATE_LIMIT", RETRY),
    (431, "EXO_E_STATUS", STOP),
    (451, "EXO_E_STATUS", STOP),
    (498, "EXO_E_SERVER", RETRY),
    (499, "EXO_E_STATUS", STOP),
    (500, "EXO_E_SERVER", RETRY),
    (501, "EXO_E_SERVER", RETRY),
    (502, "EXO_E_SERVER", RETRY),
    (503, "EXO_E_SERVER", RETRY),
    (504, "EXO_E_SERVER", RETRY),
    (520, "EXO_E_SERVER", RETRY),
    (524, "EXO_E_SERVER", RETRY),
    (529, "EXO_E_SERVER", RETRY),
    (599, "EXO_E_SERVER", RETRY),
]


@pytest.mark.parametrize("status, code, verdict", STATUSES)
def test_a_status(ask, status, code, verdict):
    ran = ask(f"status-{status}", "--json")
    said = f"scripted failure {status}"
    assert ran.code == 1
    assert (ran.error["code"], ran.error["class"], ran.error["verdict"]) == (code, "provider", verdict)
    assert (ran.error["http_status"], ran.error["status"]) == (status, status)
    assert (ran.error["message"], ran.error["type"]) == (said, "upstream_error")
    assert ran.error["request_id"] == "req-1-1" and not ran.error["in_stream"]
    assert ran.trail == [(f"status-{status}", code)] and ran.json["text"] == ""
    assert f"provider error {status} from status-{status}: " in ran.complaint
    assert said in ran.complaint and "req-1-1" in ran.complaint


@pytest.mark.parametrize("status, code, verdict", STATUSES[::4])
@pytest.mark.parametrize("kind", ["html", "empty"])
def test_a_status_with_a_page_or_nothing(ask, kind, status, code, verdict):
    ran = ask(f"{kind}-{status}", "--json")
    if (kind, status) == ("html", 403):  # a block by something in front, not a refused key
        code, verdict = "EXO_E_BLOCKED", FALL_BACK
    assert (ran.code, ran.error["code"], ran.error["verdict"]) == (1, code, verdict)
    assert ran.error["message"] == str(status) if kind == "html" else ran.error["message"]
    assert "<" not in ran.complaint


BODIES = [  # (body, message, type, code)
    ({"error": {"message": "m", "type": "t", "code": "c"}}, "m", "t", "c"),
    ({"error": {"message": "m", "type": "t", "code": 1234}}, "m", "t", "1234"),
    ({"error": {"message": "m", "type": None, "code": None}}, "m", None, None),
    ({"error": "m"}, "m", None, None),
    ({"code": "c", "error": "m"}, "m", None, "c"),
    ([{"error": {"code": 418, "message": "m", "status": "TEAPOT"}}], "m", "TEAPOT", "418"),
    ({"object": "error", "message": "m", "type": "t", "code": 1}, "m", "t", "1"),
    ({"object": "error", "message": json.dumps({"error": {"message": "m"}})}, "m", None, None),
    ({"object": "error", "message": {"detail": "m"}}, "m", None, None),
    ({"object": "error", "message": [{"msg": "m"}]}, "m", None, None),
    ({"detail": "m"}, "m", None, None),
    ({"detail": [{"loc": ["body"], "msg": "m", "type": "missing"}]}, "m", "missing", None),
    ({"fault": {"faultstring": "m"}}, "m", None, None),
    ({"success": False, "errors": [{"code": 7009, "message": "m"}]}, "m", None, "7009"),
    ({"error": {"message": "It returned error", "metadata": {"raw": "m"}}}, "It returned error: m", None, None),
    ({"message": "m"}, "m", None, None),
    ("plain words", "plain words", None, None),
    ('{"error":{"message":"m', "m", None, None),
    ({"error": {"message": "two\r\nlines\u0000\u001b[31m"}}, "two  lines  [31m", None, None),
    ({"error": {"message": "gr\u00fc\u00df \u2028 \U0001f30a"}}, "gr\u00fc\u00df \u2028 \U0001f30a", None, None),
]


@pytest.mark.parametrize("body, message, kind, code", BODIES)
def test_a_body_shape(ask, upstream, body, message, kind, code):
    text = body if isinstance(body, str) else json.dumps(body)
    upstream.scripts["shape"] = lambda conn: conn.respond(418, text)
    ran = ask("shape", "--json")
    error = ran.error
    assert (ran.code, error["code"], error["verdict"]) == (1, "EXO_E_STATUS", STOP)
    assert (error["message"], error["type"], error["provider_code"]) == (message, kind, code)
    assert message in ran.complaint


def test_a_message_that_is_too_long_is_cut_at_a_character(ask, upstream):
    upstream.scripts["long"] = lambda conn: conn.respond(400, {"error": {"message": "x" + "\u00e9" * 5000}})
    ran = ask("long", "--json")
    assert ran.error["message"].startswith("x\u00e9\u00e9") and set(ran.error["message"][1:]) == {"\u00e9"}
    assert len(ran.complaint) < 2000


MARKS = [
    "This model's maximum context length is 8192 tokens.",
    "Your input exceeds the context window of this model.",
    "prompt is too long: 210000 tokens > 200000 maximum",
    "Input is too long for requested model.",
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
    "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    "Please reduce the length of the messages or completion.",
    "Request too large for model with 8192 tokens",
    "the model's context length is only 2048 tokens",
    "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
    "Context size has been exceeded.",
    "tokens to keep is greater than the context length",
    "exceeded model token limit: 8192",
    "invalid params, context window exceeds limit (2013)",
    "tokens in request more than max tokens allowed",
    "Range of input length should be [1, 98304]",
    "`inputs` tokens + `max_new_tokens` must be <= 4096",
    "litellm.ContextWindowExceededError: no",
]


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_of_an_exceeded_context_window(ask, upstream, mark):
    upstream.scripts["too-long"] = lambda conn: conn.respond(400, {"error": {"message": mark}})
    ran = ask("too-long", "--json")
    assert (ran.code, ran.error["code"], ran.error["verdict"]) == (3, "EXO_E_CONTEXT_WINDOW", CONTEXT)
    assert ran.error["message"] == mark and mark in ran.complaint


@pytest.mark.parametrize("behaviour, status", [("context-400", 400), ("context-413", 413), ("context-500", 500)])
def test_the_context_window_is_looked_for_first(ask, behaviour, status):
    ran = ask(behaviour, "--json")
    assert (ran.code, ran.error["code"], ran.error["http_status"]) == (3, "EXO_E_CONTEXT_WINDOW", status)


def test_an_echo_of_the_prompt_is_no_mark(ask, upstream):
    echo = {"message": "unknown field", "input": "This model's maximum context length is 5, isn't it?"}
    upstream.scripts["echo-400"] = lambda conn: conn.respond(400, {"error": echo})
    assert (ask("echo-400", "--json").code, ask("echo-400", "--json").error["code"]) == (1, "EXO_E_STATUS")


OTHERS = [  # (behaviour, code, verdict, exit code, class)
    ("context-in-stream", "EXO_E_CONTEXT_WINDOW", CONTEXT, 3, "provider"),
    ("finish:model_context_window_exceeded", "EXO_E_CONTEXT_WINDOW", CONTEXT, 3, "provider"),
    ("content-filter-400", "EXO_E_CONTENT_FILTER", STOP, 4, "provider"),
    ("content-filter-403", "EXO_E_CONTENT_FILTER", STOP, 4, "provider"),
    ("content-filter-500", "EXO_E_CONTENT_FILTER", STOP, 4, "provider"),
    ("quota-429", "EXO_E_QUOTA", FALL_BACK, 1, "provider"),
    ("quota-403", "EXO_E_QUOTA", FALL_BACK, 1, "provider"),
    ("should-retry-true-400", "EXO_E_STATUS", RETRY, 1, "provider"),
    ("should-retry-false-503", "EXO_E_SERVER", FALL_BACK, 1, "provider"),
    ("should-retry-true-401", "EXO_E_AUTH", STOP, 1, "provider"),
    ("redirect-302", "EXO_E_REDIRECT", STOP, 1, "provider"),
    ("redirect-307", "EXO_E_REDIRECT", STOP, 1, "provider"),
    ("json-200-error", "EXO_E_SERVER", RETRY, 1, "provider"),
    ("json-200-unfinished", "EXO_E_TRUNCATED", RETRY, 1, "violation"),
    ("body-200:{}", "EXO_E_NOT_A_STREAM", RETRY, 1, "violation"),
    ("html-200", "EXO_E_NOT_A_STREAM", RETRY, 1, "violation"),
    ("empty-200", "EXO_E_EMPTY_STREAM", RETRY, 1, "violation"),
    ("empty-204", "EXO_E_EMPTY_STREAM", RETRY, 1, "violation"),
    ("empty-stream", "EXO_E_EMPTY_STREAM", RETRY, 1, "violation"),
    ("done-only", "EXO_E_EMPTY_STREAM", RETRY, 1, "violation"),
    ("error-first-frame", "EXO_E_SERVER", RETRY, 1, "provider"),
    ("error-mid-stream", "EXO_E_SERVER", RETRY, 1, "provider"),
    ("error-mid-stream-429", "EXO_E_RATE_LIMIT", RETRY, 1, "provider"),
    ("error-mid-stream-401", "EXO_E_AUTH", STOP, 1, "provider"),
    ("event-error", "EXO_E_SERVER", RETRY, 1, "provider"),
    ("finish:error", "EXO_E_FINISH", RETRY, 1, "provider"),
    ("finish:network_error", "EXO_E_FINISH", RETRY, 1, "provider"),
    ("finish:abort", "EXO_E_FINISH", RETRY, 1, "provider"),
    ("finish:insufficient_system_resource", "EXO_E_FINISH", RETRY, 1, "provider"),
    ("no-end", "EXO_E_TRUNCATED", RETRY, 1, "violation"),
    ("no-end+close", "EXO_E_TRUNCATED", RETRY, 1, "violation"),
    ("tool-truncated", "EXO_E_TRUNCATED", RETRY, 1, "violation"),
    ("unlabelled-gzip", "EXO_E_UNLABELLED_GZIP", RETRY, 1, "violation"),
    ("coding:gzip", "EXO_E_CODING", RETRY, 1, "violation"),
    ("coding:zstd", "EXO_E_CODING", RETRY, 1, "violation"),
    ("cut-after-300", "EXO_E_BODY_CUT", RETRY, 1, "violation"),
    ("chunk-cut", "EXO_E_BODY_CUT", RETRY, 1, "violation"),
    ("cut-head-after-0", "EXO_E_CLOSED", RETRY, 1, "transport"),
    ("cut-head-after-20", "EXO_E_CLOSED", RETRY, 1, "transport"),
    ("fin-before-headers", "EXO_E_CLOSED", RETRY, 1, "transport"),
    ("reset-before-headers", "EXO_E_CLOSED", RETRY, 1, "transport"),
    ("reset-after-300", "EXO_E_RECEIVE", RETRY, 1, "transport"),
    ("bad-chunk", "EXO_E_CHUNK", RETRY, 1, "violation"),
    ("bad-chunk-overflow", "EXO_E_CHUNK", RETRY, 1, "violation"),
    ("bad-chunk-end", "EXO_E_CHUNK", RETRY, 1, "violation"),
    ("nul-in-header", "EXO_E_HEAD", RETRY, 1, "violation"),
    ("garbage", "EXO_E_HEAD", RETRY, 1, "violation"),
    ("http09", "EXO_E_HEAD", RETRY, 1, "violation"),
]


@pytest.mark.parametrize("behaviour, code, verdict, exit_code, error_class", OTHERS)
def test_another_failure(ask, behaviour, code, verdict, exit_code, error_class):
    ran = ask(behaviour, "--json")
    error = ran.error
    assert (ran.code, error["code"], error["verdict"], error["class"]) == (exit_code, code, verdict, error_class)
    assert error["message"] and error["message"] in ran.complaint
    assert len(ran.json["attempts"]) == 1 and ran.json["tool_calls"] == []


@pytest.mark.parametrize("behaviour", ["excess-content-length", "two-lengths", "bad-length", "chunk-cut"])
def test_a_body_with_wrong_borders_is_never_an_answer(ask, behaviour):
    ran = ask(behaviour, "--json")
    assert ran.code == 1 and ran.error["class"] == "violation"


def test_what_happened_inside_a_stream_says_so(ask):
    error = ask("event-error", "--json").error
    assert (error["in_stream"], error["http_status"], error["status"]) == (True, 200, 503)
    assert (error["message"], error["type"]) == ("the engine is overloaded", "internal_server_error")
    assert 0 < error["offset"]


@pytest.mark.parametrize("behaviour", ["no-end", "tool-truncated", "finish:abort", "empty-stream", "unlabelled-gzip"])
def test_a_failure_without_a_status_of_its_own_keeps_that_of_the_response(ask, behaviour):
    error = ask(behaviour, "--json").error
    assert error["http_status"] == 200 and error["retry_after_ms"] is None


@pytest.mark.parametrize("behaviour", ["no-end", "cut-after-300", "reset-after-300", "error-mid-stream"])
def test_the_request_id_of_a_broken_stream_is_known(ask, behaviour):
    ran = ask(behaviour, "--json")
    assert ran.error["request_id"] == "req-1-1" and "req-1-1" in ran.complaint


DELAYS = [
    ("retry-after-7", 7000, 7000),
    ("retry-after-1.5", 1500, 1500),
    ("retry-after-ms-1500", 1500, 1500),
    ("retry-after-date-3600", 3590000, 3600000),
    ("retry-delay-45.8", 45800, 45800),
    ("status-429", None, None),
]


@pytest.mark.parametrize("behaviour, least, most", DELAYS)
def test_how_long_to_wait(ask, behaviour, least, most):
    ran = ask(behaviour, "--json")
    delay = ran.error["retry_after_ms"]
    assert delay is None if least is None else least <= delay <= most
    assert ("retry after" in ran.complaint) == (least is not None)


def test_nobody_listens(exochat, closed_port):
    ran = exochat("--base-url", f"http://127.0.0.1:{closed_port}/v1", "-m", "m", "--json", "hello")
    assert (ran.code, ran.error["code"], ran.error["verdict"]) == (1, "EXO_E_CONNECT", RETRY)
    assert ran.error["class"] == "transport" and ran.error["http_status"] is None


def test_a_host_that_is_not_there(exochat):
    ran = exochat("--base-url", "http://nowhere.invalid/v1", "-m", "m", "--json", "--connect-timeout", "5", "hello")
    assert ran.code == 1 and ran.error["code"] in ("EXO_E_RESOLVE", "EXO_E_CLOCK_CONNECT")


def test_an_unknown_model_of_the_endpoint(ask):
    ran = ask("gpt-nothing", "--json")
    assert (ran.code, ran.error["code"], ran.error["provider_code"]) == (1, "EXO_E_STATUS", "model_not_found")


@pytest.mark.parametrize("behaviour, exit_code", [("refusal", 4), ("content-filter", 4), ("finish:length", 0)])
def test_an_answer_that_may_not_be_what_was_asked_for(ask, behaviour, exit_code):
    ran = ask(behaviour, "--json")
    assert (ran.code, ran.error) == (exit_code, None)
    assert ran.complaint


def test_a_refused_key_says_whether_one_was_sent(ask, exochat, upstream):
    assert "and no key was sent" in ask("status-401").complaint
    environ = {"THE_KEY": "sk-0123456789abcdef"}
    options = ("--base-url", upstream.url_for("status-401"), "-m", "m", "--api-key-env", "THE_KEY", "hello")
    ran = exochat(*options, env=environ)
    assert "no key was sent" not in ran.complaint and ran.code == 1
