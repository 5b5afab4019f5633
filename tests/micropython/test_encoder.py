"""Encoder: what Python holds → what JSON says, whatever the window; files through the mailbox; what may not be sent."""

import json

import _exochat
from said import CODES, MICROPYTHON, body, raises, sized, written

VALUES = [
    None,
    True,
    False,
    0,
    -1,
    2**31,
    -(2**31),
    2**62,
    2**64,
    -(2**63),
    10**40,
    0.5,
    -2.25,
    1e30,
    "",
    "plain",
    'quotes " and \\ and / and \n\r\t\x00\x1f\x7f',
    "\u00e4\u20ac\U0001f600\u2028",
    [],
    {},
    [[[[]]]],
    {"a": {"b": [1, {"c": None}]}},
    (1, "two"),
    {"\u00e4": "key", "": 0},
]

ASK = {"messages": [{"role": "user", "content": "hello"}], "model": "m"}


def same(sent, read):
    if isinstance(sent, float):
        return abs(sent - read) <= abs(sent) / 1000000
    return json.loads(json.dumps(sent)) == read


def test_values_come_back():
    for value in VALUES:
        for window in (1, 7, 1000):
            read = json.loads(body({"value": value, "messages": []}, None, window))
            assert same(value, read["value"]), (value, read)
            assert read["stream"] is True
            assert read["stream_options"] == {"include_usage": True}


def test_all_values_at_once_at_every_window():
    request = {"messages": [{"role": "user", "content": VALUES[:21]}], "extra": VALUES}
    whole = body(request)
    for window in (1, 2, 3, 5, 64, len(whole), len(whole) + 1):
        assert body(request, None, window) == whole


def test_floats_read_back():
    if float("1e40") == float("inf"):
        return  # this board's floats are short, and its float() is not exact
    for number in (0.1, 0.7, 1 / 3, 1e-7, 123456.789, 0.1 + 0.2, 1e22):
        text = body({"t": number, "messages": []}).decode()
        text = text[text.index('"t":') + 4 :].split(",")[0].split("}")[0]
        assert float(text) == number, (text, number)


def test_keys_become_strings():
    read = json.loads(body({"messages": [], "k": {1: "a", True: "b", None: "c"} if 1 != True else {2: "a", True: "b", None: "c"}}))
    assert read["k"] == {"2": "a", "true": "b", "null": "c"}


def test_keys_that_are_the_same_are_refused():
    words = raises(ValueError, _exochat.Encoder, {"messages": [{"role": "user", "x": {1: 0, "1": 0}}]})
    assert "messages[0].x" in words, words
    raises(ValueError, _exochat.Encoder, {"k": {None: 1, "null": 2}})


def test_what_json_has_no_type_for():
    for value in (b"bytes", {1, 2}, object(), 1j if hasattr(1, "imag") else object(), lambda: 0):
        words = raises(TypeError, _exochat.Encoder, {"messages": [{"role": "user"}, {"content": [0, value]}]})
        assert words.startswith("messages[1].content[1]"), words
    raises(TypeError, _exochat.Encoder, [])
    raises(TypeError, _exochat.Encoder, None)
    raises(TypeError, _exochat.Encoder, {"k": {b"bytes": 1}})


def test_numbers_that_are_none():
    for number in (float("nan"), float("inf"), float("-inf")):
        words = raises(ValueError, _exochat.Encoder, {"a": [{"temperature": number}]})
        assert "a[0].temperature" in words, words


def test_depth():
    nested = []
    for _ in range(62):
        nested = [nested]
    _exochat.Encoder({"k": nested})
    words = raises(ValueError, _exochat.Encoder, {"k": [nested]})
    assert words.startswith("k[0][0]"), words
    loop = []
    loop.append(loop)
    raises(ValueError, _exochat.Encoder, {"k": loop})


def test_subclasses_of_what_json_has():
    class Text(str):
        pass

    class Items(list):
        pass

    class Pairs(dict):
        pass

    pairs = Pairs()
    pairs["a"] = Items([1, 2])
    assert json.loads(body({"k": pairs, "t": Text("x"), "messages": []}))["k"] == {"a": [1, 2]}


def test_options_of_a_deployment():
    request = {"messages": [], "max_tokens": 5, "seed": 1, "model": "mine"}
    options = {
        "model": "theirs",
        "drop": ["seed"],
        "rename": {"max_tokens": "max_completion_tokens"},
        "extra_body": {"user": "u", "model": "not this", "nested": {"a": [1, 2.5]}},
        "limits": {"keys": 20},
    }
    read = json.loads(body(request, options))
    assert read == {
        "messages": [],
        "max_completion_tokens": 5,
        "model": "theirs",
        "user": "u",
        "nested": {"a": [1, 2.5]},
        "stream": True,
        "stream_options": {"include_usage": True},
    }, read
    assert "no_such" in raises(TypeError, sized, request, {"no_such": 1})
    raises(TypeError, sized, request, {"model": 1})
    raises(TypeError, sized, request, {"drop": [1]})
    raises(TypeError, sized, request, {"rename": {"a": 1}})
    raises(TypeError, sized, request, 5)
    raises(ValueError, sized, request, {"limits": {"keys": -1}})
    raises(TypeError, sized, request, {"limits": {"keys": "many"}})


