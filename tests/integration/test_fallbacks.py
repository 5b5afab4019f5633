"""Which failures move on to the next model of the requested model's list, and what is told of all attempts."""

import pytest
from upstream.chunks import TEXT

MOVES_ON = [  # (behaviour, code of the failed attempt, options)
    *((f"status-{status}", "EXO_E_SERVER", ()) for status in (408, 409, 425, 498)),
    *((f"status-{status}", "EXO_E_SERVER", ()) for status in (500, 501, 502, 503, 504, 505, 507, 520, 521, 522)),
    *((f"status-{status}", "EXO_E_SERVER", ()) for status in (523, 524, 529, 530, 599)),
    ("status-429", "EXO_E_RATE_LIMIT", ()),
    ("status-402", "EXO_E_QUOTA", ()),
    ("quota-429", "EXO_E_QUOTA", ()),
    ("retry-after-3600", "EXO_E_RATE_LIMIT", ()),
    ("should-retry-false-503", "EXO_E_SERVER", ()),
    ("should-retry-true-400", "EXO_E_STATUS", ()),
    ("html-502", "EXO_E_SERVER", ()),
    ("empty-500", "EXO_E_SERVER", ()),
    ("endless-body-500", "EXO_E_SERVER", ()),
    ("fin-before-headers", "EXO_E_CLOSED", ()),
    ("reset-before-headers", "EXO_E_CLOSED", ()),
    ("cut-head-after-20", "EXO_E_CLOSED", ()),
    ("garbage", "EXO_E_HEAD", ()),
    ("silent", "EXO_E_CLOCK_FIRST", ("--ttft", "3000ms")),
    ("comments-only", "EXO_E_CLOCK_FIRST", ("--ttft", "3000ms")),
    ("one-delta-then-stall", "EXO_E_CLOCK_IDLE", ("--idle-timeout", "3000ms")),
    ("cut-after-0", "EXO_E_BODY_CUT", ()),
    ("cut-after-300", "EXO_E_BODY_CUT", ()),
    ("cut-after-700", "EXO_E_BODY_CUT", ()),
    ("cut-after-700+close", "EXO_E_TRUNCATED", ()),
    ("reset-after-700", "EXO_E_RECEIVE", ()),
    ("bad-chunk", "EXO_E_CHUNK", ()),
    ("chunk-cut", "EXO_E_BODY_CUT", ()),
    ("excess-content-length", "EXO_E_EMPTY_STREAM", ()),
    ("ok+length+cut-700", "EXO_E_BODY_CUT", ()),
    ("no-end", "EXO_E_TRUNCATED", ()),
    ("tool-truncated", "EXO_E_TRUNCATED", ()),
    ("empty-stream", "EXO_E_EMPTY_STREAM", ()),
    ("done-only", "EXO_E_EMPTY_STREAM", ()),
    ("empty-200", "EXO_E_EMPTY_STREAM", ()),
    ("html-200", "EXO_E_NOT_A_STREAM", ()),
    ("json-200-unfinished", "EXO_E_TRUNCATED", ()),
    ("json-200-error", "EXO_E_SERVER", ()),
    ("error-first-frame", "EXO_E_SERVER", ()),
    ("error-mid-stream", "EXO_E_SERVER", ()),
    ("error-mid-stream-429", "EXO_E_RATE_LIMIT", ()),
    ("event-error", "EXO_E_SERVER", ()),
    ("finish:error", "EXO_E_FINISH", ()),
    ("unlabelled-gzip", "EXO_E_UNLABELLED_GZIP", ()),
    ("coding:zstd", "EXO_E_CODING", ()),
    ("huge-header-100", "EXO_E_HEAD_LIMIT", ()),
    ("many-headers-300", "EXO_E_HEADERS_LIMIT", ()),
]

