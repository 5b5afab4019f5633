"""The hosted library: connections, the resend rule, many calls at once, clocks, threads and processes."""

import json
import resource
import socket
import threading
import time

import pytest
from driver import opened_when
from listener import Listener
from upstream import chunks
from upstream.chunks import TEXT, WORDS
from upstream.tls import Certificates


def good_answer_then(step):
    """A behaviour: a whole good answer, after whose [DONE] `step(conn)` comes."""

    def behaviour(conn):
        chunks.begin(conn)
        chunks.text(conn, *WORDS)
        chunks.finish(conn)
        chunks.usage(conn)
        chunks.done(conn)
        step(conn)

    return behaviour


# --- one chat


def test_events_and_reply(driver, upstream):
    driver.setup(upstream, "ok")
    said = driver.chat(raw=True)
    assert said.kinds == ["text"] * 5 + ["usage", "end"] and said.shown == TEXT
    assert all(event["last"] for event in said.events[:5])
    assert said.events[5]["usage"] == {"prompt": 7, "completion": 5, "cached": -1}
    assert said.answer["text"] == TEXT and said.answer["finish_reason"] == "stop" and said.answer["model"] == "ok"
    assert said.reply["outcome"] == 0 and said.reply["request_id"] == "req-1-1" and said.reply["service_tier"] == ""
    attempt = said.attempts[0]
    assert attempt["bytes_sent"] == upstream.requests[0].length
    assert attempt["bytes_received"] == said.summary["raw"] > len(TEXT)
    assert 0 <= attempt["connected_ms"] <= attempt["sent_ms"] <= attempt["first_event_ms"] <= attempt["end_ms"]


def test_the_blocking_form_shows_text(driver, upstream):
    driver.setup(upstream, "ok")
    assert driver.ok("simple_chat", 0, shown=True).all("text") == list(WORDS)
    assert driver.ok("simple_chat", 0).all("text") == []


def test_several_choices(driver, upstream):
    driver.setup(upstream, "n-3")
    said = driver.chat(choices=3)
    assert [answer["text"] for answer in said.reply["answers"]] == ["choice 0", "choice 1", "choice 2"]
    assert [answer["finish_reason"] for answer in said.reply["answers"]] == ["stop"] * 3
    assert {event["choice"] for event in said.events if event["event"] == "text"} == {0, 1, 2}
    assert [answer["text"] for answer in driver.chat().reply["answers"]] == ["choice 0"]


