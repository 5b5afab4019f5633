"""Attempt: the composed streams at many splits, the clocks, the facts, and what may be asked when."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import _exochat
from bodies import CODES, answered, events

STREAMS = Path(__file__).resolve().parents[1] / "streams"
EXPECTED = json.loads((STREAMS / "expected.json").read_text(encoding="utf-8"))
DONE = b"data: [DONE]\n\n"


def event(**delta):
    finish = delta.pop("finish_reason", None)
    return b"data: %s\n\n" % json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).encode()


def sent(attempt, now):
    """The body is out: told twice, since the second time nothing has changed."""
    attempt.upload(now, 1, 0, True)
    attempt.upload(now, 1, 0, True)


def started(options=None, now=0):
    """An attempt whose head has come at `now`."""
    attempt = _exochat.Attempt(options or {}, now)
    attempt.connected(now, False)
    sent(attempt, now)
    attempt.status(200)
    attempt.head_end(now)
    return attempt


def fed(attempt, data, now=0):
    attempt.feed(now, data)
    return events(attempt.next)


# ---- the composed streams

def described(attempt):
    """What expected.json says of a stream."""
    failure = attempt.failure()
    answer = attempt.answer(0)
    return {
        "code": _exochat.error_name(failure.code) if failure else None,
        "message": failure.message if failure else None,
        "text": (answer.content if answer else None) or "",
        "reasoning": (answer.reasoning if answer else None) or "",
        "finish_reason": answer.finish_reason if answer else None,
        "usage": json.loads(answer.usage_json) if answer and answer.usage_json else None,
        "tool_calls": [
            {"id": call[0], "name": call[1], "arguments": call[3]} for call in answer.tool_calls if call[2] is not None
        ]
        if answer
        else [],
    }


@pytest.mark.parametrize("name", EXPECTED)
def test_a_stream_comes_to_what_is_expected(name):
    expected = EXPECTED[name]
    data = (STREAMS / name).read_bytes()
    before = None
    for split in (len(data) or 1, 1, 2, 3, 7, 64, 1000):
        if len(data) > 30_000 and split < 64:
            continue
        attempt, found = answered(data, split, expected.get("options", {}))
        got = described(attempt)
        assert got["code"] == (expected["error"] or {}).get("code")
        assert (expected["error"] or {}).get("message", got["message"]) == got["message"]
        assert (expected["error"] or {}).get("message_contains", "") in (got["message"] or "")
        for key in ("text", "reasoning", "tool_calls", "finish_reason", "usage"):
            assert got[key] == expected[key], key
        assert before in (None, (got, found)), "another result at another split"
        before = got, found
        kept = "".join(text for type_, choice, text, *_ in found if type_ == "content" and choice == 0)
        assert kept == expected["text"]


@pytest.mark.parametrize("name", [name for name in EXPECTED if EXPECTED[name].get("counts")])
def test_counts_of_usage(name):
    attempt, found = answered((STREAMS / name).read_bytes(), 50)
    answer = attempt.answer(0)
    if answer:
        counts = {key: value for key, value in EXPECTED[name]["counts"].items() if value is not None}
        assert (answer.usage or {}) == counts


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
DELTAS = st.lists(
    st.fixed_dictionaries({}, optional={"content": TEXTS, "reasoning_content": TEXTS, "refusal": TEXTS}), max_size=20
)


@given(DELTAS, st.lists(st.integers(1, 60), min_size=1, max_size=30))
def test_any_chunking_of_any_answer_comes_to_the_same(deltas, cuts):
    data = b"".join(event(**delta) for delta in deltas) + event(finish_reason="stop") + DONE
    attempt = started()
    found = []
    at = 0
    for turn in range(len(data)):
        if attempt.todo() != _exochat.DO_RUN:
            break
        size = cuts[turn % len(cuts)]
        found += fed(attempt, data[at : at + size])
        at += size
    assert attempt.failure() is None
    answer = attempt.answer(0)
    for key, kind, kept in (
        ("content", "content", answer.content),
        ("reasoning_content", "reasoning", answer.reasoning),
        ("refusal", "refusal", answer.refusal),
    ):
        pieces = [delta[key] for delta in deltas if delta.get(key)]
        assert [text for type_, _, text, *_ in found if type_ == kind] == pieces
        assert (kept or "") == "".join(pieces)


@given(st.text(min_size=1, max_size=400))
def test_a_delta_is_one_event_however_it_is_escaped(text):
    attempt = started()
    found = fed(attempt, event(content=text))
    shown = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    rest = fed(attempt, event(finish_reason="stop") + DONE)
    assert "".join(piece[2] for piece in found + rest) == shown
    assert len(found) <= 2


# ---- events

def test_events_of_tool_calls():
    attempt = started()
    first = {"index": 3, "id": "c-1", "function": {"name": "moor", "arguments": '{"be'}}
    found = fed(attempt, event(tool_calls=[first]))
    found += fed(attempt, event(tool_calls=[{"index": 3, "function": {"arguments": 'rth": 3}'}}]))
    assert found == [
        ("tool_call", 0, "", 0, "c-1", "moor", None, False, None),
        ("tool_arguments", 0, '{"be', 0, "", "", None, False, None),
        ("tool_arguments", 0, 'rth": 3}', 0, "", "", None, False, None),
    ]
    fed(attempt, event(finish_reason="tool_calls") + DONE)
    assert attempt.answer(0).tool_calls == (("c-1", "moor", '{"berth": 3}', '{"berth": 3}', None),)
    assert attempt.answer(0) is None


def test_only_what_is_wanted_is_handed_out_and_counts_as_shown():
    data = event(reasoning_content="hm") + event(content="hi")
    attempt = started({"wanted": ("content",)})
    assert fed(attempt, event(reasoning_content="hm")) == []
    assert not attempt.shown()
    assert [found[0] for found in fed(attempt, event(content="hi"))] == ["content"]
    assert attempt.shown()
    attempt = started({"wanted": []})
    assert fed(attempt, data) == [] and not attempt.shown()
    for wanted, error in (("content", TypeError), (["contents"], ValueError), ([5], ValueError)):
        with pytest.raises(error, match="wanted"):
            _exochat.Attempt({"wanted": wanted}, 0)


def test_several_choices():
    data = b"".join(
        b'data: {"choices":[{"index":%d,"delta":{"content":"c%d"},"finish_reason":"stop"}]}\n\n' % (i, i) for i in range(4)
    )
    attempt = started({"choices": 3})
    found = fed(attempt, data + DONE)
    assert [(e[1], e[2]) for e in found] == [(0, "c0"), (1, "c1"), (2, "c2")]
    assert [attempt.answer(i).content for i in range(3)] == ["c0", "c1", "c2"]
    assert attempt.answer(3) is None
    for choices in (0, 17):
        with pytest.raises(ValueError, match="choices"):
            _exochat.Attempt({"choices": choices}, 0)


def test_an_answer_with_everything():
    attempt = started()
    data = {
        "id": "r-1", "model": "served", "choices": [{
            "index": 0, "finish_reason": "length", "logprobs": {"content": [1]},
            "delta": {"content": "x", "images": [{"u": 1}], "reasoning_details": [{"t": 2}]},
        }], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "cost": 0.5},
    }  # fmt: skip
    fed(attempt, b"data: %s\n\n" % json.dumps(data).encode() + DONE)
    answer = attempt.answer(0)
    assert (answer.proven, answer.choice, answer.id, answer.model) == (True, 0, "r-1", "served")
    assert (answer.content, answer.reasoning, answer.refusal) == ("x", None, None)
    assert (answer.finish_reason, answer.finish_family, answer.raw_cut) == ("length", "length", False)
    assert answer.usage == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    assert json.loads(answer.usage_json)["cost"] == 0.5
    assert json.loads(answer.reasoning_details) == [{"t": 2}]
    assert json.loads(answer.extra)["images"] == [{"u": 1}]
    assert answer.audio is None and answer.tool_calls == ()
    with pytest.raises(AttributeError):
        answer.content = "y"
    attempt = started({"keep_replay": False})
    fed(attempt, b"data: %s\n\n" % json.dumps(data).encode() + DONE)
    assert attempt.answer(0).reasoning_details is None


def test_a_body_that_is_kept_whole():
    attempt = started({"whole": True})
    assert fed(attempt, b'{"data": ') == [] and fed(attempt, b"[]}") == []
    attempt.closed(1, 0, "", True)
    assert events(attempt.next) == []
    assert attempt.failure() is None and attempt.body() == b'{"data": []}'


# ---- facts

def test_a_refusal():
    attempt = _exochat.Attempt({"keyless": True}, 0)
    attempt.connected(1, False)
    attempt.status(401)
    assert attempt.header(b"X-Request-Id", "r-9", 0) == 0
    attempt.head_end(2)
    attempt.feed(3, b'{"error": {"message": "no key", "code": "missing"}}')
    assert events(attempt.next) == []
    attempt.closed(4, 0, "", True)
    assert events(attempt.next) == []
    failure = attempt.failure()
    assert failure is attempt.failure()
    assert (failure.code, failure.message, failure.request_id) == (CODES["EXO_E_AUTH"], "no key", "r-9")
    assert failure.keyless and failure.verdict == "stop" and failure.http_status == 401
    assert attempt.answer(0) is None
    entry = attempt.end(10)
    assert (entry["code"], entry["http_status"], entry["end_ms"]) == (CODES["EXO_E_AUTH"], 401, 10)
    assert entry["queued_ms"] == 0


@pytest.mark.parametrize(
    ("options", "clock", "facts", "limit"),
    [
        ({"connect_timeout": 50}, "connect", 0, 50),
        ({"request_timeout": 50}, "idle", 1, 50),
        ({"stream_ttft_timeout": 50}, "first event", 2, 50),
        ({"total_left": 50}, "total", 2, 50),
        ({"request_timeout": 50}, "idle", 3, 50),
        ({"untried": True}, "first event", 2, 15000),
        ({}, "connect", 0, 10000),
        ({}, "idle", 3, 120000),
    ],
)
def test_clocks(options, clock, facts, limit):
    off = {"connect_timeout": 0, "request_timeout": 0, "stream_ttft_timeout": 0}
    for now in (0, 2**40):
        attempt = _exochat.Attempt({**(off if limit == 50 else {}), **options}, now)
        if facts > 0:
            attempt.connected(now, False)
        if facts > 1:
            sent(attempt, now)
            attempt.status(200)
            attempt.head_end(now)
        if facts > 2:
            attempt.feed(now, event(content="x"))
            events(attempt.next)
        assert attempt.timeout(now + 20) == (10 if facts == 1 else limit - 20)  # SEND: the upload is asked about
        attempt.tick(now + limit - 1)
        assert attempt.todo() == _exochat.DO_RUN
        attempt.tick(now + limit)
        assert attempt.next() is None
        assert attempt.todo() == _exochat.DO_CLOSE
        assert attempt.failure().clock == clock


def test_hold_stops_the_clocks_and_total_can_be_moved():
    attempt = started({"stream_ttft_timeout": 50})
    attempt.hold(10, True)
    attempt.tick(1000)
    assert attempt.todo() == _exochat.DO_RUN
    attempt.hold(1000, False)
    assert attempt.timeout(1000) == 40
    attempt.total(1000, 5)
    assert attempt.timeout(1000) == 5
    attempt.total(1000, -1)
    assert attempt.timeout(1000) == 40


def test_phases_resend_and_drain():
    attempt = _exochat.Attempt({}, 0)
    assert attempt.phase() == _exochat.PHASE_CONNECT
    attempt.connected(0, True)
    assert attempt.phase() == _exochat.PHASE_SEND
    attempt.upload(1, 10, -1, False)
    attempt.closed(2, CODES["EXO_E_RECEIVE"], "reset", False)
    assert attempt.todo() == _exochat.DO_RESEND and attempt.failure() is None
    attempt.resent(3, True)
    assert attempt.phase() == _exochat.PHASE_CONNECT and attempt.todo() == _exochat.DO_RUN
    attempt.connected(4, False)
    sent(attempt, 5)
    attempt.status(200)
    attempt.head_end(6)
    assert attempt.phase() == _exochat.PHASE_FIRST
    fed(attempt, event(content="x"))
    assert attempt.phase() == _exochat.PHASE_STREAM
    fed(attempt, event(finish_reason="stop"))
    assert attempt.phase() == _exochat.PHASE_REST
    fed(attempt, DONE)
    assert attempt.todo() == _exochat.DO_DRAIN
    assert attempt.drain(100, 0) == 250
    assert attempt.drain(200, 1000) == 150
    assert attempt.drain(200, 65000) == -1
    assert attempt.end(300)["resent"] is True


def test_break_off():
    attempt = started()
    attempt.break_off(CODES["EXO_E_CANCELLED"], "the caller has gone")
    assert attempt.next() is None
    assert attempt.failure().code == CODES["EXO_E_CANCELLED"]
    assert attempt.failure().message == "the caller has gone"


def test_limits():
    attempt = _exochat.Attempt({"limits": {"head": 100, "headers": 2}}, 0)
    attempt.connected(0, False)
    assert attempt.status(200) == 0
    assert attempt.header("a", "b", 0) == attempt.header("a", "b", 0) == 0
    assert attempt.header("a", "b", 0) == CODES["EXO_E_HEADERS_LIMIT"]
    attempt = started({"limits": {"answer": 10}})
    fed(attempt, event(content="x" * 11))
    assert attempt.failure().code == CODES["EXO_E_ANSWER_LIMIT"]


# ---- the object

def test_feeding_in_order():
    attempt = started()
    attempt.feed(0, b"")
    data = bytearray(b"#" * 10 + event(content="x") + b"#" * 10)
    attempt.feed(0, data, 10, len(data) - 10)
    with pytest.raises(ValueError, match="None"):
        attempt.feed(0, b"more")
    with pytest.raises(BufferError):
        data.append(1)
    assert [found[2] for found in events(attempt.next)] == ["x"]
    data.append(1)
    for start, end in ((-1, 3), (3, 2), (0, 1000)):
        with pytest.raises(ValueError):
            attempt.feed(0, data, start, end)
    with pytest.raises(TypeError):
        attempt.feed(0, "text")
    fed(attempt, event(finish_reason="stop") + DONE)
    attempt.feed(0, b"what comes behind the verdict is nothing")
    assert attempt.next() is None


def test_before_the_verdict():
    attempt = started()
    assert attempt.failure() is None and attempt.answer(0) is None
    with pytest.raises(ValueError, match="verdict"):
        attempt.end(1)


def test_closed():
    attempt = started()
    attempt.feed(0, event(content="x"))
    attempt.close()
    attempt.close()
    for call in (attempt.next, attempt.todo, attempt.failure, lambda: attempt.feed(0, b"x"), lambda: attempt.answer(0)):
        with pytest.raises(ValueError, match="closed"):
            call()


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"request_timout": 1}, TypeError, "request_timout"),
        ({"connect_timeout": 1.5}, TypeError, "connect_timeout: int"),
        ({"connect_timeout": 2**70}, ValueError, "connect_timeout"),
        ({"ttft_until": "never"}, ValueError, "ttft_until"),
        ({"ttft_until": 5}, TypeError, "ttft_until"),
        ({"can": -1}, ValueError, "can"),
        ({"untried": 1}, TypeError, "untried"),
        ("x", TypeError, "dict"),
    ],
)
def test_options_that_are_wrong_are_named(options, error, words):
    with pytest.raises(error, match=words):
        _exochat.Attempt(options, 0)


def test_an_option_that_is_none_has_its_default():
    assert _exochat.Attempt({"connect_timeout": None, "wanted": None, "limits": None}, 0).timeout(0) == 10000