STOPS = [  # (behaviour, code, exit code)
    *((f"status-{status}", "EXO_E_STATUS", 1) for status in (400, 404, 405, 406, 410, 411, 413, 415, 418, 422, 431)),
    *((f"status-{status}", "EXO_E_REDIRECT", 1) for status in (300, 301, 302, 303, 304, 305, 307, 308)),
    ("status-401", "EXO_E_AUTH", 1),
    ("status-403", "EXO_E_AUTH", 1),
    ("early-401", "EXO_E_AUTH", 1),
    ("html-400", "EXO_E_STATUS", 1),
    ("content-filter-400", "EXO_E_CONTENT_FILTER", 4),
    ("content-filter-500", "EXO_E_CONTENT_FILTER", 4),
    ("error-mid-stream-400", "EXO_E_STATUS", 1),
    ("error-mid-stream-401", "EXO_E_AUTH", 1),
    ("context-400", "EXO_E_CONTEXT_WINDOW", 3),
    ("context-500", "EXO_E_CONTEXT_WINDOW", 3),
    ("context-in-stream", "EXO_E_CONTEXT_WINDOW", 3),
]


@pytest.mark.parametrize("behaviour, code, options", MOVES_ON)
def test_a_failure_that_another_model_may_cure(ask, upstream, behaviour, code, options):
    ran = ask(behaviour, "--json", *options, fallbacks=["ok", "echo"])
    assert (ran.code, ran.json["text"], ran.error) == (0, TEXT, None), ran
    assert ran.trail == [(behaviour, code), ("ok", None)] and ran.json["deployment"] == "ok"
    assert [request.model for request in upstream.requests] == [behaviour, "ok"]
    assert ran.stderr == b""


@pytest.mark.parametrize("behaviour, code, exit_code", STOPS)
def test_a_failure_that_no_other_model_would_cure(ask, upstream, behaviour, code, exit_code):
    ran = ask(behaviour, "--json", fallbacks=["ok"])
    assert (ran.code, ran.error["code"]) == (exit_code, code)
    assert ran.trail == [(behaviour, code)] and len(upstream.requests) == 1


@pytest.mark.parametrize("behaviour", ["refusal", "content-filter", "finish:length", "finish:strange", "no-done"])
def test_an_answer_is_an_answer(ask, upstream, behaviour):
    ran = ask(behaviour, "--json", fallbacks=["ok"])
    assert ran.trail == [(behaviour, None)] and len(upstream.requests) == 1


def test_nobody_listens_at_the_first(exochat, upstream, write_config, closed_port):
    first = {"base_url": f"http://127.0.0.1:{closed_port}/v1", "fallbacks": ["ok"]}
    ran = exochat("--config", write_config({"first": first, "ok": {}}), "-m", "first", "--json", "hello")
    assert (ran.code, ran.json["text"]) == (0, TEXT)
    assert ran.trail == [("first", "EXO_E_CONNECT"), ("ok", None)]


def test_nobody_accepts_at_the_first(exochat, upstream, write_config, full_port):
    first = {"base_url": f"http://127.0.0.1:{full_port}/v1", "connect_timeout": "300ms", "fallbacks": ["ok"]}
    ran = exochat("--config", write_config({"first": first, "ok": {}}), "-m", "first", "--json", "hello")
    assert (ran.code, ran.json["text"]) == (0, TEXT)
    assert ran.trail == [("first", "EXO_E_CLOCK_CONNECT"), ("ok", None)]


def test_the_list_is_walked_in_order_and_the_last_failure_is_reported(ask, upstream):
    chain = ["status-503", "status-429", "bad-chunk", "no-end", "error-first-frame", "status-500"]
    ran = ask(chain[0], "--json", fallbacks=chain[1:])
    codes = ["SERVER", "RATE_LIMIT", "CHUNK", "TRUNCATED", "SERVER", "SERVER"]
    assert ran.trail == [(name, "EXO_E_" + code) for name, code in zip(chain, codes)]
    assert (ran.code, ran.error["code"], ran.error["http_status"]) == (1, "EXO_E_SERVER", 500)
    assert ran.error["message"] == "scripted failure 500" and ran.json["deployment"] == "status-500"
    assert [request.model for request in upstream.requests] == chain


