"""tests/scenarios over MicroPython's sockets: what comes of each row, and that nothing is left of it."""

import sys

FOLDER = __file__.rpartition("/")[0] + "/../scenarios/"
sys.path.append(FOLDER)

import scenarios
from at import AT
from exoclaw_provider_openai import ContextWindowExceededError, Deployment, HTTPError, OpenAIStreamingProvider

SERVERS = "for_scenarios"
TOGETHER = 4
PATIENT = {"request_timeout": 600, "stream_ttft_timeout": 600, "connect_timeout": 600}
FIELDS = ("verdict", "status", "http_status", "message", "clock")


def provider_of(row, job):
    chain = row["chain"]
    call = dict(row.get("call", {}))
    names = [chain[0]] + [name if name != chain[0] else "second" for name in chain[1:]]
    ca = job.get("ca")
    deployments = {}
    for name, model in zip(names, chain):
        deployments[name] = Deployment(job["base_url"], "k", model=model, ca=ca)
    first = dict(row.get("first", {}))
    deployments[chain[0]] = Deployment(job["first_url"], "k", ca=ca, **first)
    lists = "context_fallbacks" if call.pop("context_fallbacks", False) else "fallbacks"
    call.pop("restart", None)
    call[lists] = {chain[0]: names[1:]}
    call.update(PATIENT)
    return OpenAIStreamingProvider(chain[0], deployments, **call)


async def ask(provider, row, messages, shown):
    if not row.get("shown"):
        return await provider.chat(messages)
    if row.get("call", {}).get("restart"):
        stream = provider.stream(messages, restart=True)
        async for one in stream:
            shown.append("|" if one.type == "restart" else one.text if one.type == "content" else "")
        return stream.response

    async def on_delta(text):
        shown.append(text)

    return await provider.chat(messages, on_delta=on_delta)


def answer_of(response, said):
    answer = {
        "text": response.content or "",
        "finish_reason": response.finish_reason,
        "reasoning": response.reasoning_content or "",
        "refusal": response.refusal,
        "calls": [[call.id, call.name, call.arguments] for call in response.tool_calls],
    }
    if said.get("finish_reason", "") is None and answer["finish_reason"] == "stop":
        answer["finish_reason"] = None
    return answer


async def play(row, job):
    messages = [{"role": "user", "content": "x" * (row.get("upload", 0) * 1000) or "hello"}]
    answer = failure = None
    shown = []
    provider = provider_of(row, job)
    if row.get("twice"):
        await ask(provider, row, messages, [])
    try:
        response = await ask(provider, row, messages, shown)
        attempts = response.attempts
        answer = answer_of(response, row.get("answer") or {})
    except (HTTPError, ContextWindowExceededError) as error:
        attempts = error.attempts
        failure = {"code": error.code}
        for name in FIELDS:
            failure[name] = getattr(error.failure, name)
    await provider.close()
    trail = [attempt["code"] for attempt in attempts]
    problem = scenarios.wrong(row, trail, answer, failure, "".join(shown))
    assert not problem, (problem, attempts)


def table():
    for row in scenarios.load(FOLDER + "scenarios.json"):
        row = scenarios.seen_by("micropython", row)
        if not isinstance(row, str):
            yield row["name"], lambda row=row: play(row, AT[row["name"]])
