"""The hosted library: what comes after a failed attempt: fallback, restart, retry, cooldown, the context window's list."""

import pytest
from upstream import chunks
from upstream.chunks import TEXT, WORDS

CUT = "cut-after-900"  # a few words, then FIN in the middle of a chunk


def trail(said):
    return [(attempt["deployment"], attempt["code"]) for attempt in said.attempts]


def begins(said):
    """When each attempt began, in milliseconds from the first one on."""
    return [attempt["started_ms"] - said.attempts[0]["started_ms"] for attempt in said.attempts]


# --- fallback and restart


def test_the_default_is_one_attempt_for_each_name(driver, upstream):
    driver.setup(upstream, "status-503", "status-429", "ok", "never")
    for fallback in ("status-429", "ok", "never"):
        driver.ok("fallback", "status-503", fallback)
    said = driver.chat()
    assert said.failed is None and said.reply["deployment"] == "ok"
    assert trail(said) == [("status-503", "EXO_E_SERVER"), ("status-429", "EXO_E_RATE_LIMIT"), ("ok", "EXO_OK")]
    assert [attempt["verdict"] for attempt in said.attempts] == ["retry", "retry", "stop"]


def test_lists_are_not_transitive(driver, upstream):
    driver.setup(upstream, "status-503", "status-500", "ok")
    driver.ok("fallback", "status-503", "status-500")
    driver.ok("fallback", "status-500", "ok")
    assert driver.chat().failed == "EXO_E_SERVER"
    assert driver.chat(model="status-500").failed is None


def test_a_list_that_is_set_whole(driver, upstream):
    driver.setup(upstream, "status-503", "status-500", "ok")
    driver.ok("fallback", "status-503", "status-500")
    driver.ok("fallbacks", "status-503", "ok", "status-500")
    assert trail(driver.chat()) == [("status-503", "EXO_E_SERVER"), ("ok", "EXO_OK")]
    driver.ok("fallbacks", "status-503")
    assert driver.chat().failed == "EXO_E_SERVER"


@pytest.mark.parametrize("model", ["gate:away", "never-ends", "status-503"])
def test_a_model_that_is_removed_under_a_call(driver, upstream, model):
    """What the call holds is freed with the call: while it waits, while its response is drained, while it falls back."""
    driver.setup(upstream, model, "ok", api_key="sk-of-the-one-that-goes")
    driver.ok("fallbacks", model, "ok")
    driver.ok("start", 0, 0)
    driver.pump(lambda: upstream.requests)
    for name in (model, "ok"):
        driver.ok("remove", name)
        assert driver("remove", name).code == "EXO_E_UNKNOWN_MODEL"
    upstream.gate("away").set()
    driver("run")
    reply = driver.ok("reply", 0).reply
    assert reply.get("failure") is None and reply["answers"][0]["text"]
    assert {request.header("authorization") for request in upstream.requests} == {"Bearer sk-of-the-one-that-goes"}
    assert driver.chat().failed == "EXO_E_UNKNOWN_MODEL"
    driver.deploy(upstream, model)
    driver.deploy(upstream, "ok")
    assert driver.chat(model="ok").failed is None


@pytest.mark.parametrize("model", ["early-401", "status-400", "content-filter-400", "redirect-302"])
def test_what_no_other_deployment_would_cure(driver, upstream, model):
    driver.setup(upstream, model, "ok")
    driver.ok("fallback", model, "ok")
    said = driver.chat()
    assert said.failure["verdict"] == "stop" and len(said.attempts) == 1


def test_a_buffered_call_begins_again_unseen(driver, upstream):
    driver.setup(upstream, CUT, "ok")
    driver.ok("fallback", CUT, "ok")
    said = driver.chat(buffered=True)
    assert said.kinds == ["end"] and said.failed is None and said.answer["text"] == TEXT
    assert trail(said) == [(CUT, "EXO_E_BODY_CUT"), ("ok", "EXO_OK")]
    assert driver.ok("simple_chat", 0).failed is None


def test_a_shown_stream_ends_with_its_break(driver, upstream):
    driver.setup(upstream, CUT, "ok")
    driver.ok("fallback", CUT, "ok")
    said = driver.chat()
    assert said.failed == "EXO_E_BODY_CUT" and said.kinds[0] == "text" and said.kinds[-1] == "end"
    assert said.events[-1]["failure"]["code"] == "EXO_E_BODY_CUT"
    assert said.answer["text"] == said.shown and TEXT.startswith(said.shown)
    assert driver.ok("simple_chat", 0, shown=True).failed == "EXO_E_BODY_CUT"


def test_a_stream_may_restart(driver, upstream):
    driver.setup(upstream, CUT, "ok")
    driver.ok("fallback", CUT, "ok")
    said = driver.chat(restart=True)
    at = said.kinds.index("restart")
    assert set(said.kinds[:at]) == {"text"} and at > 0
    assert said.kinds[at:] == ["restart"] + ["text"] * 5 + ["usage", "end"]
    assert said.events[at]["failure"]["code"] == "EXO_E_BODY_CUT" and "failure" not in said.events[-1]
    assert said.failed is None and said.answer["text"] == TEXT