def test_a_failure_that_stops_ends_the_walk(ask, upstream):
    ran = ask("status-503", "--json", fallbacks=["status-401", "ok"])
    assert (ran.code, ran.error["code"]) == (1, "EXO_E_AUTH")
    assert [request.model for request in upstream.requests] == ["status-503", "status-401"]


def test_lists_are_not_transitive(exochat, upstream, write_config):
    config = write_config(
        {
            "first": {"model": "status-503", "fallbacks": ["second"]},
            "second": {"model": "status-502", "fallbacks": ["third"]},
            "third": {"model": "ok"},
        }
    )
    ran = exochat("--config", config, "-m", "first", "--json", "hello")
    assert ran.trail == [("first", "EXO_E_SERVER"), ("second", "EXO_E_SERVER")]
    assert (ran.code, ran.error["http_status"]) == (1, 502)
    assert exochat("--config", config, "-m", "second", "hello").out == TEXT


def test_the_command_line_takes_the_place_of_the_configured_list(exochat, upstream, write_config):
    config = write_config(
        {
            "first": {"model": "status-503", "fallbacks": ["second"]},
            "second": {"model": "ok"},
            "third": {"model": "echo"},
        }
    )
    ran = exochat("--config", config, "-m", "first", "--fallback", "third", "--json", "hello")
    assert ran.trail == [("first", "EXO_E_SERVER"), ("third", None)] and ran.json["text"] == "hello"


def test_the_default_model_is_asked(exochat, upstream, write_config):
    config = write_config({"first": {"model": "ok"}, "second": {"model": "echo"}}, default_model="second")
    assert exochat("--config", config, "hello").out == "hello"


def test_each_deployment_gets_its_own_model_name_key_and_body(exochat, upstream, write_config):
    config = write_config(
        {
            "first": {"model": "status-503", "api_key": "key-one", "fallbacks": ["second"]},
            "second": {"model": "echo", "api_key": "key-two", "drop": ["stream_options"], "body": {"top_k": 3}},
        }
    )
    assert exochat("--config", config, "-m", "first", "hello").out == "hello"
    first, second = upstream.requests
    assert (first.model, first.header("authorization")) == ("status-503", "Bearer key-one")
    assert (second.model, second.header("authorization")) == ("echo", "Bearer key-two")
    assert "stream_options" in first.json and "top_k" not in first.json
    assert "stream_options" not in second.json and second.json["top_k"] == 3


def test_context_fallbacks_are_walked_for_an_exceeded_context_window_alone(exochat, upstream, write_config):
    config = write_config(
        {
            "long": {"model": "context-400", "fallbacks": ["other"], "context_fallbacks": ["larger"]},
            "broken": {"model": "status-503", "context_fallbacks": ["larger"]},
            "other": {"model": "echo"},
            "larger": {"model": "ok"},
        }
    )
    ran = exochat("--config", config, "-m", "long", "--json", "hello")
    assert ran.trail == [("long", "EXO_E_CONTEXT_WINDOW"), ("larger", None)] and ran.code == 0
    ran = exochat("--config", config, "-m", "broken", "--json", "hello")
    assert ran.trail == [("broken", "EXO_E_SERVER")] and ran.code == 1


def test_retries_are_made_on_the_same_route_first(ask, upstream):
    ran = ask("fail-2-then-ok", "--retries", "2", "--json", fallbacks=["echo"])
    assert (ran.code, ran.json["text"]) == (0, TEXT)
    assert ran.trail == [("fail-2-then-ok", "EXO_E_SERVER")] * 2 + [("fail-2-then-ok", None)]


