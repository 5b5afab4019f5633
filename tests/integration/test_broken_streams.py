"""Streams that break: nothing counts as an answer that has not proven itself, at whatever byte it breaks."""

import json
import os
import pty
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from command import BINARY, PATIENT, TIMEOUT
from upstream.chunks import TEXT, WORDS

FINISH = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}'
STREAM = b'data: {"choices":[{"delta":{"content":"sea"}}]}\n\n' + FINISH + b"\n\ndata: [DONE]\n\n"
FINISH_END = STREAM.index(FINISH) + len(FINISH)


def small(cut, framing, by_reset=False):
    """A behaviour: as many bytes of STREAM, then FIN or RST."""

    def run(conn):
        conn.options.framing, conn.options.cut, conn.options.cut_by_reset = framing, cut, by_reset
        conn.begin()
        conn.write(STREAM)

    return run


def all_cuts(ask, upstream, framing, by_reset, fallbacks=(), step=1):
    """(cut, what the command said) for every length of the stream."""
    cuts = range(0, len(STREAM) + 1, step)
    for cut in cuts:
        upstream.scripts[f"cut {cut}"] = small(cut, framing, by_reset)
    with ThreadPoolExecutor(4) as pool:
        return list(zip(cuts, pool.map(lambda cut: ask(f"cut {cut}", "--json", fallbacks=fallbacks), cuts)))


@pytest.mark.parametrize("framing, proven", [("chunked", FINISH_END + 2), ("close", FINISH_END)])
def test_cut_at_every_byte(ask, upstream, framing, proven):
    """With chunked coding the event that finishes must be there with its blank line; where the end of the connection
    is the end of the body, its JSON is enough.
    """
    for cut, ran in all_cuts(ask, upstream, framing, False):
        assert (ran.code == 0) == (cut >= proven), (cut, ran)
        if cut >= proven:
            assert (ran.json["text"], ran.json["finish_reason"], ran.error) == ("sea", "stop", None)
        else:
            assert ran.error["class"] == "violation" and ran.error["verdict"] == "retry", cut
            assert ran.json["finish_reason"] is None


@pytest.mark.parametrize("framing", ["chunked", "close"])
def test_cut_at_every_byte_with_a_fallback(ask, upstream, framing):
    for cut, ran in all_cuts(ask, upstream, framing, False, ["say:other"]):
        assert (ran.code, ran.error) == (0, None), (cut, ran)
        assert ran.json["text"] == ("sea" if ran.json["deployment"] == f"cut {cut}" else "other")
        assert len(ran.trail) == (1 if ran.json["text"] == "sea" else 2)
        assert cut >= FINISH_END or ran.json["text"] == "other"


def test_reset_after_any_byte(ask, upstream):
    for cut, ran in all_cuts(ask, upstream, "close", True, step=5):
        assert ran.code == (0 if cut >= FINISH_END + 2 else 1), (cut, ran)
        if ran.code:
            assert ran.error["code"] == "EXO_E_RECEIVE"


def test_done_alone_proves_an_answer(ask, upstream):
    """[DONE] in place of finish_reason, cut at every byte of it."""
    stream = STREAM.replace(FINISH, FINISH.replace(b'"stop"', b"null"))
    done = stream.index(b"data: [DONE]") + len(b"data: [DONE]")
    for cut in range(done - 12, len(stream) + 1):

        def run(conn, cut=cut):
            conn.options.framing = "close"
            conn.begin()
            conn.write(stream[:cut])
            conn.finish()

        upstream.scripts[f"done {cut}"] = run
        assert ask(f"done {cut}", "--json").code == (0 if cut >= done else 1), cut


BREAKS = ["cut-after-900", "reset-after-900", "error-mid-stream", "event-error", "no-end", "finish:error", "bad-chunk"]


@pytest.mark.parametrize("behaviour", BREAKS)
def test_a_stream_that_breaks_after_its_first_delta_fails(ask, upstream, behaviour):
    ran = ask(behaviour, fallbacks=["ok"])
    assert ran.code == 1 and len(upstream.requests) == 1
    assert ran.out and TEXT.startswith(ran.out)  # what came stays
    assert behaviour in ran.complaint


@pytest.mark.parametrize("behaviour", BREAKS)
@pytest.mark.parametrize("option", ["--json", "--no-stream"])
def test_a_buffered_answer_begins_anew_elsewhere(ask, upstream, behaviour, option):
    ran = ask(behaviour, option, fallbacks=["say:other words"])
    text = ran.json["text"] if option == "--json" else ran.out
    assert (ran.code, text, ran.stderr) == (0, "other words", b"")
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("behaviour", BREAKS)
def test_a_broken_stream_restarts_where_that_is_allowed(ask, upstream, behaviour):
    ran = ask(behaviour, "--restart", "--events", fallbacks=["say:other words"])
    assert ran.code == 0
    kinds = [event["type"] for event in ran.events]
    assert kinds.count("restart") == 1 and kinds[-2:] == ["end", "trail"]
    restart = kinds.index("restart")
    assert ran.events[restart]["error"]["code"].startswith("EXO_E_")
    texts = ["".join(event["text"] for event in part if event["type"] == "text") for part in
             (ran.events[:restart], ran.events[restart:])]
    assert TEXT.startswith(texts[0]) and texts[1] == "other words"


