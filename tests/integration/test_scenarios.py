"""The scenarios of tests/scenarios over the command: the same rows run over every face."""

import json
import sys

import pytest
from command import ROOT
from upstream import Upstream

sys.path.append(str(ROOT / "tests" / "scenarios"))
import scenarios  # noqa: E402

ROWS = scenarios.load(ROOT / "tests" / "scenarios" / "scenarios.json")
PATIENT = 600  # seconds


def test_names_are_distinct_and_rows_are_whole():
    assert len({row["name"] for row in ROWS}) == len(ROWS)
    keys = {"name", "chain", "says", "first", "call", "upload", "endpoint", "twice", "shown"}
    keys |= {"trail", "answer", "failure", "shows", "sees"}
    for row in ROWS:
        assert set(row) <= keys and ("answer" in row) != ("failure" in row), row["name"]
        assert ("shows" in row) <= ("shown" in row), row["name"]
        assert (row["trail"][-1] is None) == ("answer" in row), row["name"]


@pytest.fixture
def elsewhere(closed_port, full_port, certificates):
    """elsewhere(endpoint): the base_url of the first deployment, where it is not the scripted server."""
    with Upstream(tls=certificates.server()) as server:
        yield {
            "closed": f"http://127.0.0.1:{closed_port}/v1",
            "deaf": f"http://127.0.0.1:{full_port}/v1",
            "unresolvable": "http://nowhere.invalid/v1",
            "tls": server.base_url,
        }.get


def config_of(row, write_config, base_url):
    call, chain = dict(row.get("call", {})), row["chain"]
    models = {name: {} for name in chain}
    first = {"base_url": base_url, "model": chain[0], **row.get("first", {})}
    lists = "context_fallbacks" if call.pop("context_fallbacks", False) else "fallbacks"
    first[lists] = chain[1:]
    first["retries"] = call.pop("retries", None)
    if chain[0] in chain[1:]:  # the same behaviour elsewhere: under another name
        first[lists] = ["second"]
        models["second"] = {"model": chain[0]}
    return write_config({**models, chain[0]: {name: value for name, value in first.items() if value}}, **call)


def what_came(ran):
    """(answer, failure, shows) of --json or --events."""
    events = ran.events if ran.events[0].get("type") else []
    end = next((event for event in events if event["type"] == "end"), None) or ran.json
    error = end["error"]
    shows = "".join("|" if event["type"] == "restart" else event.get("text", "") for event in events
                    if event["type"] in ("text", "restart"))
    answer = None if error else {
        "text": shows.rpartition("|")[2] if events else end["text"],
        "finish_reason": end["finish_reason"],
        "reasoning": end.get("reasoning"),
        "refusal": end.get("refusal"),
        "calls": [[call["id"], call["name"], call["arguments"]] for call in end.get("tool_calls") or []
                  if call["arguments"] is not None],
    }
    return answer, error, shows


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_the_command(exochat, upstream, write_config, elsewhere, row):
    row = scenarios.seen_by("command", row)
    if isinstance(row, str):
        pytest.skip(row)
    base_url = elsewhere(row.get("endpoint")) or upstream.url_for(row["chain"][0])
    scenarios.teach(upstream, row)
    config = config_of(row, write_config, base_url)
    options = ["--events" if row.get("shown") else "--json"]
    prompt = "x" * (row.get("upload", 0) * 1000) or "hello"
    messages = config.parent / "messages.json"
    messages.write_text(json.dumps([{"role": "user", "content": prompt}]), encoding="utf-8")
    ran = exochat("--config", config, "-m", row["chain"][0], *options, "--messages", messages)
    attempts = ran.events[-1]["attempts"] if row.get("shown") else ran.json["attempts"]
    answer, failure, shows = what_came(ran)
    assert not scenarios.wrong(row, [attempt["code"] for attempt in attempts], answer, failure, shows), ran
