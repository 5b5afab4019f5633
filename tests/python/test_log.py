"""The records of a call, as _records.py makes them; what of them a call writes is in test_calls.py."""

import json
import logging
import subprocess
import sys

import pytest

from exoclaw_provider_openai._deployment import Log
from exoclaw_provider_openai import LLMResponse


class Recorder:
    def __init__(self):
        self.records = []

    def info(self, event, **fields):
        self.records.append(("info", event, fields))

    def warning(self, event, **fields):
        self.records.append(("warning", event, fields))


@pytest.fixture
def log(monkeypatch):
    """log(messages, **environment): the records of a request."""

    def run(messages, tools=None, **environment):
        for name in ("LLM_LOGGING", "LLM_LOG_TRUNCATE"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        made = Log()
        made._logger = Recorder()
        made.request("m", messages, tools)
        return made._logger.records

    return run


def test_messages_of_any_kind(log):
    for messages in ("hello", None, {"a": 1}, 5):
        assert [fields["llm.message.count"] for _, _, fields in log(messages, LLM_LOGGING="true")] == [0]
    records = log(["x", None, 5, {"content": "y"}], LLM_LOGGING="true")
    assert [fields["message.text"] for _, _, fields in records[1:]] == ["x", "", "5", "y"]


def texts(records):
    return [fields["message.text"] for _, event, fields in records if event == "llm_request_msg"]


def test_nothing_without_the_variable(log):
    assert log([{"role": "user", "content": "hi"}]) == []
    assert log([{"role": "user", "content": "hi"}], LLM_LOGGING="1") == []


def test_a_request(log):
    records = log([{"role": "user", "content": "hi"}], [{"type": "function"}], LLM_LOGGING="TRUE")
    assert records[0] == ("info", "llm_request", {"llm.model": "m", "llm.message.count": 1, "llm.tool.count": 1})
    assert records[1] == ("info", "llm_request_msg", {"message.role": "user", "message.text": "hi"})


@pytest.mark.parametrize(
    "content, text",
    [
        ("a\nb", "a\\nb"),
        (None, ""),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b\n"}], "a b\\n"),
        ([{"type": "text", "text": None}, {"type": "image_url"}, "no part"], " "),
        ("x" * 600, "x" * 500),
        ("\n" * 400, "\\n" * 250),
    ],
)
def test_fault_23_texts_of_any_shape(log, content, text):
    assert texts(log([{"role": "user", "content": content}], LLM_LOGGING="true")) == [text]


@pytest.mark.parametrize("cut, length", [("3", 3), ("0", 0), ("-1", 600), ("", 500), ("many", 500)])
def test_truncation(log, cut, length):
    assert len(texts(log([{"content": "x" * 600}], LLM_LOGGING="true", LLM_LOG_TRUNCATE=cut))[0]) == length


def test_a_missing_role(log):
    assert log([{"content": "x"}], LLM_LOGGING="true")[1][2]["message.role"] == "?"


def test_a_response(monkeypatch):
    monkeypatch.setenv("LLM_LOGGING", "true")
    made = Log()
    made._logger = Recorder()
    made.response("m", LLMResponse("hi"), 1234)
    made.response("m", LLMResponse("hi", usage={"prompt_tokens": 1, "cached_tokens": 2}), 5)
    first, second = (fields for _, _, fields in made._logger.records)
    assert first == {
        "llm.model": "m",
        "llm.token.prompt": "?",
        "llm.token.completion": "?",
        "llm.token.total": "?",
        "llm.token.cached": 0,
        "llm.duration_s": 1.23,
        "llm.finish_reason": "stop",
        "llm.tools": [],
    }
    assert (second["llm.token.prompt"], second["llm.token.cached"], second["llm.duration_s"]) == (1, 2, 0.01)


def test_variables_are_read_at_construction(monkeypatch):
    monkeypatch.setenv("LLM_LOGGING", "true")
    made = Log()
    monkeypatch.setenv("LLM_LOGGING", "false")
    assert made.on


def test_fault_22_without_getenv(monkeypatch):
    monkeypatch.delattr("os.getenv")
    assert not Log().on


def test_logging_where_exoclaw_is_not_loaded(monkeypatch, caplog):
    monkeypatch.delitem(sys.modules, "exoclaw._compat", raising=False)
    with caplog.at_level(logging.INFO):
        Log().fallback("a", "b", "status 503: down")
    record = caplog.records[0]
    assert (record.levelname, record.name) == ("WARNING", "exoclaw_provider_openai")
    assert record.getMessage().startswith("llm_fallback ") and getattr(record, "llm.next") == "b"


def test_exoclaws_logger_where_it_is_loaded(monkeypatch):
    recorder = Recorder()
    compat = type(sys)("exoclaw._compat")
    compat.get_logger = lambda: recorder
    monkeypatch.setitem(sys.modules, "exoclaw._compat", compat)
    Log().fallback("a", None, "x")
    assert recorder.records == [("warning", "llm_fallback", {"llm.model": "a", "llm.next": None, "error": "x"})]


def test_what_is_imported():
    code = """
import json, sys
before = set(sys.modules)
import exoclaw_provider_openai
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, env={"PYTHONPATH": ":".join(sys.path)}, check=True)
    heavy = {"asyncio", "typing", "exoclaw", "structlog", "httpx", "json", "logging", "dataclasses", "inspect", "_exochat"}
    assert not heavy & set(json.loads(ran.stdout))
