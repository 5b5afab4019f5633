"""Good answers: whatever the framing and the dialect, the text goes to standard output and nothing else does."""

import json
from pathlib import Path

import pytest
from upstream.chunks import TEXT, USAGE, WORDS

STREAMS = Path(__file__).resolve().parents[1] / "streams"
EXPECTED = json.loads((STREAMS / "expected.json").read_text(encoding="utf-8"))

GOOD = ["ok", "ok+close", "ok+length", "ok+http10", "ok+noreuse", "ok+crlf", "ok+cr", "ok+piece-1", "ok+piece-3+cr"]
GOOD += ["ok+type:", "ok+type:TEXT/EVENT-STREAM; charset=utf-8", "ok+type:application/json", "ok+type:text/html"]
GOOD += ["gzip", "deflate", "ok+gzip+piece-5", "coding:identity", "interim-100", "interim-103", "trailers", "drip-1"]
GOOD += ["no-done", "no-finish", "malformed-event", "frames-after-done", "never-ends", "finish:eos"]
GOOD += ["finish:model_length", "chunk-extensions-1", "usage-none", "usage-finish", "usage-cumulative"]
GOOD += ["huge-header-32", "many-headers-200", "reasoning", "early-ok", "wait-0.05", "slow-20"]
GOOD += ["comments-0.2-then-ok"]


@pytest.mark.parametrize("behaviour", GOOD)
def test_a_good_answer(ask, upstream, behaviour):
    ran = ask(behaviour)
    assert (ran.code, ran.out) == (0, TEXT), ran
    assert len(upstream.requests) == 1
    said = {"reasoning": "", "malformed-event": "could not be read", "finish:model_length": "the answer is cut"}
    if behaviour in said:
        assert said[behaviour] in ran.stderr.decode()
    else:
        assert ran.stderr == b""


@pytest.mark.parametrize("name", EXPECTED)
def test_a_stream_of_a_dialect(exochat, upstream, write_config, name):
    """The composed streams, over HTTP and through the whole client."""
    expected = EXPECTED[name]
    config = write_config({"m": {"model": "file:" + name, **expected.get("options", {})}})
    ran = exochat("--config", config, "-m", "m", "--json", "hello")
    assert (ran.error is None) == expected["accepted"], ran
    for key in ("text", "reasoning", "finish_reason"):
        if expected["accepted"] or not name.startswith(("framing-body", "framing-unlabelled")):
            assert (ran.json[key] or "") == (expected[key] or ""), key
    if expected["accepted"]:
        assert ran.json["usage"] == expected["usage"]
        sent = [(call["id"], call["name"]) for call in expected["tool_calls"]]
        assert [(call["id"], call["name"]) for call in ran.json["tool_calls"]] == sent
        for call, wanted in zip(ran.json["tool_calls"], expected["tool_calls"]):
            assert call["arguments"] == json.loads(wanted["arguments"])
    else:
        assert ran.error["code"] == expected["error"]["code"]
        assert expected["error"].get("message") in (None, ran.error["message"])


def test_text_is_printed_as_it_comes(ask, upstream):
    running = ask("gate:go", start=True)
    assert running.read(len(WORDS[0])).decode() == WORDS[0]  # the rest has not been sent yet
    upstream.gate("go").set()
    ran = running.wait()
    assert (ran.code, ran.out) == (0, "".join(WORDS[1:]))


@pytest.mark.parametrize("options", [("--no-stream",), ("--json",)])
def test_text_is_held_back_where_that_is_wanted(ask, upstream, options):
    running = ask("gate:go", *options, start=True)
    assert upstream.wait_for(lambda: upstream.requests and upstream.requests[0].answer_time)
    upstream.gate("go").set()
    ran = running.wait()
    assert ran.code == 0 and TEXT in ran.out


ENDS = [("one\ntwo", b"one\ntwo\n"), ("one\n", b"one\n"), ("one\n\n", b"one\n\n"), ("one\r\n", b"one\r\n")]


@pytest.mark.parametrize("options", [(), ("--no-stream",)])
@pytest.mark.parametrize("text, printed", ENDS)
def test_the_text_ends_with_a_line_end(ask, text, printed, options):
    assert ask("say:" + text, *options).stdout == printed
    assert ask("say:" + text, "--no-newline", *options).stdout == text.encode()