def test_nothing_restarts_where_nobody_is_left(driver, upstream):
    driver.setup(upstream, CUT, "ok")
    said = driver.chat(restart=True)
    assert "restart" not in said.kinds and said.failed == "EXO_E_BODY_CUT"


def test_what_was_not_shown_needs_no_restart(driver, upstream):
    driver.setup(upstream, "headers-then-silent", "error-first-frame", "ok", stream_ttft_timeout=100)
    driver.ok("fallback", "headers-then-silent", "error-first-frame")
    driver.ok("fallback", "headers-then-silent", "ok")
    said = driver.chat()
    assert said.failed is None and said.kinds == ["text"] * 5 + ["usage", "end"]
    assert trail(said)[:2] == [("headers-then-silent", "EXO_E_CLOCK_FIRST"), ("error-first-frame", "EXO_E_SERVER")]


TEXT_EVENT, REASONING_EVENT, USAGE_EVENT = 1 << 1, 1 << 2, 1 << 6


@pytest.mark.parametrize(
    "model, events, kinds",
    [
        ("tool-truncated", TEXT_EVENT, ["text"] * 5 + ["end"]),
        ("reasoning-then-cut", TEXT_EVENT, ["text"] * 5 + ["end"]),
        ("reasoning-then-cut", TEXT_EVENT + REASONING_EVENT, ["reasoning", "end"]),
        ("error-mid-stream", REASONING_EVENT + USAGE_EVENT, ["usage", "end"]),
        ("error-mid-stream", 0, ["end"]),
        ("error-mid-stream", TEXT_EVENT, ["text"] * 2 + ["end"]),
    ],
)
def test_what_nobody_asked_for_is_not_shown(driver, upstream, model, events, kinds):
    driver.setup(upstream, model, "ok")
    driver.ok("fallback", model, "ok")
    said = driver.chat(events=events)
    failed = kinds[-2:-1] == ["reasoning"] or kinds.count("text") == 2
    assert said.kinds == kinds and (said.failed is not None) == failed


def test_a_restart_is_handed_out_whatever_is_asked_for(driver, upstream):
    driver.setup(upstream, "error-mid-stream", "ok")
    driver.ok("fallback", "error-mid-stream", "ok")
    said = driver.chat(events=TEXT_EVENT, restart=True)
    assert said.kinds == ["text"] * 2 + ["restart"] + ["text"] * 5 + ["end"] and said.failed is None


def test_a_restart_may_meet_the_next_break(driver, upstream):
    driver.setup(upstream, CUT, "cut-after-901", "ok")
    driver.ok("fallback", CUT, "cut-after-901")
    driver.ok("fallback", CUT, "ok")
    said = driver.chat(restart=True)
    assert said.kinds.count("restart") == 2 and said.failed is None and said.answer["text"] == TEXT


# --- retries


def test_retries_back_off(driver, upstream):
    driver.setup(upstream, "fail-3-then-ok")
    driver.ok("policy", "fail-3-then-ok", retries=3, backoff_first=80, backoff_max=160)
    said = driver.chat()
    assert said.failed is None and len(said.attempts) == 4
    first, second, third = (after - before for before, after in zip(begins(said), begins(said)[1:]))
    assert first >= 40 and second >= 80 and third >= 80


def test_retries_are_counted_for_each_deployment(driver, upstream):
    driver.setup(upstream, "status-503", "status-500", "ok")
    driver.ok("policy", "status-503", retries=2, backoff_first=1)
    driver.ok("fallback", "status-503", "status-500")
    driver.ok("fallback", "status-503", "ok")
    said = driver.chat()
    assert [name for name, _ in trail(said)] == ["status-503"] * 3 + ["status-500"] * 3 + ["ok"]


DELAYS = [
    ("retry-after-1", 1000),
    ("retry-after-0.2", 200),
    ("retry-after-ms-300", 300),
    ("retry-after-date-2", 900),
    ("retry-delay-0.3", 300),
]


@pytest.mark.parametrize("behaviour, milliseconds", DELAYS)
def test_the_endpoint_says_how_long_to_wait(driver, upstream, behaviour, milliseconds):
    model = f"sequence:{behaviour},ok"
    driver.setup(upstream, model)
    driver.ok("policy", model, retries=1, backoff_first=1)
    said = driver.chat()
    assert said.failed is None and milliseconds <= begins(said)[1] < milliseconds + 60000


def test_a_delay_beyond_the_cap_is_not_waited_for(driver, upstream):
    driver.setup(upstream, "retry-after-90", "ok")
    driver.ok("policy", "retry-after-90", retries=2, retry_after_max=1000)
    driver.ok("fallback", "retry-after-90", "ok")
    said = driver.chat()
    assert said.failed is None and len(said.attempts) == 2 and said.ms < 60000


@pytest.mark.parametrize("model, attempts", [("should-retry-true-400", 3), ("should-retry-false-503", 1)])
def test_x_should_retry(driver, upstream, model, attempts):
    driver.setup(upstream, model)
    driver.ok("policy", model, retries=2, backoff_first=1)
    said = driver.chat()
    assert said.failed is not None and len(said.attempts) == attempts