def test_aimed_anew():
    encoder = sized(ASK, {"model": "a", "extra_body": {"x": 1}})
    first = written(encoder, 100)
    assert encoder.rewind() == 0
    assert written(encoder, 1) == first
    assert encoder.aim({"model": "b"}) == 0
    assert encoder.size(100000) == 0
    assert json.loads(written(encoder, 50))["model"] == "b"
    encoder.close()
    raises(ValueError, encoder.size, 1)


def test_as_it_is():
    for head in ({"messages": []}, {"a": 1, "messages": []}, {"messages": [{"role": "user", "content": "x", "_y": 1}]}):
        read = json.loads(body(head, {"as_is": True}))
        assert "stream" not in read and "model" not in read
    assert body({"messages": []}, {"as_is": True}) == b'{"messages":[]}'
    head = {"stream": False, "tools": [], "tool_choice": "auto", "stream_options": None, "messages": []}
    assert json.loads(body(head, {"as_is": True})) == head


def test_order_of_calls():
    encoder = _exochat.Encoder(ASK)
    raises(ValueError, encoder.size, 10)
    raises(ValueError, encoder.write, bytearray(10))
    raises(ValueError, encoder.total)
    raises(ValueError, encoder.rewind)
    encoder.aim({})
    raises(ValueError, encoder.write, bytearray(10))
    assert encoder.written() == 0 and not encoder.spent() and not encoder.done()
    while encoder.size(1) == 1:
        pass
    raises(TypeError if MICROPYTHON else BufferError, encoder.write, b"read-only")
    raises(ValueError, encoder.write, bytearray(10), 5, 4)
    raises(ValueError, encoder.write, bytearray(10), 11)
    raises(ValueError, encoder.write, bytearray(10), 0, 11)


def test_a_window_in_the_middle_of_a_buffer():
    encoder = sized(ASK)
    buffer = bytearray(b"." * 20)
    size = encoder.write(buffer, 5, 12)
    assert size == 7 and bytes(buffer[:5]) == b"....." and bytes(buffer[12:]) == b"........" and buffer[5:6] == b"{"


def test_codes_of_the_core():
    encoder = _exochat.Encoder({"messages": [], "a": 1, "b": 2})
    encoder.aim({"rename": {"a": "b"}})
    assert encoder.size(100000) in (CODES["EXO_E_KEY_COLLISION"], CODES["EXO_E_DUPLICATE_KEY"])
    assert encoder.message() in ("a", "b")
    encoder.aim({"limits": {"keys": 1}})
    assert encoder.size(100000) == CODES["EXO_E_KEYS_LIMIT"]


def test_changes_do_not_reach_the_body():
    """In every place where a body can stand still, everything is changed; what is sent is what was given."""
    whole = body(mutable())
    for at in range(1, len(whole), 3):
        request = mutable()
        encoder = sized(request)
        sent = bytearray(len(whole) + 1)
        assert encoder.write(sent, 0, at) == at
        request["messages"].append({"role": "user"})
        request["messages"][0]["content"] = "another"
        request["messages"][0]["new"] = 1
        request["messages"][1]["content"].clear() if hasattr(list, "clear") else None
        request.clear()
        collect()
        assert encoder.write(sent, at) == len(whole) - at
        assert bytes(sent[: len(whole)]) == whole


def mutable():
    parts = [{"type": "text", "text": "t%d" % number} for number in range(3)]
    return {"model": "m", "messages": [{"role": "user", "content": "c" * 20}, {"role": "user", "content": parts}], "n": [1, 2]}


def collect():
    import gc

    gc.collect()


# --- files


FILE = {"messages": [{"role": "user", "content": "inline", "_content_file": "a.txt"}]}


def size(encoder):
    """Sizes until a file is wanted, or to the end."""
    code = 1
    while code == 1 and encoder.want() is None:
        code = encoder.size(1000)
    return code


def drive(encoder, data, piece=4096, window=64):
    """Sizes and writes while files are filled in from `data`: index → bytes."""
    body = b""
    buffer = bytearray(window)

    def serve():
        want = encoder.want()
        if want is not None:
            index, offset = want
            encoder.fill(data[index][offset : offset + piece])

    code = 1
    while code == 1:
        code = encoder.size(1000)
        serve()
    assert code == 0, (code, encoder.message())
    while not encoder.done():
        size = encoder.write(buffer)
        assert size >= 0, size
        body += bytes(buffer[:size])
        serve()
    return body


