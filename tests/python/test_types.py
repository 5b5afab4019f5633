"""LLMResponse, ToolCallRequest and StreamEvent: exoclaw's own where it is loaded, ours of the same shape else."""

import pickle
import sys
import types

from exoclaw_provider_openai import FilePart, LLMResponse, StreamEvent, ToolCallRequest
from exoclaw_provider_openai import _answer, _tools, _types


def test_our_own_shape():
    made = LLMResponse("text")
    assert (made.tool_calls, made.finish_reason, made.usage, made.has_tool_calls) == ([], "stop", {}, False)
    assert made.reasoning_content is made.thinking_blocks is made.cost is made.service_tier is None
    with_calls = LLMResponse(None, [ToolCallRequest("i", "n", {"a": 1})], "tool_calls", {"total_tokens": 1}, "r")
    assert with_calls.has_tool_calls and with_calls != made
    for value in (made, with_calls):
        assert pickle.loads(pickle.dumps(value)) == value
    assert "ToolCallRequest(id='i', name='n', arguments={'a': 1})" in repr(with_calls)


def test_defaults_are_not_shared():
    assert LLMResponse("a").tool_calls is not LLMResponse("b").tool_calls
    assert LLMResponse("a").usage is not LLMResponse("b").usage


def test_exoclaws_where_it_is_loaded(monkeypatch):
    theirs = types.ModuleType("exoclaw.providers.types")
    theirs.LLMResponse, theirs.ToolCallRequest = type("LLMResponse", (), {}), type("ToolCallRequest", (), {})
    monkeypatch.setitem(sys.modules, "exoclaw.providers.types", theirs)
    assert _types.response_class() is theirs.LLMResponse
    assert _tools.tool_call_class() is theirs.ToolCallRequest
    monkeypatch.delitem(sys.modules, "exoclaw.providers.types")
    assert _types.response_class() is LLMResponse


def test_an_event():
    made = StreamEvent("tool_call", 0, "", 1, "call_1", "f")
    assert (made.type, made.choice, made.index, made.id, made.name) == ("tool_call", 0, 1, "call_1", "f")
    assert made.usage is made.finish_reason is made.failure is None and made.replace is False
    assert repr(made) == "StreamEvent('tool_call', index=1, id='call_1', name='f')"
    assert made == StreamEvent("tool_call", index=1, id="call_1", name="f") != StreamEvent("end")


def test_short_tool_ids():
    made = {_tools._short_tool_id() for _ in range(100)}
    assert len(made) == 100 and all(len(id) == 9 and set(id) <= set(_tools._ALNUM) for id in made)
    assert len(_tools._ALNUM) == 62


def test_usage():
    assert _answer.usage_of(None) == {}
    assert _answer.usage_of({"prompt_tokens": 3}) == {"prompt_tokens": 3, "completion_tokens": 0, "total_tokens": 0}
    assert _answer.usage_of({"cached_tokens": 0})["cached_tokens"] == 0


def test_file_parts():
    assert FilePart("photo.jpg") == {"_file": "photo.jpg"}
    assert FilePart("photo", "image/png") == {"_file": "photo", "_type": "image/png"}