@pytest.mark.parametrize("behaviour", ["no-end", "cut-after-900", "error-mid-stream", "content-filter", "n-3"])
def test_the_last_line_ends_whatever_becomes_of_the_answer(ask, behaviour):
    ran = ask(behaviour, *(("-o", "n=3") if behaviour == "n-3" else ()))
    assert ran.stdout.endswith(b"\n") and not ran.stdout.endswith(b"\n\n")
    assert not ask(behaviour, "--no-newline").stdout.endswith(b"\n")


@pytest.mark.parametrize("behaviour", ["refusal", "tool-call", "status-503", "say:"])
def test_where_there_is_no_text_there_is_no_line_end(ask, behaviour):
    assert ask(behaviour).stdout == b""


def test_reasoning_goes_to_standard_error(ask):
    for behaviour in ("reasoning", "reasoning:reasoning", "reasoning:reasoning_text"):
        ran = ask(behaviour)
        assert (ran.out, "Rivers run down." in ran.err) == (TEXT, True)
        assert ask(behaviour, "--quiet").stderr == b""
        assert ask(behaviour, "--json").json["reasoning"] == "Rivers run down."


def test_think_tags_are_opt_in(exochat, upstream, write_config):
    config = write_config({"think": {"think_tags": True}, "kept": {"model": "think"}})
    assert exochat("--config", config, "-m", "think", "hello").out == TEXT
    assert exochat("--config", config, "-m", "kept", "hello").out.startswith("<think>")


def test_tool_calls_go_to_standard_error_as_json(ask):
    ran = ask("tool-calls-2")
    assert (ran.code, ran.stdout) == (0, b"")
    calls = [json.loads(line)["tool_call"] for line in ran.err.splitlines()]
    assert [(call["id"], call["arguments"]) for call in calls] == [
        ("call_0", {"city": "Oslo", "days": 2}),
        ("call_1", {"city": "Oslo", "days": 2}),
    ]


def test_a_tool_loop(ask, write_messages):
    """The answer's call, and then its result, in messages of the next request."""
    (call,) = ask("tool-loop", "--json").json["tool_calls"]
    function = {"name": call["name"], "arguments": json.dumps(call["arguments"])}
    calls = [{"id": call["id"], "type": "function", "function": function}]
    said = {"role": "assistant", "content": None, "tool_calls": calls}
    result = {"role": "tool", "tool_call_id": call["id"], "content": "4 degrees"}
    messages = write_messages([{"role": "user", "content": "weather?"}, said, result])
    assert ask("tool-loop", "--messages", messages, prompt=None).out == "The tool said: 4 degrees"


def test_a_refusal_is_told_apart(ask):
    ran = ask("refusal")
    assert (ran.code, ran.stdout) == (4, b"") and "I will not do that." in ran.complaint
    assert ask("refusal", "--json").json["refusal"] == "I will not do that."


def test_a_content_filter_cuts(ask):
    ran = ask("content-filter")
    assert (ran.code, ran.out) == (4, "".join(WORDS[:2])) and "content" in ran.complaint


def test_an_answer_without_text_says_so(ask, upstream):
    def reply(conn):
        conn.begin()
        conn.event({"choices": [{"delta": {"content": ""}}]})
        conn.event({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        conn.end()

    upstream.scripts["empty"] = reply
    ran = ask("empty")
    assert (ran.code, ran.stdout) == (0, b"") and "no text" in ran.complaint
    assert ask("empty", "-q").stderr == ask("empty", "--json").stderr == ask("empty", "--events").stderr == b""
    assert ask("tool-call", "--no-stream").err.count("\n") == 1


def test_an_answer_cut_by_its_length_is_an_answer(ask):
    ran = ask("finish:length")
    assert (ran.code, ran.out) == (0, TEXT) and "length" in ran.complaint


def test_only_the_first_choice_is_printed(ask):
    assert ask("n-3").out == "choice 0"


@pytest.mark.parametrize("place", ["final", "finish", "cumulative", "choice", "x-groq"])
def test_usage_wherever_it_stands(ask, place):
    assert ask(f"usage-{place}", "--json").json["usage"] == USAGE


def test_usage_is_null_where_there_is_none(ask):
    assert ask("usage-none", "--json").json["usage"] is None
