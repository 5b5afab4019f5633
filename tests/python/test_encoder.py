"""Encoder: one request, bodies for one deployment after another, files that somebody else reads, and every code."""

import json
import os
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

import _exochat
from bodies import CODES, aimed, body, serve, size, written

ASK = {"messages": [{"role": "user", "content": "hello"}]}
STREAM = {"stream": True, "stream_options": {"include_usage": True}}


def test_what_is_added_to_a_request():
    assert json.loads(body(ASK, model="m")) == {"model": "m", **ASK, **STREAM}
    assert body(ASK, as_is=True) == b'{"messages":[{"role":"user","content":"hello"}]}'
    assert json.loads(body({**ASK, "stream": True}, as_is=True)) == {**ASK, "stream": True}
    assert json.loads(body({**ASK, **STREAM}, as_is=True)) == {**ASK, **STREAM}
    assert body({}, as_is=True) == b"{}"
    head = {"stream": False, "tools": [], "tool_choice": "auto", "parallel_tool_calls": True, "stream_options": None}
    assert json.loads(body({**head, **ASK}, as_is=True)) == {**head, **ASK}


def test_drop_rename_and_extra_body():
    request = {**ASK, "max_tokens": 5, "temperature": 0.5, "model": "mine"}
    sent = json.loads(
        body(
            request,
            model="theirs",
            drop=["temperature", "stream_options"],
            rename={"max_tokens": "max_completion_tokens"},
            extra_body={"user": "u", "model": "not this", "max_completion_tokens": 1, "deep": {"a": [1]}},
        )
    )
    assert sent == {
        **ASK, "max_completion_tokens": 5, "model": "theirs", "user": "u", "deep": {"a": [1]}, "stream": True,
    }  # fmt: skip


def test_one_tape_for_each_deployment_in_turn():
    encoder = aimed(ASK, model="first", extra_body={"k": "a" * 3000})
    first = written(encoder)
    assert encoder.rewind() == 0
    assert written(encoder) == first
    for model in ("second", "third"):
        assert encoder.aim({"model": model}) == 0
        assert size(encoder) == 0
        assert json.loads(written(encoder)) == {"model": model, **ASK, **STREAM}


def test_the_keys_of_a_message_that_begin_with_a_line_are_not_sent():
    request = {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "_y": 1}], "_internal": [1, {}]}]}
    assert json.loads(body(request))["messages"] == [{"role": "user", "content": [{"type": "text", "text": "x", "_y": 1}]}]


def test_sizing_in_slices_and_the_order_of_calls():
    encoder = _exochat.Encoder({"messages": [{"content": "x" * 100_000}] * 10})
    for call in (lambda: encoder.size(1), encoder.total, lambda: encoder.write(bytearray(9)), lambda: encoder.read(9)):
        with pytest.raises(ValueError, match="comes first"):
            call()
    encoder.aim({})
    with pytest.raises(ValueError, match="comes first"):
        encoder.rewind()
    turns = 1
    while encoder.size(50_000) == 1:
        turns += 1
    assert turns >= 20
    assert encoder.total() == len(written(encoder))
    assert encoder.written() == encoder.total()
    assert encoder.done() and not encoder.spent()
    assert encoder.write(bytearray(10)) == 0
    encoder.close()
    for call in (encoder.files, encoder.total, lambda: encoder.aim({}), lambda: encoder.size(1)):
        with pytest.raises(ValueError, match="closed"):
            call()
    encoder.close()


def test_write_into_a_part_of_a_buffer():
    encoder = aimed(ASK)
    buffer = bytearray(b"#" * 20)
    assert encoder.write(buffer, 3, 9) == 6
    assert bytes(buffer) == b'###{"mess' + b"#" * 11
    assert encoder.write(memoryview(buffer), 18) == 2
    for start, end in ((-1, 5), (6, 5), (0, 21), (21, 21)):
        with pytest.raises(ValueError):
            encoder.write(buffer, start, end)
    with pytest.raises(BufferError):
        encoder.write(b"1234")


def test_read():
    encoder = aimed({"messages": [{"content": "x" * 1000}]})
    pieces = list(iter(lambda: encoder.read(300), b""))
    assert b"".join(pieces) == body({"messages": [{"content": "x" * 1000}]})
    assert [len(piece) for piece in pieces[:-1]] == [300] * (len(pieces) - 1)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"modle": "x"}, TypeError, "no such option: modle"),
        ({"model": 5}, TypeError, "model"),
        ({"drop": "x"}, TypeError, "drop"),
        ({"drop": [5]}, TypeError, "drop"),
        ({"rename": ["a"]}, TypeError, "rename"),
        ({"rename": {"a": 1}}, TypeError, "rename"),
        ({"as_is": 1}, TypeError, "as_is: bool"),
        ({"as_is": True, "model": "m"}, ValueError, "as_is"),
        ({"limits": {"depht": 1}}, TypeError, "depht"),
        ({"limits": {"depth": -1}}, ValueError, "depth"),
        ({"limits": {"depth": "1"}}, TypeError, "depth: int"),
        ({"limits": {"depth": 2**40}}, ValueError, "depth"),
        ([], TypeError, "dict"),
        ({1: 2}, TypeError, "name"),
        ({"model": "\ud800"}, UnicodeEncodeError, "surrogates"),
    ],
)
def test_options_that_are_wrong_are_named(options, error, words):
    with pytest.raises(error, match=words):
        _exochat.Encoder(ASK).aim(options)