def test_a_file_takes_the_place_of_the_content():
    for size in (0, 1, 511, 512, 513, 4096, 10000):
        text = ('x"\n\u00e4' * (size // 4 + 1))[:size].encode()
        for piece in (1 if size < 1000 else 100, 4096):
            encoder = _exochat.Encoder(FILE)
            assert encoder.files() == [("a.txt", None)]
            encoder.file(0, len(text), "text/plain", "a.txt")
            encoder.aim({})
            read = json.loads(drive(encoder, [text], piece))
            expected = text.decode("utf-8", "replace") if size % 5 else None
            if expected is not None and "\ufffd" not in expected:
                assert read["messages"] == [{"role": "user", "content": expected}], (size, piece)


def test_a_file_that_is_not_there():
    assert json.loads(body(FILE))["messages"] == [{"role": "user", "content": "inline"}]
    encoder = _exochat.Encoder({"messages": [{"role": "user", "_content_file": "b"}]})
    encoder.aim({})
    assert size(encoder) == CODES["EXO_E_SOURCE_READ"]


def test_parts_that_are_files():
    from binascii import a2b_base64

    request = {"messages": [{"role": "user", "content": [{"_file": "p.png"}, {"_file": "n.txt", "_type": "text/plain"}]}]}
    encoder = _exochat.Encoder(request)
    assert encoder.files() == [("p.png", None), ("n.txt", "text/plain")]
    picture = bytes(bytearray(range(256))) * 5
    encoder.file(0, len(picture), "image/png", "p.png")
    encoder.file(1, -1, "text/plain", "n.txt")
    encoder.aim({})
    parts = json.loads(drive(encoder, [picture, b"notes"], 100))["messages"][0]["content"]
    url = parts[0]["image_url"]["url"]
    assert url.startswith("data:image/png;base64,") and a2b_base64(url[22:]) == picture
    assert parts[1] == {"type": "text", "text": "notes"}


def test_a_file_is_named_once():
    part = {"_file": "same.png"}
    encoder = _exochat.Encoder({"messages": [{"role": "user", "content": [part, part, {"_file": "other"}]}]})
    if MICROPYTHON:
        assert [name for name, _ in encoder.files()] == ["same.png", "other"]
    raises(ValueError, encoder.file, len(encoder.files()), 1, "a/b", "c")
    raises(ValueError, encoder.file, -1, 1, "a/b", "c")
    raises(TypeError, encoder.file, 0, 1, None, "c")


def test_files_that_fail():
    for code in ("EXO_E_SOURCE_READ", "EXO_E_BODY_CHANGED"):
        encoder = _exochat.Encoder(FILE)
        encoder.file(0, 100, "text/plain", "a.txt")
        encoder.aim({})
        assert size(encoder) == 1 and encoder.want() == (0, 0)
        encoder.fail(CODES[code])
        assert encoder.want() is None
        assert encoder.size(1000) == CODES[code]


def test_a_file_that_is_another_the_second_time():
    encoder = _exochat.Encoder(FILE)
    encoder.file(0, 5, "text/plain", "a.txt")
    encoder.aim({})
    code = 1
    while code == 1:
        code = encoder.size(1000)
        want = encoder.want()
        if want:
            encoder.fill(b"first"[want[1] :])
    assert code == 0
    buffer = bytearray(1000)
    while code >= 0 and not encoder.done():
        code = encoder.write(buffer)
        want = encoder.want()
        if want:
            encoder.fill(b"other"[want[1] :])
    assert code == CODES["EXO_E_BODY_CHANGED"] and not encoder.done(), code


def test_a_source_that_can_be_read_once():
    encoder = _exochat.Encoder(FILE)
    encoder.file(0, -2, "text/plain", "a.txt")
    encoder.aim({})
    assert size(encoder) == 0 and encoder.total() == -1 and not encoder.spent()
    made = drive(encoder, [b"once"])
    assert json.loads(made)["messages"][0]["content"] == "once"
    assert encoder.spent() and encoder.rewind() == CODES["EXO_E_SOURCE_ONCE"]


def test_a_buffer_that_is_resized_while_it_is_held():
    encoder = _exochat.Encoder(FILE)
    encoder.file(0, 100, "text/plain", "a.txt")
    encoder.aim({})
    assert size(encoder) == 1
    data = bytearray(b"x" * 60)
    encoder.fill(data)
    try:
        data.extend(b"y" * 5000)
    except BufferError:  # CPython locks it, or has copied it
        return
    collect()
    try:
        encoder.size(1000)
    except ValueError:
        pass
