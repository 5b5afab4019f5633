"""Exceptions: which class for which failure, caught by our name and by exoclaw's, whichever was imported first; pickling."""

import copy
import json
import os
import pickle
import subprocess
import sys
import textwrap

import pytest

import _exochat
import exoclaw_provider_openai as package
from exoclaw_provider_openai import _codes, _errors

NAMES = ("HTTPError", "HTTPConnectError", "HTTPReadTimeout", "HTTPWriteTimeout", "HTTPStatusError")


def of(code, message="", sent=True, status=0, body=b""):
    failure = _exochat.Failure(code, message)
    if status:
        failure.response(status, body)
    return _errors.of_failure(failure, [{"sent_ms": 5 if sent else None}], "m")


@pytest.mark.parametrize(
    "code, cls",
    [
        ("CLOCK_CONNECT", "HTTPConnectError"),
        ("CONNECT", "HTTPConnectError"),
        ("RESOLVE", "HTTPConnectError"),
        ("TLS", "HTTPConnectError"),
        ("CLOCK_FIRST", "HTTPReadTimeout"),
        ("CLOCK_IDLE", "HTTPReadTimeout"),
        ("CLOCK_TOTAL", "HTTPReadTimeout"),
        ("RECEIVE", "HTTPError"),
        ("CLOSED", "HTTPError"),
        ("BODY_CUT", "HTTPError"),
        ("BODY_CHANGED", "HTTPError"),
        ("CONTEXT_WINDOW", "ContextWindowExceededError"),
    ],
)
def test_which_class(code, cls):
    error = of(getattr(_codes, code))
    assert type(error).__name__ == cls and isinstance(error, getattr(package, cls))
    assert error.code == "EXO_E_" + code and error.status_code is None
    assert str(error) == _exochat.error_text(getattr(_codes, code))


def test_no_progress_while_sending():
    assert isinstance(of(_codes.CLOCK_IDLE, sent=False), package.HTTPWriteTimeout)


def test_memory():
    assert isinstance(of(_codes.NO_MEMORY), MemoryError)


@pytest.mark.parametrize("status", [301, 400, 401, 404, 405, 429, 500, 503, 529])
@pytest.mark.parametrize("body", [b"", b'{"error":{"message":"said"}}', b"<html><body>page</body></html>"])
def test_any_status(status, body):
    error = of(0, status=status, body=body)
    assert type(error).__name__ == "HTTPStatusError" and error.status_code == status
    words = str(error)
    assert words.startswith(f"status {status}: ") and len(words) > len(f"status {status}: ")
    assert ("said" in words) == (b"said" in body)


def test_status_and_words_of_a_parameter_that_is_refused():
    body = b'{"error":{"message":"Unsupported parameter: \'max_tokens\'","type":"invalid_request_error"}}'
    assert "rename={'max_tokens': 'max_completion_tokens'}" in str(of(0, status=400, body=body))
    body = b'{"error":{"message":"temperature does not support 0.7 with this model"}}'
    assert "drop=['temperature']" in str(of(0, status=400, body=body))


def test_a_refused_key_that_was_not_sent():
    failure = _exochat.Attempt({"keyless": True, "can": 0}, 0)
    failure.status(401)
    failure.head_end(1)
    failure.closed(2, 0, "", True)
    while failure.next():
        pass
    assert "no key was sent" in str(_errors.of_failure(failure.failure()))


@pytest.mark.parametrize("name", [*NAMES, "ContextWindowExceededError"])
def test_pickling(name):
    cls = getattr(package, name)
    error = cls(503, "status 503: down") if name == "HTTPStatusError" else cls("words")
    error.attempts = [{"code": None}]
    error.served_model = "m"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        back = pickle.loads(pickle.dumps(error, protocol))
        assert isinstance(back, cls) and str(back) == str(error) and back.args == error.args
        assert back.__dict__ == error.__dict__
    assert str(copy.copy(error)) == str(error)


def test_pickling_keeps_the_failure():
    error = of(0, status=429, body=b'{"error":{"message":"slow down"}}')
    back = pickle.loads(pickle.dumps(error))
    assert (back.status_code, back.code, str(back)) == (429, "EXO_E_RATE_LIMIT", "status 429: slow down")
    assert back.failure.message == "slow down" and back.failure.verdict == "retry"


def run(code):
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path), PYTHONDONTWRITEBYTECODE="1")
    ran = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, env=environment, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


FIRSTS = {
    "ours": "import exoclaw_provider_openai as ours; import exoclaw.http, exoclaw.providers.types",
    "theirs": "import exoclaw.http, exoclaw.providers.types; import exoclaw_provider_openai as ours",
}

RAISE = """
import pickle, json
from exoclaw_provider_openai import _errors
NAMES = %r
theirs = {name: getattr(exoclaw.http, name) for name in NAMES}
theirs["ContextWindowExceededError"] = exoclaw.providers.types.ContextWindowExceededError
pickles = {}
for name, cls in theirs.items():
    error = _errors.instance(getattr(ours, name), "words", 503)
    for wanted in (cls, getattr(ours, name)):
        try:
            raise error
        except wanted as caught:
            assert caught is error
    error.attempts = [1]
    back = pickle.loads(pickle.dumps(error))
    assert isinstance(back, cls) and isinstance(back, getattr(ours, name)) and back.attempts == [1]
    assert type(error).__name__ == name
    pickles[name] = pickle.dumps(error).hex()
assert issubclass(type(_errors.instance(ours.HTTPStatusError, "w", 1)), exoclaw.http.HTTPError)
print(json.dumps(pickles))
""" % (NAMES,)


@pytest.mark.parametrize("first", FIRSTS)
def test_caught_by_both_names_whoever_came_first(first):
    pytest.importorskip("exoclaw")
    run(FIRSTS[first] + "\n" + RAISE)


def test_unpickled_where_nothing_was_raised_yet():
    pytest.importorskip("exoclaw")
    pickles = json.loads(run(FIRSTS["theirs"] + "\n" + RAISE))
    run(
        f"""
        import pickle
        for name, text in {pickles!r}.items():
            error = pickle.loads(bytes.fromhex(text))
            import exoclaw.http, exoclaw.providers.types, exoclaw_provider_openai
            module = exoclaw.providers.types if name == "ContextWindowExceededError" else exoclaw.http
            assert isinstance(error, getattr(module, name)), name
            assert isinstance(error, getattr(exoclaw_provider_openai, name)), name
            assert str(error) == "words"
        """
    )


def test_pickled_without_exoclaw_and_read_with_it():
    pytest.importorskip("exoclaw")
    text = run(
        """
        import pickle
        from exoclaw_provider_openai import _errors, HTTPStatusError
        print(pickle.dumps(_errors.instance(HTTPStatusError, "words", 503)).hex())
        """
    )
    run(
        f"""
        import exoclaw.http, pickle
        assert isinstance(pickle.loads(bytes.fromhex("{text.strip()}")), exoclaw.http.HTTPStatusError)
        """
    )


@pytest.mark.parametrize("name", [*NAMES, "ContextWindowExceededError"])
def test_importable_by_name(name):
    error = _errors.instance(getattr(package, name), "words", 503)
    module = sys.modules[type(error).__module__]
    assert isinstance(error, getattr(module, type(error).__qualname__))
