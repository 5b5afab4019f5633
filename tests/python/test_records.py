"""What a call writes into the log, in which order; and that the log context is read in the caller's task."""

import contextlib
import logging
import sys

import pytest

from clients import ENGINES, Script, behind
from conftest import stream_of
from exoclaw_provider_openai import Deployment, HTTPStatusError, OpenAIStreamingProvider

HELLO = [{"role": "user", "content": "hello"}]
DOWN = (503, {}, b'{"error":{"message":"down"}}')


class Recorder:
    def __init__(self):
        self.records = []

    def info(self, event, **fields):
        self.records.append(("info", event, fields))

    def warning(self, event, **fields):
        self.records.append(("warning", event, fields))

    def short(self):
        return [(level, event, fields.get("llm.model"), fields.get("llm.next")) for level, event, fields in self.records]


@pytest.fixture(params=ENGINES)
def recorded(request, monkeypatch, plain_environment):
    """recorded(*answers, on=True): a provider with fallbacks a → b → c, and what it writes."""
    with contextlib.ExitStack() as stack:

        def make(*answers, on=True):
            if on:
                monkeypatch.setenv("LLM_LOGGING", "true")
            client, url = stack.enter_context(behind(request.param, Script(*answers)))
            deployments = dict.fromkeys("abc", Deployment(url, "k"))
            provider = OpenAIStreamingProvider("a", deployments, {"a": ["b", "c"]}, client=client)
            stack.callback(provider.close_sync)
            provider._log._logger = Recorder()
            return provider, provider._log._logger

        yield make


async def test_a_good_call(recorded):
    provider, log = recorded(stream_of("hi", usage={"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}))
    await provider.chat(HELLO)
    assert log.short() == [
        ("info", "llm_request", "a", None),
        ("info", "llm_request_msg", None, None),
        ("info", "llm_response", "a", None),
    ]
    fields = log.records[-1][2]
    assert fields["llm.token.prompt"] == 1 and fields["llm.token.cached"] == 0 and fields["llm.finish_reason"] == "stop"
    assert fields["llm.duration_s"] == round(fields["llm.duration_s"], 2)


async def test_each_attempt_names_its_candidate(recorded):
    provider, log = recorded(DOWN, stream_of("hi"))
    await provider.chat(HELLO)
    assert [record for record in log.short() if record[1] != "llm_request_msg"] == [
        ("info", "llm_request", "a", None),
        ("warning", "llm_fallback", "a", "b"),
        ("info", "llm_request", "b", None),
        ("info", "llm_response", "b", None),
    ]
    assert log.records[2][2]["error"] == "status 503: down"


async def test_fallbacks_are_always_said_the_last_one_too(recorded):
    provider, log = recorded(DOWN, on=False)
    with pytest.raises(HTTPStatusError):
        await provider.chat(HELLO)
    assert log.short() == [
        ("warning", "llm_fallback", "a", "b"),
        ("warning", "llm_fallback", "b", "c"),
        ("warning", "llm_fallback", "c", None),
    ]


async def test_no_fallback_where_there_is_none(recorded):
    provider, log = recorded((401, {}, b""), on=False)
    with pytest.raises(HTTPStatusError):
        await provider.chat(HELLO)
    assert log.records == []


async def test_without_exoclaw_it_is_logging(recorded, monkeypatch, caplog):
    provider, _ = recorded(DOWN, stream_of("hi"), on=False)
    provider._log._logger = None
    monkeypatch.delitem(sys.modules, "exoclaw._compat", raising=False)
    with caplog.at_level(logging.WARNING):
        await provider.chat(HELLO)
    assert [record.getMessage().split()[0] for record in caplog.records] == ["llm_fallback"]