@pytest.mark.parametrize("behaviour, option", [("silent", "--ttft"), ("one-delta-then-stall", "--idle-timeout")])
def test_a_silent_route_is_not_retried(ask, upstream, behaviour, option):
    ran = ask(behaviour, "--retries", "3", option, "3s", "--json", fallbacks=["ok"])
    assert ran.code == 0 and len(ran.trail) == 2


@pytest.mark.parametrize("behaviour", ["quota-429", "should-retry-false-503", "status-400", "status-401"])
def test_what_waiting_does_not_cure_is_not_retried(ask, upstream, behaviour):
    ran = ask(behaviour, "--retries", "3", "--json")
    assert ran.code == 1 and len(ran.trail) == 1


def test_retry_after_is_honoured(exochat, upstream, write_config):
    model = {"model": "sequence:retry-after-ms-400,ok", "retries": 1, "backoff_first": "1ms", "backoff_max": "1ms"}
    ran = exochat("--config", write_config({"first": model}), "-m", "first", "--json", "hello")
    assert ran.code == 0 and ran.json["attempts"][1]["started_ms"] >= 400


def test_retry_after_beyond_its_cap_is_not_waited_for(exochat, upstream, write_config):
    model = {"model": "retry-after-3600", "retries": 3, "retry_after_max": "1s", "fallbacks": ["ok"]}
    ran = exochat("--config", write_config({"first": model, "ok": {}}), "-m", "first", "--json", "hello")
    assert ran.code == 0 and ran.trail[-1] == ("ok", None) and ran.seconds < 100


@pytest.mark.parametrize("patience, waits", [("1ms", False), ("0", False), ("60s", True)])
def test_no_long_wait_while_another_is_left(exochat, upstream, write_config, patience, waits):
    model = {"model": "sequence:retry-after-ms-400,ok", "retries": 1, "patience": patience, "fallbacks": ["echo"]}
    ran = exochat("--config", write_config({"first": model, "echo": {}}), "-m", "first", "--json", "hello")
    assert ran.trail == [("first", "EXO_E_RATE_LIMIT"), ("first" if waits else "echo", None)]


def test_a_wait_that_does_not_fit_into_the_total_clock(exochat, upstream, write_config):
    model = {"model": "retry-after-20", "retries": 1, "patience": "60s"}
    config = write_config({"first": model, "echo": {}})
    ran = exochat("--config", config, "-m", "first", "--total-timeout", "15s", "--json", "hello")
    assert ran.trail == [("first", "EXO_E_RATE_LIMIT")] and ran.error["code"] == "EXO_E_RATE_LIMIT"
    ran = exochat("--config", config, "-m", "first", "--total-timeout", "15s", "--fallback", "echo", "--json", "hello")
    assert ran.trail == [("first", "EXO_E_RATE_LIMIT"), ("echo", None)]


def test_a_model_may_be_listed_twice(ask, upstream):
    ran = ask("fail-1-then-ok", "--json", fallbacks=["fail-1-then-ok"])
    assert ran.trail == [("fail-1-then-ok", "EXO_E_SERVER"), ("fail-1-then-ok", None)]


def test_a_fallback_that_is_not_deployed(exochat, upstream, write_config):
    config = write_config({"first": {"model": "ok", "fallbacks": ["nobody"]}})
    ran = exochat("--config", config, "-m", "first", "hello")
    assert ran.code == 2 and "nobody" in ran.complaint and upstream.requests == []


def test_the_trail_is_told_by_trace(ask):
    ran = ask("status-503", "--trace", fallbacks=["empty-stream", "ok"])
    lines = ran.err.splitlines()
    assert ran.code == 0 and all(line.startswith("exochat: ") for line in lines)
    attempts = [line for line in lines if "attempt " in line]
    assert "status-503" in attempts[0] and "EXO_E_SERVER" in attempts[0] and "scripted failure 503" in attempts[0]
    assert "empty-stream" in attempts[1] and "EXO_E_EMPTY_STREAM" in attempts[1] and "answered" in attempts[2]