@pytest.mark.parametrize(
    ("request_", "options", "code", "words"),
    [
        ({"a": 1}, {"rename": {"a": "b", "c": "b"}, "extra_body": {}}, 0, ""),
        ({"a": 1, "c": 2}, {"rename": {"a": "b", "c": "b"}}, "EXO_E_KEY_COLLISION", "c"),
        ({f"k{i}": i for i in range(70)}, {}, "EXO_E_KEYS_LIMIT", ""),
        ({"a": [[[1]]]}, {"limits": {"depth": 3}}, "EXO_E_DEPTH_LIMIT", "a"),
        ({"messages": [{"_content_file": "/nowhere"}]}, {}, "EXO_E_SOURCE_READ", "/nowhere"),
        ({"messages": [{"_content_file": 5}]}, {}, "EXO_E_REQUEST", "messages"),
        ({"messages": [{"content": [{"_file": "a\0b"}]}]}, {}, "EXO_E_REQUEST", "messages"),
        ({}, {"extra_body": {"messages": [{"_content_file": "/nowhere"}]}}, "EXO_E_FILE_REFUSED", ""),
    ],
)
def test_codes_of_sizing(request_, options, code, words):
    encoder = _exochat.Encoder(request_)
    assert encoder.aim(options) == 0
    assert size(encoder) == CODES.get(code, 0)
    assert words in encoder.message()
    if code:
        assert encoder.size(1) == CODES[code]


# ---- files

FILE = os.urandom(20_000).hex().encode()


def with_files(request, files, sizes=None, types=None):
    """(code, body) where each file that the request names is what `files` has for its path."""
    encoder = _exochat.Encoder(request)
    named = encoder.files()
    contents = []
    for index, (path, media_type) in enumerate(named):
        contents.append(files.get(path, b""))
        if path in files:
            known = (sizes or {}).get(path, len(files[path]))
            encoder.file(index, known, media_type or (types or {}).get(path, "text/plain"), PurePosixPath(path).name)
    assert encoder.aim({}) == 0
    code = size(encoder, files=contents)
    return (code, None) if code else (0, written(encoder, 1000, contents))


def test_files_are_named_in_order():
    encoder = _exochat.Encoder(
        {
            "messages": [
                {"_content_file": Path("/a"), "content": "inline"},
                {"content": [{"_file": "/b", "_type": "image/png"}, {"_type": "x/y", "_file": b"/c".decode()}, {"_type": "n"}]},
                {"_content_file": None},
                {"other": [{"_file": "/no"}], "content": {"_file": "/no"}},
                {"content": [{"_file": None}, {"x": {"_file": "/no"}}]},
            ],
            "tools": [{"_content_file": "/no"}],
        }
    )
    assert encoder.files() == [("/a", None), ("/b", "image/png"), ("/c", "x/y")]


def test_files_are_found_whatever_the_keys_are():
    """Keys that are words beside others and beside values, keys that the program has made anew, and many of them."""

    def anew(word):
        return "".join(list(word))

    more = {f"key{i}": "_file" for i in range(100)}
    for word in (str, anew):
        messages = [
            {"role": "content", word("_content_file"): f"/{i}", "name": "messages", **more,
             word("content"): [{"_type": "a/b", **more, word("_file"): f"/part{i}"}, {"name": "_type"}]}
            for i in range(50)
        ]  # fmt: skip
        encoder = _exochat.Encoder({"content": [{"_file": "/no"}], **more, word("messages"): messages})
        assert encoder.files() == [pair for i in range(50) for pair in ((f"/{i}", None), (f"/part{i}", "a/b"))]


def test_content_file_takes_the_place_of_content():
    request = {"messages": [{"role": "user", "content": "inline", "_content_file": "/f"}, {"_content_file": "/g"}]}
    code, sent = with_files(request, {"/f": FILE, "/g": b"\xff\xc3\xa9"}, {"/f": len(FILE), "/g": -1})
    assert code == 0
    assert json.loads(sent)["messages"] == [{"role": "user", "content": FILE.decode()}, {"content": "\ufffd\u00e9"}]


