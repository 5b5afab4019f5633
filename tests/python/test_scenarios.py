"""The scenarios of tests/scenarios, and the streams of tests/streams, over the faces of the Python package."""

import contextlib
import json
import sys

import pytest

from conftest import PATIENCE, ROOT
from exoclaw_provider_openai import ContextWindowExceededError, Deployment, HTTPError, OpenAIStreamingProvider
from upstream import Upstream
from upstream.tls import Certificates

sys.path.append(str(ROOT / "tests" / "scenarios"))
import scenarios  # noqa: E402

ROWS = scenarios.load(ROOT / "tests" / "scenarios" / "scenarios.json")
STREAMS = json.loads((ROOT / "tests" / "streams" / "expected.json").read_text(encoding="utf-8"))
KEY = "sk-scenario-0123456789"
FACES = ("libcurl", "httpx", "exoclaw")
PATIENT = {"request_timeout": PATIENCE, "stream_ttft_timeout": PATIENCE, "connect_timeout": PATIENCE}


@pytest.fixture(params=FACES)
def face(request):
    if request.param == "libcurl" and not hasattr(pytest.importorskip("_exochat"), "Client"):
        pytest.skip("_exochat has no Client")
    if request.param != "libcurl":
        pytest.importorskip("httpx")
    if request.param == "exoclaw":
        pytest.importorskip("exoclaw.http")
    return request.param


class Client:
    """The injected client of a face, closed in the end; None for our own."""

    def __init__(self, face):
        self.face = face
        self.own = None

    async def __aenter__(self):
        if self.face == "libcurl":
            return None
        import httpx

        self.own = httpx.AsyncClient()
        if self.face == "httpx":
            return self.own
        from exoclaw.http import from_httpx

        return from_httpx(self.own)

    async def __aexit__(self, *_):
        if self.own is not None:
            await self.own.aclose()


@pytest.fixture
def elsewhere(tmp_path_factory):
    """elsewhere(endpoint): the base_url of the first deployment, where it is not the scripted server."""
    import socket

    certificates = Certificates(tmp_path_factory.mktemp("certificates"))
    with contextlib.ExitStack() as stack:
        taken, full, *waiting = (stack.enter_context(socket.socket()) for _ in range(4))
        server = stack.enter_context(Upstream(tls=certificates.server()))
        taken.bind(("127.0.0.1", 0))
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        yield {
            "closed": f"http://127.0.0.1:{taken.getsockname()[1]}/v1",
            "deaf": f"http://127.0.0.1:{full.getsockname()[1]}/v1",
            "unresolvable": "http://nowhere.invalid/v1",
            "tls": server.base_url,
        }.get


def provider_of(row, upstream, base_url, client):
    chain, call = row["chain"], dict(row.get("call", {}))
    names = [chain[0], *(name if name != chain[0] else "second" for name in chain[1:])]
    deployments = {name: Deployment(upstream.base_url, KEY, model=model) for name, model in zip(names, chain)}
    deployments[chain[0]] = Deployment(base_url, KEY, **row.get("first", {}))
    lists = "context_fallbacks" if call.pop("context_fallbacks", False) else "fallbacks"
    call.pop("restart", None)
    return OpenAIStreamingProvider(
        chain[0], deployments, client=client, **{lists: {chain[0]: names[1:]}}, **PATIENT, **call
    )


async def ask(provider, row, messages):
    """(response, what was shown)."""
    if not row.get("shown"):
        return await provider.chat(messages), ""
    shown = []
    if row.get("call", {}).get("restart"):
        async with provider.stream(messages, restart=True) as stream:
            async for one in stream:
                shown.append("|" if one.type == "restart" else one.text if one.type == "content" else "")
        return stream.response, "".join(shown)

    async def on_delta(text):
        shown.append(text)

    try:
        return await provider.chat(messages, on_delta=on_delta), "".join(shown)
    except (HTTPError, ContextWindowExceededError) as error:
        error.shown = "".join(shown)
        raise


def answer_of(response, said):
    answer = {
        "text": response.content or "",
        "finish_reason": response.finish_reason,
        "reasoning": response.reasoning_content or "",
        "refusal": response.refusal,
        "calls": [[call.id, call.name, call.arguments] for call in response.tool_calls],
    }
    if said.get("finish_reason", "") is None and answer["finish_reason"] == "stop":
        answer["finish_reason"] = None  # exoclaw's class has no word for it
    return answer


FIELDS = ("verdict", "status", "http_status", "message", "clock")


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
async def test_a_row(face, upstream, elsewhere, plain_environment, row):
    row = scenarios.seen_by(face, row)
    if isinstance(row, str):
        pytest.skip(row)
    scenarios.teach(upstream, row)
    base_url = elsewhere(row.get("endpoint")) or upstream.url_for(row["chain"][0])
    messages = [{"role": "user", "content": "x" * (row.get("upload", 0) * 1000) or "hello"}]
    answer = failure = None
    async with Client(face) as client, provider_of(row, upstream, base_url, client) as provider:
        if row.get("twice"):
            await ask(provider, row, messages)
        try:
            response, shows = await ask(provider, row, messages)
            attempts = response.attempts
            answer = answer_of(response, row.get("answer") or {})
        except (HTTPError, ContextWindowExceededError) as error:
            attempts, shows = error.attempts, getattr(error, "shown", "")
            failure = {"code": error.code, **{name: getattr(error.failure, name) for name in FIELDS}}
    trail = [attempt["code"] for attempt in attempts]
    assert not scenarios.wrong(row, trail, answer, failure, shows), attempts
    assert all((one["verdict"] is None) == (one["code"] is None) and one["end_ms"] >= 0 for one in attempts)


# What a client makes of a stream that gives lines of text, not bytes: it has split a string at U+2028, which is refused
# and never guessed at; and what a gzip member has stored uncompressed is text to it.
LINES = {
    "framing-line-separators.sse": {"error": {"code": "EXO_E_MALFORMED"}},
    "framing-unlabelled-gzip.sse": {"error": None, "text": "The tide turns at noon.", "finish_reason": "stop"},
}


@pytest.mark.parametrize("name", STREAMS)
async def test_a_stream(face, upstream, plain_environment, name):
    expected = {**STREAMS[name], **(LINES.get(name, {}) if face == "exoclaw" else {})}
    deployment = Deployment(upstream.base_url, KEY, **expected.get("options", {}))
    model = "file:" + name.removesuffix(".sse")
    async with Client(face) as client:
        provider = OpenAIStreamingProvider(model, {model: deployment}, client=client, **PATIENT)
        try:
            response, error = await provider.chat([{"role": "user", "content": "hello"}]), None
        except (HTTPError, ContextWindowExceededError) as raised:
            response, error = None, raised
        await provider.close()
    if expected["error"]:
        assert error is not None, response
        assert error.code == expected["error"]["code"]
        assert expected["error"].get("message", error.failure.message) == error.failure.message
        assert expected["error"].get("message_contains", "") in error.failure.message
        return
    assert error is None, error
    assert (response.content or "") == (expected["text"] or expected.get("refusal") or "")
    assert (response.reasoning_content or "") == expected["reasoning"]
    assert response.refusal == expected.get("refusal")
    if expected["finish_reason"]:
        assert response.finish_reason == expected["finish_reason"]
    calls = [(call.name, call.arguments) for call in response.tool_calls]
    assert calls == [(call["name"], json.loads(call["arguments"])) for call in expected["tool_calls"]]
    ids = [call["id"] for call in expected["tool_calls"]]
    assert all(not id or id == call.id for id, call in zip(ids, response.tool_calls))
    assert bool(response.usage) == bool(expected["usage"])