def test_the_trail_of_a_failure_is_told_before_the_failure(ask):
    ran = ask("status-503", "--trace", "--no-stream", fallbacks=["no-end", "status-429"])
    attempts = [line for line in ran.err.splitlines() if line.startswith("exochat: attempt ")]
    told = [("status-503", "EXO_E_SERVER"), ("no-end", "EXO_E_TRUNCATED"), ("status-429", "EXO_E_RATE_LIMIT")]
    assert [name in line and code in line for line, (name, code) in zip(attempts, told)] == [True] * 3
    assert "scripted failure 429" in ran.err.splitlines()[-2] and ran.err.splitlines()[-1].startswith("exochat: hint: ")


@pytest.mark.parametrize("options", [(), ("--no-stream",), ("--quiet",)])
def test_all_that_failed_are_named(ask, options):
    ran = ask("status-503", *options, fallbacks=["empty-stream", "fin-before-headers", "status-429"])
    words = ["attempt 1: status-503: provider error 503: scripted failure 503", "attempt 2: empty-stream: protocol error: "]
    words += ["attempt 3: fin-before-headers: network error: ", "provider error 429 from status-429: ", "hint: "]
    lines = ran.err.splitlines()
    assert ran.code == 1 and len(lines) == len(words)
    assert [line.startswith("exochat: " + word) for line, word in zip(lines, words)] == [True] * 5, ran


@pytest.mark.parametrize("option", ["--json", "--events"])
def test_where_the_trail_is_told_anyway_one_line_is_enough(ask, option):
    assert "status-429" in ask("status-503", option, fallbacks=["status-429"]).complaint


def test_the_trail_of_events_is_the_last_line(ask):
    ran = ask("status-503", "--events", fallbacks=["ok"])
    *events, end, trail = ran.events
    assert (end["type"], end["error"], trail["type"], trail["deployment"]) == ("end", None, "trail", "ok")
    assert [attempt["code"] for attempt in trail["attempts"]] == ["EXO_E_SERVER", None]
    assert "".join(event["text"] for event in events if event["type"] == "text") == TEXT


def test_times_and_bytes_of_an_attempt(ask, upstream):
    ran = ask("status-503", "--json", fallbacks=["ok"])
    failed, answered = ran.json["attempts"]
    assert 0 <= answered["connected_ms"] <= answered["sent_ms"] <= answered["first_event_ms"] <= answered["end_ms"]
    assert 0 <= failed["started_ms"] <= answered["started_ms"] <= ran.json["milliseconds"]
    assert failed["end_ms"] <= answered["started_ms"]
    lengths = [request.length for request in upstream.requests]
    assert [failed["bytes_sent"], answered["bytes_sent"]] == lengths
    assert failed["http_status"] == 503 and answered["http_status"] == 200 and answered["bytes_received"] > 1000
    assert answered["http_version"] == "1.1" and not answered["resent"]


def test_after_a_failed_attempt_its_connection_is_closed(ask, upstream):
    """Whatever ailed it may ail the connection too: the next attempt makes its own, on the same host as well."""
    ran = ask("status-503", "--json", fallbacks=["status-429", "ok"])
    assert [attempt["reused"] for attempt in ran.json["attempts"]] == [False, False, False]
    assert upstream.connections == 3


@pytest.mark.parametrize("behaviour", ["close-on-reuse", "reset-on-reuse"])
def test_a_connection_that_dies_after_a_failure_does_not_fail_the_fallback(ask, upstream, behaviour):
    ran = ask("status-503", "--json", fallbacks=[behaviour])
    assert (ran.code, ran.json["text"]) == (0, TEXT)
    assert ran.trail == [("status-503", "EXO_E_SERVER"), (behaviour, None)]
    assert not ran.json["attempts"][1]["resent"] and len(upstream.requests) == 2