def test_inline_content_where_the_file_cannot_be_opened():
    request = {"messages": [{"role": "user", "content": "inline", "_content_file": "/gone"}]}
    assert json.loads(with_files(request, {})[1])["messages"] == [{"role": "user", "content": "inline"}]


def test_parts_of_files():
    request = {"messages": [{"content": [{"_file": "/p.png"}, {"_file": "/a.wav", "_type": "audio/wav"}, {"_file": "/t"}]}]}
    code, sent = with_files(request, {"/p.png": b"\0\1\2", "/a.wav": b"wave", "/t": b"text"}, None, {"/p.png": "image/png"})
    assert code == 0
    assert json.loads(sent)["messages"][0]["content"] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAEC"}},
        {"type": "input_audio", "input_audio": {"data": "d2F2ZQ==", "format": "wav"}},
        {"type": "text", "text": "text"},
    ]


def test_the_same_file_twice_and_many_files():
    request = {"messages": [{"_content_file": f"/{i % 3}"} for i in range(50)]}
    code, sent = with_files(request, {f"/{i}": b"%d" % i for i in range(3)})
    assert code == 0
    assert [message["content"] for message in json.loads(sent)["messages"]] == [str(i % 3) for i in range(50)]


def test_a_file_that_can_be_read_once_makes_a_body_of_unknown_length():
    encoder = _exochat.Encoder({"messages": [{"_content_file": "/pipe"}]})
    encoder.file(0, -2, "text/plain", "pipe")
    encoder.aim({})
    assert size(encoder, files=[b""]) == 0
    assert encoder.total() == -1
    assert not encoder.spent()
    assert json.loads(written(encoder, 100, [b"once"]))["messages"] == [{"content": "once"}]
    assert encoder.spent()
    assert encoder.rewind() == CODES["EXO_E_SOURCE_ONCE"]


def test_a_file_that_fails():
    for known in (-1, 10):
        encoder = _exochat.Encoder({"messages": [{"content": [{"_file": "/f.png"}]}]})
        encoder.file(0, known, "image/png", "f.png")
        encoder.aim({})
        while (code := encoder.size(100)) == 1:
            if encoder.want():
                encoder.fail(CODES["EXO_E_SOURCE_READ"])
        while code == 0:
            code = encoder.write(bytearray(20))
            if encoder.want():
                encoder.fail(CODES["EXO_E_SOURCE_READ"])
            code = min(code, 0)
        assert code == CODES["EXO_E_SOURCE_READ"]
        assert encoder.message() == "messages: /f.png"
    with pytest.raises(ValueError):
        encoder.fail(5)


@pytest.mark.parametrize("later", [b"", b"shorter", FILE + b"x", FILE[:-1] + b"?"])
def test_a_file_that_changes_ends_the_body(later):
    encoder = _exochat.Encoder({"messages": [{"_content_file": "/f"}]})
    encoder.file(0, -1, "text/plain", "f")
    encoder.aim({})
    assert size(encoder, files=[FILE]) == 0
    assert written(encoder, 100, [later]) == CODES["EXO_E_BODY_CHANGED"]


def test_wanting_begins_anew_with_the_body():
    encoder = _exochat.Encoder({"messages": [{"_content_file": "/f"}]})
    encoder.file(0, -1, "text/plain", "f")
    encoder.aim({})
    size(encoder, files=[FILE])
    whole = written(encoder, 500, [FILE])
    for stop_after in (0, 1, 3, 50):
        assert encoder.rewind() == 0
        for _ in range(stop_after):
            encoder.write(bytearray(300))
            serve(encoder, [FILE])
    assert encoder.rewind() == 0
    assert written(encoder, 700, [FILE]) == whole


@given(st.binary(max_size=3000), st.integers(1, 5000), st.integers(1, 5000), st.sampled_from(["text/plain", "image/png"]))
def test_a_file_comes_through_whatever_its_pieces(data, piece, window, media_type):
    encoder = _exochat.Encoder({"messages": [{"content": [{"_file": "/f"}]}]})
    encoder.file(0, len(data), media_type, "f")
    encoder.aim({})
    while encoder.size(window) == 1:
        serve(encoder, [data], piece)
    buffer = bytearray(window)
    sent = bytearray()
    while not encoder.done():
        sent += buffer[: encoder.write(buffer)]
        serve(encoder, [data], piece)
    assert len(sent) == encoder.total()
    part = json.loads(sent)["messages"][0]["content"][0]
    if media_type == "text/plain":
        assert part["text"] == data.decode("utf-8", "replace")
    else:
        import base64

        assert base64.b64decode(part["image_url"]["url"].partition(",")[2]) == data


def test_filling_without_being_asked_is_nothing():
    encoder = _exochat.Encoder(ASK)
    assert encoder.want() is None
    encoder.fill(b"x")
    with pytest.raises(ValueError):
        encoder.file(0, 1, "a/b", "x")
    with pytest.raises(TypeError):
        encoder.fill(5)