@pytest.mark.parametrize("options", [(), ("--quiet",)])
def test_a_restart_leaves_void_text_in_what_is_no_terminal(ask, options):
    """Whoever reads it would take all of it for the answer."""
    ran = ask("error-mid-stream", "--restart", *options, fallbacks=["say:other words"])
    assert (ran.code, ran.out) == (1, "".join(WORDS[:2]) + "\nother words")
    assert ("begins anew" in ran.err) == (not options) and "void" in ran.err.splitlines()[-1]


def test_a_restart_on_a_terminal_is_an_answer(exochat, upstream):
    try:
        master, slave = pty.openpty()
    except OSError as error:
        pytest.skip(f"no pseudo terminal here: {error}")
    args = [*PATIENT, "--base-url", upstream.base_url, "-m", "error-mid-stream", "--fallback", "ok", "--restart", "hello"]
    with open(slave, "wb") as terminal:
        process = subprocess.Popen(
            [BINARY, *args], stdin=subprocess.DEVNULL, stdout=terminal, stderr=subprocess.PIPE, env=exochat.environment
        )
        _, stderr = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 0 and b"begins anew" in stderr and stderr.count(b"\n") == 1
    shown = ""
    while shown.count("\n") < 2:  # it may come in pieces; where nothing more does, reading fails
        shown += os.read(master, 4096).decode()
    os.close(master)
    assert shown.splitlines() == ["".join(WORDS[:2]), TEXT]


def test_a_restart_after_what_was_not_printed_spoils_nothing(ask):
    ran = ask("reasoning-then-cut", "--restart", fallbacks=["ok"])
    assert (ran.code, ran.out) == (0, TEXT) and "begins anew" in ran.err


@pytest.mark.parametrize(
    "behaviour, options, final",
    [
        ("tool-truncated", (), False),
        ("tool-truncated", ("--events",), True),
        ("reasoning-then-cut", (), True),
        ("reasoning-then-cut", ("--quiet",), False),
        ("error-mid-stream", ("--quiet",), True),
    ],
)
def test_what_is_not_printed_is_not_final(ask, upstream, behaviour, options, final):
    ran = ask(behaviour, *options, fallbacks=["ok"])
    assert len(upstream.requests) == (1 if final else 2) and ran.code == (1 if final else 0)
    if not final:
        assert (ran.out, ran.err) == (TEXT, "")


def test_a_restart_that_finds_nobody_is_the_failure(ask):
    ran = ask("error-mid-stream", "--restart", "--events", fallbacks=["status-429"])
    assert ran.code == 1 and ran.events[-2]["error"]["code"] == "EXO_E_RATE_LIMIT"
    assert [attempt["code"] for attempt in ran.events[-1]["attempts"]] == ["EXO_E_SERVER", "EXO_E_RATE_LIMIT"]


@pytest.mark.parametrize("behaviour", ["status-503", "no-end+cut-0", "cut-after-300", "error-first-frame", "done-only"])
def test_a_stream_that_breaks_before_its_first_delta_falls_back_unseen(ask, upstream, behaviour):
    ran = ask(behaviour, fallbacks=["ok"])
    assert (ran.code, ran.out, ran.stderr) == (0, TEXT, b"") and len(upstream.requests) == 2