@pytest.mark.parametrize("how, code", [("end", "EXO_E_TRUNCATED"), ("cut", "EXO_E_BODY_CUT")])
def test_every_choice_must_be_whole(driver, upstream, how, code):
    def one_of_two(conn):
        tool = {"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x": 1'}}
        chunks.begin(conn)
        chunks.text(conn, *WORDS)
        conn.event(chunks.chunk(conn, [chunks.choice({"tool_calls": [tool]}, index=1)]))
        chunks.finish(conn)
        conn.end() if how == "end" else conn.half_close()

    upstream.scripts["one-of-two"] = one_of_two
    driver.setup(upstream, "one-of-two")
    said = driver.chat(choices=2)
    assert said.failed == code
    assert said.reply["answers"][1]["tools"][0]["repair"] == "EXO_E_STATE"
    assert driver.chat(choices=1).failed is None


def test_fewer_choices_than_were_asked_for(driver, upstream):
    driver.setup(upstream, "ok")
    said = driver.chat(choices=3)
    assert said.failed is None and [answer["text"] for answer in said.reply["answers"]] == [TEXT, "", ""]


def test_tool_calls(driver, upstream):
    driver.setup(upstream, "tool-calls-2", "tool-repair", "tool-length")
    said = driver.chat()
    assert [tool["name"] for tool in said.answer["tools"]] == ["get_weather"] * 2
    assert [tool["repaired"] for tool in said.answer["tools"]] == ['{"city":"Oslo","days":2}'] * 2
    assert said.kinds.count("tool_call") == 2 and said.kinds.count("tool_arguments") == 6
    assert driver.chat(model="tool-repair").answer["tools"][0]["repaired"] == '{"city":"Oslo","days":2}'
    assert driver.chat(model="tool-length").answer["tools"][0]["repair"] == "EXO_E_STATE"


def test_models(driver, upstream):
    driver.setup(upstream, "ok")
    assert "ok" in driver.ok("models", "ok").all("model")
    driver.deploy(upstream, "refused", base_url=upstream.url_for("early-401"))
    said = driver("models", "refused")
    assert said.code == "EXO_E_AUTH" and said.all("failure")[0]["http_status"] == 401
    driver.deploy(upstream, "chat", base_url=upstream.url_for("ok"))
    assert driver("models", "chat").code == "EXO_E_NOT_A_STREAM"
    assert driver("models", "nobody").code == "EXO_E_UNKNOWN_MODEL"


def list_of(count):
    return {"object": "list", "data": [{"id": f"m-{i}", "object": "model"} for i in range(count)]}


def test_a_list_of_models_that_drips(driver, upstream):
    """Every byte is progress: the list takes longer than request_timeout, and no pause in it does."""
    upstream.scripts["drip"] = lambda conn: conn.respond(200, list_of(8))
    driver.setup(upstream, "ok")
    driver.deploy(upstream, "m", base_url=upstream.url_for("drip+piece-40+pause-400"), request_timeout=2500)
    said = driver.ok("models", "m")
    assert said.all("model") == [f"m-{i}" for i in range(8)] and said.ms > 2500


def test_a_list_of_models_that_stalls(driver, upstream):
    def behaviour(conn):
        conn.begin(200, "application/json", [("x-request-id", "req-7")])
        conn.write(b'{"data":[{"id":"a"},')
        conn.stall()

    upstream.scripts["stalls"] = behaviour
    driver.setup(upstream, "ok")
    driver.deploy(upstream, "m", base_url=upstream.url_for("stalls"), request_timeout=300)
    said = driver("models", "m")
    assert said.code == "EXO_E_CLOCK_IDLE" and said.all("model") == []
    assert said.all("failure")[0]["request_id"] == "req-7"


HEADERS = [("x-request-id", "req-7"), ("Retry-After", "3")]


@pytest.mark.parametrize(
    "answer, code, words",
    [
        ((200, "<html>", "text/html"), "EXO_E_NOT_A_STREAM", "GET /models: a page of HTML or XML"),
        ((200, {"data": [{"id": "a"}, None]}), "EXO_E_NOT_A_STREAM", "GET /models: data[1] is no model but null"),
        ((200, '{"data":[{"id":"a"},'), "EXO_E_JSON_END", "GET /models: not JSON, or cut, at byte 20 of 20"),
        ((200, {"error": {"message": "come back later"}}), "EXO_E_IN_STREAM", "come back later"),
        ((429, {"error": {"message": "slow down"}}), "EXO_E_RATE_LIMIT", "slow down"),
        ((503, ""), "EXO_E_SERVER", ""),
    ],
)
def test_what_is_no_list_of_models(driver, upstream, answer, code, words):
    upstream.scripts["list"] = lambda conn: conn.respond(*answer, headers=HEADERS)
    driver.setup(upstream, "ok")
    driver.deploy(upstream, "m", base_url=upstream.url_for("list"))
    said = driver("models", "m")
    failure = said.all("failure")[0]
    assert said.code == failure["code"] == code and said.all("model") == []
    assert failure["message"].startswith(words) and failure["http_status"] == answer[0]
    assert failure["request_id"] == "req-7" and failure["retry_after"] == 3000


@pytest.mark.parametrize("cut", ["+cut-100", "+reset-100", "+close+cut-100"])
def test_a_list_of_models_that_is_cut(driver, upstream, cut):
    upstream.scripts["list"] = lambda conn: conn.respond(200, list_of(8))
    driver.setup(upstream, "ok")
    driver.deploy(upstream, "m", base_url=upstream.url_for(f"list{cut}"))
    said = driver("models", "m")
    assert said.code in ("EXO_E_BODY_CUT", "EXO_E_RECEIVE", "EXO_E_JSON_END") and said.all("model") == []


def test_a_long_list_of_models(driver, upstream):
    upstream.scripts["list"] = lambda conn: conn.respond(200, list_of(20000))
    driver.setup(upstream, "ok", **{"limits.event": 1 << 20})
    driver.deploy(upstream, "m", base_url=upstream.url_for("list"))
    assert driver.ok("models", "m").all("model") == [f"m-{i}" for i in range(20000)]
    driver.ok("free_client")
    driver.setup(upstream, "ok", **{"limits.event": 1 << 19})
    driver.deploy(upstream, "m", base_url=upstream.url_for("list"))
    said = driver("models", "m")
    assert said.code == "EXO_E_EVENT_LIMIT" and said.all("model") == []


def test_what_is_wrong_before_anything_is_sent(driver, upstream):
    driver.setup(upstream, "ok")
    assert driver.chat(model="nobody").failed == "EXO_E_UNKNOWN_MODEL"
    assert driver.chat(traceparent="00-x\rEvil: yes").failed == "EXO_E_HEADER"
    driver.ok("fallback", "ok", "nobody")
    said = driver.chat()
    assert said.failed == "EXO_E_UNKNOWN_MODEL" and "nobody" in said.failure["message"] and said.attempts == []
    assert upstream.connections == 0
    assert driver("deploy", "bad", base_url="ftp://127.0.0.1/").code == "EXO_E_URL"
    assert driver("policy", "nobody").code == "EXO_E_UNKNOWN_MODEL"


# --- connections


def test_a_hundred_chats_use_one_connection(driver, upstream):
    driver.setup(upstream, "ok+length")  # whole at once: nothing of it comes too late to keep the connection
    for _ in range(100):
        assert driver.ok("simple_chat", 0).failed is None
    assert upstream.connections == 1
    assert [request.number for request in upstream.requests] == list(range(1, 101))


def is_kept(driver, upstream, tries):
    """Whether a connection serves again after its answer was drained, which is given a quarter of a second: a busy
    machine may be too late for that, but not every time.
    """
    for _ in range(tries):
        assert driver.chat().failed is None
        upstream.wait_requests(len(upstream.requests))
        said = driver.chat()
        assert said.failed is None
        if said.attempts[0]["reused"]:
            return True
        upstream.wait_requests(len(upstream.requests))
    return False


@pytest.mark.parametrize("milliseconds", [0, 10, 100, 200])
def test_the_last_chunk_may_come_late(driver, upstream, milliseconds):
    def end_later(conn):
        time.sleep(milliseconds / 1000)
        conn.end()

    upstream.scripts["late"] = good_answer_then(end_later)
    driver.setup(upstream, "late")
    assert is_kept(driver, upstream, 50)


def test_a_response_that_never_ends_is_closed(driver, upstream):
    driver.setup(upstream, "never-ends")
    said = driver.chat()
    assert said.failed is None and said.answer["text"] == TEXT and said.ms < 4900  # the rest has 5 s
    driver.ok("sleep", 260)
    driver("run")
    assert upstream.wait_requests(1)[0].peer_gone


@pytest.mark.parametrize("kilobytes, kept", [(32, True), (512, False)])
def test_a_response_that_goes_on_is_read_so_far_and_no_further(driver, upstream, kilobytes, kept):
    def go_on(conn):
        conn.write((b":" + b"." * 1022 + b"\n") * kilobytes)
        conn.end()

    upstream.scripts["longer"] = good_answer_then(go_on)
    driver.setup(upstream, "longer")
    assert is_kept(driver, upstream, 50 if kept else 1) is kept


def test_a_response_that_floods_is_closed(driver, upstream):
    driver.setup(upstream, "flood-after-done")
    assert driver.chat().failed is None
    driver.pump(lambda: upstream.requests[0].end_time)
    assert upstream.requests[0].peer_gone


def test_a_new_chat_does_not_wait_for_one_that_is_drained(driver, upstream):
    driver.setup(upstream, "never-ends")
    assert driver.chat().failed is None
    said = driver.chat()
    assert said.failed is None and not said.attempts[0]["reused"]
    assert said.ms < 4900 and upstream.connections == 2


@pytest.mark.parametrize("framing", ["+close", "+noreuse", "+http10"])
def test_connections_that_cannot_be_kept(driver, upstream, framing):
    driver.setup(upstream, "ok" + framing)
    for _ in range(3):
        said = driver.chat()
        assert said.failed is None and not said.attempts[0]["reused"]
    assert upstream.connections == 3


# --- resending inside of the transport


def test_a_request_that_was_worked_on_is_not_sent_again(driver, upstream):
    driver.setup(upstream, "read-body-work-2s-close")
    assert driver.chat().failed is None
    said = driver.chat()
    assert said.failed == "EXO_E_CLOSED" and len(said.attempts) == 1
    assert said.attempts[0]["reused"] and not said.attempts[0]["resent"]
    assert len(upstream.requests) == 2 and upstream.connections == 1


@pytest.mark.parametrize("behaviour", ["close-on-reuse", "reset-on-reuse"])
def test_a_dead_connection_is_replaced_once(driver, upstream, behaviour):
    driver.setup(upstream, behaviour)
    assert driver.chat().failed is None
    said = driver.chat()
    assert said.failed is None and said.answer["text"] == TEXT
    assert len(said.attempts) == 1 and said.attempts[0]["resent"] and not said.attempts[0]["reused"]
    assert upstream.connections == 2 and len(upstream.requests) == 3
    assert upstream.requests[1].connection == 1 and upstream.requests[2].json == upstream.requests[0].json


@pytest.mark.parametrize("behaviour", ["close-on-reuse", "reset-on-reuse", "partial-on-reuse"])
def test_what_a_connection_said_is_known_however_late_we_look(driver, upstream, behaviour):
    """The end has come before libcurl looks for an answer: it never waits for the socket, and tells of none."""
    driver.setup(upstream, behaviour)
    assert driver.chat().failed is None
    driver.ok("send_late", 1, 0)
    said = driver.chat()
    attempt = said.attempts[0]
    if behaviour == "partial-on-reuse":
        assert said.failed == "EXO_E_CLOSED" and attempt["reused"] and not attempt["resent"]
        assert len(upstream.requests) == 2
    else:
        assert said.failed is None and attempt["resent"]
        assert len(upstream.requests) == 3 and upstream.connections == 2


def test_an_answer_that_was_there_at_once_leaves_a_connection_that_can_be_replaced(driver, upstream):
    def third_closes(conn):
        if conn.request.number <= 2:
            conn.respond(200, whole, content_type="text/event-stream")
        else:
            conn.finish()

    choice = {"index": 0, "delta": {"content": "here"}, "finish_reason": "stop"}
    whole = b"data: " + json.dumps({"id": "a", "choices": [choice]}).encode() + b"\n\ndata: [DONE]\n\n"
    upstream.scripts["hostile"] = third_closes
    driver.setup(upstream, "hostile")
    assert driver.chat().failed is None
    driver.ok("send_late", 1, len(whole) + 60)  # of its head too
    assert driver.chat().attempts[0]["reused"]
    said = driver.chat()
    assert said.failed is None and said.attempts[0]["resent"]
    assert upstream.connections == 2


def test_a_request_is_resent_only_once(driver, upstream):
    upstream.scripts["hostile"] = lambda conn: (
        chunks.answer(conn, *WORDS) if upstream.count("hostile") == 1 else conn.reset()
    )
    driver.setup(upstream, "hostile")
    assert driver.chat().failed is None
    said = driver.chat()
    assert said.failed in ("EXO_E_CLOSED", "EXO_E_RESET_IN_UPLOAD") and len(said.attempts) == 1
    assert said.attempts[0]["resent"] and len(upstream.requests) == 3


def test_a_byte_of_an_answer_forbids_to_resend(driver, upstream):
    driver.setup(upstream, "partial-on-reuse")
    assert driver.chat().failed is None
    said = driver.chat()
    assert said.failed is not None and not said.attempts[0]["resent"]
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("behaviour", ["fin-before-headers", "reset-before-headers"])
def test_a_fresh_connection_is_not_tried_again(driver, upstream, behaviour):
    driver.setup(upstream, behaviour)
    said = driver.chat()
    assert said.failed == "EXO_E_CLOSED" and not said.attempts[0]["resent"]
    assert len(upstream.requests) == 1


def test_a_held_event_does_not_make_a_late_close_an_early_one(driver, upstream):
    driver.setup(upstream, "read-body-work-2s-close", "gate:held")
    assert driver.chat().failed is None
    driver.ok("start", 0, 0)
    driver.pump(lambda: len(upstream.requests) == 2 and upstream.requests[1].complete)
    driver.ok("start", 1, 0, model="gate:held")
    driver("run", until="text")
    driver.ok("sleep", 2200)
    upstream.gate("held").set()
    driver("run", quiet=True)
    said = driver.ok("reply", 0)
    assert said.failed == "EXO_E_CLOSED" and not said.attempts[0]["resent"]


def test_a_source_that_cannot_rewind_is_not_resent(driver, upstream):
    driver.setup(upstream, "close-on-reuse")
    assert driver.chat().failed is None
    driver.ok("request", 1, "close-on-reuse")
    driver.ok("source", 1, "user", total=100, once=True, type="text/plain")
    said = driver.chat(1)
    assert said.failed is not None and not said.attempts[0]["resent"] and len(upstream.requests) == 2


# --- many at once


def test_a_thousand_calls_at_once(driver, upstream):
    """All of them wait in mid-stream together, then go on interleaved."""
    count = 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    go_on = upstream.gate()

    def slow(conn):
        chunks.begin(conn)
        chunks.text(conn, WORDS[0])
        go_on.wait(60)
        for word in WORDS[1:]:
            time.sleep(0.02 + conn.number % 7 / 100)
            chunks.text(conn, word)
        chunks.complete(conn)

    upstream.scripts["slow"] = slow
    driver.setup(upstream, "ok", "slow")
    assert driver.chat().failed is None
    before = driver.ok("memory").lines[0]["resident"]
    driver.ok("start", 0, 0, count=count, model="slow")
    assert driver("run", quiet=True, began=count).summary["began"] == count
    after = driver.ok("memory").lines[0]["resident"]
    assert upstream.open_connections >= count
    go_on.set()
    summary = driver("run", quiet=True).summary
    assert (summary["ended"], summary["failed"]) == (count, 0)
    assert summary["switches"] > 2 * count
    for call in (0, count // 2, count - 1):
        assert driver.ok("reply", call).answer["text"] == TEXT
    driver.ok("free", 0, count=count)
    per_call = (after - before) / count
    print(f"{per_call:.1f} KB for each of {count} calls in flight")
    if not driver.sanitized:
        assert per_call < 100
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_other_calls_fall_back_while_a_chat_blocks(driver, upstream):
    driver.setup(upstream, "gate:shown", "gate:buffered", "cut-after-200", "ok")
    driver.ok("fallback", "cut-after-200", "ok")
    driver.ok("start", 1, 0, model="cut-after-200", restart=True)
    with opened_when(upstream, "shown", "cut-after-200"):  # its first event waits, and the call with it
        assert driver.chat(model="gate:shown").failed is None
    ran = driver("run", quiet=True)
    assert ran.summary["ended"] == 1 and driver.ok("reply", 1).failed is None
    upstream.clear()
    driver.ok("start", 2, 0, model="cut-after-200", buffered=True)
    with opened_when(upstream, "buffered", "ok"):  # nothing waits in a buffered call: it has fallen back meanwhile
        assert driver.chat(model="gate:buffered").failed is None
    driver("run", quiet=True)
    assert driver.ok("reply", 2).failed is None


def test_other_calls_go_on_while_a_chat_blocks(driver, upstream):
    driver.setup(upstream, "gate:last", "ok", "fail-1-then-ok", "big-0.5")
    driver.ok("policy", "fail-1-then-ok", retries=1, backoff_first=20)
    driver.ok("start", 1, 0, model="ok")
    driver.ok("start", 2, 0, model="fail-1-then-ok", buffered=True)
    driver.ok("start", 3, 0, model="big-0.5")
    with opened_when(upstream, "last", "ok", "fail-1-then-ok"):
        said = driver.chat()
    assert said.failed is None and {event["call"] for event in said.events} == {-1}
    assert driver("run", quiet=True).summary["ended"] == 3
    for call in (1, 2, 3):
        assert driver.ok("reply", call).failed is None
        driver.ok("free", call)


def test_one_request_serves_many_calls(driver, upstream, tmp_path):
    (tmp_path / "note.txt").write_text("from the file")
    driver.setup(upstream, "echo")
    driver.ok("file", 0, "user", tmp_path / "note.txt")
    driver.ok("start", 0, 0, count=5)
    assert driver("run", quiet=True).summary["failed"] == 0
    for call in range(5):
        assert "from the file" in driver.ok("reply", call).answer["text"]
    driver.ok("free", 0, count=5)


def test_clients_in_threads(driver, upstream):
    assert driver.ok("threads", base_url=upstream.base_url, model="ok+length", chats=10).all("good") == [[10, 10, 10, 10]]
    assert upstream.connections == 4


def test_a_client_is_of_no_use_after_fork(driver, upstream):
    driver.setup(upstream, "slow-50")
    driver.ok("start", 0, 0)
    driver("run", until="text")
    said = driver.ok("fork", 0).lines[0]
    message = said.pop("message")
    forked = "EXO_E_FORKED"
    assert said == {"next": forked, "ready": forked, "models": forked, "call": False, "chat": False}
    assert "fork" in message
    assert driver("run", **{"for": 120000}, until="end").kinds[-1:] == ["end"]  # the parent's call goes on
    assert driver.ok("reply", 0).answer["text"] == TEXT


@pytest.mark.parametrize("kind", ["text", "end"])
def test_a_handler_may_fork(driver, upstream, kind):
    """The child's chat ends with nothing; the stream stays the parent's, whole."""
    driver.setup(upstream, "slow-50")
    said = driver.chat(fork_at=kind)
    assert said.failed is None and said.answer["text"] == TEXT


def test_a_program_may_wait_for_one_descriptor(driver, upstream):
    driver.setup(upstream, "slow-20", "big-1", "status-503", "wait-20", stream_ttft_timeout=1000)
    for call, model in enumerate(["slow-20", "big-1", "status-503", "wait-20"]):
        driver.ok("start", call, 0, model=model)
    said = driver("run", by_fd=True, quiet=True)
    assert said.code == "EXO_IDLE" and said.summary["ended"] == 4
    failed = [driver.ok("reply", call).failed for call in range(4)]
    assert failed == [None, None, "EXO_E_SERVER", "EXO_E_CLOCK_FIRST"]


def test_a_thousand_calls_by_one_descriptor(driver, upstream):
    driver.setup(upstream, "ok+pause-1")
    driver.ok("start", 0, 0, count=1000)
    said = driver("run", by_fd=True, quiet=True)
    assert said.code == "EXO_IDLE" and (said.summary["ended"], said.summary["failed"]) == (1000, 0)
    driver.ok("free", 0, count=1000)


def test_a_call_that_is_held_pauses_its_transfer(driver, upstream):
    """The clocks are much shorter than the hold, memory holds no more than an inbox, and others go on."""
    driver.setup(upstream, "big-16", "ok", request_timeout=500, stream_ttft_timeout=500)
    driver.ok("start", 0, 0)
    driver("run", until="text")
    driver.ok("hold", 0, 1)
    before = driver.ok("memory").lines[0]["resident"]
    said = driver("run", **{"for": 1500})
    assert said.code == "EXO_OK" and said.events == []
    assert driver.ok("memory").lines[0]["resident"] - before < 4096
    driver.ok("start", 1, 0, model="ok")
    said = driver("run", until="end")
    assert {event["call"] for event in said.events} == {1}
    driver.ok("hold", 0, 0)
    said = driver("run", quiet=True)
    assert said.summary["ended"] == 1 and driver.ok("reply", 0).failed is None


def test_whoever_watches_the_sockets_cannot_block(driver, upstream):
    driver.setup(upstream, "ok")
    driver.ok("watch", 1)
    said = driver.chat()
    assert said.failed == "EXO_E_STATE" and said.events == [] and said.attempts == []
    driver.ok("start", 0, 0)
    assert driver("run", **{"for": 120000}).ms < 60000  # exo_client_next() does not wait
    assert driver("watch", 0).code == "EXO_E_STATE"
    driver.ok("free", 0)
    driver.ok("watch", 0)
    assert driver.chat().failed is None


# --- clocks


def test_clocks_stand_still_while_the_consumer_holds_an_event(driver, upstream):
    driver.setup(upstream, "slow-10", request_timeout=2000, stream_ttft_timeout=2000)
    said = driver.chat(hold=2100)
    assert said.failed is None and said.ms >= 5 * 2100


def test_the_total_clock_runs_on_while_the_consumer_holds_an_event(driver, upstream):
    driver.setup(upstream, "slow-10")
    assert driver.chat(hold=700, total_timeout=1000).failed == "EXO_E_CLOCK_TOTAL"


def test_a_held_event_ends_no_other_call(driver, upstream):
    driver.setup(upstream, "ok", "wait-4", stream_ttft_timeout=3000)
    driver.ok("start", 0, 0, model="wait-4")
    driver.pump(lambda: upstream.requests and upstream.requests[0].complete)
    driver.ok("start", 1, 0)
    driver("run", until="text")
    driver.ok("sleep", 5000)
    driver("run", quiet=True)
    assert driver.ok("reply", 0).failed is None


def test_a_held_event_ends_no_connection_that_is_made(driver, upstream, certificates):
    """The server's part of the handshake comes while the consumer is busy, for longer than the connect clock."""
    begun, go = threading.Event(), threading.Event()

    def late(sock):
        sock.recv(1, socket.MSG_PEEK)
        begun.set()
        go.wait(60)
        with certificates.server("good").wrap_socket(sock, server_side=True) as secure:
            secure.recv(65536)
            secure.sendall(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
            secure.recv(1)

    with Listener(late) as listener:
        driver.setup(upstream, "gate:held")
        base_url = f"https://127.0.0.1:{listener.port}/v1"
        driver.deploy(upstream, "late", base_url=base_url, ca_file=certificates.ca, connect_timeout=3000)
        driver.ok("start", 1, 0, model="late")
        driver.pump(begun.is_set)
        driver.ok("start", 0, 0)
        driver("run", until="text")
        go.set()
        driver.ok("sleep", 4000)
        upstream.gate("held").set()
        driver("run", quiet=True)
        assert driver.ok("reply", 1).failed == "EXO_E_SERVER"


def test_the_total_clock_of_a_call_that_is_started_while_an_event_is_held(driver, upstream):
    driver.setup(upstream, "gate:held", "silent")
    driver.ok("start", 0, 0)
    driver("run", until="text")
    driver.ok("sleep", 5000)
    driver.ok("start", 1, 0, model="silent", total_timeout=200)
    said = driver("run", until="end", quiet=True)
    assert driver.ok("reply", 1).failed == "EXO_E_CLOCK_TOTAL" and said.ms < 5000
    upstream.gate("held").set()
    driver("run", quiet=True)


CLOCKS = [
    ("silent", {"stream_ttft_timeout": 100}, {}, "EXO_E_CLOCK_FIRST", "first event"),
    ("headers-then-silent", {"stream_ttft_timeout": 100}, {}, "EXO_E_CLOCK_FIRST", "first event"),
    ("comments-only", {"stream_ttft_timeout": 100}, {}, "EXO_E_CLOCK_FIRST", "first event"),
    ("role-wait-9", {"stream_ttft_timeout": 200, "ttft_until_token": 1}, {}, "EXO_E_CLOCK_FIRST", "first event"),
    ("one-delta-then-stall", {"request_timeout": 1000}, {}, "EXO_E_CLOCK_IDLE", "idle"),
    ("one-delta-then-comments", {"request_timeout": 1000}, {}, "EXO_E_CLOCK_IDLE", "idle"),
    ("silent", {"request_timeout": 1000, "stream_ttft_timeout": 0}, {}, "EXO_E_CLOCK_IDLE", "idle"),
    ("silent", {}, {"total_timeout": 1000}, "EXO_E_CLOCK_TOTAL", "total"),
    ("tokens-1000-every-10", {}, {"total_timeout": 1000}, "EXO_E_CLOCK_TOTAL", "total"),
]


@pytest.mark.parametrize("model, deployment, call, code, clock", CLOCKS)
def test_a_clock_runs_out(driver, upstream, model, deployment, call, code, clock):
    driver.setup(upstream, model, **deployment)
    said = driver.chat(quiet=True, **call)
    assert (said.failed, said.failure["clock"]) == (code, clock)
    assert 100 <= said.ms < 60000
    assert upstream.wait_requests(1)[0].peer_gone


def test_the_first_event_clock_may_wait_for_a_token(driver, upstream):
    driver.setup(upstream, "role-wait-4", stream_ttft_timeout=3000)
    assert driver.chat().failed is None
    driver.deploy(upstream, "role-wait-4", stream_ttft_timeout=60000, ttft_until_token=1)
    assert driver.chat().failed is None


def test_a_hung_resolver_stops_neither_the_connect_clock_nor_a_cancel(driver, upstream):
    driver.setup(upstream, "ok")
    driver.deploy(upstream, "hung", base_url="http://name.hung/v1", connect_timeout=150)
    said = driver.chat(model="hung")
    assert said.failed == "EXO_E_CLOCK_CONNECT" and 150 <= said.ms < 25000  # the resolver hangs for 30 s
    driver.deploy(upstream, "hung", base_url="http://name.hung/v1")
    driver.ok("start", 0, 0, model="hung")
    driver("run", **{"for": 50})
    assert driver.ok("cancel", 0).ms < 25000
    assert driver.chat().failed is None
    assert driver.ok("free_client").ms < 25000


# --- what a deployment may say


def test_a_clean_end_without_proof(driver, upstream):
    driver.setup(upstream, "no-end")
    assert driver.chat().failed == "EXO_E_TRUNCATED"
    driver.deploy(upstream, "no-end", lenient_end=1)
    said = driver.chat()
    assert said.failed is None and said.answer["text"] == TEXT
    driver.deploy(upstream, "no-end", base_url=upstream.url_for("cut-after-900"), lenient_end=1)
    assert driver.chat().failed == "EXO_E_BODY_CUT"


def test_think_tags(driver, upstream):
    driver.setup(upstream, "think")
    assert driver.chat().answer["text"] == "<think>Rivers run down.</think>" + TEXT
    driver.deploy(upstream, "think", think_tags=1)
    said = driver.chat()
    assert said.answer["text"] == TEXT and said.answer["reasoning"] == "Rivers run down."
    assert said.shown == TEXT


@pytest.mark.parametrize("ending", ["finish", "done", "nothing"])
def test_what_could_have_become_a_think_tag_is_not_lost(driver, upstream, ending):
    def behaviour(conn):
        chunks.begin(conn)
        chunks.text(conn, "<thi")
        if ending == "finish":
            chunks.finish(conn)
        if ending != "nothing":
            chunks.done(conn)
        conn.end()

    upstream.scripts["held"] = behaviour
    driver.setup(upstream, "held", think_tags=1, lenient_end=1)
    said = driver.chat()
    assert said.failed is None and said.answer["text"] == "<thi" and said.shown == "<thi"


def test_tls_connections_are_kept_too(driver, upstream, tmp_path):
    from upstream import Upstream

    certificates = Certificates(tmp_path)
    with Upstream(tls=certificates.server("good")) as secure:
        driver.setup(upstream)
        driver.deploy(secure, "ok+length", base_url=f"https://localhost:{secure.port}/v1", ca_file=certificates.ca)
        for _ in range(3):
            assert driver.chat(model="ok+length").failed is None
        assert secure.connections == 1


# --- the log


def test_log_records(driver, upstream):
    driver.setup(upstream, "status-503", "ok", log=1, api_key="sk-very-secret")
    driver.ok("fallback", "status-503", "ok")
    attempts = driver.chat().records
    failed, good, call = attempts
    assert [record["exochat.record"] for record in attempts] == ["attempt", "attempt", "call"]
    assert failed["error.type"] == "EXO_E_SERVER" and failed["http.response.status_code"] == 503
    assert failed["exochat.deployment"] == "status-503" and failed["exochat.attempt"] == 0
    assert failed["exochat.verdict"] == "retry" and failed["exochat.request_id"] == "req-1-1"
    assert good["gen_ai.operation.name"] == "chat" and good["gen_ai.request.model"] == "ok"
    assert good["gen_ai.response.finish_reasons"] == "stop" and good["gen_ai.response.id"].startswith("chatcmpl-")
    assert (good["gen_ai.usage.input_tokens"], good["gen_ai.usage.output_tokens"]) == (7, 5)
    assert good["server.address"] == "127.0.0.1" and good["server.port"] == upstream.port
    assert good["network.protocol.version"] == "1.1" and good["exochat.attempt"] == 1
    assert good["exochat.bytes_sent"] == upstream.requests[1].length
    assert call["exochat.deployment"] == "ok" and call["exochat.attempt"] == 2 and "error.type" not in call
    assert 0 <= good["exochat.first_event_ms"] <= good["exochat.duration_ms"] <= call["exochat.duration_ms"]
    text = str(attempts)
    assert "secret" not in text and "hello" not in text and "sea." not in text


def test_log_records_hold_bodies_only_when_asked(driver, upstream):
    driver.setup(upstream, "echo", log=1, log_bodies=20)
    driver.ok("text", 0, "user", "åäö " * 20)
    call = driver.chat().records[-1]
    body = upstream.requests[0].body.decode()
    assert call["exochat.response.text"] == ("åäö " * 20).encode()[:20].decode(errors="ignore")
    assert body.startswith(call["exochat.request.body"]) and 16 < len(call["exochat.request.body"]) <= 20


def test_an_echoed_key_is_masked(driver, upstream):
    upstream.scripts["echoes"] = lambda conn: conn.respond(
        500, chunks.error(f"no use for {conn.request.header('authorization')}")
    )
    driver.setup(upstream, "echoes", log=1, api_key="sk-very-secret")
    said = driver.chat()
    assert said.failure["message"] == "no use for Bearer ***" and "secret" not in str(said.lines)


def test_traceparent(driver, upstream):
    driver.setup(upstream, "ok", header=["traceparent:theirs", "X-Own:1"])
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert driver.chat(traceparent=parent).failed is None
    assert upstream.requests[0].header("traceparent") == parent and upstream.requests[0].header("x-own") == "1"
    assert driver.chat().failed is None
    assert upstream.requests[1].header("traceparent") == "theirs"
