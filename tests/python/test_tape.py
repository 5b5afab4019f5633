"""The tape of a request: what it takes, what it refuses and where, and that nothing changes it afterwards."""

import collections
import enum
import gc
import json
import math
import sys
import tracemalloc
import types
from collections.abc import Mapping
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

import _exochat
from bodies import aimed, body, size, written

def sent(value):
    """`value` as a receiver reads it."""
    return json.loads(body({"x": value}, as_is=True))["x"]


KEYS = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | KEYS,
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner) | st.lists(inner).map(tuple),
    max_leaves=40,
)


def plain(value):
    """Tuples are lists to JSON."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


@given(VALUES, st.integers(1, 300))
def test_any_value_comes_through(value, window):
    assert json.loads(body({"x": value}, window, as_is=True))["x"] == plain(value)


@given(st.lists(st.dictionaries(KEYS | st.sampled_from(["_id", "_", "role", "content"]), VALUES)), st.integers(1, 300))
def test_keys_of_messages_that_begin_with_a_line_are_left_out_and_no_others(messages, window):
    kept = [{key: item for key, item in message.items() if not key.startswith("_")} for message in messages]
    assert json.loads(body({"messages": messages, "x": messages}, window)) == {
        "messages": plain(kept), "x": plain(messages), "stream": True, "stream_options": {"include_usage": True}}


@pytest.mark.parametrize("count", [1, 60, 500, 3000])
def test_lists_that_are_too_long_to_be_passed_over_at_once(count):
    message = {"role": "user", "content": ["\u00e9" * 1100, *range(count)], "_last": 1}
    found = json.loads(body({"messages": [message] * 3}))["messages"]
    assert found == [{"role": "user", "content": message["content"]}] * 3


@given(st.text())
def test_a_lone_surrogate_is_one_replacement_character(text):
    assert sent(text) == "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)


@pytest.mark.parametrize("length", [1, 1023, 1024, 1025, 2047, 2048, 2049, 5000])
@pytest.mark.parametrize("pattern", ["a", "\u00e9", "\u20ac", "\U0001f600", "a\u00e9\u20ac\U0001f600\n\"", "\ud800a"])
def test_texts_of_any_width_around_the_size_of_a_piece(length, pattern):
    text = (pattern * length)[:length]
    assert sent(text) == text.replace("\ud800", "\ufffd")
    assert list(sent({text: 1})) == [text.replace("\ud800", "\ufffd")]


@given(st.lists(st.text(min_size=900, max_size=1200), max_size=3), st.integers(1, 64))
def test_the_body_is_the_same_at_every_window(texts, window):
    request = {"messages": [{"role": "user", "content": text} for text in texts]}
    assert body(request, window) == body(request)


def test_numbers_as_json_writes_them():
    numbers = [0, -1, 2**63 - 1, -(2**63), 2**63, 10**300, 0.1, 1e16, 1e-7, -0.0, 1.5e300, 5e-324, True, False, None]
    assert body({"x": numbers}, as_is=True).decode() == json.dumps({"x": numbers}, separators=(",", ":"))


class Level(enum.IntEnum):
    HIGH = 7


class Colour(str, enum.Enum):
    RED = "red"


class LoudInt(int):
    def __repr__(self):
        raise AssertionError("user code runs in the number")

    __str__ = __index__ = __int__ = __repr__


class LoudStr(str):
    def isascii(self):
        raise AssertionError("user code runs in the text")

    __str__ = __repr__ = encode = isascii


class Ratio(float):
    def __repr__(self):
        raise AssertionError("user code runs in the number")


def test_subclasses_count_as_what_they_extend():
    assert sent([Level.HIGH, Colour.RED, LoudInt(5), LoudInt(10**30), LoudStr("a"), LoudStr("\u00e9"), Ratio(0.5)]) == [
        7, "red", 5, 10**30, "a", "\u00e9", 0.5,
    ]  # fmt: skip
    assert sent({LoudStr("k"): 1, Level.HIGH: 2}) == {"k": 1, "7": 2}
    assert sent(collections.OrderedDict(a=1)) == {"a": 1}
    assert sent(collections.namedtuple("Pair", "a b")(1, 2)) == [1, 2]


class Lazy(Mapping):
    """A mapping that is no dict, and does something while it is asked."""

    def __init__(self, data, then=lambda: None):
        self.data = data
        self.then = then

    def __getitem__(self, key):
        self.then()
        return self.data[key]

    def __iter__(self):
        return iter(self.data)

    def __len__(self):
        return len(self.data)


def test_mappings_of_all_kinds():
    assert sent(Lazy({"a": 1, "\u00e9": Lazy({})})) == {"a": 1, "\u00e9": {}}
    assert sent(types.MappingProxyType({"a": 1})) == {"a": 1}
    assert sent(collections.UserDict({"a": 1})) == {"a": 1}
    assert sent(collections.ChainMap({"a": 1}, {"b": 2})) == {"a": 1, "b": 2}


def test_keys_that_are_no_strings():
    value = {2: "a", -5: 0, 10**20: 0, 1.5: "b", False: "c", None: "d", "s": "e", "\u00e9": "f", "\ud800": "g"}
    names = ["2", "-5", "100000000000000000000", "1.5", "false", "null", "s", "\u00e9", "\ufffd"]
    assert sent(value) == dict(zip(names, value.values()))


@pytest.mark.parametrize(
    "value",
    [
        {1: "a", "1": "b"},
        {"1": "a", 1: "b"},
        {True: "a", "true": "b"},
        {None: "a", "null": "b"},
        {0.5: "a", "0.5": "b"},
        {"\ud800": "a", "\ud801": "b"},
        {"\ufffd": "a", "\ud801": "b"},
        Lazy({1: "a", "1": "b"}),
        {"deep": [{"k": 1}], 1: "a", "1": "b"},
    ],
)
def test_keys_that_come_to_the_same_are_refused(value):
    with pytest.raises(ValueError, match=r"^x\.y\[1\]: the key \".*\" comes twice$"):
        _exochat.Encoder({"x": {"y": [0, value]}})


def test_a_dict_that_changes_while_it_is_read_sends_no_key_twice():
    value = {}

    def again():
        del value["a"]
        value["a"] = 5

    value["a"] = Lazy({"k": 1}, again)
    with pytest.raises(RuntimeError, match="^x: a dict was changed while it was read$"):
        _exochat.Encoder({"x": value})


def test_a_key_may_be_the_same_as_one_of_another_object():
    value = {1: {"1": [{"a": 1}, {"a": 2}]}, "a": {"1": 0}}
    assert sent(value) == {"1": {"1": [{"a": 1}, {"a": 2}]}, "a": {"1": 0}}


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (math.nan, ValueError, "NaN or infinity"),
        (-math.inf, ValueError, "NaN or infinity"),
        (b"bytes", TypeError, "of type bytes, which JSON does not have"),
        (object(), TypeError, "of type object, which JSON does not have"),
        ({1, 2}, TypeError, "of type set, which JSON does not have"),
        (1j, TypeError, "of type complex"),
        ({b"k": 1}, TypeError, "a key is of type bytes"),
        ({(1,): 1}, TypeError, "a key is of type tuple"),
        ({math.inf: 1}, ValueError, "a key is a number"),
    ],
)
def test_what_json_does_not_have_is_refused_with_its_place(value, error, words):
    for request, place in (
        ({"messages": [{}, {}, {"role": "user", "content": value}]}, "messages[2].content"),
        ({"tools": [{"f": {"\u00e9": (0, value)}}]}, "tools[0].f.\u00e9[1]"),
        ({"n": Lazy({"m": value})}, "n.m"),
    ):
        with pytest.raises(error) as raised:
            _exochat.Encoder(request)
        assert str(raised.value).startswith(place + ": ")
        assert words in str(raised.value)
    with pytest.raises(error, match=r"^extra_body\.k: "):
        _exochat.Encoder({}).aim({"extra_body": {"k": value}})


def test_depth():
    def nested(levels):
        value = 0
        for _ in range(levels):
            value = [value]
        return {"a": value}

    assert json.loads(body(nested(63), as_is=True)) == nested(63)
    with pytest.raises(ValueError, match=r"^a\[0\].*: nested deeper than 64 levels$"):
        _exochat.Encoder(nested(64))
    endless = []
    endless.append({"again": endless})
    with pytest.raises(ValueError, match="nested deeper than 64 levels"):
        _exochat.Encoder({"a": endless})


def test_a_request_is_a_mapping():
    for value in (None, [], "x", 1, [("a", 1)]):
        with pytest.raises(TypeError):
            _exochat.Encoder(value)


class Stop(BaseException):
    pass


@pytest.mark.parametrize("error", [KeyError("gone"), RuntimeError("no"), Stop(), KeyboardInterrupt()])
def test_what_a_mapping_raises_goes_through(error):
    def fail():
        raise error

    with pytest.raises(type(error)) as raised:
        _exochat.Encoder({"a": [1, Lazy({"k": 1}, fail)]})
    assert raised.value is error


def test_items_that_are_no_pairs():
    class Odd(dict):
        def items(self):
            return [(1, 2, 3)]

    with pytest.raises(TypeError, match="no pair"):
        _exochat.Encoder({"a": Odd(a=1)})


def test_code_that_changes_what_is_built():
    """While a mapping is asked, the lists and dicts around it are emptied and refilled: nothing is read that is gone."""
    around = {"a": [1, None, *(f"text {i}" for i in range(3))], "b": 2}

    def spoil():
        around["a"].clear()
        around.pop("b", None)
        for i in range(100):
            around[f"k{i}"] = i
        gc.collect()

    around["a"][1] = Lazy({"x": 1}, spoil)
    assert json.loads(body({"v": around}, as_is=True))["v"]["a"] == [1, {"x": 1}]


def test_what_changes_later_does_not_reach_the_body():
    messages = [{"role": "user", "content": "one"}, {"role": "user", "content": "two " * 1000}]
    encoder = aimed({"messages": messages, "stop": ["x"]})
    before = written(encoder)
    messages[0]["content"] = "other"
    messages[1].clear()
    del messages[:]
    gc.collect()
    assert encoder.rewind() == 0
    assert written(encoder) == before
    assert encoder.aim({"model": "m"}) == 0
    assert size(encoder) == 0
    assert json.loads(written(encoder))["messages"][0]["content"] == "one"


def test_a_tape_takes_8_bytes_a_token_and_copies_no_text():
    text = "x" * 10_000_000
    wide = "\u20ac" * 1_000_000
    messages = [{"role": "user", "content": text}, {"role": "user", "content": wide}] * 5000
    request = {"messages": messages}
    gc.collect()
    tracemalloc.start()
    encoder = _exochat.Encoder(request)
    size_now, _ = tracemalloc.get_traced_memory()
    encoder.aim({})
    tracemalloc.reset_peak()
    for _ in range(50):
        encoder.size(1 << 18)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    values = 2 * len(messages)
    assert size_now < 25 * values + 50_000
    assert peak < 25 * values + 300_000


def test_a_text_that_is_not_ascii_is_never_kept_in_its_str():
    text = "\u20ac" * 100_000
    before = sys.getsizeof(text)
    assert sent(text) == text
    assert sys.getsizeof(text) == before


def references(objects):
    return [sys.getrefcount(item) for item in objects]


def test_references_are_given_back():
    objects = ["text-" + "x" * 50, "\u00e9" * 50, "\u00e9" * 5000, 10**30, 123456789, 1.2345, "key-" + "y" * 20, "k\u00e9y"]
    before = references(objects)
    for _ in range(20):
        encoder = _exochat.Encoder(
            {objects[6]: objects[:6], objects[7]: 1, "messages": [{"_content_file": PurePosixPath("/a/b")}]}
        )
        encoder.aim({"extra_body": {"e": objects[:6]}, "drop": [objects[6]], "rename": {objects[7]: "z"}})
        encoder.size(100)
        for bad in (object(), math.nan):
            with pytest.raises((TypeError, ValueError)):
                _exochat.Encoder({"a": [*objects, {objects[6]: bad}]})
            with pytest.raises((TypeError, ValueError)):
                encoder.aim({"extra_body": {"e": [*objects, bad]}})
        with pytest.raises(ValueError):
            _exochat.Encoder({"a": {1: objects, "1": objects}})
    del encoder
    gc.collect()
    assert references(objects) == before