@pytest.mark.parametrize("model", ["silent", "one-delta-then-stall", "quota-429", "context-400"])
def test_what_is_never_retried(driver, upstream, model):
    driver.setup(upstream, model, stream_ttft_timeout=100, request_timeout=100)
    driver.ok("policy", model, retries=3, backoff_first=1)
    assert len(driver.chat(buffered=True).attempts) == 1


def test_a_wait_that_does_not_fit_into_the_total_clock_is_not_begun(driver, upstream):
    driver.setup(upstream, "status-503")
    driver.ok("policy", "status-503", retries=3, backoff_first=100000, backoff_max=100000)
    said = driver.chat(total_timeout=40000)  # the wait is 50 s at least
    assert said.failed == "EXO_E_SERVER" and said.ms < 30000
    assert len(said.attempts) == 1


# --- cooldown


def test_cooldown(driver, upstream):
    """Passed over after two failures, for all calls; then probed by one call at a time; then back."""
    upstream.scripts["a"] = "status-503"
    driver.setup(upstream, "a", "ok")
    driver.ok("fallback", "a", "ok")
    driver.ok("policy", "a", cooldown=5000, cooldown_after=2)
    asked = lambda: sum(request.model == "a" for request in upstream.requests)  # noqa: E731
    for expected in (1, 2, 2, 2):
        assert driver.chat().reply["deployment"] == "ok"
        assert asked() == expected
    driver.ok("start", 0, 0, buffered=True)
    driver("run")
    assert asked() == 2
    driver.ok("free", 0)
    driver.ok("sleep", 5020)
    driver.ok("start", 0, 0, count=5, buffered=True)
    assert driver("run").summary["failed"] == 0
    assert asked() == 3
    driver.ok("free", 0, count=5)
    assert driver.chat().reply["deployment"] == "ok" and asked() == 3
    upstream.scripts["a"] = "ok"
    driver.ok("sleep", 5020)
    for expected in (4, 5):
        assert driver.chat().reply["deployment"] == "a"
        assert asked() == expected


def test_a_cancelled_probe_is_given_back(driver, upstream):
    upstream.scripts["a"] = "status-503"
    driver.setup(upstream, "a", "ok")
    driver.ok("fallback", "a", "ok")
    driver.ok("policy", "a", cooldown=100, cooldown_after=1)
    assert driver.chat().reply["deployment"] == "ok"
    upstream.scripts["a"] = "silent"
    driver.ok("sleep", 120)
    driver.ok("start", 0, 0)
    driver.pump(lambda: sum(request.model == "a" for request in upstream.requests) == 2)
    driver.ok("cancel", 0)
    upstream.scripts["a"] = "ok"
    assert driver.chat().reply["deployment"] == "a"


def test_cooldown_alone_never_refuses(driver, upstream):
    driver.setup(upstream, "fail-1-then-ok")
    driver.ok("policy", "fail-1-then-ok", cooldown=10000, cooldown_after=1)
    assert driver.chat().failed == "EXO_E_SERVER"
    assert driver.chat().failed is None


# --- the context window


@pytest.mark.parametrize("model", ["context-400", "context-413", "context-in-stream"])
def test_the_context_list(driver, upstream, model):
    driver.setup(upstream, model, "ok", "never")
    driver.ok("fallback", model, "never")
    assert driver.chat().failed == "EXO_E_CONTEXT_WINDOW"
    assert len(upstream.requests) == 1
    driver.ok("context_fallback", model, "ok")
    said = driver.chat()
    assert said.failed is None and trail(said) == [(model, "EXO_E_CONTEXT_WINDOW"), ("ok", "EXO_OK")]


# --- in every case


def test_each_attempt_sends_the_same_request(driver, upstream, tmp_path):
    (tmp_path / "a.txt").write_text("attached")
    driver.setup(upstream, "fail-2-then-status-500", "early-503", "ok")
    driver.ok("file", 0, "user", tmp_path / "a.txt")
    driver.ok("policy", "fail-2-then-status-500", retries=2, backoff_first=1)
    driver.ok("fallback", "fail-2-then-status-500", "early-503")
    driver.ok("fallback", "fail-2-then-status-500", "ok")
    said = driver.chat()
    assert said.failed is None and len(said.attempts) == 7
    messages = [request.json["messages"] for request in upstream.wait_requests(7)]
    assert messages == [messages[0]] * 7
    assert [attempt["bytes_sent"] for attempt in said.attempts[:3]] == [upstream.requests[0].length] * 3


def test_a_late_choice_of_words(driver, upstream):
    """An error beside text: the text of the failed event is not shown."""

    def beside(conn):
        chunks.begin(conn)
        chunks.text(conn, WORDS[0])
        conn.event({**chunks.chunk(conn, [chunks.choice({"content": "never shown"})]), **chunks.error("broken")})
        conn.end()

    upstream.scripts["beside"] = beside
    driver.setup(upstream, "beside")
    said = driver.chat()
    assert said.failed == "EXO_E_IN_STREAM" and said.shown == WORDS[0] and said.failure["message"] == "broken"