def test_reasoning_and_tool_calls_have_been_shown_too(ask, upstream):
    """After any event that was handed out a break is an error."""
    for delta in ({"reasoning_content": "hm"}, {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f"}}]}):

        def run(conn, delta=delta):
            conn.begin()
            conn.event({"choices": [{"delta": delta}]})
            conn.end()

        upstream.clear()
        upstream.scripts["half"] = run
        assert ask("half", "--events", fallbacks=["ok"]).code == 1 and len(upstream.requests) == 1
        assert ask("half", "--json", fallbacks=["ok"]).json["text"] == TEXT


@pytest.mark.parametrize("behaviour", ["finish-then-cut", "finish-then-reset", "finish-then-cut+close"])
def test_an_answer_that_was_finished_stands(ask, upstream, behaviour):
    ran = ask(behaviour, "--json", fallbacks=["ok"])
    assert (ran.code, ran.json["text"], ran.json["usage"]) == (0, TEXT, None) and len(upstream.requests) == 1


@pytest.mark.parametrize("behaviour", ["never-ends", "comments-after-done", "flood-after-done", "frames-after-done"])
def test_an_answer_is_reported_at_done(ask, behaviour):
    ran = ask(behaviour, "--json")
    assert (ran.code, ran.json["text"], ran.json["usage"]["total_tokens"]) == (0, TEXT, 12)
    assert ran.json["milliseconds"] < 4900  # the rest of an answer has 5 s


def test_a_cut_tool_call_is_never_a_call(ask):
    for behaviour, exit_code in (("tool-truncated", 1), ("tool-length", 0), ("tool-call+cut-900", 1)):
        ran = ask(behaviour, "--json")
        assert ran.code == exit_code
        assert all(call["arguments"] is None for call in ran.json["tool_calls"]), behaviour


def test_arguments_are_repaired_after_a_proven_end(ask):
    (call,) = ask("tool-repair", "--json").json["tool_calls"]
    assert call["arguments"] == {"city": "Oslo", "days": 2} and "days" in call["arguments_raw"]


def test_a_whole_completion_in_place_of_a_stream(exochat, upstream, write_config):
    """It is whole, proven and paid for, and counts; unless only a stream is wanted."""
    models = {"json-200-completion": {}, "strict": {"model": "json-200-completion", "strict_stream": True}}
    config = write_config(models)
    ran = exochat("--config", config, "-m", "json-200-completion", "--json", "hello")
    assert (ran.code, ran.json["text"], ran.json["usage"]["total_tokens"]) == (0, TEXT, 12)
    assert exochat("--config", config, "-m", "json-200-completion", "hello").out == TEXT
    ran = exochat("--config", config, "-m", "strict", "--json", "hello")
    assert (ran.code, ran.error["code"], ran.json["text"]) == (1, "EXO_E_NOT_A_STREAM", "")


def test_noise_is_skipped_in_a_stream_that_completes_and_a_hole_is_not(ask, upstream):
    assert ask("malformed-event").out == TEXT
    assert ask("malformed-event", "--json").json["malformed"] == 1

    def hole(conn):
        conn.begin()
        conn.event({"choices": [{"delta": {"content": "The tide "}}]})
        conn.event('{"choices":[{"delta":{"content":"never shown"')
        conn.event({"choices": [{"delta": {"content": "turns."}, "finish_reason": "stop"}]})
        conn.event("[DONE]")
        conn.end()

    upstream.scripts["hole"] = hole
    ran = ask("hole", "--json")
    assert (ran.code, ran.error["code"], ran.json["text"]) == (1, "EXO_E_MALFORMED", "The tide turns.")

    def only_malformed(conn):
        conn.begin()
        conn.event('{"choices":[{"delta":{"content":"never shown"')
        conn.end()

    upstream.scripts["malformed-only"] = only_malformed
    ran = ask("malformed-only", "--json")
    assert (ran.code, ran.error["code"], ran.json["text"]) == (1, "EXO_E_MALFORMED", "")


def test_a_clean_end_is_enough_where_the_deployment_is_lenient(exochat, upstream, write_config):
    config = write_config({"lenient": {"lenient_end": True, "model": "no-end"}})
    assert exochat("--config", config, "-m", "lenient", "hello").out == TEXT
    config = write_config({"lenient": {"lenient_end": True, "model": "cut-after-700"}})
    assert exochat("--config", config, "-m", "lenient", "--json", "hello").error["code"] == "EXO_E_BODY_CUT"
    config = write_config({"lenient": {"lenient_end": True, "model": "empty-stream"}})
    assert exochat("--config", config, "-m", "lenient", "--json", "hello").error["code"] == "EXO_E_EMPTY_STREAM"


@pytest.mark.parametrize("behaviour", ["ok+piece-1", "drip-1", "drip-7", "ok+crlf+piece-1", "ok+cr+piece-3+close"])
def test_any_pieces_make_the_same_answer(ask, behaviour):
    assert ask(behaviour, "--json").json["text"] == TEXT


def test_a_deep_or_wide_answer_is_printed_whole(ask):
    ran = ask("big-3")
    assert ran.code == 0 and ran.out == "0123456789abcdef" * (3 << 16)


def test_json_is_one_line(ask):
    ran = ask("say:line one\nline \u2028 two", "--json")
    assert ran.stdout.count(b"\n") == 1 and json.loads(ran.stdout)["text"] == "line one\nline \u2028 two"


# --- heads


LINES = [(f"padded-header-{n}", ("req-padded",)) for n in (1, 2, 100, 30000)]
LINES += [(f"folded-header-{n}", ("req-folded", "req-folded and: more")) for n in (1, 2, 30000)]  # libcurl may unfold it
LINES += [(f"nameless-header-{n}", (None,)) for n in (0, 1, 30000)]


@pytest.mark.parametrize("behaviour, ids", LINES)
def test_of_a_strange_header_nothing_is_kept_but_its_value(ask, driver, upstream, behaviour, ids):
    """However a line is padded or folded: what stands behind its end is other memory, and none of it may be shown."""
    ran = ask(behaviour, "--json")
    assert ran.code == 1 and ran.error["code"] == "EXO_E_SERVER" and ran.error["request_id"] in ids, ran
    plain = ask(behaviour, "--trace")
    for said in (ran.stdout, ran.stderr, plain.stdout, plain.stderr):
        assert all(byte in b"\n" or 32 <= byte < 127 for byte in said), said
    known = ran.error["request_id"]
    assert f"request {known})" in plain.err if known else "request" not in plain.err
    driver.setup(upstream, behaviour, log=1)
    records = driver.chat().records
    assert [record.get("exochat.request_id") for record in records] == [known] * 2
