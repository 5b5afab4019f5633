"""Failure: a value that says why, can be pickled, and learns from responses."""

import copy
import pickle

import pytest

import _exochat
from bodies import CODES

FIELDS = (
    "code verdict clock http_status status message type provider_code request_id retry_after offset in_stream cut keyless"
).split()


def refused(status, body, **headers):
    failure = _exochat.Failure(0)
    for name, value in headers.items():
        failure.header(name.replace("_", "-"), value, 0)
    failure.response(status, body)
    return failure


@pytest.mark.parametrize("name", [name for name in CODES if name.startswith("EXO_E_") and name != "EXO_E_UNKNOWN"])
def test_every_code(name):
    failure = _exochat.Failure(CODES[name], "why")
    assert failure.code == CODES[name] and failure.message == "why"
    assert failure.verdict in ("stop", "fall back", "retry", "fall back context")
    assert failure.clock == {
        "EXO_E_CLOCK_CONNECT": "connect", "EXO_E_CLOCK_FIRST": "first event", "EXO_E_CLOCK_IDLE": "idle",
        "EXO_E_CLOCK_TOTAL": "total",
    }.get(name, "none")  # fmt: skip
    assert repr(failure) == f"<Failure {name}: why>"


@pytest.mark.parametrize(
    "failure",
    [
        _exochat.Failure(0),
        _exochat.Failure(-81, "x" * 600),
        _exochat.Failure(-81, "\u00e9" * 300),
        refused(429, '{"error":{"message":"slow \u00e9","code":"c","type":"t"}}', Retry_After="3", X_Request_Id="r"),
        refused(400, b'{"error":{"message":"maximum context length is 5 tokens"}}'),
        refused(500, b""),
    ],
    ids=repr,
)
def test_pickled_and_copied(failure):
    for other in (pickle.loads(pickle.dumps(failure)), copy.copy(failure), copy.deepcopy(failure)):
        assert [getattr(other, name) for name in FIELDS] == [getattr(failure, name) for name in FIELDS]


def test_what_a_response_says():
    failure = refused(429, b'{"error":{"message":"slow","code":"c","type":"t"}}', Retry_After="3", X_Request_Id="r-1")
    assert (failure.code, failure.verdict, failure.retry_after) == (CODES["EXO_E_RATE_LIMIT"], "retry", 3000)
    assert (failure.provider_code, failure.type, failure.request_id) == ("c", "t", "r-1")
    assert (failure.status, failure.http_status, failure.in_stream, failure.cut) == (429, 429, False, False)
    assert refused(401, "no").code == CODES["EXO_E_AUTH"]
    assert _exochat.Failure(0).message == ""


def test_a_secret_is_taken_out():
    failure = refused(401, b'{"error":{"message":"wrong key sk-1234567890abcdef given"}}')
    failure.redact("sk-1234567890abcdef")
    assert failure.message == "wrong key *** given"
    failure.redact("")
    _exochat.Failure(0).redact("sk-1234567890abcdef")


def test_it_is_read_only():
    failure = _exochat.Failure(-81)
    for name in FIELDS:
        with pytest.raises(AttributeError):
            setattr(failure, name, 1)


@pytest.mark.parametrize(
    "state",
    [(), (1,), None, (9, 0, 0, 0, 0, 0, False, False, False, "", "", "", ""), (0, 9) + (0,) * 7 + ("",) * 4],
)
def test_a_state_that_is_none(state):
    with pytest.raises((TypeError, ValueError)):
        _exochat.Failure(-81).__setstate__(state)


def test_arguments():
    with pytest.raises(TypeError):
        _exochat.Failure()
    with pytest.raises(TypeError):
        _exochat.Failure(code=5)
    with pytest.raises(TypeError):
        _exochat.Failure(-81, 5)
    with pytest.raises(TypeError):
        _exochat.Failure(0).response(500, 5)
