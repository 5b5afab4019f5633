"""-o and --tools: what is sent of a value is said where somebody may have meant another one."""

import json

import pytest
from upstream.chunks import TEXT

STRINGS = ['{"a":1', "[1,", '["a"', '"open', "007", "01", "-01", "1.", ".5", "+1", "1,5", "1_000", "0x10", "1e", "True"]
STRINGS += ["FALSE", "None", "NULL", "nil", "NaN", "Infinity", "-Infinity", " {", "{a: 1}", "['a']", "2024-01-01"]


@pytest.mark.parametrize("value", STRINGS)
def test_what_looks_like_json_and_is_none(ask, upstream, value):
    ran = ask("ok", "-o", "key=" + value)
    assert ran.out == TEXT and upstream.requests[0].json["key"] == value
    assert ran.complaint == f'--option: key: sent as the string "{value}", as it is no JSON'
    assert ask("ok", "-q", "-o", "key=" + value).stderr == b""


PLAIN = ["me", "gpt-4o", "4o-mini", "low", "a{b}", "it's", "", "3 blind mice", "v1.0", '"a"', "7", "1e3", "[1]", "true"]


@pytest.mark.parametrize("value", PLAIN)
def test_other_values_are_sent_without_a_word(ask, value):
    assert ask("ok", "-o", "key=" + value).stderr == b""


def test_a_key_with_a_dot(ask, upstream):
    ran = ask("ok", "-o", "response_format.type=json_object")
    assert ran.out == TEXT and upstream.requests[0].json["response_format.type"] == "json_object"
    assert """-o 'response_format={"type": ...}'""" in ran.complaint


def test_a_value_that_may_be_a_key_is_not_shown(ask):
    ran = ask("ok", "-o", 'key={"token": "sk-0123456789abcdef0123')
    assert ran.out == TEXT and "sk-0123" not in ran.err


def tool(**function):
    return {"type": "function", "function": function}


GOOD = [[tool(name="f")], [tool(name="f", parameters={"type": "object"}), tool(name="g")], [{"type": "web_search"}]]
GOOD += [[{"type": "custom", "custom": {"name": "c"}}], [{"function": {"name": "f"}, "type": "function"}]]
BAD = [  # (tools, words)
    ([], "no tools in it"),
    ([1], "tool 1: it is no object"),
    (["f"], "tool 1: it is no object"),
    ([[tool(name="f")]], "tool 1: it is no object"),
    ([{}], 'tool 1: it has no "type"'),
    ([{"type": 1}], 'tool 1: it has no "type"'),
    ([{"function": {"name": "f"}}], 'tool 1: it has no "type"'),
    ([{"name": "f", "parameters": {}}], 'tool 1: its name stands outside of "function"'),
    ([{"type": "function", "name": "f"}], 'tool 1: its name stands outside of "function"'),
    ([{"name": "f", "input_schema": {}}], 'tool 1: its name stands outside of "function"'),
    ([tool(name="f"), {"type": "function"}], 'tool 2: it has no object "function"'),
    ([{"type": "function", "function": "f"}], 'tool 1: it has no object "function"'),
    ([tool(parameters={})], 'tool 1: its function has no "name"'),
    ([tool(name="")], 'tool 1: its function has no "name"'),
    ([tool(name=7)], 'tool 1: its function has no "name"'),
    (tool(name="f"), "a JSON array expected"),
]


@pytest.mark.parametrize("tools", GOOD)
def test_tools_that_are_some(ask, upstream, tmp_path, tools):
    (tmp_path / "t.json").write_text(json.dumps(tools))
    assert ask("ok", "--tools", tmp_path / "t.json").out == TEXT and upstream.requests[0].json["tools"] == tools


@pytest.mark.parametrize("tools, words", BAD)
def test_tools_that_are_none(ask, upstream, tmp_path, tools, words):
    (tmp_path / "t.json").write_text(json.dumps(tools))
    ran = ask("ok", "--tools", tmp_path / "t.json")
    assert ran.code == 2 and words in ran.complaint and upstream.connections == 0
