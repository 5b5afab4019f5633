"""The hosted library: every failure that the command is tested with, through the library itself, streamed and buffered."""

import pytest
from test_failures import OTHERS
from test_fallbacks import MOVES_ON, STOPS
from upstream.chunks import TEXT

CLOCKS = {"--ttft": "stream_ttft_timeout", "--idle-timeout": "request_timeout"}


def clocks_of(options):
    """The deployment's options for what the command line says: pairs of a flag and milliseconds."""
    return {CLOCKS[flag]: int(time.removesuffix("ms")) for flag, time in zip(options[::2], options[1::2])}


@pytest.mark.parametrize("buffered", [False, True])
@pytest.mark.parametrize("behaviour, code, options", MOVES_ON)
def test_a_failure_that_another_deployment_may_cure(driver, upstream, behaviour, code, options, buffered):
    driver.setup(upstream, behaviour, "ok", **clocks_of(options))
    driver.ok("fallback", behaviour, "ok")
    said = driver.chat(buffered=buffered)
    assert said.attempts[0]["code"] == code
    if said.failed:  # something was shown, so the break is the call's
        assert not buffered and said.failed == code and set(said.kinds) & {"text", "tool_call"}
        assert len(said.attempts) == 1
    else:
        assert said.answer["text"] == TEXT and said.reply["deployment"] == "ok"
        assert said.shown == ("" if buffered else TEXT)
    assert said.kinds[-1] == "end" and said.kinds.count("end") == 1


@pytest.mark.parametrize("behaviour, code, exit_code", STOPS)
def test_a_failure_that_no_other_deployment_would_cure(driver, upstream, behaviour, code, exit_code):
    driver.setup(upstream, behaviour, "ok")
    driver.ok("fallback", behaviour, "ok")
    said = driver.chat()
    assert said.failed == code and len(said.attempts) == 1 and len(upstream.requests) == 1


@pytest.mark.parametrize("behaviour, code, verdict, exit_code, error_class", OTHERS)
def test_the_failure_alone(driver, upstream, behaviour, code, verdict, exit_code, error_class):
    driver.setup(upstream, behaviour)
    said = driver.chat(buffered=True)
    assert said.failed == code and said.failure["verdict"] == verdict
