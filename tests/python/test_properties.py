"""hypothesis: any object that JSON can hold comes back as it was, and no chunking of an answer changes what is made of it."""

import asyncio
import json

import pytest

hypothesis = pytest.importorskip("hypothesis")
from hypothesis import given, settings, strategies as st  # noqa: E402

from clients import KINDS, Script  # noqa: E402
from conftest import ROOT  # noqa: E402
from exoclaw_provider_openai import Deployment, OpenAIStreamingProvider, StreamEvent  # noqa: E402
from exoclaw_provider_openai.provider import _stream_body  # noqa: E402

pytestmark = pytest.mark.skipif(KINDS["httpx"] is None, reason="httpx is not installed")
settings.register_profile("package", deadline=None, max_examples=150)
settings.load_profile("package")

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=40)


def mended(value):
    """The value with each half of a surrogate pair replaced, as it is sent."""
    if isinstance(value, str):
        return "".join("\ufffd" if 0xD800 <= ord(one) < 0xE000 else one for one in value)
    if isinstance(value, list):
        return [mended(one) for one in value]
    if isinstance(value, dict):
        return {mended(key): mended(one) for key, one in value.items()}
    return value


def same(one, other):
    """Equality that tells 1 from 1.0 and True."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return one == other


@given(values)
def test_any_value_comes_back(value):
    async def sent():
        return b"".join([piece async for piece in _stream_body({}, [{"role": "user", "content": [value]}])])

    assert same(json.loads(asyncio.run(sent()))["messages"][0]["content"][0], mended(value))


@given(st.dictionaries(st.text(min_size=1).filter(lambda key: not key.startswith("_")), values))
def test_any_message_comes_back(message):
    async def sent():
        return b"".join([piece async for piece in _stream_body({}, [message])])

    body = json.loads(asyncio.run(sent()))
    assert same(body["messages"][0], mended(message))


STREAMS = sorted((ROOT / "tests" / "streams").glob("*.sse"))
SMALL = [path for path in STREAMS if path.stat().st_size < 8000]


def outcome(pieces, stream):
    """What comes of a stream in these pieces: events and answer, or the failure."""
    script = Script(pieces)
    provider = OpenAIStreamingProvider("m", {"m": Deployment("http://h/v1", "key-of-a-test")}, client=KINDS["httpx"](script))

    async def run():
        events = []
        try:
            if not stream:
                response = await provider.chat([{"role": "user", "content": "hi"}])
                calls = [(call.name, call.arguments) for call in response.tool_calls]
                return response.content, response.reasoning_content, response.finish_reason, response.usage, calls
            async for one in provider.stream([{"role": "user", "content": "hi"}]):
                assert isinstance(one, StreamEvent)
                events.append((one.type, one.choice, one.text, one.index, one.name, one.finish_reason, one.replace))
        except Exception as error:
            return events, type(error).__name__, str(error)
        return events

    return asyncio.run(run())


@given(st.sampled_from(SMALL), st.lists(st.integers(0, 8000), max_size=20), st.booleans())
def test_no_chunking_changes_what_is_made_of_a_stream(path, cuts, stream):
    data = path.read_bytes()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[begin:end] for begin, end in zip(edges, edges[1:])]
    assert outcome(pieces, stream) == outcome([data], stream)
